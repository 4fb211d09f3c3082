"""Whole models without gradients: eager, channels-last for images, and compiled with frozen weights."""
import torch

import models
from passes import forward


def decode(model, pasts, count):
    index = torch.zeros(1, 1, dtype=torch.long)
    for _ in range(count):
        logits, pasts = model(index, pasts)
        index = logits.argmax(-1)
    return index


def resnet50(args):
    return models.resnet50(), (torch.randn(args["B"], 3, 224, 224),)


def bert(_):
    return models.bert(), (torch.randn(1, 128, 768),)


def prefill(_):
    return models.gpt2(), (torch.zeros(1, 128, dtype=torch.long),)


MODELS = {"resnet50": resnet50, "bert": bert, "gpt2 prefill": prefill}


def infer(args):
    if args["model"] == "gpt2 decode":
        def start():
            model = models.gpt2().eval()
            pasts = [tuple(torch.randn(1, 12, 64, 64) for _ in range(2)) for _ in range(12)]
            return forward(lambda: decode(model, pasts, 16))

        return start

    def load(layout=None, compiled=False):
        torch.compiler.reset()  # forgets what was compiled before: the compiled variant is a row's last
        model, inputs = MODELS[args["model"]](args)
        model.eval()
        if layout:
            model, inputs = model.to(memory_format=layout), [x.contiguous(memory_format=layout) for x in inputs]
        if compiled:
            torch._inductor.config.freezing = True  # constants are folded and weights packed ahead
            model = torch.compile(model)
        return forward(lambda: model(*inputs))

    made = {"": load}
    if args["model"] == "resnet50":
        made["-nhwc"] = lambda: load(torch.channels_last)
    made["-compile"] = lambda: load(compiled=True)
    return made


ROWS = {"infer": infer}

"""Whole training steps with fused optimizers: eager, channels-last where there are images, and compiled."""
import re

import torch
import torch.nn.functional as F

import models


def images(batch, channels, size):
    return lambda: (torch.randn(batch, channels, size, size), torch.randint(0, 10, (batch,)))


def text(batch, length, vocabulary):
    return lambda: (torch.randint(0, vocabulary, (batch, length)), torch.randint(0, vocabulary, (batch * length,)))


def vectors(detail):
    batch = int(re.search(r"B(\d+)", detail).group(1))
    return torch.randn(batch, 784), torch.randint(0, 10, (batch,))


MODELS = {
    "mlp": (models.mlp, None),
    "lenet5": (models.lenet5, images(64, 1, 28)),
    "resnet18": (models.resnet18, images(64, 3, 32)),
    "char-lstm": (models.CharLSTM, text(32, 64, 65)),
    "gpt": (lambda: models.GPT(6, 384, 6, 256, 65), text(8, 256, 65)),
}


def step(args):
    build, data = MODELS[args["model"]]

    def start(layout=None, compiled=False):
        torch.compiler.reset()
        model = build().train()
        x, y = data() if data else vectors(args["detail"])
        if layout:
            model, x = model.to(memory_format=layout), x.contiguous(memory_format=layout)
        optimizer = getattr(torch.optim, args["optimizer"])(model.parameters(), lr=1e-3, fused=True)

        def loss():
            logits = model(x)
            return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), y)

        objective = torch.compile(loss) if compiled else loss

        def run():
            optimizer.zero_grad(set_to_none=True)
            objective().backward()
            optimizer.step()

        return run

    made = {"": start}
    if args["model"] in ("lenet5", "resnet18"):
        made["-nhwc"] = lambda: start(torch.channels_last)
    made["-compile"] = lambda: start(compiled=True)
    return made


ROWS = {"train step": step}

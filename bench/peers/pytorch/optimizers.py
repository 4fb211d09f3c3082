"""Optimizer steps: the default form and the fused one."""
import torch

KINDS = {"adam": (torch.optim.Adam, {}), "adamw": (torch.optim.AdamW, {}), "sgd-momentum": (torch.optim.SGD, {"momentum": 0.9})}
TOTAL = 10_000_000


def step(args):
    def start(**form):
        kind, options = KINDS[args["optimizer"]]
        count = args["tensors"]
        parameters = [torch.nn.Parameter(torch.randn(TOTAL // count)) for _ in range(count)]
        for parameter in parameters:
            parameter.grad = torch.randn_like(parameter)
        return kind(parameters, lr=1e-3, **options, **form).step

    return {"": start, "-fused": lambda: start(fused=True)}


ROWS = {"optimizer step": step}

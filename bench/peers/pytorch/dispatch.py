"""What an op costs when its kernel has nothing to do."""
import torch
import torch.nn as nn

from passes import forward


def tiny_mlp():
    return nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))


def chain(a, b):
    def run():
        x = a
        for _ in range(100):
            x = x + b

    return run


def make(args):
    task = args["task"]

    def start():
        a, b = torch.randn(16), torch.randn(16)
        if task == "add 16 no-grad":
            return lambda: a + b
        if task == "add 16 recorded":
            a.requires_grad_()
            return lambda: a + b
        if task == "100 chained adds 16 no-grad":
            return chain(a, b)
        model, x = tiny_mlp(), torch.randn(4, 16)
        if task.endswith("fwd"):
            return forward(lambda: model(x))
        # The fused form is the slower one for so few elements.
        optimizer = torch.optim.Adam(model.parameters()) if task.endswith("Adam") else None

        def step():
            for parameter in model.parameters():
                parameter.grad = None
            model(x).sum().backward()
            if optimizer:
                optimizer.step()

        return step

    return start


ROWS = {"dispatch": make}

"""Softmax, norms and cross-entropy."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from passes import passed

LAYERS = {"layernorm": lambda: nn.LayerNorm(768), "rmsnorm": lambda: nn.RMSNorm(768),
          "batchnorm2d": lambda: nn.BatchNorm2d(64)}


def norm(kind):
    def start(args):
        layer = LAYERS[kind]().train(args["isTraining"])
        x = torch.randn(*args["shape"])
        made = {"": lambda: passed(args["pass"], [x, *layer.parameters()], lambda: layer(x))}
        if x.dim() == 4:
            last = x.contiguous(memory_format=torch.channels_last)
            made["-nhwc"] = lambda: passed(args["pass"], [last, *layer.parameters()], lambda: layer(last))
        return made

    return start


def softmax(args):
    def start():
        x = torch.randn(*args["shape"])
        return passed(args["pass"], [x], lambda: F.softmax(x, args["dim"]))

    return start


def cross_entropy(args):
    def start():
        x, y = torch.randn(args["N"], args["C"]), torch.randint(0, args["C"], (args["N"],))
        return passed(args["pass"], [x], lambda: F.cross_entropy(x, y))

    return start


ROWS = {"softmax": softmax, "softmax fwd+bwd": softmax}
for name in ("fwd", "fwd+bwd"):
    ROWS["cross_entropy " + name] = cross_entropy
    for kind in LAYERS:
        ROWS["%s %s" % (kind, name)] = norm(kind)

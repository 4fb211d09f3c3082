"""Convolutions, in PyTorch's default layout and channels-last."""
import torch
import torch.nn.functional as F

from passes import forward, forward_backward

LAST = {2: torch.channels_last, 3: torch.channels_last_3d}


def operands(args, layout):
    size, kernel, groups = args["size"], args["kernel"], args["groups"]
    channels, outputs = args["C"], args["O"]
    shape = (channels, outputs // groups) if args["transposed"] else (outputs, channels // groups)
    x = torch.randn(args["B"], channels, *size).contiguous(memory_format=layout)
    w = torch.randn(*shape, *kernel).contiguous(memory_format=layout)
    b = torch.zeros(outputs)
    name = "conv_transpose%dd" if args["transposed"] else "conv%dd"
    function = getattr(F, name % len(size))
    options = {key: args[key] for key in ("stride", "padding", "dilation", "groups")}
    return x, w, b, lambda: function(x, w, b, **options)


def layouts(start):
    """A row's variants: one for each layout that the number of dimensions has."""

    def make(args):
        last = LAST.get(len(args["size"]))
        made = {"": lambda: start(args, torch.contiguous_format)}
        if last:
            made["-nhwc"] = lambda: start(args, last)
        return made

    return make


def fwd(args, layout):
    *_, run = operands(args, layout)
    return forward(run)


def both(args, layout):
    x, w, b, run = operands(args, layout)
    return forward_backward([x, w, b], run)


def gradient(which):
    def start(args, layout):
        operand = operands(args, layout)
        wanted = operand[which].requires_grad_()
        y = operand[3]()
        dy = torch.randn_like(y)
        return lambda: torch.autograd.grad(y, wanted, dy, retain_graph=True)

    return start


ROWS = {"conv2d bwd-data": layouts(gradient(0)), "conv2d bwd-weight": layouts(gradient(1))}
for kind in ("conv", "conv_transpose"):
    for dims in (1, 2, 3):
        ROWS["%s%dd fwd" % (kind, dims)] = layouts(fwd)
        ROWS["%s%dd fwd+bwd" % (kind, dims)] = layouts(both)

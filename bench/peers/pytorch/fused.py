"""Calls that neurite computes in one pass: one op after the other, and compiled into one."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from passes import forward, passed

LAYERS = {"add+layernorm": nn.LayerNorm, "add+rmsnorm": nn.RMSNorm}
UNITS = {"swiglu": F.silu, "geglu": F.gelu}


def both(work):
    """Eager and compiled; `work(args)` gives the leaves and a function of them."""

    def make(args):
        def start(compiled):
            torch.compiler.reset()
            leaves, run = work(args)
            return passed(args["pass"], leaves, torch.compile(run) if compiled else run)

        return {"": lambda: start(False), "-compile": lambda: start(True)}

    return make


def add_norm(kind):
    def work(args):
        layer = LAYERS[kind](768)
        x, residual = torch.randn(*args["shape"]), torch.randn(*args["shape"])

        def run():
            total = x + residual
            return layer(total), total

        return [x, residual, *layer.parameters()], run

    return both(work)


def gated(kind):
    def work(args):
        x = torch.randn(*args["shape"])

        def run():
            gate, up = x.chunk(2, -1)
            return UNITS[kind](gate) * up

        return [x], run

    return both(work)


def linear(activation, residual):
    def make(args):
        def start(compiled):
            torch.compiler.reset()
            layer, x = nn.Linear(args["K"], args["N"]).eval(), torch.randn(args["M"], args["K"])
            addend = torch.randn(args["M"], args["N"])

            def run():
                y = activation(layer(x)) if activation else layer(x)
                return y + addend if residual else y

            return forward(torch.compile(run) if compiled else run)

        return {"": lambda: start(False), "-compile": lambda: start(True)}

    return make


ROWS = {"linear+gelu": linear(F.gelu, False), "linear+residual": linear(None, True)}
for name in ("fwd", "fwd+bwd"):
    ROWS.update({"%s %s" % (kind, name): add_norm(kind) for kind in LAYERS})
    ROWS.update({"%s %s" % (kind, name): gated(kind) for kind in UNITS})

"""LSTM and GRU over whole sequences; sequences of several lengths are packed."""
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from passes import forward


def make(name):
    def start(args):
        layer = getattr(torch.nn, args["kind"])(args["I"], args["H"], args["L"], batch_first=True,
                                                bidirectional=args["bidirectional"])
        x = torch.randn(args["B"], args["T"], args["I"])
        if args["lengths"]:
            def run():
                return layer(pack_padded_sequence(x, args["lengths"], batch_first=True))[0].data
        else:
            def run():
                return layer(x)[0]
        if name == "fwd":
            return forward(run)
        x.requires_grad_()
        dy = torch.randn_like(run())

        def step():
            x.grad = None
            for parameter in layer.parameters():
                parameter.grad = None
            run().backward(dy)

        return step

    return lambda args: lambda: start(args)


ROWS = {"%s %s" % (kind, name): make(name) for kind in ("lstm", "gru") for name in ("fwd", "fwd+bwd")}

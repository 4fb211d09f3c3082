"""Elementwise ops, reductions, copies and pooling."""
import torch
import torch.nn.functional as F

from passes import forward, forward_backward, passed

UNARY = {"relu": torch.relu, "gelu": F.gelu, "silu": F.silu, "exp": torch.exp, "tanh": torch.tanh,
         "sigmoid": torch.sigmoid, "erf": torch.erf, "dropout": lambda x: F.dropout(x, 0.1, True)}
REDUCTIONS = {"sum": torch.sum, "max": torch.amax, "argmax": torch.argmax}
POOLS = {"maxpool": F.max_pool2d, "avgpool": F.avg_pool2d}


def unary(args):
    def start():
        x = torch.randn(*args["shape"])
        function = UNARY[args["op"]]
        if args["form"] == "tanh":
            return forward(lambda: F.gelu(x, approximate="tanh"))
        return passed(args["pass"], [x], lambda: function(x))

    return start


def add(args):
    def start():
        x, y = torch.randn(*args["shape"]), torch.randn(*args["other"])
        return forward(lambda: x + y)

    return start


def reduction(args):
    def start():
        x, dim, function = torch.randn(*args["shape"]), args["dim"], REDUCTIONS[args["op"]]
        return forward((lambda: function(x)) if dim is None else (lambda: function(x, dim)))

    return start


def sort(args):
    def start():
        x = torch.randn(*args["shape"])
        return forward(lambda: torch.sort(x, args["dim"]))

    return start


def topk(args):
    def start():
        x = torch.randn(*args["shape"])
        return forward(lambda: torch.topk(x, args["k"], args["dim"]))

    return start


def transpose(args):
    def start():
        x = torch.randn(*args["shape"]).permute(args["dims"])
        return forward(lambda: x.contiguous())

    return start


def copy(args):
    def start():
        x = torch.randn(*args["shape"])
        return forward(lambda: x.clone())

    return start


def embedding(name):
    def make(args):
        def start():
            table = torch.nn.Embedding(args["V"], args["D"])
            index = torch.randint(0, args["V"], (args["B"], args["T"]))
            if name == "fwd":
                return forward(lambda: table(index))
            return forward_backward([table.weight], lambda: table(index))

        return start

    return make


def pooling(args):
    pool = POOLS[args["op"]]

    def start(layout):
        x = torch.randn(*args["shape"]).contiguous(memory_format=layout)
        return passed(args["pass"], [x], lambda: pool(x, args["kernel"], args["stride"], args["padding"]))

    return {"": lambda: start(torch.contiguous_format), "-nhwc": lambda: start(torch.channels_last)}


ROWS = {"elt add": add, "limit copy": copy, "sort": sort, "topk": topk, "transpose": transpose}
ROWS.update({"elt " + op: unary for op in UNARY})
ROWS.update({op + " fwd+bwd": unary for op in UNARY})
ROWS.update({op: reduction for op in REDUCTIONS})
for name in ("fwd", "fwd+bwd"):
    ROWS["embedding " + name] = embedding(name)
    ROWS.update({"%s2d %s" % (op, name): pooling for op in POOLS})

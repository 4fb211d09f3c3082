"""Matrix products."""
import torch

from passes import forward


def matmul(dtype=None):
    def make(args):
        def start():
            m, n, k, layout = args["M"], args["N"], args["K"], args["layout"]
            a = torch.randn(k, m, dtype=dtype).t() if layout[0] == "T" else torch.randn(m, k, dtype=dtype)
            b = torch.randn(n, k, dtype=dtype).t() if layout[1] == "T" else torch.randn(k, n, dtype=dtype)
            y = torch.empty(m, n, dtype=dtype)
            return forward(lambda: torch.mm(a, b, out=y))

        return start

    return make


def bmm(args):
    def start():
        a = torch.randn(args["B"], args["M"], args["K"])
        b = torch.randn(args["B"], args["K"], args["N"])
        return forward(lambda: torch.bmm(a, b))

    return start


def linear(args):
    def start():
        layer, x = torch.nn.Linear(args["K"], args["N"]).eval(), torch.randn(args["M"], args["K"])
        return forward(lambda: layer(x))

    return start


ROWS = {"sgemm": matmul(torch.float32), "dgemm": matmul(torch.float64), "bmm": bmm, "linear": linear,
        "gemm": matmul(), "limit matmul": matmul()}

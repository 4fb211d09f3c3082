"""Scaled dot-product attention: PyTorch's fused one, and matmul, softmax, matmul, whichever is the faster for a row."""
import torch
import torch.nn.functional as F

from passes import passed


def operands(args):
    q = torch.randn(args["B"], args["H"], args["T"], args["D"])
    k, v = (torch.randn(args["B"], args["KV"], args["S"], args["D"]) for _ in range(2))
    mask = torch.randn(args["T"], args["S"]) if args["kind"] == "masked" else None
    return q, k, v, mask


def make(name):
    def variants(args):
        causal = args["kind"] == "causal"
        grouped = args["H"] != args["KV"]

        def fused():
            q, k, v, mask = operands(args)
            run = lambda: F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, enable_gqa=grouped)
            return passed(name, [q, k, v], run)

        def explicit():
            q, k, v, mask = operands(args)
            if causal:
                mask = torch.full((args["T"], args["S"]), float("-inf")).triu(1)

            def run():
                keys, values = (t.repeat_interleave(args["H"] // args["KV"], 1) if grouped else t for t in (k, v))
                scores = (q * args["D"] ** -0.5) @ keys.transpose(-2, -1)
                return F.softmax(scores if mask is None else scores + mask, -1) @ values

            return passed(name, [q, k, v], run)

        return {"": fused, "-explicit": explicit}

    return variants


ROWS = {"attention " + name: make(name) for name in ("fwd", "fwd+bwd")}

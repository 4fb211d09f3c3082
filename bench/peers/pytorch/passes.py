"""What rows time: the forward pass without gradients, or forward and backward."""
import torch


def variants(make, args):
    """The makers of a row by suffix; a row with one way to compute it may return that alone."""
    made = make(args)
    return made.items() if isinstance(made, dict) else [("", made)]


def forward(run):
    """`run` without gradients."""

    def timed():
        with torch.inference_mode():
            return run()

    return timed


def first(result):
    return result[0] if isinstance(result, tuple) else result


def forward_backward(leaves, run):
    """`run`, then backward from a random gradient into `leaves`, which start without one."""
    for leaf in leaves:
        leaf.requires_grad_()
    dy = torch.randn_like(first(run()))

    def step():
        for leaf in leaves:
            leaf.grad = None
        first(run()).backward(dy)

    return step


def passed(name, leaves, run):
    """The function to time for the pass that the bench's name ends with."""
    return forward_backward(leaves, run) if name == "fwd+bwd" else forward(run)

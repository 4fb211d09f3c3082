"""PyTorch's side of the benchmark: answers the runner's requests, one JSON line each (see bench/sides.mjs)."""
import json
import os
import re
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
print(json.dumps({"version": torch.__version__ + "/" + torch.backends.cpu.get_cpu_capability()}), flush=True)


def mlp():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))


def tiny_mlp():
    return nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))


def sgemm(params):
    m, n, k, layout = re.fullmatch(r"M(\d+) N(\d+) K(\d+) (\w\w)", params).groups()
    m, n, k = int(m), int(n), int(k)
    a = torch.randn(k, m).t() if layout[0] == "T" else torch.randn(m, k)
    b = torch.randn(n, k).t() if layout[1] == "T" else torch.randn(k, n)
    c = torch.empty(m, n)
    return lambda: torch.mm(a, b, out=c)


def bmm(params):
    batch, m, n, k = map(int, re.fullmatch(r"B(\d+) M(\d+) N(\d+) K(\d+)", params).groups())
    a, b = torch.randn(batch, m, k), torch.randn(batch, k, n)
    return lambda: torch.bmm(a, b)


def training(params):
    build, shape = (lenet5, (64, 1, 28, 28)) if params.startswith("lenet5") else (mlp, None)
    if shape is None:
        shape = (int(re.search(r" B(\d+)", params).group(1)), 784)
    model = build().train()
    make = torch.optim.SGD if params.endswith("SGD") else torch.optim.Adam
    optimizer = make(model.parameters(), lr=1e-3)
    x, y = torch.randn(*shape), torch.randint(0, 10, (shape[0],))

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(model(x), y).backward()
        optimizer.step()

    return step


def dispatch(params):
    a, b = torch.randn(16), torch.randn(16)
    if params == "add 16 no-grad":
        return lambda: a + b
    if params == "add 16 recorded":
        c = torch.randn(16, requires_grad=True)
        return lambda: c + b
    if params == "100 chained adds 16 no-grad":
        def chain():
            x = a
            for _ in range(100):
                x = x + b
        return chain
    model, x = tiny_mlp(), torch.randn(4, 16)
    if params.endswith("fwd"):
        return lambda: model(x)
    optimizer = torch.optim.Adam(model.parameters()) if params.endswith("Adam") else None

    def step():
        for q in model.parameters():
            q.grad = None
        model(x).sum().backward()
        if optimizer:
            optimizer.step()

    return step


ROWS = {"sgemm": sgemm, "bmm": bmm, "train step": training, "dispatch": dispatch}


def measure(run, seconds):
    def sample(count):
        started = time.perf_counter()
        for _ in range(count):
            run()
        return (time.perf_counter() - started) * 1e3 / count

    one = sample(1)
    end = time.perf_counter() + 0.1
    while time.perf_counter() < end:
        one = min(one, sample(1))
    inner = max(1, int(0.2 / one) + 1)
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        times.append(sample(inner))
    times.sort()
    return {"median_ms": times[len(times) // 2], "min_ms": times[0], "n": len(times)}


for line in sys.stdin:
    request = json.loads(line)
    make = ROWS.get(request["bench"])
    torch.manual_seed(0)
    result = measure(make(request["params"]), request["seconds"]) if make else None
    print(json.dumps(result), flush=True)

"""PyTorch's side of the benchmark: answers the runner's requests, one line of JSON each (see bench/serve.mjs)."""
import json
import math
import os
import sys
import time

import torch

import attention
import conv
import dispatch
import fused
import inference
import norms
import optimizers
import pointwise
import products
import recurrent
import training
from passes import variants

# Each gives for a bench's name the function that makes its row: args to {suffix of the peer's name: maker}.
ROWS = {}
for part in (attention, conv, dispatch, fused, inference, norms, optimizers, pointwise, products, recurrent, training):
    ROWS.update(part.ROWS)


# "cuda", or the CPU also where the other side is emulated.
DEVICE = "cuda" if os.environ["NEURITE_BENCH_DEVICE"].startswith("cuda") and torch.cuda.is_available() else "cpu"
synchronize = torch.cuda.synchronize if DEVICE == "cuda" else lambda: None


class Variant:
    """A way to compute a row: made ready and run once, then timed as often as asked."""

    def __init__(self, suffix, make):
        self.peer = "torch" + suffix
        self.inner = 1
        self.best = 0
        self.error = None
        try:
            self.run = make()
            self.run()
            synchronize()
        except Exception as error:
            self.error = (str(error).splitlines() or [type(error).__name__])[0]

    def result(self, seconds):
        if self.error:
            return {"peer": self.peer, "error": self.error}
        times = []
        end = time.perf_counter() + seconds
        while not times or time.perf_counter() < end:
            started = time.perf_counter()
            for _ in range(self.inner):
                self.run()
            synchronize()
            sample = (time.perf_counter() - started) * 1e3
            if sample >= 5:
                times.append(sample / self.inner)
            else:
                self.inner = math.ceil(self.inner * min(100, 7.5 / sample))
        times.sort()
        self.best = times[0]
        return {"peer": self.peer, "median_ms": times[len(times) // 2], "min_ms": times[0], "n": len(times)}


def main():
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    # What compilers print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch.set_default_device(DEVICE)
    chip = torch.cuda.get_device_name() if DEVICE == "cuda" else torch.backends.cpu.get_cpu_capability()
    print(json.dumps({"version": torch.__version__ + "/" + chip}), file=answers, flush=True)
    row, current = None, []
    for line in sys.stdin:
        request = json.loads(line)
        key = request["bench"], request["params"]
        if key != row:
            row, current = key, []
            torch.manual_seed(0)
            torch.set_default_dtype(getattr(torch, request["args"].get("dtype", "float32")))
            torch.set_float32_matmul_precision(request["args"].get("precision", "highest"))
            make = ROWS.get(request["bench"])
            current = [Variant(suffix, maker) for suffix, maker in variants(make, request["args"])] if make else []
        limit = request.get("limit", math.inf)
        results = [v.result(request["seconds"]) for v in current if v.best <= limit]
        print(json.dumps(results), file=answers, flush=True)


main()

"""Base, batch 1: python -m bench.model.crude [preset] [batch] [rounds]. Soon to be replaced."""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from contextlib import ExitStack

import numpy as np

from bench.model.contender import Setup
from bench.model.process import Process
from bench.model.products import Clip, forward_flops, forward_products
from worker.model.presets import PRESETS

preset = PRESETS[sys.argv[1] if len(sys.argv) > 1 else "base"]
batch = int(sys.argv[2]) if len(sys.argv) > 2 else 1
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
clip = Clip()
samples = defaultdict(lambda: defaultdict(list))
with ExitStack() as stack:
    kinds = ("ours", "transformers", "tensorflow-products", "torch-products")
    all_ = {
        (kind, precision): stack.enter_context(Process(kind, Setup(preset, clip, precision, 2)))
        for precision in ("float32", "bfloat16")
        for kind in kinds
    }
    for p in all_.values():
        p.ask("prepare", batch=batch)
    for precision in ("float32", "bfloat16"):
        outs = []
        for kind in kinds[:2]:
            all_[kind, precision].ask("outputs", batch=1, path=f"/tmp/bench_{kind}.npz")
            outs.append(np.load(f"/tmp/bench_{kind}.npz"))
        for name in ("tokens", "logits"):
            print(precision, name, np.abs(outs[0][name] - outs[1][name]).max(), np.abs(outs[0][name]).max())
    order = list(all_)
    for r in range(rounds):
        order = order[1:] + order[:1]
        for key in order:
            for name, s in all_[key].ask("sample", batch=batch).items():
                samples[key][name].append(s)
flops = forward_flops(preset, clip, batch)
for precision in ("float32", "bfloat16"):
    med = {kind: {n: statistics.median(s) for n, s in samples[kind, precision].items()} for kind in kinds}
    total = 0
    for p in forward_products(preset, clip, batch):
        ways = {
            f"{lib[:5]}/{w}": med[lib][f"{p.name}/{w}"] for lib in kinds[2:] for w in ("plain", "transposed")
        }
        best = min(ways.values())
        total += best * p.count
        print(
            f"  {precision} {p.name:10} best {best * p.count * 1e3:7.1f} ms {p.flops / best / 1e9:6.0f} GF/s ",
            {k: f"{p.flops / v / 1e9:.0f}" for k, v in ways.items()},
        )
    tf_only = sum(
        p.count * min(med["tensorflow-products"][f"{p.name}/{w}"] for w in ("plain", "transposed"))
        for p in forward_products(preset, clip, batch)
    )
    ours, theirs = med["ours"]["forward"], med["transformers"]["forward"]
    print(
        f"{preset.name} {precision} batch {batch}: ours {ours:.3f}, transformers {theirs:.3f}, ratio {ours / theirs:.2f};"
        f" ceiling {total:.3f} s ({flops / total / 1e9:.0f} GFLOP/s), share {total / ours:.2f};"
        f" TF alone {tf_only:.3f} s, share {tf_only / ours:.2f}"
    )

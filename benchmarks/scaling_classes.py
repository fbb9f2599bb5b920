"""Time and memory of a step of the margin softmax with 300,000 classes, all of them or a sample.

    PYTHONPATH=. .venv/bin/python benchmarks/scaling_classes.py

There is no encoder: features are random, and the class centres learn from them.
"""

import argparse
import statistics
import time

import numpy as np
import torch

from benchmarks.report import format_table, publish
from benchmarks.subprocess_timer import run_in_subprocess
from nearkin.finetune.class_centres import ClassCentres
from nearkin.finetune.loss import margin_loss, sample_classes
from tests.factories.recipes import recipe_of

N_CLASSES, WIDTH, BATCH_SIZE, N_STEPS = 300_000, 512, 128, 5
SAMPLE_RATES = [0.01, 0.1, 1.0]


def measure_steps(rate, n_classes, n_steps):
    """The median seconds of a step."""
    recipe, rng = recipe_of(sample_rate=rate), np.random.default_rng(1)
    centres, seconds = ClassCentres(n_classes, WIDTH, 1, torch.device("cpu")), []
    for number in range(1, n_steps + 1):
        features = torch.randn(BATCH_SIZE, WIDTH).requires_grad_()
        labels = rng.integers(n_classes, size=BATCH_SIZE)
        start = time.perf_counter()
        classes = None
        if rate < 1:
            classes, labels = sample_classes(labels, n_classes, rate, rng)
        sampled_centres = centres.gather(classes)
        margin_loss(features, torch.from_numpy(labels), sampled_centres, recipe).backward()
        centres.step(classes, sampled_centres, rate=1e-3, beta=0.9, number=number)
        seconds.append(time.perf_counter() - start)
    return {"rate": rate, "seconds": statistics.median(seconds)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few classes once; only prints")
    quick = parser.parse_args().quick
    n_classes, n_steps = (3_000, 1) if quick else (N_CLASSES, N_STEPS)
    records = [run_in_subprocess(measure_steps, rate, n_classes, n_steps) for rate in SAMPLE_RATES]
    header = ["sample_rate", "s per step", "peak memory, GB"]
    rows = [[record["rate"], f"{record['seconds']:.2f}", f"{record['gigabytes']:.2f}"] for record in records]
    if quick:
        print(format_table(header, rows))
        return
    sizes = {"classes": N_CLASSES, "width": WIDTH, "batch": BATCH_SIZE}
    publish("scaling_classes", sizes | {"records": records}, header, rows)


if __name__ == "__main__":
    main()

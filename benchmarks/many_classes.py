"""What a step of the margin softmax takes with 300,000 classes: time and memory, all of them or some.

    PYTHONPATH=. .venv/bin/python benchmarks/many_classes.py

The encoder is left out: features are drawn, and class centres learn from them.
"""

import statistics
import time

import numpy as np
import torch

from benchmarks import fresh
from benchmarks.report import publish
from nearkin.finetune.centres import Centres
from nearkin.finetune.loss import margin_loss, sampled_classes
from nearkin.finetune.recipe import Recipe

CLASSES, WIDTH, BATCH, STEPS = 300_000, 512, 128, 5
RATES = [0.01, 0.1, 1.0]


def stepped(rate):
    """The median seconds of a step."""
    recipe, rng = Recipe(sample_rate=rate), np.random.default_rng(1)
    centres, seconds = Centres(CLASSES, WIDTH, 1, torch.device("cpu")), []
    for number in range(1, STEPS + 1):
        features = torch.randn(BATCH, WIDTH).requires_grad_()
        labels = rng.integers(CLASSES, size=BATCH)
        start = time.perf_counter()
        classes = None
        if rate < 1:
            classes, labels = sampled_classes(labels, CLASSES, rate, rng)
        taken = centres.taken(classes)
        margin_loss(features, torch.from_numpy(labels), taken, recipe).backward()
        centres.step(classes, taken, rate=1e-3, beta=0.9, number=number)
        seconds.append(time.perf_counter() - start)
    return {"rate": rate, "seconds": statistics.median(seconds)}


def main():
    records = [fresh.run(stepped, rate) for rate in RATES]
    rows = [[one["rate"], f"{one['seconds']:.2f}", f"{one['gigabytes']:.2f}"] for one in records]
    sizes = {"classes": CLASSES, "width": WIDTH, "batch": BATCH}
    publish(
        "many_classes", sizes | {"records": records}, ["sample_rate", "s a step", "peak memory, GB"], rows
    )


if __name__ == "__main__":
    main()

"""What a step of the margin softmax takes with 300,000 classes: time and memory, all of them or some.

    PYTHONPATH=. .venv/bin/python benchmarks/many_classes.py

The encoder is left out: features are drawn, and class centres learn from them.
"""

import argparse
import statistics
import time

import numpy as np
import torch

from benchmarks import fresh
from benchmarks.report import publish, table
from nearkin.finetune.class_centres import ClassCentres
from nearkin.finetune.loss import margin_loss, sample_classes
from tests.factories.recipes import recipe_of

CLASSES, WIDTH, BATCH, STEPS = 300_000, 512, 128, 5
RATES = [0.01, 0.1, 1.0]


def stepped(rate, n_classes, n_steps):
    """The median seconds of a step."""
    recipe, rng = recipe_of(sample_rate=rate), np.random.default_rng(1)
    centres, seconds = ClassCentres(n_classes, WIDTH, 1, torch.device("cpu")), []
    for number in range(1, n_steps + 1):
        features = torch.randn(BATCH, WIDTH).requires_grad_()
        labels = rng.integers(n_classes, size=BATCH)
        start = time.perf_counter()
        classes = None
        if rate < 1:
            classes, labels = sample_classes(labels, n_classes, rate, rng)
        taken = centres.gather(classes)
        margin_loss(features, torch.from_numpy(labels), taken, recipe).backward()
        centres.step(classes, taken, rate=1e-3, beta=0.9, number=number)
        seconds.append(time.perf_counter() - start)
    return {"rate": rate, "seconds": statistics.median(seconds)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few classes once; only prints")
    quick = parser.parse_args().quick
    n_classes, n_steps = (3_000, 1) if quick else (CLASSES, STEPS)
    records = [fresh.run(stepped, rate, n_classes, n_steps) for rate in RATES]
    header = ["sample_rate", "s a step", "peak memory, GB"]
    rows = [[one["rate"], f"{one['seconds']:.2f}", f"{one['gigabytes']:.2f}"] for one in records]
    if quick:
        print(table(header, rows))
        return
    sizes = {"classes": CLASSES, "width": WIDTH, "batch": BATCH}
    publish("many_classes", sizes | {"records": records}, header, rows)


if __name__ == "__main__":
    main()

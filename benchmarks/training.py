"""Training beside the bare forward and backward pass, and beside a plain loop with pytorch-metric-learning.

    PYTHONPATH=. .venv/bin/python benchmarks/training.py
    PYTHONPATH=. .venv/bin/python benchmarks/training.py --quick

EfficientNet-Lite0 on a synthetic dataset; two threads, fresh processes that take turns. Without
options it writes results.json and the tables in the README, in about a quarter of an hour.
"""

import argparse
import json
import statistics
import sys
from importlib.metadata import version

from benchmarks import beside
from benchmarks.museum import museum
from benchmarks.report import publish, table
from benchmarks.ways.training import BATCH

TRAINABLE, REPEATS = ["all", "last_5", "head"], 3
WAYS = {  # name: way, gradient of the loss
    "nearkin, straight_through": ("nearkin", "straight_through"),
    "nearkin, exact": ("nearkin", "exact"),
    "plain loop, exact": ("plain_loop", "exact"),
}
LOOP = "plain loop, exact"
TRAINED, EPOCHS, SEEDS = "last_5", 5, [1, 2, 3]


def ask(folder, way, *told):
    found = beside.ask("benchmarks.ways.training", way, folder, *told)
    print(way, *told, json.dumps(found), file=sys.stderr, flush=True)
    return found


def steps(folder, parts, repeats):
    """A record per part that trains: images/s of whole steps and of the bare passes, and their ratios."""
    found = {trainable: [] for trainable in parts}
    for _ in range(repeats):
        for trainable, records in found.items():
            records.append(ask(folder, "step", trainable))
    return [
        {"trainable": trainable}
        | {
            f"{name}_per_second": BATCH / statistics.median(record[name] for record in records)
            for name in ("step", "bare")
        }
        | {"ratios": sorted(record["bare"] / record["step"] for record in records)}
        for trainable, records in found.items()
    ]


def compared(folder, epochs, seeds):
    """A record per way: seconds, and recalls of the kept epoch, for every seed."""
    found = {name: [] for name in WAYS}
    for seed in seeds:
        for name, (way, gradient) in WAYS.items():
            found[name].append(ask(folder, way, TRAINED, gradient, epochs, seed))
    numbers = ["seconds", "val_recall", "test_recall", "peak"]
    return [
        {"way": name} | {number: [record[number] for record in records] for number in numbers}
        for name, records in found.items()
    ]


def rows_of_steps(records):
    for record in records:
        yield [
            record["trainable"],
            f"{record['step_per_second']:,.1f}",
            f"{record['bare_per_second']:,.1f}",
            f"{statistics.median(record['ratios']):.1%}",
            f"{record['ratios'][0]:.1%}, {record['ratios'][-1]:.1%}",
        ]


def rows_of_ways(records, untrained):
    loop = next(record for record in records if record["way"] == LOOP)
    yield ["untrained", "", "", f"{untrained['val_recall']:.4f}", f"{untrained['test_recall']:.4f}", "", ""]
    for record in records:
        times = statistics.median(
            theirs / ours for ours, theirs in zip(record["seconds"], loop["seconds"], strict=True)
        )
        yield [
            record["way"],
            f"{statistics.median(record['seconds']):.1f}",
            f"{times:.2f} x",
            *(f"{statistics.mean(record[f'{side}_recall']):.4f}" for side in ("val", "test")),
            ", ".join(f"{recall:.4f}" for recall in record["test_recall"]),
            f"{statistics.median(record['peak']):,.0f}",
        ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the head once, one epoch each; only prints")
    options = parser.parse_args()
    folder = beside.CACHE / ("quick_museum" if options.quick else "museum")
    museum(folder, beside.THREADS)
    whole = steps(folder, ["head"] if options.quick else TRAINABLE, 1 if options.quick else REPEATS)
    epochs, seeds = (1, [1]) if options.quick else (EPOCHS, SEEDS)
    untrained, trained = ask(folder, "untrained"), compared(folder, epochs, seeds)
    header = ["trains", "whole steps, images/s", "bare, images/s", "share", "least and most"]
    sides = ["way", "s", "times as fast"]
    sides += [f"{side} recall@1 (n = {untrained[f'{side}_queries']})" for side in ("val", "test")]
    sides += ["of each seed", "peak memory, MB"]
    of_steps, of_ways = list(rows_of_steps(whole)), list(rows_of_ways(trained, untrained))
    if options.quick:
        print(table(header, of_steps), table(sides, of_ways), sep="\n\n")
        return
    publish(
        "training_steps", {"repeats": REPEATS, "batch": BATCH, "threads": beside.THREADS, "found": whole},
        header, of_steps,
    )  # fmt: skip
    how = {"trainable": TRAINED, "epochs": EPOCHS, "batch": BATCH, "seeds": SEEDS, "threads": beside.THREADS}
    how |= {"pytorch-metric-learning": version("pytorch-metric-learning"), "untrained": untrained}
    publish("training_beside", how | {"found": trained}, sides, of_ways)


if __name__ == "__main__":
    sys.exit(main())

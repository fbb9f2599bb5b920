"""Training, compared with the bare forward and backward pass and with a loop of pytorch-metric-learning.

    PYTHONPATH=. .venv/bin/python benchmarks/training.py
    PYTHONPATH=. .venv/bin/python benchmarks/training.py --quick

EfficientNet-Lite0 on a synthetic dataset; two threads, new processes that take turns. Without
options it writes results.json and the tables in the README, in about a quarter of an hour.
"""

import argparse
import json
import statistics
import sys
from importlib.metadata import version

from benchmarks import peers_runner
from benchmarks.methods.training import BATCH_SIZE
from benchmarks.report import format_table, publish
from benchmarks.training_dataset import load_dataset

TRAINABLE, N_REPEATS = ["all", "last_5", "head"], 3
METHODS = {  # name: method, gradient of the loss
    "nearkin, straight_through": ("nearkin", "straight_through"),
    "nearkin, exact": ("nearkin", "exact"),
    "plain loop, exact": ("plain_loop", "exact"),
}
LOOP = "plain loop, exact"
COMPARISON_PART, N_EPOCHS, SEEDS = "last_5", 5, [1, 2, 3]


def run_method(folder, method, *arguments):
    record = peers_runner.run_module("benchmarks.methods.training", method, folder, *arguments)
    print(method, *arguments, json.dumps(record), file=sys.stderr, flush=True)
    return record


def measure_steps(folder, parts, repeats):
    """A record per trainable part: images/s of whole steps and of the bare passes, and their ratios."""
    records_by_part = {trainable: [] for trainable in parts}
    for _ in range(repeats):
        for trainable, records in records_by_part.items():
            records.append(run_method(folder, "step", trainable))
    return [
        {"trainable": trainable}
        | {
            f"{name}_per_second": BATCH_SIZE / statistics.median(record[name] for record in records)
            for name in ("step", "bare")
        }
        | {"ratios": sorted(record["bare"] / record["step"] for record in records)}
        for trainable, records in records_by_part.items()
    ]


def compare_methods(folder, n_epochs, seeds):
    """A record per method: seconds, and recalls of the best epoch, for each seed."""
    records_by_method = {name: [] for name in METHODS}
    for seed in seeds:
        for name, (method, gradient) in METHODS.items():
            record = run_method(folder, method, COMPARISON_PART, gradient, n_epochs, seed)
            records_by_method[name].append(record)
    numbers = ["seconds", "val_recall", "test_recall", "peak"]
    return [
        {"method": name} | {number: [record[number] for record in records] for number in numbers}
        for name, records in records_by_method.items()
    ]


def make_step_rows(records):
    for record in records:
        yield [
            record["trainable"],
            f"{record['step_per_second']:,.1f}",
            f"{record['bare_per_second']:,.1f}",
            f"{statistics.median(record['ratios']):.1%}",
            f"{record['ratios'][0]:.1%}, {record['ratios'][-1]:.1%}",
        ]


def make_method_rows(records, untrained):
    loop = next(record for record in records if record["method"] == LOOP)
    yield ["untrained", "", "", f"{untrained['val_recall']:.4f}", f"{untrained['test_recall']:.4f}", "", ""]
    for record in records:
        times = statistics.median(
            loop_seconds / seconds
            for seconds, loop_seconds in zip(record["seconds"], loop["seconds"], strict=True)
        )
        yield [
            record["method"],
            f"{statistics.median(record['seconds']):.1f}",
            f"{times:.2f} x",
            *(f"{statistics.mean(record[f'{split}_recall']):.4f}" for split in ("val", "test")),
            ", ".join(f"{recall:.4f}" for recall in record["test_recall"]),
            f"{statistics.median(record['peak']):,.0f}",
        ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only the head, one epoch each; only prints")
    options = parser.parse_args()
    folder = peers_runner.CACHE / ("quick_training" if options.quick else "training")
    load_dataset(folder, peers_runner.THREADS)
    parts, repeats = (["head"], 1) if options.quick else (TRAINABLE, N_REPEATS)
    step_records = measure_steps(folder, parts, repeats)
    n_epochs, seeds = (1, [1]) if options.quick else (N_EPOCHS, SEEDS)
    untrained, method_records = run_method(folder, "untrained"), compare_methods(folder, n_epochs, seeds)
    step_header = ["trains", "whole steps, images/s", "bare, images/s", "share", "min and max"]
    method_header = ["method", "s", "times as fast"]
    method_header += [f"{split} recall@1 (n = {untrained[f'{split}_queries']})" for split in ("val", "test")]
    method_header += ["per seed", "peak memory, MB"]
    step_rows = list(make_step_rows(step_records))
    method_rows = list(make_method_rows(method_records, untrained))
    if options.quick:
        print(format_table(step_header, step_rows), format_table(method_header, method_rows), sep="\n\n")
        return
    settings = {"batch": BATCH_SIZE, "threads": peers_runner.THREADS}
    publish(
        "training_steps", {"repeats": N_REPEATS} | settings | {"records": step_records},
        step_header, step_rows,
    )  # fmt: skip
    settings |= {"trainable": COMPARISON_PART, "epochs": N_EPOCHS, "seeds": SEEDS}
    settings |= {"pytorch-metric-learning": version("pytorch-metric-learning"), "untrained": untrained}
    publish("training_comparison", settings | {"records": method_records}, method_header, method_rows)


if __name__ == "__main__":
    sys.exit(main())

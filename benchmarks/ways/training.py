"""One way of training EfficientNet-Lite0 on a synthetic dataset, alone in its process; prints what it took.

    python -m benchmarks.ways.training step .bench/museum last_5
    python -m benchmarks.ways.training nearkin .bench/museum last_5 exact 5 1

Loading weights is not measured.
"""

import json
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from benchmarks.museum import GEOMETRY, museum
from nearkin.encoders.encoder import Encoder
from nearkin.encoders.prepare import build_encoder
from nearkin.finetune.data import make_datasets
from nearkin.finetune.freezing import freeze
from nearkin.finetune.malloc import tune_malloc
from nearkin.finetune.train import train
from nearkin.finetune.trainer import Trainer
from nearkin.finetune.validation import is_reachable, recall_at_1
from tests.factories.recipes import recipe_of

MODEL = {"library": "pip_weights", "name": "efficientnet_lite0", "weights": "pretrained"}
THREADS, BATCH, JUDGED_AT_ONCE = 2, 32, 16


def step(folder, trainable):
    """Median seconds of a whole step, and of the bare forward and backward pass of what trains.

    Both are of the same images, in turns; the first of each is left out. What is frozen has
    been computed before, and the bare passes find their batches made.
    """
    tune_malloc()
    given = museum(folder, THREADS)
    examples = _examples(given, "train", "none")
    run = Trainer(_encoder(), examples, recipe_of(trainable=trainable, batch_size=BATCH, epochs=1))
    run.validate()
    steps, seconds = run.train_epoch(), {"step": [], "bare": []}
    for start in range(0, run.n_steps * BATCH, BATCH):
        fed = run.train_features(np.arange(start, start + BATCH), np.zeros(BATCH, dtype=bool))
        run.optimiser.zero_grad()
        began = time.perf_counter()
        run.parts.trainable(fed).sum().backward()
        seconds["bare"].append(time.perf_counter() - began)
        began = time.perf_counter()
        next(steps)
        seconds["step"].append(time.perf_counter() - began)
    return {name: statistics.median(each[1:]) for name, each in seconds.items()}


def untrained(folder):
    """What the recalls are before any training, and how many queries they are of."""
    given = museum(folder, THREADS)
    found = _judged(_encoder().tower, given)
    for side in ("val", "test"):
        examples = _examples(given, "train", side)[1]
        found[f"{side}_queries"] = int(is_reachable(examples.labels, examples.groups).sum())
    return found


def nearkin(folder, trainable, gradient, epochs, seed):
    """Ours, as the rule finetune_encoder trains."""
    tune_malloc()
    given, encoder = museum(folder, THREADS), _encoder()
    recipe = recipe_of(
        trainable=trainable, margin_gradient=gradient, epochs=int(epochs), batch_size=BATCH, seed=int(seed)
    )
    examples = _examples(given, "train", "val")
    with tempfile.TemporaryDirectory() as place:
        began = time.perf_counter()
        train(encoder, examples, recipe=recipe, state_path=Path(place, "checkpoint.safetensors"))
        seconds = time.perf_counter() - began
    return {"seconds": seconds} | _judged(encoder.tower, given)


def plain_loop(folder, trainable, gradient, epochs, seed):
    """ArcFaceLoss of pytorch-metric-learning in a plain loop of torch, with the same settings.

    Images in memory, mirrored by lot, through the whole network; normalisation statistics stay
    as they are. The epoch with the best validation recall is kept. It knows no other `margin_gradient`
    than exact.
    """
    from pytorch_metric_learning.losses import ArcFaceLoss
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(int(seed))
    recipe = recipe_of(trainable=trainable, epochs=int(epochs), batch_size=BATCH)
    given, encoder = museum(folder, THREADS), _encoder()
    examples, val, n_classes = _examples(given, "train", "val")
    width, model = encoder.width, encoder.tower
    began = time.perf_counter()
    trained = list(freeze(model, trainable, width=width, size=GEOMETRY["size"]).parameters.values())
    loss_of = ArcFaceLoss(n_classes, width, margin=math.degrees(recipe["m2"]), scale=recipe["logit_scale"])
    pixels = torch.from_numpy(_pixels(examples))
    images = TensorDataset(pixels, torch.from_numpy(examples.labels))
    loader = DataLoader(images, batch_size=BATCH, shuffle=True, drop_last=True)
    groups = [{"params": trained}, {"params": loss_of.parameters()}]
    rates = [recipe["lr"], recipe["lr"] * recipe["head_lr_multiplier"]]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rates, total_steps=recipe["epochs"] * len(loader), pct_start=recipe["warmup_fraction"]
    )
    best = _recall(model, val), _copied(model)
    for _ in range(recipe["epochs"]):
        for batch, labels in loader:
            mirrored = torch.rand(len(batch)) < 0.5
            batch[mirrored] = batch[mirrored].flip(2)
            optimiser.zero_grad()
            loss_of(model(batch), labels).backward()
            optimiser.step()
            schedule.step()
        if (recall := _recall(model, val)) > best[0]:
            best = recall, _copied(model)
    model.load_state_dict(best[1])
    return {"seconds": time.perf_counter() - began} | _judged(model, given)


WAYS = {way.__name__: way for way in (step, untrained, nearkin, plain_loop)}


def _encoder():
    torch.set_num_threads(THREADS)
    tower, description = build_encoder(MODEL, GEOMETRY)
    return Encoder(tower, description, torch.device("cpu"))


def _examples(given, taught, judged):
    """What trains and what judges, from these sides of the split."""
    sides = given.splits.filter(given.splits["split"].is_in([taught, judged]))
    sides = sides.with_columns(sides["split"].replace({taught: "train", judged: "val"}))
    return make_datasets(given.species, given.species, sides, [given.pixels])


def _pixels(examples):
    rows = np.arange(len(examples.labels))
    return examples.images.read_batch(rows, np.zeros(len(rows), dtype=bool))


@torch.no_grad()
def _recall(model, examples):
    batches = torch.from_numpy(_pixels(examples)).split(JUDGED_AT_ONCE)
    vectors = torch.cat([functional.normalize(model(batch)) for batch in batches]).numpy()
    return recall_at_1(vectors, examples.labels, examples.groups)


def _judged(model, given):
    sides = {side: _examples(given, "train", side)[1] for side in ("val", "test")}
    return {f"{side}_recall": _recall(model, examples) for side, examples in sides.items()}


def _copied(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def main(way, folder, *more):
    print(json.dumps(WAYS[way](Path(folder), *more)))


if __name__ == "__main__":
    main(*sys.argv[1:])

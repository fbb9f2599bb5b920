"""Runs one method of training EfficientNet-Lite0 on a synthetic dataset in this process; prints its costs.

    python -m benchmarks.methods.training step .bench/training last_5
    python -m benchmarks.methods.training nearkin .bench/training last_5 exact 5 1

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

from benchmarks.training_dataset import GEOMETRY, load_dataset
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
THREADS, BATCH_SIZE, VALIDATION_BATCH_SIZE = 2, 32, 16


def step(folder, trainable):
    """Median seconds of a whole step, and of the bare forward and backward pass of the trainable part.

    Both use the same images and take turns; the first of each is not counted. The features of the
    frozen part are computed before, and the batches of the bare passes are prepared before.
    """
    tune_malloc()
    dataset = load_dataset(folder, THREADS)
    examples = _make_examples(dataset, "train", "none")
    recipe = recipe_of(trainable=trainable, batch_size=BATCH_SIZE, epochs=1)
    trainer = Trainer(_load_encoder(), examples, recipe)
    trainer.validate()
    steps, seconds = trainer.train_epoch(), {"step": [], "bare": []}
    for first_row in range(0, trainer.n_steps * BATCH_SIZE, BATCH_SIZE):
        rows = np.arange(first_row, first_row + BATCH_SIZE)
        features = trainer.train_features(rows, np.zeros(BATCH_SIZE, dtype=bool))
        trainer.optimiser.zero_grad()
        start = time.perf_counter()
        trainer.parts.trainable(features).sum().backward()
        seconds["bare"].append(time.perf_counter() - start)
        start = time.perf_counter()
        next(steps)
        seconds["step"].append(time.perf_counter() - start)
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def untrained(folder):
    """The recalls before any training, and their numbers of queries."""
    dataset = load_dataset(folder, THREADS)
    record = _evaluate(_load_encoder().tower, dataset)
    for split in ("val", "test"):
        examples = _make_examples(dataset, "train", split)[1]
        record[f"{split}_queries"] = int(is_reachable(examples.labels, examples.groups).sum())
    return record


def nearkin(folder, trainable, gradient, epochs, seed):
    """Our training, as in the rule finetune_encoder."""
    tune_malloc()
    dataset, encoder = load_dataset(folder, THREADS), _load_encoder()
    recipe = recipe_of(
        trainable=trainable,
        margin_gradient=gradient,
        epochs=int(epochs),
        batch_size=BATCH_SIZE,
        seed=int(seed),
    )
    examples = _make_examples(dataset, "train", "val")
    with tempfile.TemporaryDirectory() as output:
        start = time.perf_counter()
        train(encoder, examples, recipe=recipe, state_path=Path(output, "checkpoint.safetensors"))
        seconds = time.perf_counter() - start
    return {"seconds": seconds} | _evaluate(encoder.tower, dataset)


def plain_loop(folder, trainable, gradient, epochs, seed):
    """ArcFaceLoss of pytorch-metric-learning in a plain loop of torch, with the same settings.

    Images are in memory, mirrored at random, and pass through the whole network; normalisation
    statistics stay fixed. The epoch with the best validation recall is kept. Only the exact
    `margin_gradient` is supported.
    """
    from pytorch_metric_learning.losses import ArcFaceLoss
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(int(seed))
    recipe = recipe_of(trainable=trainable, epochs=int(epochs), batch_size=BATCH_SIZE)
    dataset, encoder = load_dataset(folder, THREADS), _load_encoder()
    examples, val, n_classes = _make_examples(dataset, "train", "val")
    width, model = encoder.width, encoder.tower
    start = time.perf_counter()
    parameters = list(freeze(model, trainable, width=width, size=GEOMETRY["size"]).parameters.values())
    arcface_loss = ArcFaceLoss(
        n_classes, width, margin=math.degrees(recipe["m2"]), scale=recipe["logit_scale"]
    )
    pixels = torch.from_numpy(_read_pixels(examples))
    images = TensorDataset(pixels, torch.from_numpy(examples.labels))
    loader = DataLoader(images, batch_size=BATCH_SIZE, shuffle=True, drop_last=True)
    groups = [{"params": parameters}, {"params": arcface_loss.parameters()}]
    rates = [recipe["lr"], recipe["lr"] * recipe["head_lr_multiplier"]]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rates, total_steps=recipe["epochs"] * len(loader), pct_start=recipe["warmup_fraction"]
    )
    best = _compute_recall(model, val), _copy_weights(model)
    for _ in range(recipe["epochs"]):
        for batch, labels in loader:
            is_mirrored = torch.rand(len(batch)) < 0.5
            batch[is_mirrored] = batch[is_mirrored].flip(2)
            optimiser.zero_grad()
            arcface_loss(model(batch), labels).backward()
            optimiser.step()
            schedule.step()
        if (recall := _compute_recall(model, val)) > best[0]:
            best = recall, _copy_weights(model)
    model.load_state_dict(best[1])
    return {"seconds": time.perf_counter() - start} | _evaluate(model, dataset)


METHODS = {method.__name__: method for method in (step, untrained, nearkin, plain_loop)}


def _load_encoder():
    torch.set_num_threads(THREADS)
    image_encoder, description = build_encoder(MODEL, GEOMETRY)
    return Encoder(image_encoder, description, torch.device("cpu"))


def _make_examples(dataset, train_split, val_split):
    """The training and validation examples, from these splits."""
    splits = dataset.splits.filter(dataset.splits["split"].is_in([train_split, val_split]))
    splits = splits.with_columns(splits["split"].replace({train_split: "train", val_split: "val"}))
    return make_datasets(dataset.species, dataset.species, splits, [dataset.pixels])


def _read_pixels(examples):
    rows = np.arange(len(examples.labels))
    return examples.images.read_batch(rows, np.zeros(len(rows), dtype=bool))


@torch.no_grad()
def _compute_recall(model, examples):
    batches = torch.from_numpy(_read_pixels(examples)).split(VALIDATION_BATCH_SIZE)
    vectors = torch.cat([functional.normalize(model(batch)) for batch in batches]).numpy()
    return recall_at_1(vectors, examples.labels, examples.groups)


def _evaluate(model, dataset):
    examples_by_split = {split: _make_examples(dataset, "train", split)[1] for split in ("val", "test")}
    return {
        f"{split}_recall": _compute_recall(model, examples) for split, examples in examples_by_split.items()
    }


def _copy_weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def main(method, folder, *arguments):
    print(json.dumps(METHODS[method](Path(folder), *arguments)))


if __name__ == "__main__":
    main(*sys.argv[1:])

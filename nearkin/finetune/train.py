"""Fine-tuning by margin softmax: the loop, and which epoch is kept."""

import dataclasses
import logging
import time
from importlib.metadata import version
from typing import NamedTuple

import polars as pl
from tqdm import tqdm

from nearkin.finetune.checkpoint import digest_run, load_checkpoint, save_checkpoint
from nearkin.finetune.trainer import Trainer

logger = logging.getLogger(__name__)

SAVE_SECONDS = 600
"""Seconds between two states within an epoch."""


class TrainingResult(NamedTuple):
    """What a training came to; the encoder's tower is as it was after the kept epoch."""

    table: pl.DataFrame  # as `Training` in nearkin.tables.training
    kept: dict  # epoch, and validation recall of it and of the base
    key: str  # of the state, to be finished once the encoder is saved
    last: dict  # trained tensors of the tower after the last epoch, by name


def train(encoder, examples, *, recipe, state_path, code="", saved_every=SAVE_SECONDS):
    """Train an encoder's tower in place.

    `examples` are training examples, validation examples and the number of classes. After
    every epoch species recall@1 is measured on the validation images, and the best epoch is
    kept, the earliest of equals; epoch 0 is the encoder as it came. Without a reachable
    validation image the last epoch is kept. The state is saved to `state_path` after every
    epoch and every `saved_every` seconds; a training that was killed goes on from there and
    ends with the same bits. A state that another `code` (a digest) left is
    not used. Raises ValueError, naming the step, if the loss or its gradient is
    not finite; the state stays as it was saved last.
    """
    run = Trainer(encoder, examples, recipe)
    content = [part.content for part in examples[:2]]
    # timm's version counts, too: it distorts the images.
    decisive = [encoder.fingerprint, encoder.numerics_id, code, version("timm")]
    key = digest_run(*decisive, dataclasses.asdict(recipe), content)
    if saved := load_checkpoint(state_path, key):
        run.restore(*saved)
        logger.info("going on after epoch %d, step %d", run.n_validated, len(run.rows))
    else:
        run.validate()
    try:
        _run_epochs(run, lambda: save_checkpoint(state_path, key, **run.state()), saved_every)
    except FloatingPointError as error:
        raise ValueError(
            f"{error}: lower lr, m2 or scale; {state_path} stays as it was saved last"
        ) from error
    last = run.snapshot()
    run.load_best()
    kept = {
        "epoch": run.best_epoch,
        "val_recall": run.recalls[run.best_epoch],
        "val_recall_base": run.recalls[0],
    }
    logger.info("kept epoch %(epoch)d: validation recall@1 %(val_recall)s, base %(val_recall_base)s", kept)
    if run.best_epoch == 0:
        logger.warning("no epoch was better than the encoder as it came, which is kept; try another lr or m2")
    return TrainingResult(_make_table(run.rows, run.best_epoch), kept, key, last)


def _run_epochs(run, save, saved_every):
    """Learn what remains of all epochs; `save` is called after each, and every `saved_every` seconds."""
    n_images, saved_at = run.recipe.epochs * run.n_steps * run.batch, time.monotonic()
    with tqdm(total=n_images, desc="train", unit="image", disable=None) as bar:
        bar.update(len(run.rows) * run.batch)
        while not run.is_done:
            for n_learned in run.train_epoch():
                bar.update(n_learned)
                if time.monotonic() - saved_at >= saved_every:
                    save()
                    saved_at = time.monotonic()
            run.validate()
            save()
            saved_at = time.monotonic()


def _make_table(rows, best_epoch):
    last = max((row["step"] for row in rows if row["epoch"] == best_epoch), default=0)
    types = {"epoch": pl.Int32, "step": pl.Int32, "val_recall": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=types).with_columns(is_best=pl.col("step") == last)

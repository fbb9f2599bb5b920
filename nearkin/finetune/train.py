"""Fine-tuning by margin softmax: the training loop, and which epoch is kept."""

import logging
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import polars as pl
import torch
from tqdm import tqdm

from nearkin.encoders.encoder import BestEpoch, Encoder
from nearkin.finetune.checkpoint import Step, digest_run, load_checkpoint, save_checkpoint
from nearkin.finetune.data import Datasets
from nearkin.finetune.recipe import Recipe
from nearkin.finetune.trainer import Trainer

logger = logging.getLogger(__name__)

SAVE_SECONDS = 600
"""Seconds between two states within an epoch."""


class TrainingResult(NamedTuple):
    """The result of a training; the encoder's tower has the weights of the kept epoch."""

    table: pl.DataFrame  # a `Training` table
    best_epoch: BestEpoch
    key: str  # of the state, for `finalise_checkpoint` once the encoder is saved
    last: dict[str, torch.Tensor]  # trained tensors of the tower after the last epoch, by name


def train(
    encoder: Encoder,
    examples: Datasets,
    *,
    recipe: Recipe,
    state_path: str | Path,
    code: str = "",
    save_seconds: float = SAVE_SECONDS,
) -> TrainingResult:
    """The result of training an encoder's tower, which is changed in place.

    `examples` come from `make_datasets`. After every epoch species recall@1 is measured on the
    validation images, and the best epoch is kept, the earliest of equals; epoch 0 is the encoder
    before training. Without a reachable validation image the last epoch is kept. The state is
    saved to `state_path` after every epoch and every `save_seconds` seconds; a training that was
    killed resumes from there and ends with the same bits. The state of another `code` (a digest)
    is not used. Raises ValueError, naming the step, if the loss or its gradient is
    not finite; the state stays as it was saved last.
    """
    run = Trainer(encoder, examples, recipe)
    content = [part.content for part in examples[:2]]
    # timm's version counts, too: it augments the images.
    decisive = [encoder.fingerprint, encoder.numerics_id, code, version("timm")]
    key = digest_run(*decisive, recipe, content)
    if saved := load_checkpoint(state_path, key):
        run.restore(*saved)
        logger.info("going on after epoch %d, step %d", run.n_validated, len(run.rows))
    else:
        run.validate()
    try:
        _run_epochs(run, lambda: save_checkpoint(state_path, key, **run.state()), save_seconds)
    except FloatingPointError as error:
        raise ValueError(
            f"{error}: lower lr, m2 or logit_scale; {state_path} stays as it was saved last"
        ) from error
    last = run.snapshot()
    run.load_best()
    kept: BestEpoch = {
        "epoch": run.best_epoch,
        "val_recall": run.recalls[run.best_epoch],
        "val_recall_base": run.recalls[0],
    }
    logger.info("kept epoch %(epoch)d: validation recall@1 %(val_recall)s, base %(val_recall_base)s", kept)
    if run.best_epoch == 0:
        logger.warning(
            "no epoch was better than the encoder before training, which is kept; try another lr or m2"
        )
    return TrainingResult(_make_table(run.rows, run.best_epoch), kept, key, last)


def _run_epochs(run: Trainer, save: Callable[[], None], saved_every: float) -> None:
    """Run the remaining steps of all epochs; `save` is called after each, and every `saved_every` seconds."""
    n_images, saved_at = run.recipe["epochs"] * run.n_steps * run.batch, time.monotonic()
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


def _make_table(rows: Sequence[Step], best_epoch: int) -> pl.DataFrame:
    last = max((row["step"] for row in rows if row["epoch"] == best_epoch), default=0)
    types = {"epoch": pl.Int32, "step": pl.Int32, "val_recall": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=types).with_columns(is_best=pl.col("step") == last)

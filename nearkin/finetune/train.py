"""Fine-tuning by margin softmax: the loop, and which epoch is kept."""

import dataclasses
import logging
from typing import NamedTuple

import numpy as np
import polars as pl
import torch
from torch.nn import functional
from tqdm import tqdm

from nearkin.finetune.feed import Feed
from nearkin.finetune.loss import margin_loss, sampled_classes
from nearkin.finetune.parts import cut
from nearkin.finetune.schedule import one_cycle
from nearkin.finetune.state import key_of, read_state, write_state
from nearkin.finetune.validation import recall_at_1

logger = logging.getLogger(__name__)

CENTRES = "centres"  # the name of the class centres among the trained tensors
JUDGED_AT_ONCE = 16


class Outcome(NamedTuple):
    """What a training came to; the encoder's tower is as it was after the kept epoch."""

    table: pl.DataFrame  # as `Training` in nearkin.tables.training
    kept: dict  # epoch, and validation recall of it and of the base
    key: str  # of the state, to be finished once the encoder is saved


def train(encoder, examples, *, recipe, state_path):
    """Train an encoder's tower in place.

    `examples` are training examples, validation examples and the number of classes. After
    every epoch species recall@1 is measured on the validation images, and the best epoch is
    kept, the earliest of equals; epoch 0 is the encoder as it came. Without a reachable
    validation image the last epoch is kept. The state is saved to `state_path` after every
    epoch; a training that was killed goes on from there and ends with the same bits. Raises
    ValueError, naming the step, if the loss is not finite.
    """
    run = Run(encoder, examples, recipe)
    content = [part.content for part in examples[:2]]
    key = key_of(encoder.fingerprint, encoder.arithmetic, dataclasses.asdict(recipe), content)
    saved = read_state(state_path, key)
    if saved:
        run.restore(*saved)
        logger.info("going on after epoch %d", len(run.recalls) - 1)
    else:
        run.judge()
    n_done = len(run.recalls) - 1
    per_epoch = run.n_steps * run.batch
    with tqdm(total=recipe.epochs * per_epoch, desc="train", unit="image", disable=None) as bar:
        bar.update(n_done * per_epoch)
        for epoch in range(n_done + 1, recipe.epochs + 1):
            run.learn(epoch, bar)
            run.judge()
            write_state(state_path, key, tensors=run.tensors(), progress=run.progress())
    run.take_best()
    kept = {
        "epoch": run.best_epoch,
        "val_recall": run.recalls[run.best_epoch],
        "val_recall_base": run.recalls[0],
    }
    logger.info("kept epoch %(epoch)d: validation recall@1 %(val_recall)s, base %(val_recall_base)s", kept)
    if run.best_epoch == 0:
        logger.warning("no epoch was better than the encoder as it came, which is kept; try another lr or m2")
    return Outcome(_table(run.rows, run.best_epoch), kept, key)


class Run:
    """A training under way: trained tensors, optimiser, history, and the best epoch so far."""

    def __init__(self, encoder, examples, recipe):
        self.train, self.val, self.n_classes = examples
        self.recipe, self.device = recipe, encoder.device
        description = encoder.description
        self.parts = cut(encoder.tower, recipe.trainable, width=description.width, size=description.size)
        self.feed = Feed(self.parts.before, self.train.images, flip=recipe.flip, device=self.device)
        self.val_feed = Feed(self.parts.before, self.val.images, flip=False, device=self.device)
        # Fewer images than a batch are one batch; otherwise an incomplete last batch is left out.
        self.batch = min(recipe.batch, len(self.train.species))
        self.n_steps = len(self.train.species) // self.batch
        self.centres = (
            _centres(self.n_classes, description.width, recipe.seed).to(self.device).requires_grad_()
        )
        self.tuned = dict(self.parts.parameters)
        groups = [{"params": list(self.tuned.values())}, {"params": [self.centres]}]
        self.optimiser = torch.optim.AdamW(groups, lr=0.0, weight_decay=0.0)
        self.rows, self.recalls, self.best_epoch, self.best = [], [], 0, {}
        n_trained = sum(value.numel() for value in self.tuned.values())
        logger.info(
            "%d parameters train, %d steps of %d images an epoch", n_trained, self.n_steps, self.batch
        )

    def learn(self, epoch, bar):
        """One epoch, counted from 1, in an order that depends on the seed and the epoch alone."""
        rng = np.random.default_rng([self.recipe.seed, epoch])
        order = rng.permutation(len(self.train.species))[: self.n_steps * self.batch]
        for rows in order.reshape(self.n_steps, self.batch):
            flipped = rng.random(self.batch) < 0.5 if self.recipe.flip else np.zeros(self.batch, dtype=bool)
            self.rows.append(self._step(epoch, rows, flipped, rng))
            bar.update(self.batch)
        loss = np.mean([row["loss"] for row in self.rows[-self.n_steps :]])
        counts = {"images learned from": order.size}
        logger.info("epoch %d: mean loss %.4f", epoch, loss, extra={"counts": counts})

    def judge(self):
        """Measure the validation recall, and keep the weights if they are the best so far."""
        vectors, nobody = [], np.zeros(JUDGED_AT_ONCE, dtype=bool)
        with torch.no_grad():
            for start in range(0, len(self.val.species), JUDGED_AT_ONCE):
                rows = np.arange(start, min(start + JUDGED_AT_ONCE, len(self.val.species)))
                features = self.parts.after(self.val_feed(rows, nobody[: len(rows)]))
                vectors.append(functional.normalize(features).cpu().numpy())
        recall = recall_at_1(np.concatenate(vectors), self.val.species, self.val.groups) if vectors else None
        if recall is None and not self.recalls:
            logger.warning("no validation image can be found by another: the last epoch will be kept")
        logger.info("epoch %d: validation recall@1 %s", len(self.recalls), recall)
        self.recalls.append(recall)
        if self.rows:
            self.rows[-1]["val_recall"] = recall
        if recall is None or not self.best or recall > self.recalls[self.best_epoch]:
            self.best_epoch = len(self.recalls) - 1
            self.best = {name: value.detach().clone() for name, value in self.tuned.items()}

    def take_best(self):
        """Put the weights of the best epoch into the encoder."""
        with torch.no_grad():
            for name, value in self.best.items():
                self.tuned[name].copy_(value)

    def tensors(self):
        """All tensors of the state, by name."""
        named = {**self.tuned, CENTRES: self.centres}
        tensors = {f"now/{name}": value.detach() for name, value in named.items()}
        tensors |= {f"best/{name}": value for name, value in self.best.items()}
        for number, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{number}/{kind}": value for kind, value in moments.items()}
        return {name: value.cpu().contiguous() for name, value in tensors.items()}

    def progress(self):
        """All plain values of the state."""
        return {"rows": self.rows, "recalls": self.recalls, "best_epoch": self.best_epoch}

    def restore(self, tensors, progress):
        """Go back to a saved state."""
        moments = {}
        with torch.no_grad():
            for name, value in tensors.items():
                part, _, rest = name.partition("/")
                if part == "now":
                    (self.centres if rest == CENTRES else self.tuned[rest]).copy_(value)
                elif part == "best":
                    self.best[rest] = value.to(self.device)
                else:
                    number, kind = rest.split("/")
                    moments.setdefault(int(number), {})[kind] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": moments, "param_groups": groups})
        self.rows, self.recalls, self.best_epoch = (
            progress[key] for key in ("rows", "recalls", "best_epoch")
        )

    def _step(self, epoch, rows, flipped, rng):
        recipe, step = self.recipe, len(self.rows)
        pace = one_cycle(step, recipe.epochs * self.n_steps, warm_up=recipe.warm_up)
        rates = recipe.lr * pace.factor, recipe.lr * recipe.head_lr * pace.factor
        for group, rate in zip(self.optimiser.param_groups, rates, strict=True):
            group["lr"], group["betas"] = rate, (pace.beta, group["betas"][1])
        classes, labels = self._classes(self.train.species[rows], rng)
        features = self.parts.after(self.feed(rows, flipped))
        loss = margin_loss(features, labels, self.centres[classes], recipe)
        if not torch.isfinite(loss):
            raise ValueError(
                f"the loss is {loss.item()} in epoch {epoch}, step {step + 1}: lower lr, m2 or scale; "
                "the weights after the epoch before are in the state file"
            )
        self.optimiser.zero_grad()
        loss.backward()
        gradients = [value.grad for value in (*self.tuned.values(), self.centres)]
        norm = torch.nn.utils.get_total_norm(gradients)
        self.optimiser.step()
        return {
            "epoch": epoch,
            "step": step + 1,
            "loss": loss.item(),
            "backbone_lr": rates[0],
            "head_lr": rates[1],
            "gradient_norm": norm.item(),
            "val_recall": None,
        }

    def _classes(self, species, rng):
        """The classes of a step's softmax, and the species as rows of them."""
        if self.recipe.sample_rate == 1:
            return slice(None), torch.from_numpy(species).to(self.device)
        classes, labels = sampled_classes(species, self.n_classes, self.recipe.sample_rate, rng)
        return torch.from_numpy(classes).to(self.device), torch.from_numpy(labels).to(self.device)


def _centres(n_classes, width, seed):
    """Class centres as they begin, N(0, 0.01) as in Unicom's code."""
    drawn = np.random.default_rng([seed, 0]).normal(0.0, 0.01, (n_classes, width))
    return torch.from_numpy(drawn.astype(np.float32))


def _table(rows, best_epoch):
    last = max((row["step"] for row in rows if row["epoch"] == best_epoch), default=0)
    types = {"epoch": pl.Int32, "step": pl.Int32, "val_recall": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=types).with_columns(chosen=pl.col("step") == last)

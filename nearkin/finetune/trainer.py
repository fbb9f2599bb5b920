"""A training in progress: its steps, the validation after each epoch, and its saved state."""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import TypedDict, cast

import numpy as np
import torch
from torch.nn import functional

from nearkin.encoders.encoder import Encoder
from nearkin.finetune.checkpoint import Progress, Step
from nearkin.finetune.class_centres import ClassCentres
from nearkin.finetune.data import Datasets
from nearkin.finetune.feature_cache import FrozenFeatureCache
from nearkin.finetune.freezing import freeze
from nearkin.finetune.loss import margin_loss, sample_classes
from nearkin.finetune.recipe import SAMPLING_POWERS, Recipe
from nearkin.finetune.schedule import one_cycle
from nearkin.finetune.validation import recall_at_1

logger = logging.getLogger(__name__)

VALIDATION_BATCH = 16
CENTRES = "centres"
"""Prefix of the class centres among the tensors of a state."""


class State(TypedDict):
    """Everything that a training needs to resume."""

    tensors: dict[str, torch.Tensor]
    progress: Progress


class Trainer:
    """Trained tensors, optimiser, history, and the best epoch so far.

    All random numbers depend on the seed, the epoch and the step alone, so a training can
    resume from any step.
    """

    def __init__(self, encoder: Encoder, examples: Datasets, recipe: Recipe) -> None:
        self.train, self.val, self.n_classes = examples
        self.recipe, self.device = recipe, encoder.device
        description = encoder.description
        self.parts = freeze(
            encoder.tower, recipe["trainable"], width=description.width, size=description.size
        )
        self.train_features = FrozenFeatureCache(
            self.parts.frozen, self.train.images, augment=recipe["augment"], device=self.device
        )
        self.val_features = FrozenFeatureCache(
            self.parts.frozen, self.val.images, augment="none", device=self.device
        )
        # Fewer images than a step's are one step; otherwise the remainder of an epoch is left out.
        self.batch = min(recipe["batch_size"] * recipe["grad_accumulation"], len(self.train.labels))
        self.n_steps = len(self.train.labels) // self.batch
        self.width = description.width
        self.centres = ClassCentres(self.n_classes, self.width, recipe["seed"], self.device)
        self.parameters = dict(self.parts.parameters)
        self.optimiser = torch.optim.AdamW(self.parameters.values(), lr=0.0, weight_decay=0.0)
        self.rows: list[Step] = []
        self.recalls: list[float | None] = []
        self.best_epoch = 0
        self.best: dict[str, torch.Tensor] = {}
        n_parameters = sum(value.numel() for value in self.parameters.values())
        logger.info(
            "%d parameters train, %d steps of %d images an epoch", n_parameters, self.n_steps, self.batch
        )

    @property
    def n_validated(self) -> int:
        """How many epochs are done and validated."""
        return len(self.recalls) - 1

    @property
    def is_done(self) -> bool:
        """Whether all epochs are done, or the recipe's patience is exhausted."""
        waited = self.n_validated - self.best_epoch
        return self.n_validated == self.recipe["epochs"] or waited == self.recipe["patience"]

    def train_epoch(self) -> Iterator[int]:
        """Run the rest of an epoch, in its own order; yields the number of images after each step."""
        epoch, n_done = self.n_validated + 1, len(self.rows) - self.n_validated * self.n_steps
        for rows in self._order_images(epoch)[n_done:]:
            self.rows.append(self._step(epoch, rows))
            yield len(rows)
        loss = np.mean([row["loss"] for row in self.rows[-self.n_steps :]])
        counts = {"images learned from": self.batch * (self.n_steps - n_done)}
        logger.info("epoch %d: mean loss %.4f", epoch, loss, extra={"counts": counts})

    def validate(self) -> None:
        """Measure the validation recall, and keep the weights if they are the best so far."""
        vectors = []
        with torch.no_grad():
            for start in range(0, len(self.val.labels), VALIDATION_BATCH):
                rows = np.arange(start, min(start + VALIDATION_BATCH, len(self.val.labels)))
                features = self._compute_features(self.val_features(rows, np.zeros(len(rows), dtype=bool)))
                if not torch.isfinite(features).all():
                    raise FloatingPointError(f"embeddings are not finite after epoch {len(self.recalls)}")
                vectors.append(functional.normalize(features).cpu().numpy())
        recall = recall_at_1(np.concatenate(vectors), self.val.labels, self.val.groups) if vectors else None
        if recall is None and not self.recalls:
            logger.warning("no validation image can be found by another: the last epoch will be kept")
        logger.info("epoch %d: validation recall@1 %s", len(self.recalls), recall)
        self.recalls.append(recall)
        if self.rows:
            self.rows[-1]["val_recall"] = recall
        best = self.recalls[self.best_epoch]
        if recall is None or best is None or not self.best or recall > best:
            self.best_epoch = len(self.recalls) - 1
            self.best = self.snapshot()

    def snapshot(self) -> dict[str, torch.Tensor]:
        """Copies of the trained tensors of the tower, by name."""
        return {name: value.detach().clone() for name, value in self.parameters.items()}

    def load_best(self) -> None:
        """Put the weights of the best epoch into the encoder."""
        with torch.no_grad():
            for name, value in self.best.items():
                self.parameters[name].copy_(value)

    def state(self) -> State:
        """The tensors by name, and the progress in plain values."""
        tensors: dict[str, torch.Tensor] = {f"now/{name}": value for name, value in self.parameters.items()}
        tensors |= {f"best/{name}": value for name, value in self.best.items()}
        tensors |= {f"{CENTRES}/{name}": value for name, value in self.centres.state_dict().items()}
        for number, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser/{number}/{kind}": value for kind, value in moments.items()}
        progress: Progress = {"rows": self.rows, "recalls": self.recalls, "best_epoch": self.best_epoch}
        return {"tensors": tensors, "progress": progress}

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, torch.Tensor], progress: Progress) -> None:
        """Go back to a saved state."""
        parts: dict[str, dict[str, torch.Tensor]] = {"now": {}, "best": {}, CENTRES: {}, "optimiser": {}}
        for name, value in tensors.items():
            part, _, rest = name.partition("/")
            parts[part][rest] = value
        for name, value in parts["now"].items():
            self.parameters[name].copy_(value)
        self.best = {name: value.to(self.device) for name, value in parts["best"].items()}
        self.centres.load_state_dict(parts[CENTRES])
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in parts["optimiser"].items():
            number, kind = name.split("/")
            moments.setdefault(int(number), {})[kind] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": moments, "param_groups": groups})
        self.rows, self.recalls = progress["rows"], progress["recalls"]
        self.best_epoch = progress["best_epoch"]

    def _order_images(self, epoch: int) -> np.ndarray:
        """The images of every step of an epoch: (n_steps, batch)."""
        rng = np.random.default_rng([self.recipe["seed"], epoch])
        n_images, n_drawn = len(self.train.labels), self.n_steps * self.batch
        class_sampling = self.recipe["class_sampling"]
        if class_sampling == "none":
            return rng.permutation(n_images)[:n_drawn].reshape(self.n_steps, self.batch)
        share = np.bincount(self.train.labels)[self.train.labels] ** -SAMPLING_POWERS[class_sampling]
        return rng.choice(n_images, (self.n_steps, self.batch), p=share / share.sum())

    def _step(self, epoch: int, rows: np.ndarray) -> Step:
        recipe, number = self.recipe, len(self.rows) + 1
        rng = np.random.default_rng([recipe["seed"], epoch, number])
        schedule = one_cycle(
            number - 1, recipe["epochs"] * self.n_steps, warmup_fraction=recipe["warmup_fraction"]
        )
        flipped = rng.random(len(rows)) < (0 if recipe["augment"] == "none" else 0.5)
        classes, labels = self._sample_classes(self.train.labels[rows], rng)
        dimensions = self._sample_dimensions(rng)
        centres, loss = self.centres.gather(classes), 0.0
        self.optimiser.zero_grad()
        for start in range(0, len(rows), recipe["batch_size"]):
            part = slice(start, start + recipe["batch_size"])
            batch = self.train_features(rows[part], flipped[part], int(rng.integers(2**32)))
            features = self._compute_features(batch)
            share = len(features) / len(rows)
            part_loss = share * margin_loss(
                features[:, dimensions], labels[part], centres[:, dimensions], recipe
            )
            part_loss.backward()
            loss += part_loss.item()
        parameters = [*self.parameters.values(), centres]
        norm = torch.nn.utils.get_total_norm(cast("torch.Tensor", value.grad) for value in parameters)
        if not np.isfinite([loss, norm.item()]).all():
            raise FloatingPointError(
                f"in epoch {epoch}, step {number} the loss is {loss}, its gradient {norm:.3g} long"
            )
        if recipe["max_grad_norm"] is not None:
            torch.nn.utils.clip_grads_with_norm_(parameters, recipe["max_grad_norm"], norm)
        lr = recipe["lr"] * schedule.factor
        head_lr = recipe["lr"] * recipe["head_lr_multiplier"] * schedule.factor
        (group,) = self.optimiser.param_groups
        group["lr"], group["betas"] = lr, (schedule.beta, group["betas"][1])
        self.optimiser.step()
        self.centres.step(classes, centres, rate=head_lr, beta=schedule.beta, number=number)
        return {
            "epoch": epoch,
            "step": number,
            "loss": loss,
            "backbone_lr": lr,
            "head_lr": head_lr,
            "gradient_norm": norm.item(),
            "val_recall": None,
        }

    def _compute_features(self, batch: torch.Tensor) -> torch.Tensor:
        """The output of the trained part for a batch: float32 (n, width)."""
        half = torch.autocast(self.device.type, torch.bfloat16)
        with half if self.recipe["precision"] == "bf16" else contextlib.nullcontext():
            return self.parts.trainable(batch).float()

    def _sample_classes(
        self, labels: np.ndarray, rng: np.random.Generator
    ) -> tuple[torch.Tensor | None, torch.Tensor]:
        """The classes of a step's softmax, None for all, and the labels as rows of them."""
        if self.recipe["sample_rate"] == 1:
            return None, torch.from_numpy(labels).to(self.device)
        classes, labels = sample_classes(labels, self.n_classes, self.recipe["sample_rate"], rng)
        return torch.from_numpy(classes).to(self.device), torch.from_numpy(labels).to(self.device)

    def _sample_dimensions(self, rng: np.random.Generator) -> slice | torch.Tensor:
        """The features that a step's cosines are computed from."""
        if self.recipe["feature_sample_rate"] == 1:
            return slice(None)
        n_used = max(1, round(self.recipe["feature_sample_rate"] * self.width))
        return torch.from_numpy(np.sort(rng.permutation(self.width)[:n_used])).to(self.device)

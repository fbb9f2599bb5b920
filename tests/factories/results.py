"""The finished tables of a synthetic study, for figures and reports: three models, any number of species."""

import numpy as np
import polars as pl

from nearkin.claims import evaluate
from nearkin.comparison import paired
from nearkin.evaluation import averages, confusions, recall_curve
from nearkin.evaluation.training_size import tabulate_training_size
from nearkin.sources.image_ids import image_uuid
from nearkin.splits import statistics
from tests.factories.random_study import labels_of

MODELS = ["untrained", "lite0", "lite0_unicom"]
DEPTH = 100
SKILL = {"untrained": 0.1, "lite0": 0.55, "lite0_unicom": 0.65}


def study(n_species=250, *, seed=1, bootstrap_samples=100, ks=(1, 5)):
    """Tables by name: labels, splits, statistics; and by model or pair: recalls, sizes, differences, ..."""
    rng = np.random.default_rng(seed)
    labels, splits = _images(rng, n_species)
    hits = {model: _hits(rng, labels, splits, SKILL[model], ks) for model in MODELS}
    recalls = {
        model: averages.compute_metrics(
            frame, ks=list(ks), depth=DEPTH, bootstrap_samples=bootstrap_samples, seed=1
        )
        for model, frame in hits.items()
    }
    n_train = paired.count_training_images(labels, splits)
    differences = {
        pair: paired.compare_models(
            hits[pair[0]],
            hits[pair[1]],
            n_train=n_train,
            ks=list(ks),
            min_queries=5,
            bootstrap_samples=bootstrap_samples,
            seed=1,
        )
        for pair in [("untrained", "lite0"), ("lite0", "lite0_unicom")]
    }
    return {
        "labels": labels,
        "splits": splits,
        "statistics": statistics.describe_dataset(labels, splits),
        "recalls": recalls,
        "sizes": {model: tabulate_training_size(frame, labels, splits) for model, frame in recalls.items()},
        "differences": differences,
        "claims": {
            pair: evaluate.evaluate_claims({model: recalls[model] for model in pair}, frame, k=1)
            for pair, frame in differences.items()
        },
        "curves": {
            model: recall_curve.compute_recall_curve(
                frame, depth=DEPTH, bootstrap_samples=bootstrap_samples, seed=1
            )
            for model, frame in hits.items()
        },
    }


def _images(rng, n_species):
    """Labels and splits: a long tail of images, a tenth of the species held out."""
    species, categories, split_names = [], [], []
    for i in range(n_species):
        category = ["Fish", "Bird", "Butterfly", "Fish"][i % 4]
        n = int(4 + min(rng.geometric(0.05), 90))
        assigned = rng.choice(["train", "val", "test"], n, p=[0.5, 0.15, 0.35])
        assigned = np.full(n, "unseen_species") if i % 10 == 9 else assigned
        species += [f"{category}genus{i % 40:02d} epithet{i:03d}"] * n
        categories += [category] * n
        split_names += [str(name) for name in assigned]
    labels = labels_of(species, categories)
    splits = labels.select("uuid").with_columns(
        split=pl.Series(split_names), group_id=pl.col("uuid"), reason=pl.lit(None, dtype=pl.String)
    )
    return labels, splits


def _hits(rng, labels, splits, skill, ks):
    """Query scores by protocol and level, nested; species differ in difficulty."""
    ease = {name: rng.normal(0, 0.15) for name in labels["species"].unique().sort()}
    queries = labels.join(splits.select("uuid", "split", "group_id"), on="uuid").filter(
        pl.col("split").is_in(["test", "unseen_species"])
    )
    parts = []
    for protocol, split in [
        ("leave_one_out", "test"),
        ("train_gallery", "test"),
        ("unseen_species", "unseen_species"),
    ]:
        split_queries = queries.filter(split=split).sort("uuid")
        chance = np.array([skill + ease[name] for name in split_queries["species"]]).clip(0.02, 0.98)
        first = rng.geometric(chance)
        for level, divisor in [("category", 20), ("genus", 2), ("species", 1)]:
            rank = np.maximum(1, -(-first // divisor))
            block = split_queries.select(
                "uuid",
                "category",
                "group_id",
                protocol=pl.lit(protocol),
                level=pl.lit(level),
                label=pl.col(level),
                n_relevant=(pl.len().over(level) - 1).cast(pl.Int64),
                first_relevant_rank=pl.Series(rank).cast(pl.Int32),
                same_group_excluded=pl.lit(True),
            )
            hit = (pl.col("n_relevant") > 0) & (pl.col("first_relevant_rank") <= DEPTH)
            block = block.with_columns(first_relevant_rank=pl.when(hit).then("first_relevant_rank"))
            n_relevant_at_k = [
                (pl.col("first_relevant_rank") <= k).fill_null(False).cast(pl.Int32) for k in ks
            ]
            reciprocal_rank = (1 / pl.col("first_relevant_rank")).fill_null(
                0
            )  # as with one relevant neighbour
            block = block.with_columns(
                n_relevant_at_k=pl.concat_list(n_relevant_at_k),
                r_precision=reciprocal_rank,
                average_precision=reciprocal_rank,
            )
            parts.append(block)
    return pl.concat(parts)


def confused(n_species=250, *, model="lite0"):
    """The `Confusions` of a synthetic study: a query finds its species, or one with a similar name."""
    rng = np.random.default_rng(1)
    labels, splits = _images(rng, n_species)
    tested = labels.join(splits.filter(split="test").select("uuid"), on="uuid")
    tested = tested.sort("category", "species", "uuid")
    distance = rng.geometric(SKILL[model] / 5, len(tested)).clip(1, len(tested) - 1)
    neighbour_index = (np.arange(len(tested)) + distance * rng.choice([-1, 1], len(tested))) % len(tested)
    nearest = tested.select(
        protocol=pl.lit("leave_one_out"), query="uuid", neighbour=tested["uuid"].gather(neighbour_index)
    )
    return confusions.count_confusions(nearest, labels)


def training(*, n_epochs=8, n_steps=20, chosen=5):
    """A `Training` table; `chosen` is the best epoch, 0 for the base."""
    step = np.arange(1, n_epochs * n_steps + 1)
    last = step % n_steps == 0
    epoch = (step - 1) // n_steps + 1
    rate = 1e-5 * np.sin(np.pi * step / step[-1]) + 1e-9
    gain = 0.7 + 0.1 * (1 - np.exp(-epoch / 2)) - 0.004 * epoch
    return pl.DataFrame(
        {
            "epoch": epoch.astype(np.int32),
            "step": step.astype(np.int32),
            "loss": 12 * np.exp(-step / 60) + 2 + np.sin(step * 1.7) * 0.6,
            "backbone_lr": rate,
            "head_lr": 10 * rate,
            "gradient_norm": np.ones(len(step)),
            "val_recall": [float(g) if end else None for g, end in zip(gain, last, strict=True)],
            "is_best": [bool(end and e == chosen) for e, end in zip(epoch, last, strict=True)],
        }
    )


def repairs():
    """A `CurationLog` table with one repaired, one filled and one merged row."""
    rows = [
        ("name", "case", "repaired", "esox lucius", "Esox lucius"),
        ("caption", "missing", "filled", None, "A photo of Esox lucius."),
        ("row", "repeated", "merged", None, None),
    ]
    return pl.DataFrame(
        [
            {
                "uuid": image_uuid("made", str(i)),
                "row_index": i % 2,
                "field": field,
                "defect": defect,
                "path": f"{i}.jpg",
                "before": before,
                "after": after,
                "action": action,
                "reason": "made up",
            }
            for i, (field, defect, action, before, after) in enumerate(rows)
        ],
        schema_overrides={"row_index": pl.Int32},
        infer_schema_length=None,
    )


def quarantine():
    """A `Quarantine` table with two reasons."""
    reasons = ["truncated", "truncated", "hybrid"]
    return pl.DataFrame(
        {
            "uuid": [image_uuid("aside", str(i)) for i in range(3)],
            "row_index": pl.Series([0, 0, 0], dtype=pl.Int32),
            "path": [f"{i}.jpg" for i in range(3)],
            "reason": reasons,
            "detail": ["made up"] * 3,
        }
    )

"""Does recall rise with the number of training images, and is the improvement related to it?"""

import numpy as np
import polars as pl

from nearkin.claims import logistic, spearman
from nearkin.claims.evidence import Evidence, make_claim_row
from nearkin.tables.claims import ODDS_RATIO, RELATED, RISES, SPEARMAN
from nearkin.vocabulary import MIN_LABELS


def test_recall_by_training_size(species: pl.DataFrame, column: str) -> list[dict[str, object]]:
    """Two answers about one model: by rank correlation, and by the odds of a hit.

    `species` are rows of a `Differences` table, `column` is base or trained.
    """
    n_train, recall, queries = (species[name].to_numpy() for name in ("n_train", column, "n_queries"))
    reason = _find_obstacle(n_train)
    if reason is None and not np.ptp(recall):
        reason = f"all species have the same recall, {recall[0]:.3f}"
    if reason is not None:
        by_rank = by_odds = Evidence(null_reason=reason)
    else:
        by_rank = spearman.spearman(n_train, recall)
        by_odds = logistic.odds_per_doubling(np.rint(recall * queries), queries, n_train)
    answers = make_claim_row(RISES, SPEARMAN, by_rank), make_claim_row(RISES, ODDS_RATIO, by_odds)
    return [answer | _find_size_range(species) for answer in answers]


def test_improvement_by_training_size(species: pl.DataFrame) -> dict[str, object]:
    """Whether species with more training images improved more, or less: an answer."""
    n_train, points = (species[name].to_numpy() for name in ("n_train", "diff_pp"))
    reason = _find_obstacle(n_train)
    if reason is None and not np.ptp(points):
        reason = "all species changed alike"
    evidence = Evidence(null_reason=reason) if reason else spearman.spearman(n_train, points)
    return make_claim_row(RELATED, SPEARMAN, evidence, supporting=(1, -1)) | _find_size_range(species)


def _find_size_range(species: pl.DataFrame) -> dict[str, object]:
    return {"min_train_images": species["n_train"].min(), "max_train_images": species["n_train"].max()}


def _find_obstacle(n_train: np.ndarray) -> str | None:
    """Why there is no claim about training size; None if there is one."""
    if len(n_train) < MIN_LABELS:
        return f"it takes {MIN_LABELS} species, not {len(n_train)}"
    if not n_train.any():
        return "no species has training images"
    if not np.ptp(n_train):
        return f"all species have {n_train[0]} training images"
    return None

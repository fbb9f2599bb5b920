"""Does recall rise with the number of training images, and does the improvement go with it?"""

import numpy as np

from nearkin.claims import logistic, spearman
from nearkin.claims.evidence import Evidence, claim_row
from nearkin.tables.claims import ODDS_RATIO, RELATED, RISES, SPEARMAN
from nearkin.vocabulary import MIN_LABELS


def test_recall_by_training_size(species, column):
    """Two answers about one model: by rank correlation, and by the odds of a hit.

    `species` are rows of a `Differences` table, `column` is base or trained.
    """
    n_train, recall, queries = (species[name].to_numpy() for name in ("n_train", column, "n_queries"))
    why = _find_obstacle(n_train)
    if why is None and not np.ptp(recall):
        why = f"all species have the same recall, {recall[0]:.3f}"
    if why is not None:
        by_rank = by_odds = Evidence(null_reason=why)
    else:
        by_rank = spearman.spearman(n_train, recall)
        by_odds = logistic.odds_per_doubling(np.rint(recall * queries), queries, n_train)
    found = claim_row(RISES, SPEARMAN, by_rank), claim_row(RISES, ODDS_RATIO, by_odds)
    return [answer | _format_training_sizes(species) for answer in found]


def test_improvement_by_training_size(species):
    """Whether species with more training images improved more, or less: an answer."""
    n_train, points = (species[name].to_numpy() for name in ("n_train", "diff_pp"))
    why = _find_obstacle(n_train)
    if why is None and not np.ptp(points):
        why = "all species changed alike"
    found = Evidence(null_reason=why) if why is not None else spearman.spearman(n_train, points)
    return claim_row(RELATED, SPEARMAN, found, showing=(1, -1)) | _format_training_sizes(species)


def _format_training_sizes(species):
    return {"min_train_images": species["n_train"].min(), "max_train_images": species["n_train"].max()}


def _find_obstacle(n_train):
    """Why nothing can be said of training size; None if something can."""
    if len(n_train) < MIN_LABELS:
        return f"it takes {MIN_LABELS} species, not {len(n_train)}"
    if not n_train.any():
        return "no species has training images"
    if not np.ptp(n_train):
        return f"all species have {n_train[0]} training images"
    return None

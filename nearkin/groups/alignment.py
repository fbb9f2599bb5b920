"""How alike two thumbnails are once one is aligned with the other as well as possible."""

import numpy as np

from nearkin.images.dhash import CROPS, SIDE

STEPS = (8, 8, 14, 14, 14)
"""Cells per side at which the alignment is improved, one step each; a coarse picture allows a longer step."""

FINAL_CELLS = 14
"""Cells per side at which the similarity is computed."""

MAX_CROP = 0.2
"""Share of a side that may be cut off at each end."""

MAX_STEP_CELLS = 1.5
"""Cells that an edge may move in a step."""

MIN_GRADIENT = 10.0
"""Length of the gradient vector below which an image counts as blank: half a grey level on average."""

CHUNK_PAIRS = 2048
"""Pairs in memory at once."""


def aligned_similarity(moving: np.ndarray, fixed: np.ndarray, view: str) -> np.ndarray:
    """How alike pairs of thumbnails are, up to 1: float32, (n,). A blank one gives 0.

    `moving` and `fixed` are uint8, (n, SIDE, SIDE); `moving` is already mirrored or turned as `view` is.
    The similarity is the cosine of the brightness gradients between neighbouring cells, so light
    and contrast do not matter. `moving` is first cropped as `view` is, then shifted and
    stretched along both axes in small steps of least squares, from coarse to fine; the best fit
    counts. Source: Lucas and Kanade, "An iterative image registration technique" (IJCAI 1981).
    """
    best = np.zeros(len(moving), dtype=np.float32)
    for start in range(0, len(moving), CHUNK_PAIRS):
        part = slice(start, start + CHUNK_PAIRS)
        best[part] = _find_best_similarity(moving[part], fixed[part], view)
    return best


def coarse_gradients(thumbnails: np.ndarray, view: str) -> np.ndarray:
    """The gradients of views of thumbnails at the coarsest scale, of length 1: (n, width).

    `thumbnails` are already mirrored or turned as `view` is.
    """
    return _compute_unit_gradients(thumbnails, _make_frames(len(thumbnails), view), STEPS[0])


def _find_best_similarity(moving: np.ndarray, fixed: np.ndarray, view: str) -> np.ndarray:
    whole = _make_frames(len(fixed), "whole")
    targets = {n_cells: _compute_unit_gradients(fixed, whole, n_cells) for n_cells in {*STEPS, FINAL_CELLS}}
    frames = _make_frames(len(moving), view)
    best = _compute_cosines(moving, frames, targets[FINAL_CELLS])
    for n_cells in STEPS:
        frames = _improve_frames(moving, frames, targets[n_cells], n_cells)
        best = np.maximum(best, _compute_cosines(moving, frames, targets[FINAL_CELLS]))
    return best


def _make_frames(n: int, view: str) -> np.ndarray:
    """Left, top, right and bottom edge of a view, in pixels of a thumbnail: (n, 4)."""
    left, top, right, bottom = CROPS[view]
    return np.tile(np.array([left, top, 1 - right, 1 - bottom], dtype=np.float32) * SIDE, (n, 1))


def _compute_cosines(thumbnails: np.ndarray, frames: np.ndarray, target: np.ndarray) -> np.ndarray:
    return (_compute_unit_gradients(thumbnails, frames, FINAL_CELLS) * target).sum(axis=1)


def _compute_unit_gradients(thumbnails: np.ndarray, frames: np.ndarray, n_cells: int) -> np.ndarray:
    """The gradients within the frames at n_cells x n_cells cells, of length 1: (n, width)."""
    return _normalise(_compute_gradients(_average_cells(thumbnails, frames, n_cells)))


def _improve_frames(
    thumbnails: np.ndarray, frames: np.ndarray, target: np.ndarray, n_cells: int
) -> np.ndarray:
    """The frames moved to where a linear forecast of the gradients fits `target` best."""
    cells = _average_cells(thumbnails, frames, n_cells)
    padded = np.pad(cells, ((0, 0), (1, 1), (1, 1)), mode="edge")
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    position = (2 * np.arange(n_cells, dtype=np.float32) + 1) / n_cells - 1  # -1 to 1
    changes = [cells, across, down, position * across, position[:, None] * down]
    forecast = np.stack([_compute_gradients(change) for change in changes], axis=1)  # (n, 5, width)
    products = forecast @ forecast.transpose(0, 2, 1) + MIN_GRADIENT**2 * np.eye(5, dtype=np.float32)
    weights = np.linalg.solve(products, forecast @ target[:, :, None])[:, :, 0]
    moves = weights[:, 1:] / np.maximum(weights[:, :1], 1e-3)
    moves = np.clip(moves, -MAX_STEP_CELLS, MAX_STEP_CELLS)
    size = (frames[:, 2:] - frames[:, :2]) / n_cells
    shift, stretch = moves[:, :2] * size, moves[:, 2:] * size
    frames = frames + np.hstack([shift - stretch, shift + stretch])
    margin = MAX_CROP * SIDE
    return np.hstack([np.clip(frames[:, :2], 0, margin), np.clip(frames[:, 2:], SIDE - margin, SIDE)])


def _average_cells(thumbnails: np.ndarray, frames: np.ndarray, n_cells: int) -> np.ndarray:
    """The means of n_cells x n_cells equal cells of a frame: float32, (n, n_cells, n_cells)."""
    columns, rows = (
        _make_averaging_matrices(frames[:, axis], frames[:, axis + 2], n_cells) for axis in (0, 1)
    )
    return rows @ thumbnails.astype(np.float32) @ columns.transpose(0, 2, 1)


def _make_averaging_matrices(low: np.ndarray, high: np.ndarray, n_cells: int) -> np.ndarray:
    """Matrices that average equal parts between two edges of a line of pixels: (n, n_cells, SIDE)."""
    edges = low[:, None] + (high - low)[:, None] * (np.arange(n_cells + 1, dtype=np.float32) / n_cells)
    pixels = np.arange(SIDE, dtype=np.float32)
    covered = np.minimum(edges[:, 1:, None], pixels + 1) - np.maximum(edges[:, :-1, None], pixels)
    return np.maximum(covered, 0) * (n_cells / (high - low))[:, None, None]


def _compute_gradients(cells: np.ndarray) -> np.ndarray:
    """The differences of neighbouring cells, across and down, in one row: (n, width)."""
    n = len(cells)
    return np.hstack([np.diff(cells, axis=axis).reshape(n, -1) for axis in (1, 2)])


def _normalise(gradients: np.ndarray) -> np.ndarray:
    """The gradients with length 1; 0 for blank images."""
    length = np.linalg.norm(gradients, axis=1, keepdims=True)
    return np.where(length < MIN_GRADIENT, 0, gradients / np.maximum(length, MIN_GRADIENT))

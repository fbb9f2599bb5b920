"""How alike two thumbnails are when one is laid over the other as well as it goes."""

import numpy as np

from nearkin.images.dhash import CROPS, SIDE

STEPS = (8, 8, 14, 14, 14)
"""Cells of a side at which the fit is improved, one step each; a rough picture bears a longer step."""

CELLS = 14
"""Cells of a side at which the likeness is taken."""

MAX_CROP = 0.2
"""Share of a side that may be cut off at each end."""

LONGEST_STEP = 1.5
"""Cells that an edge may move in a step."""

MIN_GRADIENT = 10.0
"""Length of the slopes below which an image is as good as blank: half a grey level on average."""

CHUNK_PAIRS = 2048
"""Pairs in memory at once."""


def aligned_similarity(moving, fixed, view):
    """How alike pairs of thumbnails are, up to 1: float32, (n,). Blank ones are like nothing, 0.

    `moving` and `fixed` are uint8, (n, SIDE, SIDE); `moving` is already mirrored or turned as `view` is.
    Compared are the slopes of brightness between neighbouring cells (their cosine), so light
    and contrast do not matter. What `moving` shows is first cropped as `view` is, then shifted and
    stretched along both axes in small steps of least squares, from rough to fine; the best fit
    counts. Source: Lucas and Kanade, "An iterative image registration technique" (IJCAI 1981).
    """
    best = np.zeros(len(moving), dtype=np.float32)
    for start in range(0, len(moving), CHUNK_PAIRS):
        part = slice(start, start + CHUNK_PAIRS)
        best[part] = _fitted(moving[part], fixed[part], view)
    return best


def coarse_gradients(thumbnails, view):
    """The slopes of views of thumbnails at the roughest scale, of length 1: (n, width).

    `thumbnails` are already mirrored or turned as `view` is.
    """
    return _unit(_slopes(_cells(thumbnails, _frames(len(thumbnails), view), STEPS[0])))


def _fitted(moving, fixed, view):
    whole = _frames(len(fixed), "whole")
    wanted = {n_cells: _unit(_slopes(_cells(fixed, whole, n_cells))) for n_cells in {*STEPS, CELLS}}
    frames = _frames(len(moving), view)
    best = _cosines(moving, frames, wanted[CELLS])
    for n_cells in STEPS:
        frames = _improved(moving, frames, wanted[n_cells], n_cells)
        best = np.maximum(best, _cosines(moving, frames, wanted[CELLS]))
    return best


def _frames(n, view):
    """Left, top, right and bottom edge of a view, in pixels of a thumbnail: (n, 4)."""
    left, top, right, bottom = CROPS[view]
    return np.tile(np.array([left, top, 1 - right, 1 - bottom], dtype=np.float32) * SIDE, (n, 1))


def _cosines(thumbnails, frames, wanted):
    return (_unit(_slopes(_cells(thumbnails, frames, CELLS))) * wanted).sum(axis=1)


def _improved(thumbnails, frames, wanted, n_cells):
    """The frames moved to where a linear forecast of the slopes fits the wanted ones best."""
    cells = _cells(thumbnails, frames, n_cells)
    padded = np.pad(cells, ((0, 0), (1, 1), (1, 1)), mode="edge")
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    place = (2 * np.arange(n_cells, dtype=np.float32) + 1) / n_cells - 1  # -1 to 1
    changes = [cells, across, down, place * across, place[:, None] * down]
    forecast = np.stack([_slopes(change) for change in changes], axis=1)  # (n, 5, width)
    products = forecast @ forecast.transpose(0, 2, 1) + MIN_GRADIENT**2 * np.eye(5, dtype=np.float32)
    weights = np.linalg.solve(products, forecast @ wanted[:, :, None])[:, :, 0]
    moves = weights[:, 1:] / np.maximum(weights[:, :1], 1e-3)
    moves = np.clip(moves, -LONGEST_STEP, LONGEST_STEP)
    size = (frames[:, 2:] - frames[:, :2]) / n_cells
    shift, stretch = moves[:, :2] * size, moves[:, 2:] * size
    frames = frames + np.hstack([shift - stretch, shift + stretch])
    farthest = MAX_CROP * SIDE
    return np.hstack([np.clip(frames[:, :2], 0, farthest), np.clip(frames[:, 2:], SIDE - farthest, SIDE)])


def _cells(thumbnails, frames, n_cells):
    """The means of n_cells x n_cells equal cells of a frame: float32, (n, n_cells, n_cells)."""
    columns, rows = (_means(frames[:, axis], frames[:, axis + 2], n_cells) for axis in (0, 1))
    return rows @ thumbnails.astype(np.float32) @ columns.transpose(0, 2, 1)


def _means(low, high, n_cells):
    """What takes the means of equal parts between two edges of a line of pixels: (n, n_cells, SIDE)."""
    edges = low[:, None] + (high - low)[:, None] * (np.arange(n_cells + 1, dtype=np.float32) / n_cells)
    pixels = np.arange(SIDE, dtype=np.float32)
    covered = np.minimum(edges[:, 1:, None], pixels + 1) - np.maximum(edges[:, :-1, None], pixels)
    return np.maximum(covered, 0) * (n_cells / (high - low))[:, None, None]


def _slopes(cells):
    """The differences of neighbouring cells, across and down, in one row: (n, width)."""
    n = len(cells)
    return np.hstack([np.diff(cells, axis=axis).reshape(n, -1) for axis in (1, 2)])


def _unit(slopes):
    length = np.linalg.norm(slopes, axis=1, keepdims=True)
    return np.where(length < MIN_GRADIENT, 0, slopes / np.maximum(length, MIN_GRADIENT))

"""Patch k-means: where the demo's codebook starts, and the baseline that a codec has to beat."""

import numpy as np
import numpy.typing as npt

from dalle_model.config import PATCH
from dalle_model.pixels import Floats, Rgb, map_pixels, unmap_pixels

# Shape letters: N images or points, S side in pixels, G grid side, D values of a point,
# K centroids, P values of a patch (192).

_CHUNK = 8192  # chosen: points compared at once, 32 MiB of distances to 1,024 centroids


def fit_centroids(images: Rgb, num_codes: int, iterations: int, seed: int) -> Floats:
    """Patch k-means of images and their mirror images: float32 `(K, P)` of mapped pixels."""
    both = np.concatenate([images, images[:, :, ::-1]])
    return kmeans(_points(both), num_codes, iterations, seed)


def quantise(images: Rgb, centroids: Floats) -> Rgb:
    """Replace each patch by its nearest centroid: the baseline that a codec has to beat."""
    nearest = centroids[nearest_centroids(_points(images), centroids)]
    mapped = from_patches(nearest, images.shape[1] // PATCH)
    return np.asarray(np.rint(unmap_pixels(mapped) * 255), np.uint8)


def to_patches(images: Floats, patch: int) -> Floats:
    """Cut images into square patches.

    Args:
        images: `(N, S, S, 3)`.
        patch: edge of a patch in pixels; S is a multiple of it.

    Returns:
        `(N * G * G, 3 * patch * patch)`, patches in raster order; within a patch channel by
        channel, as `torch.nn.functional.pixel_unshuffle` orders them.
    """
    count, side = images.shape[0], images.shape[1]
    grid = side // patch
    split = images.reshape(count, grid, patch, grid, patch, 3).transpose(0, 1, 3, 5, 2, 4)
    return split.reshape(count * grid**2, 3 * patch**2)


def from_patches(patches: Floats, grid: int) -> Floats:
    """The inverse of `to_patches`: `(N, S, S, 3)` of patches in raster order."""
    patch = int((patches.shape[1] // 3) ** 0.5)
    split = patches.reshape(-1, grid, grid, 3, patch, patch).transpose(0, 1, 4, 2, 5, 3)
    return split.reshape(-1, grid * patch, grid * patch, 3)


def nearest_centroids(points: Floats, centroids: Floats) -> npt.NDArray[np.int64]:
    """Index of the centroid nearest to each point, `(N,)`, Euclidean; the lowest of several."""
    half_squares = 0.5 * np.square(centroids).sum(axis=1)
    chunks = [points[i : i + _CHUNK] for i in range(0, len(points), _CHUNK)]
    nearest = [np.argmax(chunk @ centroids.T - half_squares, axis=1) for chunk in chunks]
    return np.concatenate(nearest) if nearest else np.zeros(0, np.int64)


def kmeans(points: Floats, num_centroids: int, iterations: int, seed: int) -> Floats:
    """Lloyd's algorithm from distinct random points.

    A centroid left without points moves to one of the points farthest from their centroids.

    Args:
        points: float32 `(N, D)`.
        num_centroids: K, the size of the codebook.
        iterations: of assignment and update.
        seed: of the choice of the first centroids.

    Returns:
        float32 `(K, D)`; where there are fewer distinct points than K, some repeat.
    """
    distinct = np.unique(points, axis=0)
    order = np.random.default_rng(seed).permutation(len(distinct))
    centroids = distinct[np.resize(order, num_centroids)]
    for _ in range(iterations):
        centroids = _updated(points, centroids, nearest_centroids(points, centroids))
    return centroids


def _updated(points: Floats, centroids: Floats, nearest: npt.NDArray[np.int64]) -> Floats:
    """The mean of each centroid's points, summed in float64 and in the order of the points."""
    counts = np.bincount(nearest, minlength=len(centroids))
    order = np.argsort(nearest, kind="stable")
    filled = np.flatnonzero(counts)
    starts = (np.cumsum(counts) - counts)[filled]
    moved = centroids.copy()
    sums = np.add.reduceat(points[order], starts, axis=0, dtype=np.float64)
    moved[filled] = sums / counts[filled, None]
    empty = np.flatnonzero(counts == 0)
    if len(empty):
        errors = np.square(points - centroids[nearest]).sum(axis=1)
        moved[empty] = points[
            np.argsort(-errors, kind="stable")[np.arange(len(empty)) % len(points)]
        ]
    return moved


def _points(images: Rgb) -> Floats:
    mapped = map_pixels(images.astype(np.float32) / np.float32(255))
    return np.ascontiguousarray(to_patches(mapped, PATCH), np.float32)

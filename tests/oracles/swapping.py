"""Paired comparison of mean IoU in plain loops: every permutation of images, and every image left
out.

An image is a list with (truth pixels, predicted pixels, hits) of every class.
"""

from __future__ import annotations

from itertools import product

Image = list[tuple[int, int, int]]


def mean_iou(images: list[Image], scored: list[int]) -> float:
    """Mean of intersection / union over the classes `scored` that are in the ground truth of these
    images.
    """
    found = []
    for c in scored:
        truth, predicted, hits = (sum(image[c][k] for image in images) for k in range(3))
        if truth > 0:
            found.append(hits / (truth + predicted - hits))
    return sum(found) / len(found)


def all_classes(images: list[Image]) -> list[int]:
    """The classes of the ground truth."""
    return [c for c in range(len(images[0])) if sum(image[c][0] for image in images) > 0]


def exact_p(first: list[Image], second: list[Image], clusters: list[int]) -> float:
    """Fraction of all 2^K permutations of clusters whose difference is at least the observed
    one.
    """
    scored = all_classes(first)
    observed = abs(mean_iou(first, scored) - mean_iou(second, scored))
    reached = total = 0
    for exchanged in product([0, 1], repeat=max(clusters) + 1):
        one = [(first, second)[exchanged[k]][n] for n, k in enumerate(clusters)]
        other = [(second, first)[exchanged[k]][n] for n, k in enumerate(clusters)]
        reached += abs(mean_iou(one, scored) - mean_iou(other, scored)) >= observed - 1e-12
        total += 1
    return reached / total


def jackknife_error(first: list[Image], second: list[Image], clusters: list[int]) -> float:
    """Standard error of the difference from leaving out one cluster at a time."""
    scored, K = all_classes(first), max(clusters) + 1
    rows = []
    for out in range(K):
        left = [n for n, k in enumerate(clusters) if k != out]
        rows.append(
            mean_iou([first[n] for n in left], scored) - mean_iou([second[n] for n in left], scored)
        )
    centre = sum(rows) / K
    return ((K - 1) / K * sum((row - centre) ** 2 for row in rows)) ** 0.5

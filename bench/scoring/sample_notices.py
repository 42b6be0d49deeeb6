"""Notices on the sample of images: too few images or clusters for good intervals, no detections."""

from __future__ import annotations

from bench import resample
from bench.notices import Notice
from bench.runs import Tables
from bench.samples import Array

FEW_IMAGES = 60
"""With fewer images, the interval of a single mIoU is too narrow under every known method
(measured: docs/statistics.md)."""
FEW_CLUSTERS = 20


def no_detections(tables: Tables) -> list[Notice]:
    """A note if detections were counted and there is none in any image."""
    counts = [len(table["image"]) for name, table in tables.items() if name.endswith("_detections")]
    if not counts or any(counts):
        return []
    return [Notice("no-detections", "the predictions contain no object of a scored class")]


def of_size(sizes: Array) -> list[Notice]:
    """Notices on samples that are too small for good intervals; `sizes` are images per cluster."""
    images, clusters = int(sizes.sum()), len(sizes)
    if clusters == 1:
        sample = "all images belong to one cluster" if images > 1 else "one image"
        return [Notice("one-cluster", f"{sample}: there are no intervals")]
    notices = []
    if images < FEW_IMAGES:
        message = f"only {images} images: with fewer than {FEW_IMAGES}, intervals are too narrow"
        notices.append(Notice("few-images", message))
    effective = resample.effective_clusters(sizes)
    if clusters < images and effective < FEW_CLUSTERS:
        message = (
            f"only {clusters} clusters (effective number {effective:.1f}): intervals are imprecise"
        )
        notices.append(Notice("few-clusters", message))
    return notices

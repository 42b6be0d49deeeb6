"""Whether the requested crops fit the images, checked before anything is predicted or counted."""

from __future__ import annotations

from bench.errors import UsageError
from bench.evaluation.jobs import Job
from bench.metrics.regions import fits


def require_crops(job: Job) -> None:
    """Refuse crops if none of them leaves any pixel of any image; the first that fits ends the
    search.

    Raises:
        UsageError: no crop fits; the message has the factors and the sizes.
    """
    factors = job.rules.regions.cutting
    sizes = set[tuple[int, int]]()
    for sample in job.samples if factors else ():
        size = sample.truth.semantic().size
        if any(fits(factor, size) for factor in factors):
            return
        sizes.add(size)
    if sizes:
        ends = dict.fromkeys(f"{height}x{width}" for height, width in (min(sizes), max(sizes)))
        raise UsageError(
            f"--regions crops={':'.join(map(str, job.rules.regions.crops))}: no factor leaves a "
            f"pixel of an image of {' to '.join(ends)} pixels (height x width); use smaller "
            "factors or larger images"
        )

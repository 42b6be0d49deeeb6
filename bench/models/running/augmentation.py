"""Test-time augmentation: averages the predictions at several scales and of the mirror image.

Probabilities (softmax) are averaged, in the image's own size, as mmsegmentation's `SegTTAModel`
does; logits of one scale may be larger than those of the others and would dominate the average.
This module knows tensors, and neither classes nor how images are prepared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

Size = tuple[int, int]


def scaled(size: Size, scale: float) -> Size:
    """Height and width at a scale, in whole pixels.

    >>> scaled((100, 201), 0.5), scaled((3, 3), 0.1)
    ((50, 101), (1, 1))
    """
    return max(1, int(size[0] * scale + 0.5)), max(1, int(size[1] * scale + 0.5))


def average(
    prepare: Callable[[Size], Tensor],
    logits: Callable[[Tensor], Tensor],
    sizes: Sequence[Size],
    *,
    flip: bool,
) -> Tensor:
    """Average the probabilities, (N, C, H, W), over sizes of the input and the mirror image
    (`flip`).

    `prepare` returns the input (N, 3, h, w) in a size; `logits` returns the logits for an input in
    the images' own size (N, C, H, W).
    """
    total: Tensor | None = None
    for size in sizes:
        pixels = prepare(size)
        for mirrored in (False, True) if flip else (False,):
            probabilities = logits(pixels.flip(-1) if mirrored else pixels).softmax(1)
            if mirrored:
                probabilities = probabilities.flip(-1)
            total = probabilities if total is None else total.add_(probabilities)
    if total is None:
        raise ValueError("an average needs at least one size")
    return total.div_(len(sizes) * (2 if flip else 1))

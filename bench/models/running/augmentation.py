"""Test-time augmentation: the average of what a network says of an image at several scales and of its mirror image.

Probabilities (softmax) are averaged, in the image's own size, as mmsegmentation's `SegTTAModel` does; of logits a loud
scale could outvote the others. This module knows tensors and neither classes nor how images are prepared.
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
    prepare: Callable[[Size], Tensor], logits: Callable[[Tensor], Tensor], sizes: Sequence[Size], *, flip: bool
) -> Tensor:
    """Average the probabilities, (N, C, H, W), over sizes of the input and, with `flip`, over its mirror image.

    `prepare` gives the input (N, 3, h, w) in a size, `logits` answers it in the images' own size (N, C, H, W).
    """
    total: Tensor | None = None
    for size in sizes:
        pixels = prepare(size)
        for mirrored in (False, True) if flip else (False,):
            found = logits(pixels.flip(-1) if mirrored else pixels).softmax(1)
            found = found.flip(-1) if mirrored else found
            total = found if total is None else total.add_(found)
    if total is None:
        raise ValueError("an average needs at least one size")
    return total.div_(len(sizes) * (2 if flip else 1))

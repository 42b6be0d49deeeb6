"""Which images go through a network together, and what happens when memory runs out: half as many, said once.

On the CPU each image goes alone, so that its prediction does not depend on its neighbours: the low bits of a
convolution change with the size of a batch. On a GPU images of one size go together. This module knows no network.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from bench.errors import UsageError
from bench.samples import Image

Answer = TypeVar("Answer")

CODE = "out-of-memory"
OUT_OF_MEMORY = ("allocate memory", "ALLOC_FAILED")
"""What torch says of memory in errors that are not of its own kind: the CPU's allocator, and CUDA's libraries."""


@dataclass(eq=False)
class Batches:
    """Batches of at most `size` images of one size; `size` is halved when the device's memory does not hold them.

    `warnings` takes (code, message) when that happens: the list of a model's identity, which ends in the record.
    """

    device: str
    size: int
    together: bool
    warnings: list[tuple[str, str]] = field(default_factory=list)

    def run(self, images: Sequence[Image], answer: Callable[[Sequence[Image]], Sequence[Answer]]) -> list[Answer]:
        """Answer all images, in their order; `answer` is given some of one size.

        Raises:
            UsageError: the device's memory does not hold a single image.
        """
        found: dict[int, Answer] = {}
        waiting = deque(self.positions([image.shape[:2] for image in images]))
        while waiting:
            batch = waiting.popleft()
            if len(batch) > self.size:
                waiting.appendleft(batch[self.size :])
                batch = batch[: self.size]
            answers = self._tried([images[position] for position in batch], answer)
            if answers is None:
                self._halve(len(batch), images[batch[0]].shape)
                waiting.appendleft(batch)
            else:
                found |= zip(batch, answers, strict=True)
        return [found[position] for position in range(len(images))]

    def positions(self, sizes: Sequence[tuple[int, ...]]) -> list[list[int]]:
        """Positions of images that go together: equal sizes, or each alone."""
        if not self.together:
            return [[position] for position in range(len(sizes))]
        groups = [[p for p, other in enumerate(sizes) if other == size] for size in dict.fromkeys(sizes)]
        return [group[start : start + self.size] for group in groups for start in range(0, len(group), self.size)]

    def _tried(
        self, images: Sequence[Image], answer: Callable[[Sequence[Image]], Sequence[Answer]]
    ) -> Sequence[Answer] | None:
        """The answers, or None where memory ran out."""
        try:
            return answer(images)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not isinstance(error, torch.OutOfMemoryError) and not any(w in str(error) for w in OUT_OF_MEMORY):
                raise
        # Outside of the handler: while it lives, the error holds the tensors of the batch.
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None

    def _halve(self, tried: int, shape: tuple[int, ...]) -> None:
        height, width = shape[:2]
        if tried == 1:
            remedies = "give a smaller --input-size, or a --window where the model takes one"
            remedies += "" if self.device == "cpu" else ", or say --device cpu"
            raise UsageError(f"out of memory on {self.device} with one image of {width} x {height}: {remedies}")
        self.size = tried // 2
        said = f"the memory of {self.device} did not hold {tried} images of {width} x {height} at once"
        message = f"{said}, so that at most {self.size} went together; --batch-size {self.size} says so from the start"
        # The last word counts: halving may go on.
        self.warnings[:] = [*(each for each in self.warnings if each[0] != CODE), (CODE, message)]

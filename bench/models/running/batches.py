"""Which images go through a network together; if memory runs out, half as many do.

On the CPU each image goes alone, so that its prediction does not depend on its neighbours: the low
bits of a convolution change with the size of a batch. On a GPU images of one size go together. This
module knows no network.
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
"""Texts of errors about memory that are not a `torch.OutOfMemoryError`.

They come from the CPU's allocator and from CUDA's libraries.
"""


@dataclass(eq=False)
class Batches:
    """Batches of at most `size` images of equal height and width.

    `size` is halved when the memory of the device is too small, and `warnings` gets a (code,
    message): it is the list of the model's identity, which becomes part of the record.
    """

    device: str
    size: int
    together: bool
    warnings: list[tuple[str, str]] = field(default_factory=list)

    def run(
        self, images: Sequence[Image], answer: Callable[[Sequence[Image]], Sequence[Answer]]
    ) -> list[Answer]:
        """Predict all images, in their order; `answer` predicts images of one size.

        Raises:
            UsageError: the memory of the device is too small for a single image.
        """
        answers: dict[int, Answer] = {}
        waiting = deque(self.groups([image.shape[:2] for image in images]))
        while waiting:
            batch = waiting.popleft()
            if len(batch) > self.size:
                waiting.appendleft(batch[self.size :])
                batch = batch[: self.size]
            batch_answers = self._tried([images[index] for index in batch], answer)
            if batch_answers is None:
                self._halve(len(batch), images[batch[0]].shape)
                waiting.appendleft(batch)
            else:
                answers |= zip(batch, batch_answers, strict=True)
        return [answers[index] for index in range(len(images))]

    def groups(self, sizes: Sequence[tuple[int, ...]]) -> list[list[int]]:
        """Indices of images that go together: those of equal size, or each image alone."""
        if not self.together:
            return [[index] for index in range(len(sizes))]
        same_size = [
            [index for index, other in enumerate(sizes) if other == size]
            for size in dict.fromkeys(sizes)
        ]
        return [
            group[start : start + self.size]
            for group in same_size
            for start in range(0, len(group), self.size)
        ]

    def _tried(
        self, images: Sequence[Image], answer: Callable[[Sequence[Image]], Sequence[Answer]]
    ) -> Sequence[Answer] | None:
        """The predictions, or None if memory ran out."""
        try:
            return answer(images)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        # After the handler: the error holds the tensors of the batch as long as it exists.
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None

    def _halve(self, tried: int, shape: tuple[int, ...]) -> None:
        height, width = shape[:2]
        if tried == 1:
            remedies = "use a smaller --input-size, or --window if the model supports it"
            if self.device != "cpu":
                remedies += ", or --device cpu"
            raise UsageError(
                f"out of memory on {self.device} with one image of {width} x {height}: {remedies}"
            )
        self.size = tried // 2
        message = (
            f"the memory of {self.device} was too small for {tried} images of {width} x {height} "
            f"at once; the batch size was reduced to {self.size} (--batch-size {self.size} avoids "
            "this)"
        )
        # The size may be halved again: only the last message is kept.
        others = [warning for warning in self.warnings if warning[0] != CODE]
        self.warnings[:] = [*others, (CODE, message)]


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that the memory of the device ran out."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return any(text in str(error) for text in OUT_OF_MEMORY)

"""A person's function or model at work, image by image or in batches, with its answers checked.

This module knows no form of their code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from bench import inputs
from bench.errors import BenchError, PredictionError
from bench.models.own_code import asked
from bench.models.own_code.forms import described
from bench.models.own_code.guarding import theirs
from bench.samples import Image, Prediction

if TYPE_CHECKING:
    from bench.cards import Card


@dataclass(frozen=True, eq=False)
class OwnModel:
    """A function that is called with one image at a time, (H, W, 3) uint8 RGB; its answers are checked here."""

    name: str
    function: Callable[[Image], Any]
    card: Card
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    task: str
    batch_size: int = 1

    def predict(self, images: Sequence[Image]) -> list[Prediction]:
        """Ask the function about every image.

        Raises:
            OwnCodeError: it fails.
            PredictionError: its answer has another form or size, or a class out of range.
        """
        return [self._one(image) for image in images]

    def _one(self, image: Image) -> Prediction:
        with theirs(self.name):
            answer = self.function(image)
        size = (image.shape[0], image.shape[1])
        return _checked(answer, self.task, self.card, self.name, size)


@dataclass(frozen=True, eq=False)
class GuardedModel:
    """A person's model: its exceptions are reported as its own, its answers are checked, unread options are refused."""

    model: Any
    name: str
    card: Card
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    options: asked.AskedOptions | None
    honoured: frozenset[str]
    seen: list[bool] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        """What else a model may have, such as `prompt` and `prompts` of one that is pointed at objects."""
        return getattr(self.model, name)

    def predict(self, images: Sequence[Image], *more: Any) -> list[Prediction]:
        """Ask the model about a batch of images.

        Raises:
            OwnCodeError: it fails.
            PredictionError: its answer has another form or size.
            UsageError: an option was given that its code has not read until now.
        """
        with theirs(self.name):
            answers = self.model.predict(images, *more)
        if self.options is not None and not self.seen:  # what the loader returned may read them too
            asked.refuse_unread(self.name, self.options, self.honoured)
            self.seen.append(True)
        if self.model.task not in inputs.TASKS:
            return cast("list[Prediction]", answers)
        if isinstance(answers, Mapping | str) or not hasattr(answers, "__len__"):
            raise PredictionError(f"{self.name}: returned {described(answers)} for a batch, not a list of predictions")
        sizes = [(image.shape[0], image.shape[1]) for image in images]
        if len(answers) != len(sizes):
            return list(answers)  # whoever asked counts them
        return [
            _checked(answer, self.model.task, self.card, self.name, size)
            for answer, size in zip(answers, sizes, strict=True)
        ]


def _checked(answer: Any, task: str, card: Card, name: str, size: tuple[int, int]) -> Prediction:
    single = isinstance(answer, str | bytes | bool | int | float) or getattr(answer, "ndim", None) == 0
    if answer is None or single or callable(answer):
        wanted = "labels of shape (H, W)" if task == "semantic" else "a dict"
        raise PredictionError(f"{name}: returned {described(answer)} for an image; a {task} answer is {wanted}")
    try:
        if task == "semantic":
            _refuse_nan(answer, name)
        return inputs.prediction(answer, task, card.classes, where=name, size=size)
    except BenchError:
        raise
    except Exception as error:
        raise PredictionError(
            f"{name}: returned {described(answer)}, which cannot be read ({type(error).__name__}: {error})"
        ) from error


def _refuse_nan(answer: Any, name: str) -> None:
    """Refuse NaN in an array of real numbers; whole numbers cannot hold it."""
    found = inputs.array(answer) if hasattr(answer, "shape") else np.zeros(0)
    if found.dtype.kind == "f" and bool(np.isnan(found).any()):
        raise PredictionError(f"{name}: returned NaN for an image; a semantic answer is labels of shape (H, W)")

"""Runs the user's function or model, and checks what it returns.

This module knows no form of their code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from bench import inputs
from bench.errors import BenchError, PredictionError
from bench.models.own_code import recording
from bench.models.own_code.forms import describe
from bench.models.own_code.guarding import reporting_errors
from bench.samples import Image, Prediction

if TYPE_CHECKING:
    from bench.cards import Card


@dataclass(frozen=True, eq=False)
class OwnModel:
    """A function that is called with one image at a time, (H, W, 3) uint8 RGB."""

    name: str
    function: Callable[[Image], Any]
    card: Card
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    task: str
    batch_size: int = 1

    def predict(self, images: Sequence[Image]) -> list[Prediction]:
        """Call the function with every image.

        Raises:
            OwnCodeError: it raised an exception.
            PredictionError: what it returned has another form or size, or a class out of range.
        """
        return [self._predict_one(image) for image in images]

    def _predict_one(self, image: Image) -> Prediction:
        with reporting_errors(self.name):
            answer = self.function(image)
        size = (image.shape[0], image.shape[1])
        return _checked(answer, self.task, self.card, self.name, size)


@dataclass(frozen=True, eq=False)
class GuardedModel:
    """The user's model with its exceptions reported, its predictions checked, its options checked.

    Attributes:
        model: the user's model.
        name: what messages call it.
        card: the data set.
        identity: what the record says it is.
        settings: what the record says about how it runs.
        options: the options that its loader was passed, None if there was no loader.
        applied: the options that bench applies itself.
        checked: not empty once the options were checked.
    """

    model: Any
    name: str
    card: Card
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    options: recording.RecordingOptions | None
    applied: frozenset[str]
    checked: list[bool] = field(default_factory=list)

    @property
    def task(self) -> str:
        """The task of the user's model."""
        return cast("str", self.model.task)

    @property
    def batch_size(self) -> int:
        """The batch size of the user's model."""
        return cast("int", self.model.batch_size)

    def __getattr__(self, name: str) -> Any:
        """Further attributes of the model, such as `prompt` and `prompts` of promptable ones."""
        return getattr(self.model, name)

    def predict(self, images: Sequence[Image], *prompts: Any) -> list[Prediction]:
        """Run the model on a batch of images.

        Raises:
            OwnCodeError: it raised an exception.
            PredictionError: what it returned has another form or size.
            UsageError: an option was set that its code has not read so far.
        """
        with reporting_errors(self.name):
            answers = self.model.predict(images, *prompts)
        # After the first batch, because the returned model may read options that the loader did
        # not.
        if self.options is not None and not self.checked:
            recording.refuse_unread(self.name, self.options, self.applied)
            self.checked.append(True)
        if self.task not in inputs.TASKS:
            return cast("list[Prediction]", answers)
        if isinstance(answers, Mapping | str) or not hasattr(answers, "__len__"):
            raise PredictionError(
                f"{self.name}: returned {describe(answers)} for a batch, not a list of predictions"
            )
        sizes = [(image.shape[0], image.shape[1]) for image in images]
        if len(answers) != len(sizes):
            return list(answers)  # the caller reports the wrong number
        return [
            _checked(answer, self.task, self.card, self.name, size)
            for answer, size in zip(answers, sizes, strict=True)
        ]


def _checked(answer: Any, task: str, card: Card, name: str, size: tuple[int, int]) -> Prediction:
    """What the user's code returned for an image, as a prediction."""
    is_scalar = (
        isinstance(answer, str | bytes | bool | int | float) or getattr(answer, "ndim", None) == 0
    )
    if answer is None or is_scalar or callable(answer):
        expected = "labels of shape (H, W)" if task == "semantic" else "a dict"
        raise PredictionError(
            f"{name}: returned {describe(answer)} for an image; a {task} prediction is {expected}"
        )
    try:
        if task == "semantic":
            _refuse_nan(answer, name)
        return inputs.prediction(answer, task, card.classes, where=name, size=size)
    except BenchError:
        raise
    except Exception as error:
        raise PredictionError(
            f"{name}: returned {describe(answer)}, which cannot be read "
            f"({type(error).__name__}: {error})"
        ) from error


def _refuse_nan(answer: Any, name: str) -> None:
    """Refuse NaN in an array of floats; integers cannot hold it."""
    if not hasattr(answer, "shape"):
        return
    values = inputs.array(answer)
    if values.dtype.kind == "f" and bool(np.isnan(values).any()):
        raise PredictionError(
            f"{name}: returned NaN for an image; a semantic prediction is labels of shape (H, W)"
        )

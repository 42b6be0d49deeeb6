"""What the pixels of a label file mean: ids of the card, values that the card maps to ids, or
colours of classes.

One description serves truth and predictions, reading and writing. It knows one file at a time, no
folders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench import images
from bench.classes import VALUES, Classes, LabelSpace
from bench.errors import DataError, InputError, PredictionError
from bench.formats.labels.color_codes import ColorCodes
from bench.formats.labels.value_codes import ValueCodes
from bench.images import levels
from bench.samples import Array, LabelMap

if TYPE_CHECKING:
    from bench.cards import Card


@dataclass(frozen=True, eq=False)
class LabelFiles:
    """How the label files of one data set encode its classes.

    `values` maps pixel values to ids where they differ; with `colors` truth is RGB in the colours
    of the classes. Predictions may be RGB wherever every scored class has a colour of its own.
    `palette` (256, 3) colours the index files that are written. `colored` says what to do about
    truth in colours, where `colors` is not set. With a `threshold`, values below it are train id 0
    and the others train id 1.
    """

    classes: Classes
    values: Mapping[int, int] = field(default_factory=dict)
    colors: bool = False
    palette: Array | None = None
    colored: str = ""
    threshold: int | None = None

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What names of label files end in."""
        return (
            images.LABEL_SUFFIXES
            if self.threshold is None
            else (*images.LABEL_SUFFIXES, *images.LOSSY_SUFFIXES)
        )

    def read_truth(self, path: Path) -> LabelMap:
        """Read a truth file as train ids and `ignore`.

        Raises:
            DataError: a damaged file, or a value or colour that means nothing in the card.
        """
        if self.threshold is not None:
            return LabelMap(self._from_levels(path, DataError))
        if self.colors:
            return LabelMap(self.color_codes.labels(self._codes(path, DataError)))
        try:
            values = images.read_labels(path)
        except DataError as error:
            raise DataError(f"{error}{self._colored_truth(path)}") from None
        return LabelMap(self.true_labels(values, path))

    def true_labels(self, values: Array, path: Path) -> Array:
        """Map the values of a truth file, of any shape, to train ids and `ignore`.

        Raises:
            DataError: a value that means nothing in the card.
        """
        ids = self._value_codes.true_ids(values, path) if self.values else values
        return self.classes.to_train(ids, where=str(path))

    def read_prediction(self, path: Path, space: LabelSpace = "ids") -> LabelMap:
        """Read a predicted label map as train ids; labels that are not scored become `ignore`.

        Raises:
            PredictionError: a damaged file, or a value or colour that is not a label of the card.
        """
        if self.threshold is not None:
            if space != "ids":
                raise PredictionError(
                    f"{path}: --label-space {space} has no effect with the card's threshold; "
                    "leave it out"
                )
            return LabelMap(self._from_levels(path, PredictionError))
        try:
            labels = None if self.colors and images.is_color(path) else images.read_labels(path)
        except DataError as error:
            if not _is_color(path):
                raise PredictionError(str(error)) from None
            return self._colored_prediction(path, space, str(error))
        if labels is None:
            return self._colored_prediction(path, space, "")
        colored = None if self.colors or space != "ids" else self._grey_colors(labels, path)
        try:
            label_map = self._label_map(labels, space, path)
        except PredictionError:
            if colored is None:
                raise
            return colored
        if colored is not None and not np.array_equal(colored.labels, label_map.labels):
            raise PredictionError(
                f"{path}: this is a colour image whose pixels are grey values that mean one class "
                "as label ids and another as colours of the card; write label ids as a grey PNG"
            )
        return label_map

    def _label_map(self, labels: Array, space: LabelSpace, path: Path) -> LabelMap:
        labels = self.predicted_values(labels, space, path)
        train = self.classes.prediction_to_train(labels, space, where=str(path))
        folded = labels if bool((train == self.classes.ignore).any()) else None
        return LabelMap(train, ids=folded if space == "ids" else None, values=folded)

    def predicted_values(self, values: Array, space: LabelSpace, path: Path) -> Array:
        """Turn the pixel values of a predicted file, of any shape, into ids by the card's [values];
        train ids stay.

        Raises:
            PredictionError: a value that [values] does not list.
        """
        return (
            self._value_codes.predicted_ids(values, path)
            if self.values and space == "ids"
            else values
        )

    def write_truth(self, path: Path, labels: Array) -> None:
        """Write train ids and `ignore`, shape (H, W), so that `read_truth` gives them back.

        Raises:
            DataError: void pixels in a data set that has no value for them, or a file that cannot
                be written.
        """
        void = () if self.threshold is not None else self.classes.void or self._unscored
        if not self.colors and not void and (labels == self.classes.ignore).any():
            raise DataError(
                f"{path}: there are void pixels, but the card has no value for void; add one "
                "to `void`"
            )
        self._write(path, labels, self.classes)

    def write_prediction(self, path: Path, labels: Array) -> None:
        """Write predicted train ids, shape (H, W), so that `read_prediction` gives them back.

        Raises:
            PredictionError: pixels without a class, in a data set that scores every label.
        """
        if self._unscored:
            # A prediction has no void: the first label that is not scored is written for all of
            # them.
            self._write(path, labels, replace(self.classes, void=self._unscored[:1]))
            return
        if (labels == self.classes.ignore).any():
            raise PredictionError(
                f"{path}: some pixels have no class; every pixel of a prediction needs one"
            )
        self._write(path, labels, self.classes)

    @cached_property
    def _unscored(self) -> tuple[int, ...]:
        return tuple(
            e.id for e in self.classes.entries if e.train_id is None and 0 <= e.id < VALUES
        )

    def _write(self, path: Path, labels: Array, classes: Classes) -> None:
        if self.threshold is not None:
            images.write_labels(path, np.where(labels == 1, levels.BYTE, 0).astype(np.uint8))
            return
        if self.colors:
            images.write_rgb(path, self._to_colors(labels, path))
            return
        ids = classes.to_ids(labels)
        images.write_labels(
            path, self._value_codes.values_of(ids, path) if self.values else ids, self.palette
        )

    def _from_levels(self, path: Path, error: type[InputError]) -> Array:
        try:
            stored_levels = images.read_levels(path)
        except DataError as problem:
            raise error(str(problem)) from None
        return stored_levels.reach(self.threshold or 0).astype(self.classes.dtype)

    @cached_property
    def _value_codes(self) -> ValueCodes:
        return ValueCodes(self.classes, self.values)

    @cached_property
    def color_codes(self) -> ColorCodes:
        """The meaning of the colours of the classes."""
        return ColorCodes(self.classes)

    def _colored_prediction(self, path: Path, space: LabelSpace, why: str) -> LabelMap:
        """Read by colours what cannot be read as labels; `why` is a sentence about it."""
        problem = "" if self.colors else self.color_codes.problem
        if problem:
            why = why or f"{path}: this is a colour image"
            raise PredictionError(f"{why}; write label ids, not colours: {problem}")
        if space != "ids":
            raise PredictionError(
                f"{path}: this is a colour image, and --label-space {space} has no effect on "
                "colours; leave it out"
            )
        return self.color_codes.label_map(self._codes(path, PredictionError))

    def _grey_colors(self, labels: Array, path: Path) -> LabelMap | None:
        """What equal channels of a colour image mean as colours of classes; None where they mean
        nothing.
        """
        if self.color_codes.problem or labels.dtype != np.uint8 or not _is_color(path):
            return None
        places, unknown = self.color_codes.places(np.repeat(labels[..., None], 3, axis=2))
        return self.color_codes.label_map(places) if unknown is None else None

    def _codes(self, path: Path, error: type[InputError]) -> Array:
        """The place of every pixel's colour among those of the card, (H, W)."""
        try:
            picture = images.read_color_labels(path)
        except DataError as problem:
            raise error(str(problem)) from None
        places, unknown = self.color_codes.places(picture)
        if unknown is not None:
            row, column = unknown
            color = tuple(int(value) for value in picture[row, column])
            hint = "" if _is_color(path) else "; this file holds one value per pixel, not colours"
            if error is PredictionError:
                hint = "; write label ids, or exactly the colours of the card"
            raise error(
                f"{path}: colour {color} at row {row}, column {column} belongs to no class of "
                f"the card{hint}"
            )
        return places

    def _colored_truth(self, path: Path) -> str:
        return f"; {self.colored}" if self.colored and _is_color(path) else ""

    def _to_colors(self, labels: Array, path: Path) -> Array:
        if not self._unscored and (labels == self.classes.ignore).any():
            raise DataError(
                f"{path}: there are void pixels, but no class of the card that is not scored "
                "has a colour"
            )
        return self.color_codes.colors(labels)


def label_files(card: Card, palette: Array | None = None) -> LabelFiles:
    """The label files of a data set as its card describes them."""
    return LabelFiles(
        card.classes, card.values, card.colors, palette, _on_colored_truth(card), card.threshold
    )


def _on_colored_truth(card: Card) -> str:
    """What to do about truth that is coded as colours, where the card does not say so."""
    if card.layout not in ("pairs", "voc"):
        return f"the truth of {card.title} holds label ids, not colours"
    problem = ColorCodes(card.classes).problem
    if problem:
        return f"labels that are coded as colours need `colors = true` in the card, and {problem}"
    return "labels that are coded as colours in the card's colours need `colors = true` in the card"


def _is_color(path: Path) -> bool:
    try:
        return images.is_color(path)
    except DataError:
        return False


def palette(classes: Classes, values: Mapping[int, int] | None = None) -> Array | None:
    """The colours of the classes by pixel value, (256, 3) uint8; None where the card gives no
    colours.
    """
    colors = {entry.id: entry.color for entry in classes.entries if entry.color is not None}
    table = np.zeros((256, 3), dtype=np.uint8)
    for value, identity in (values or {identity: identity for identity in colors}).items():
        if 0 <= value < 256 and identity in colors:
            table[value] = colors[identity]
    return table if colors else None

"""The readers of label files in truth and predictions: each reads a file when it is called."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.classes import LabelSpace
from bench.formats.labels.files import LabelFiles
from bench.notices import Notice
from bench.samples import LabelMap, Sample


@dataclass(frozen=True, eq=False)
class TrueLabels:
    """The truth of one image as a label file; called, it reads it."""

    files: LabelFiles
    path: Path

    def __call__(self) -> LabelMap:
        """Read the file.

        Raises:
            DataError: as `LabelFiles.read_truth`.
        """
        return self.files.read_truth(self.path)


@dataclass(frozen=True, eq=False)
class PredictedLabels:
    """Predicted label files by the id of their sample; called, it reads that of a sample."""

    files: LabelFiles
    paths: Mapping[str, Path]
    space: LabelSpace = "ids"
    notices: tuple[Notice, ...] = ()

    @property
    def used(self) -> Collection[Path]:
        """The files that are predictions of these images."""
        return set(self.paths.values())

    def __call__(self, sample: Sample) -> LabelMap:
        """Read the file of a sample.

        Raises:
            PredictionError: as `LabelFiles.read_prediction`.
        """
        return self.files.read_prediction(self.paths[sample.id], self.space)

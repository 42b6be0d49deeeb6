"""Keep the predictions of a run: collect them image by image, in any order, and write the official
format.

Formats with one file for all images are written at the end; until then the journal holds a file per
image, so that an interrupted run loses none. The layouts know the formats.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.evaluation.jobs import Job
from bench.files import replaced
from bench.formats import layout
from bench.samples import (
    Array,
    Instances,
    LabelMap,
    Prediction,
    PromptedMasks,
    Rle,
    Sample,
    Segments,
)


@dataclass(frozen=True, eq=False)
class Keeper:
    """Keeps the predictions of a job in the journal's folder; `add` may be called from threads."""

    job: Job
    journal: Path

    def begin(self) -> None:
        """Refuse a task for which the layout has no format, before anything is predicted.

        Raises:
            UsageError: there is no such format.
        """
        if self.job.task != "semantic":
            layout(self.job.card).write_predictions(self.job.card, self._target, self.job.task, [])
            self._parts.mkdir(parents=True, exist_ok=True)

    def add(self, position: int, prediction: Prediction) -> None:
        """Store the prediction of one image.

        Raises:
            PredictionError: it does not belong to the task, or cannot be written.
        """
        job = self.job
        if job.task == "semantic" or isinstance(prediction, LabelMap):
            pair = (job.samples[position], prediction)
            layout(job.card).write_predictions(job.card, self._target, job.task, [pair])
        elif not isinstance(
            prediction, PromptedMasks
        ):  # `begin` has refused these, because no format holds them
            _write(self._parts / f"{position}.npz", prediction)

    def finish(self) -> None:
        """Write all predictions, in the order of the images.

        Raises:
            PredictionError: a prediction that the official format cannot hold, such as a detection
                without score.
        """
        if self.job.task != "semantic":
            layout(self.job.card).write_predictions(
                self.job.card, self._target, self.job.task, self._collected()
            )
            shutil.rmtree(self._parts)

    def _collected(self) -> Iterator[tuple[Sample, Prediction]]:
        for position, sample in enumerate(self.job.samples):
            yield sample, _read(self._parts / f"{position}.npz")

    @property
    def _target(self) -> Path:
        return self.journal / "predictions"

    @property
    def _parts(self) -> Path:
        return self.journal / "predictions-of-images"


def _write(path: Path, prediction: Instances | Segments) -> None:
    columns: dict[str, Array] = {"classes": prediction.classes, "crowd": prediction.crowd}
    if isinstance(prediction, Segments):
        columns |= {"ids": prediction.ids, "segment_ids": prediction.segment_ids}
    else:
        runs = [rle["counts"] for rle in prediction.rles]
        lengths = np.array([len(counts) for counts in runs], dtype=np.int64)
        columns |= {"size": np.array(prediction.size), "lengths": lengths}
        columns |= {"counts": np.frombuffer(b"".join(runs), dtype=np.uint8)}
        columns |= {"areas": prediction.areas, "boxes": prediction.boxes}
        if prediction.scores is not None:
            columns["scores"] = prediction.scores
    with replaced(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **columns)  # type: ignore[arg-type]


def _read(path: Path) -> Prediction:
    with np.load(path, allow_pickle=False) as archive:
        columns = {name: archive[name] for name in archive.files}
    if "ids" in columns:
        return Segments(**columns)
    height, width = columns.pop("size").tolist()
    counts, ends = columns.pop("counts").tobytes(), np.cumsum(columns.pop("lengths")).tolist()
    rles: list[Rle] = [
        {"size": [height, width], "counts": counts[begin:end]}
        for begin, end in zip([0, *ends], ends, strict=False)
    ]
    return Instances(size=(height, width), rles=rles, **columns)

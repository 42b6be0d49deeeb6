"""The layout `coco`: objects and segments as JSON in annotations, images in val2017.

The work is done in `data_set.py`, which is imported when files are read or written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.formats import Ids, Layout, PredictionReader, Progress

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.cards.card_rules import CardKeys
    from bench.classes import Classes, LabelSpace
    from bench.samples import Prediction, Sample
    from bench.samples.columns import DetectionColumns, TruthColumns


class Coco(Layout):
    """COCO's instances, panoptic and results files."""

    classes_from = ("card", "truth")
    files = dict.fromkeys(("images", "instances", "panoptic", "panoptic_masks"), ("split",))
    truth_files = ("instances", "panoptic")
    objects_need_things = False
    reads_one_file = True
    reads_columns = True

    def unused_keys(self, card: CardKeys) -> Mapping[str, str]:
        """Only predicted label maps have pixel values; pixels of no segment are void."""
        unused = {"void": "where pixels of no segment are void; leave it out"}
        if "semantic" not in card.tasks:
            reason = "which has no label files without the task semantic; leave it out"
            unused |= dict.fromkeys(("colors", "values", "threshold"), reason)
        return unused

    def problems(self, card: CardKeys) -> Iterator[str]:
        """Files that no task of the card reads."""
        if "instances" in card.files and "instance" not in card.tasks:
            yield "files.instances has no effect: tasks does not list instance"
        for key in ("panoptic", "panoptic_masks"):
            if key in card.files and not {"semantic", "panoptic"} & set(card.tasks):
                yield f"files.{key} has no effect: tasks lists neither panoptic nor semantic"

    def read_truth(self, card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
        """See `data_set.read_truth`."""
        from bench.formats.coco import data_set

        return data_set.read_truth(card, root, split, ids=ids)

    def read_predictions(
        self,
        card: Card,
        path: Path,
        task: str,
        samples: Sequence[Sample],
        *,
        space: LabelSpace = "ids",
    ) -> PredictionReader:
        """See `data_set.read_predictions`."""
        from bench.formats.coco import data_set

        return data_set.read_predictions(card, path, task, samples, space=space)

    def write_truth(
        self,
        card: Card,
        root: Path,
        split: str,
        samples: Iterable[Sample],
        *,
        progress: Progress | None = None,
    ) -> None:
        """See `data_set.write_truth`."""
        from bench.formats.coco import data_set

        data_set.write_truth(card, root, split, samples, progress=progress)

    def write_predictions(
        self, card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]
    ) -> None:
        """See `data_set.write_predictions`."""
        from bench.formats.coco import data_set

        data_set.write_predictions(card, path, task, predictions)

    def read_classes(self, card: Card, root: Path, split: str) -> Classes:
        """See `data_set.read_classes`."""
        from bench.formats.coco import data_set

        return data_set.read_classes(card, root, split)

    def read_columns(
        self,
        card: Card,
        root: Path,
        split: str,
        path: Path,
        samples: Sequence[Sample],
        *,
        with_masks: bool = True,
    ) -> tuple[TruthColumns, DetectionColumns] | None:
        """See `data_set.read_columns`."""
        from bench.formats.coco import data_set

        return data_set.read_columns(card, root, split, path, samples, with_masks=with_masks)


LAYOUT = Coco()

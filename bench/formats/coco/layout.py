"""The layout `coco`: objects and segments as JSON in annotations, images in val2017."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.formats.contract.folder_layout import DataSet, FolderLayout

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.cards.card_rules import CardKeys
    from bench.classes import Classes
    from bench.samples import Sample
    from bench.samples.columns import DetectionColumns, TruthColumns


class Coco(FolderLayout):
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

    def data_set(self) -> DataSet:
        """The functions of `data_set.py`."""
        from bench.formats.coco import data_set

        return data_set

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

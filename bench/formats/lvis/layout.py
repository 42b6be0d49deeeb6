"""The layout `lvis`: one truth JSON a split, and the images of COCO 2017."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.formats.contract.folder_layout import DataSet, FolderLayout

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.cards.card_rules import CardKeys
    from bench.classes import Classes
    from bench.samples import Sample
    from bench.samples.columns import DetectionColumns, TruthColumns


class Lvis(FolderLayout):
    """LVIS' truth files, which list the classes, and COCO's results."""

    tasks = ("instance",)
    classes_from = ("truth",)
    objects_need_things = False
    reads_one_file = True
    reads_columns = True

    def unused_keys(self, card: CardKeys) -> Mapping[str, str]:
        """LVIS has no label files, its images have no order, and it has no boundary metric."""
        del card
        no_labels = "which has no label files; leave it out"
        return {
            **dict.fromkeys(("colors", "values", "threshold", "void"), no_labels),
            "groups": "whose images have no order; leave it out",
            "boundary": "for which no boundary metric is defined; leave it out",
        }

    def data_set(self) -> DataSet:
        """The functions of `data_set.py`."""
        from bench.formats.lvis import data_set

        return data_set

    def read_classes(self, card: Card, root: Path, split: str) -> Classes:
        """See `data_set.read_classes`."""
        from bench.formats.lvis import data_set

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
        from bench.formats.lvis import data_set

        del with_masks  # LVIS has no score for boxes alone: masks are always read
        return data_set.read_columns(card, root, split, path, samples)


LAYOUT = Lvis()

"""The layout `voc`: JPEGImages, SegmentationClass, SegmentationObject and lists of images.

The work is done in `data_set.py`, which is imported when files are read or written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.formats import Ids, Layout, PredictionReader, Progress

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.cards.card_rules import CardKeys
    from bench.classes import LabelSpace
    from bench.samples import Prediction, Sample


class Voc(Layout):
    """The folders of PASCAL VOC, with or without VOCdevkit/VOC<year> above them."""

    void_in_object_files = True
    written_void = (255,)

    def unused_keys(self, card: CardKeys) -> Mapping[str, str]:
        """All images are in one folder, so no city can be read from their ids."""
        if card.groups != "city":
            return {}
        return {"groups": "whose images are in one folder; use sequence or none"}

    def read_truth(self, card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
        """See `data_set.read_truth`."""
        from bench.formats.voc import data_set

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
        from bench.formats.voc import data_set

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
        from bench.formats.voc import data_set

        data_set.write_truth(card, root, split, samples, progress=progress)

    def write_predictions(
        self, card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]
    ) -> None:
        """See `data_set.write_predictions`."""
        from bench.formats.voc import data_set

        data_set.write_predictions(card, path, task, predictions)


LAYOUT = Voc()

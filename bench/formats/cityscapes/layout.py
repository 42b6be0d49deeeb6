"""The layout `cityscapes`: leftImg8bit, gtFine, disparity and camera, with one folder a city.

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


class Cityscapes(Layout):
    """The folders and file names of Cityscapes."""

    def unused_keys(self, card: CardKeys) -> Mapping[str, str]:
        """The label files hold label ids."""
        del card
        reason = (
            "which reads label ids from *_labelIds.png; use layout 'pairs' with a [files] table"
        )
        predicted = " (predictions in the colours of the classes are read without it)"
        return {"colors": reason + predicted, "values": reason, "threshold": reason}

    def read_truth(self, card: Card, root: Path, split: str, *, ids: Ids = None) -> list[Sample]:
        """See `data_set.read_truth`."""
        from bench.formats.cityscapes import data_set

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
        from bench.formats.cityscapes import data_set

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
        from bench.formats.cityscapes import data_set

        data_set.write_truth(card, root, split, samples, progress=progress)

    def write_predictions(
        self, card: Card, path: Path, task: str, predictions: Iterable[tuple[Sample, Prediction]]
    ) -> None:
        """See `data_set.write_predictions`."""
        from bench.formats.cityscapes import data_set

        data_set.write_predictions(card, path, task, predictions)


LAYOUT = Cityscapes()

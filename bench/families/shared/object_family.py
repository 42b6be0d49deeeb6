"""What all families of objects have in common: their data sets, and how they count one image."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from bench.families import shared
from bench.families.contract.family import Family, OptionsT

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.samples import Prediction, Sample, Table
    from bench.samples.columns import DetectionColumns, TruthColumns


class ObjectFamily(Family[OptionsT]):
    """A family that matches detections with objects, of many images at once."""

    task = "instance"

    def suits(self, card: Card) -> bool:
        """Data sets with objects, except those whose images are annotated for some classes only."""
        return "instance" in card.tasks and card.layout != "lvis"

    def counted_elsewhere(self, options: OptionsT) -> bool:
        """Whether another family that is counted too makes the same tables."""
        return False

    def count(
        self,
        card: Card,
        options: OptionsT,
        sample: Sample,
        prediction: Prediction,
        *,
        position: int,
    ) -> dict[str, Table]:
        """Match the objects of one image; empty where another family makes the same tables."""
        if self.counted_elsewhere(options):
            return {}
        tables = self.count_columns(options, *shared.objects.columns_of(sample, prediction))
        return shared.objects.at_position(tables, position)

    @abstractmethod
    def count_columns(
        self, options: OptionsT, truth: TruthColumns, detections: DetectionColumns
    ) -> dict[str, Table]:
        """Match the objects of all images at once; empty where another family makes the same
        tables.
        """

"""AP and AR as LVIS scores them: all but the overlap and what is counted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.contract.family import Curve, OptionsT, Scores
from bench.families.shared.lvis_metrics import PROTOCOL
from bench.families.shared.object_family import ObjectFamily

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes
    from bench.families.contract.rules import Source
    from bench.metrics import instance
    from bench.notices import Notice
    from bench.samples import Array, Table


class LvisFamily(ObjectFamily[OptionsT]):
    """LVIS's AP and AR by one kind of overlap: of masks or boxes.

    Its tables are those of detections and of true objects, in this order.
    """

    needs = "truth in the layout lvis"
    own_protocol = PROTOCOL

    @property
    @abstractmethod
    def kind(self) -> instance.Kind:
        """Of what overlaps are measured."""

    def suits(self, card: Card) -> bool:
        """Data sets in the layout of LVIS, whose images say which classes they are annotated
        for.
        """
        return card.layout == "lvis"

    def rules_of(self, classes: Classes, options: OptionsT) -> dict[str, Any]:
        """Classes with their frequencies, and protocol."""
        return {
            "table": "lvis",
            "kind": self.kind,
            "classes": list(classes.names),
            "frequencies": shared.lvis_objects.frequencies(classes),
            "protocol": "lvis",
        }

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """True objects per image, class and size range."""
        return arithmetic.lvis.truth_rows(tables, kind=self.kind)

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: OptionsT
    ) -> Scores:
        """Score N images under weights (B, N)."""
        return shared.lvis_objects.scores(tables, weights, classes, kind=self.kind)

    def score_only(
        self,
        tables: Mapping[str, Table],
        weights: Array,
        classes: Classes,
        options: OptionsT,
        *,
        name: str,
    ) -> Scores:
        """The score of this name alone, to the bit as `score` has it."""
        return shared.lvis_objects.scores(tables, weights, classes, kind=self.kind, only=name)

    def curves(
        self, tables: Mapping[str, Table], classes: Classes, options: OptionsT
    ) -> list[Curve]:
        """Precision at 101 recalls of every class and overlap."""
        return shared.lvis_objects.curves(tables, classes, kind=self.kind)

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: OptionsT
    ) -> dict[str, Any]:
        """How many classes the means run over."""
        _, truths = self.tables
        return shared.objects.facts_of_all_sizes(tables[truths], classes)

    def doubts(
        self, tables: Mapping[str, Table], classes: Classes, options: OptionsT, source: Source
    ) -> list[Notice]:
        """Objects that are found as other classes, and classes that are never predicted."""
        from bench.families.doubts import object_doubts

        detections, truths = self.tables
        return object_doubts.of_objects(tables, detections, truths, classes, source)

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: OptionsT
    ) -> list[Notice]:
        """What LVIS's maximum of detections leaves out."""
        _, truths = self.tables
        return shared.lvis_objects.notices_of(tables, truths)

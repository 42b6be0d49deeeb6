"""AP and AR by COCO's protocol, or one of its kind: all but the overlap and what is counted."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.contract.family import Curve, NamedOptions, Scores
from bench.families.contract.metric import Metric
from bench.families.shared.coco_metrics import renamed
from bench.families.shared.object_family import ObjectFamily
from bench.families.shared.protocol_options import ProtocolOptions

if TYPE_CHECKING:
    from bench.classes import Classes
    from bench.metrics import instance
    from bench.notices import Notice
    from bench.samples import Array, Table


class CocoOptions(ProtocolOptions, NamedOptions, Protocol):
    """A named tuple with the options that change COCO's protocol."""


CocoOptionsT = TypeVar("CocoOptionsT", bound=CocoOptions)


class CocoFamily(ObjectFamily[CocoOptionsT]):
    """COCO's AP and AR by one kind of overlap: of masks, boxes or boundaries."""

    @property
    @abstractmethod
    def kind(self) -> instance.Kind:
        """Of what overlaps are measured; its tables are named after it."""

    def metrics_under(self, options: CocoOptionsT) -> tuple[Metric, ...]:
        """COCO's metrics, or those of other maximum detections, thresholds and area ranges."""
        return renamed(self.metrics, shared.objects.names_under(options))

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """True objects per image, class and size range."""
        return arithmetic.instance.truth_rows(tables, kind=self.kind)

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: CocoOptionsT
    ) -> Scores:
        """Score N images under weights (B, N)."""
        return shared.objects.coco_scores(tables, weights, classes, options, kind=self.kind)

    def score_only(
        self,
        tables: Mapping[str, Table],
        weights: Array,
        classes: Classes,
        options: CocoOptionsT,
        *,
        name: str,
    ) -> Scores:
        """The score of this name alone, to the bit as `score` has it."""
        return shared.objects.coco_scores(
            tables, weights, classes, options, kind=self.kind, only=name
        )

    def curves(
        self, tables: Mapping[str, Table], classes: Classes, options: CocoOptionsT
    ) -> list[Curve]:
        """Precision at 101 recalls of every class and overlap."""
        return shared.objects.coco_curves(tables, classes, options, kind=self.kind)

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: CocoOptionsT
    ) -> dict[str, Any]:
        """How many classes the means run over, and by which protocol."""
        return {
            **shared.objects.facts_of(tables[f"{self.kind}_truths"], classes),
            **shared.objects.protocol_facts(options),
        }

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: CocoOptionsT
    ) -> list[Notice]:
        """What maximum detections leave out, and that the protocol is another than COCO's."""
        return shared.objects.notices_of(tables, f"{self.kind}_truths", len(clusters), options)

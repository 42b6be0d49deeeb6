"""The result of a gate: a finding for each checked score, and the verdict over all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from bench.families import Metric

if TYPE_CHECKING:
    import pandas as pd

Outcome = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class Finding:
    """The result for one score, with values as stored; `label` is the guarded class, or None.

    `change` is candidate minus baseline, with its sign chosen so that negative is worse. `low` and
    `high` are its one-sided 95 % bounds. `detectable` is the distance from the margin at which a
    change is decided with 80 % power; `needed` is the number of images that would decide this
    change. NaN means unknown; infinite means that no number of images would be enough.
    """

    metric: str
    declared: Metric
    label: str | None
    candidate: float
    baseline: float
    change: float
    low: float
    high: float
    margin: float
    outcome: Outcome
    detectable: float
    needed: float

    @property
    def name(self) -> str:
        """The metric, followed by the class for a guard: `IoU:car`."""
        return self.metric if self.label is None else f"{self.metric}:{self.label}"

    @property
    def title(self) -> str:
        """The title in text, such as `IoU of car`; names with a prefix or region stay."""
        title = self.declared.title if self.metric == self.declared.name else self.metric
        return title if self.label is None else f"{title} of {self.label}"

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain data, with the unit of the metric in place of its declaration."""
        values = asdict(self)
        del values["declared"]
        return {**values, "unit": self.declared.unit}


@dataclass(frozen=True, repr=False)
class Verdict:
    """The findings for one metric and its guarded classes, and the number of images behind them."""

    candidate: str
    baseline: str
    images: int
    clusters: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of the findings."""
        return worst(finding.outcome for finding in self.findings)

    def __repr__(self) -> str:
        """The outcome, and a line for each score with its change, bounds and margin."""
        runs = f"{self.candidate} against {self.baseline} on {self.images} images"
        lines = [f"{self.outcome}: {runs}"]
        for finding in self.findings:
            metric = finding.declared
            bounds = f"[{metric.change(finding.low)}, {metric.change(finding.high)}]"
            change = f"{metric.change(finding.change)} {bounds}"
            margin = f"margin {metric.number(finding.margin)}"
            lines.append(f"  {finding.name}: {change}, {margin}: {finding.outcome}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The verdict as plain data; scores, changes and margins are as stored."""
        findings = [finding.to_dict() for finding in self.findings]
        return {
            "candidate": self.candidate,
            "baseline": self.baseline,
            "images": self.images,
            "clusters": self.clusters,
            "findings": findings,
            "notes": self.notes,
            "outcome": self.outcome,
        }

    def to_pandas(self) -> pd.DataFrame:
        """A row for each score: candidate, baseline, change, bounds, margin and outcome."""
        from pandas import DataFrame

        return DataFrame([finding.to_dict() for finding in self.findings])


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst outcome: fail, then inconclusive, then pass.

    >>> worst(["pass", "inconclusive", "pass"])
    'inconclusive'
    """
    distinct = set(outcomes)
    if "fail" in distinct:
        return "fail"
    return "inconclusive" if "inconclusive" in distinct else "pass"

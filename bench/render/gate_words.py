"""The findings of the gate in sentences, shared by all forms of its report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.families.contract.metric import PERCENT
from bench.gate import Finding, Outcome, Verdict, worst

MARKS = {"pass": "PASS", "fail": "FAIL", "inconclusive": "INCONCLUSIVE"}
MANY_IMAGES = 1e7
"""From this number on, a sentence says that no number of images is enough."""


@dataclass(frozen=True)
class CheckResult:
    """A check of bench.toml with the verdict on each of its metrics."""

    name: str
    verdicts: tuple[Verdict, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst outcome of the verdicts."""
        return worst(verdict.outcome for verdict in self.verdicts)

    @property
    def findings(self) -> list[tuple[Verdict, Finding]]:
        """All findings of the check, each with its verdict."""
        return [(verdict, finding) for verdict in self.verdicts for finding in verdict.findings]


def sentence(verdict: Verdict, finding: Finding) -> str:
    """Describe a finding: both scores, the change, its bounds, and what would decide it."""
    same_name = verdict.candidate == verdict.baseline
    baseline = "its baseline" if same_name else verdict.baseline
    scores = (
        f"{finding.title} of {verdict.candidate} is {_value(finding, finding.candidate)}, "
        f"{_change(finding)} {baseline} ({_value(finding, finding.baseline)})"
    )
    margin = f"the margin of {_value(finding, finding.margin)}"
    if finding.change == 0:
        return f"{scores}."
    if math.isnan(finding.low):
        return (
            f"{scores}; there are too few images to estimate its uncertainty, so only an "
            "unchanged score passes."
        )
    if finding.outcome == "fail":
        worse = f"at least {_difference(finding, -finding.high)} worse"
        return f"{scores}; with 95 % confidence it is {worse}, beyond {margin}."
    if finding.outcome == "pass":
        worse = "not worse"
        if finding.low < 0:
            worse = f"at most {_difference(finding, -finding.low)} worse"
        return f"{scores}; with 95 % confidence it is {worse}, within {margin}."
    low = f"{_difference(finding, -finding.low)} worse"
    direction = "better" if finding.high > 0 else "worse"
    high = f"{_difference(finding, abs(finding.high))} {direction}"
    bounds = f"its 95 % bounds, {low} and {high}, lie on both sides of {margin}"
    return f"{scores}; {bounds}. {_needed(verdict, finding)}"


def _needed(verdict: Verdict, finding: Finding) -> str:
    """The change that these images can decide, and the images that would decide this one."""
    images = f"{_count(verdict.images)} images"
    if verdict.clusters != verdict.images:
        images += f" in {_count(verdict.clusters)} clusters"
    detectable = (
        f"With {images}, a change at least {_difference(finding, finding.detectable)} "
        "from the margin is decided with 80 % power"
    )
    if math.isfinite(finding.needed) and finding.needed < MANY_IMAGES:
        return f"{detectable}; this change needs about {_rounded(finding.needed)} images."
    return f"{detectable}; this change is too close to the margin for any number of images."


def _change(finding: Finding) -> str:
    if finding.change == 0:
        return "the same as"
    direction = "worse" if finding.change < 0 else "better"
    return f"{_difference(finding, abs(finding.change))} {direction} than"


def _value(finding: Finding, value: float) -> str:
    """A value in the unit of the metric; units other than percent are named."""
    text, unit = _number(finding, value), finding.declared.unit
    return text if unit == PERCENT else f"{text} {unit}"


def _difference(finding: Finding, value: float) -> str:
    """A difference with its unit, which is points for percent."""
    return f"{_number(finding, value)} {finding.declared.points}"


def _number(finding: Finding, value: float) -> str:
    """Two decimal places or, for values below 0.005, one significant digit."""
    shown = finding.declared.scale * value
    return f"{shown:.2f}" if shown == 0 or abs(shown) >= 0.005 else f"{shown:.0e}"


def _count(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")


def _rounded(number: float) -> str:
    """Round up to two significant digits, because an estimate has no more.

    >>> _rounded(1234), _rounded(87)
    ('1 300', '87')
    """
    step = 10 ** max(0, len(f"{number:.0f}") - 2)
    return _count(math.ceil(number / step) * step)


def summary(results: Sequence[CheckResult]) -> str:
    """The outcome of all checks in one line."""
    outcomes = [result.outcome for result in results]
    total = len(results)
    if "fail" in outcomes:
        return f"Regression in {outcomes.count('fail')} of {total} checks."
    inconclusive = outcomes.count("inconclusive")
    if inconclusive:
        verb = "is" if inconclusive == 1 else "are"
        return f"No regression found, but {inconclusive} of {total} checks {verb} inconclusive."
    return "The check passes." if total == 1 else f"All {total} checks pass."

"""What a finding of the gate means, in one sentence that says by how much; all forms of its report use these words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.families.contract.metric import PERCENT
from bench.gate import Finding, Outcome, Verdict, worst

MARKS = {"pass": "PASS", "fail": "FAIL", "inconclusive": "UNCLEAR"}


@dataclass(frozen=True)
class Checked:
    """A check of bench.toml with the verdict on each of its metrics."""

    name: str
    verdicts: tuple[Verdict, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of all verdicts."""
        return worst(verdict.outcome for verdict in self.verdicts)


def sentence(verdict: Verdict, finding: Finding) -> str:
    """What was found: the two scores, the change, how sure it is, and what would settle it."""
    baseline = "its baseline" if verdict.candidate == verdict.baseline else verdict.baseline
    begin = (
        f"{finding.title} of {verdict.candidate} is {_shown(finding, finding.candidate)}, "
        f"{_against(finding)} {baseline} ({_shown(finding, finding.baseline)})"
    )
    margin = f"the margin of {_shown(finding, finding.margin)}"
    if finding.change == 0:
        return f"{begin}."
    if math.isnan(finding.low):
        return f"{begin}; too few images carry it to say how far chance goes, so that only no change at all would pass."
    if finding.outcome == "fail":
        return f"{begin}; with 95 % confidence by more than {_shown(finding, -finding.high)}, beyond {margin}."
    worse = f"at most {_shown(finding, -finding.low)} worse" if finding.low < 0 else "not worse"
    if finding.outcome == "pass":
        return f"{begin}; with 95 % confidence it is {worse}, within {margin}."
    better = (
        f"{_shown(finding, finding.high)} better"
        if finding.high > 0
        else f"only {_shown(finding, -finding.high)} worse"
    )
    return f"{begin}; it may be {_shown(finding, -finding.low)} worse, beyond {margin}, or {better}. " + _settled(
        verdict, finding
    )


def _settled(verdict: Verdict, finding: Finding) -> str:
    images = f"These {_count(verdict.images)} images"
    if verdict.clusters != verdict.images:
        images += f" in {_count(verdict.clusters)} clusters"
    far = f"{_change(finding, finding.detectable)} or more from the margin"
    can = f"{images} settle (4 times in 5) a change that lies {far}"
    if math.isfinite(finding.needed) and finding.needed < 1e7:
        return f"{can}; if this one stays, about {_rounded(finding.needed)} images would."
    return f"{can}; this one lies too close to it for any number of them."


def _against(finding: Finding) -> str:
    if finding.change == 0:
        return "the same as"
    return f"{_change(finding, abs(finding.change))} {'worse' if finding.change < 0 else 'better'} than"


def _shown(finding: Finding, value: float) -> str:
    """A value as it is shown; a change that two digits would round away keeps its first digit."""
    points = finding.declared.scale * value
    text = f"{points:.2f}" if points == 0 or abs(points) >= 0.005 else f"{points:.0e}"
    return text if finding.declared.unit == PERCENT else f"{text} {finding.declared.unit}"


def _change(finding: Finding, value: float) -> str:
    """A difference with its unit, points for percent."""
    text = _shown(finding, value)
    return f"{text} points" if finding.declared.unit == PERCENT else text


def _count(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")


def _rounded(number: float) -> str:
    """Two digits, as more would not be true.

    >>> _rounded(1234), _rounded(87)
    ('1 300', '87')
    """
    step = 10 ** max(0, len(f"{number:.0f}") - 2)
    return _count(math.ceil(number / step) * step)


def summary(found: Sequence[Checked]) -> str:
    """How the whole gate ended, in one line."""
    outcomes = [check.outcome for check in found]
    if "fail" in outcomes:
        return f"Regression in {outcomes.count('fail')} of {len(found)} checks."
    if "inconclusive" in outcomes:
        return f"No regression is shown, but {outcomes.count('inconclusive')} of {len(found)} checks cannot be settled."
    return "The check passes." if len(found) == 1 else f"All {len(found)} checks pass."

"""The report of the gate for the terminal: findings in sentences, passing guards as a count."""

from __future__ import annotations

from collections.abc import Sequence

from bench.gate import Verdict
from bench.render.gate_words import MARKS, CheckResult, sentence, summary
from bench.render.prose import filled


def render(results: Sequence[CheckResult]) -> str:
    """The summary, then every check with a sentence for each finding."""
    parts = [summary(results)]
    for result in results:
        lines = [line for verdict in result.verdicts for line in _lines(verdict)]
        parts.append("\n".join([f"{MARKS[result.outcome]:<7}  {result.name}", *lines]))
    return "\n\n".join(parts) + "\n"


def _lines(verdict: Verdict) -> list[str]:
    guards = [finding for finding in verdict.findings if finding.label is not None]
    passing = [finding for finding in guards if finding.outcome == "pass"]
    lines = [
        f"{finding.outcome}: {sentence(verdict, finding)}"
        for finding in verdict.findings
        if finding not in passing
    ]
    if passing:
        lines.append(f"pass: {len(passing)} of {len(guards)} guarded classes")
    lines += [f"note: {note}." for note in verdict.notes]
    return [filled(lines, first=" " * 9, later=" " * 11)]

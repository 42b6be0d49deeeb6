"""The gate for the terminal: one screen in words, with all that needs a look and the passing guards counted."""

from __future__ import annotations

from collections.abc import Sequence

from bench.gate import Verdict
from bench.render.gate_words import MARKS, Checked, sentence, summary
from bench.render.prose import filled


def render(found: Sequence[Checked]) -> str:
    """The verdict first, then every check with a sentence for each score."""
    parts = [summary(found)]
    for check in found:
        lines = [line for verdict in check.verdicts for line in _lines(verdict)]
        parts.append("\n".join([f"{MARKS[check.outcome]:<7}  {check.name}", *lines]))
    return "\n\n".join(parts) + "\n"


def _lines(verdict: Verdict) -> list[str]:
    guards = [finding for finding in verdict.findings if finding.label is not None]
    passing = [finding for finding in guards if finding.outcome == "pass"]
    shown = [finding for finding in verdict.findings if finding not in passing]
    lines = [f"{MARKS[finding.outcome].lower()}: {sentence(verdict, finding)}" for finding in shown]
    if passing:
        lines.append(f"pass: {len(passing)} of {len(guards)} guarded classes")
    lines += [f"note: {note}." for note in verdict.notes]
    return [filled(lines, first=" " * 9, later=" " * 11)]

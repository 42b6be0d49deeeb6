"""The report of the gate for GitHub Actions: a job summary in Markdown, and log annotations."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.families.contract.metric import PERCENT
from bench.gate import Finding
from bench.render.gate_words import MARKS, CheckResult, sentence, summary

HEADER = [
    "| check | score | candidate | baseline | change [95 % bounds] | margin | |",
    "|:--|:--|--:|--:|--:|--:|:--|",
]


def markdown(results: Sequence[CheckResult]) -> str:
    """The job summary: a table of all findings, then a sentence for each that does not pass."""
    rows, remarks = list(HEADER), []
    for result in results:
        name = _escaped(result.name)
        for verdict, finding in result.findings:
            rows.append(f"| {name} | {' | '.join(_cells(finding))} |")
            if finding.outcome != "pass":
                remarks.append(f"- {name}: {_escaped(sentence(verdict, finding))}")
        for verdict in result.verdicts:
            remarks += [f"- {name}: {_escaped(note)}." for note in verdict.notes]
    # The verdicts of a check share their notes, so equal lines appear once.
    parts = [
        "## bench check",
        f"**{summary(results)}**",
        "\n".join(rows),
        "\n".join(dict.fromkeys(remarks)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _cells(finding: Finding) -> list[str]:
    metric, bounds = finding.declared, ""
    if not math.isnan(finding.low):
        bounds = f" [{metric.change(finding.low)}, {metric.change(finding.high)}]"
    unit = "" if metric.unit == PERCENT else f" ({metric.unit})"
    mark = MARKS[finding.outcome]
    return [
        _escaped(finding.name + unit),
        metric.number(finding.candidate),
        metric.number(finding.baseline),
        metric.change(finding.change) + bounds,
        metric.number(finding.margin),
        mark if finding.outcome == "pass" else f"**{mark}**",
    ]


def log_lines(results: Sequence[CheckResult], *, inconclusive: str) -> list[str]:
    """An annotation for each finding that does not pass.

    `inconclusive` is the option of that name: an inconclusive finding is a warning with "pass", and
    an error otherwise.
    """
    levels = {"fail": "error", "inconclusive": "warning" if inconclusive == "pass" else "error"}
    lines = []
    for result in results:
        for verdict, finding in result.findings:
            if finding.outcome != "pass":
                title = _property(f"bench check {result.name}: {finding.name}")
                message = _data(sentence(verdict, finding))
                lines.append(f"::{levels[finding.outcome]} title={title}::{message}")
    return lines


def _data(text: str) -> str:
    """Escape the message of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property of a workflow command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    """Escape text for a cell of a Markdown table."""
    for sign in ("\\", "|", "*", "_", "<", "[", "]", "`"):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())

"""The gate for GitHub Actions: a job summary in Markdown, and annotations as its log understands them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.families.contract.metric import PERCENT
from bench.render.gate_words import MARKS, Checked, sentence, summary


def markdown(found: Sequence[Checked]) -> str:
    """The summary of a job: a table of all scores, then the sentences of those that do not pass."""
    rows = [
        "| check | score | candidate | baseline | change [95 % bounds] | margin | |",
        "|:--|:--|--:|--:|--:|--:|:--|",
    ]
    remarks = []
    for check in found:
        for verdict in check.verdicts:
            for one in verdict.findings:
                metric = one.declared
                values = [metric.number(value) for value in (one.candidate, one.baseline)]
                bounds = ""
                if not math.isnan(one.low):
                    bounds = f" [{metric.change(one.low)}, {metric.change(one.high)}]"
                change, margin = metric.change(one.change) + bounds, metric.number(one.margin)
                mark = MARKS[one.outcome] if one.outcome == "pass" else f"**{MARKS[one.outcome]}**"
                unit = "" if metric.unit == PERCENT else f" ({metric.unit})"
                named = _escaped(one.name + unit)
                cells = [_escaped(check.name), named, *values, change, margin, mark]
                rows.append(f"| {' | '.join(cells)} |")
                if one.outcome != "pass":
                    remarks.append(f"- {_escaped(check.name)}: {_escaped(sentence(verdict, one))}")
            remarks += [f"- {_escaped(check.name)}: {_escaped(note)}." for note in verdict.notes]
    parts = ["## bench check", f"**{summary(found)}**", "\n".join(rows), "\n".join(dict.fromkeys(remarks))]
    return "\n\n".join(part for part in parts if part) + "\n"


def log_lines(found: Sequence[Checked], *, inconclusive: str) -> list[str]:
    """A line for each finding that does not pass; one that is not settled is an error only where it fails the gate."""
    lines = []
    for check in found:
        for verdict in check.verdicts:
            for one in verdict.findings:
                level = {"fail": "error", "inconclusive": "warning" if inconclusive == "pass" else "error"}
                if one.outcome != "pass":
                    title = _property(f"bench check {check.name}: {one.name}")
                    lines.append(f"::{level[one.outcome]} title={title}::{_data(sentence(verdict, one))}")
    return lines


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    for sign in ("\\", "|", "*", "_", "<", "[", "]", "`"):
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())

"""The gate for machines: JSON, and JUnit XML as CI services show it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from bench.gate import Verdict
from bench.render.gate_words import Checked, sentence, summary

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_json(found: Sequence[Checked], *, exit_code: int) -> dict[str, Any]:
    """All that was found, as JSON can hold it; scores, changes and margins are as stored."""
    return {
        "verdict": summary(found),
        "exit_code": exit_code,
        "checks": [
            {"name": check.name, "outcome": check.outcome, "verdicts": [_verdict(each) for each in check.verdicts]}
            for check in found
        ],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    plain = ("candidate", "baseline", "change", "low", "high", "margin", "outcome", "detectable", "needed")
    return {
        **{name: getattr(verdict, name) for name in ("candidate", "baseline", "images", "clusters", "outcome")},
        "findings": [
            {
                "metric": finding.metric,
                "class": finding.label,
                "unit": finding.declared.unit,
                **{name: getattr(finding, name) for name in plain},
                "sentence": sentence(verdict, finding),
            }
            for finding in verdict.findings
        ],
        "notes": list(verdict.notes),
    }


def junit(found: Sequence[Checked], *, inconclusive: str) -> str:
    """A test case for each score; what is not settled is skipped where the gate lets it pass, else a failure."""
    cases = [(check, verdict, one) for check in found for verdict in check.verdicts for one in verdict.findings]
    bad = {"fail"} if inconclusive == "pass" else {"fail", "inconclusive"}
    numbers = {
        "tests": len(cases),
        "failures": sum(one.outcome in bad for _, _, one in cases),
        "skipped": sum(one.outcome not in {*bad, "pass"} for _, _, one in cases),
        "errors": 0,
    }
    counts = {name: str(number) for name, number in numbers.items()}
    root = ET.Element("testsuites", {"name": "bench check", **counts})
    suite = ET.SubElement(root, "testsuite", {"name": "bench check", **counts})
    for check, verdict, one in cases:
        names = {"classname": _clean(check.name), "name": _clean(one.name)}
        case = ET.SubElement(suite, "testcase", names)
        words = _clean(sentence(verdict, one))
        if one.outcome in bad:
            kind = "regression" if one.outcome == "fail" else "inconclusive"
            ET.SubElement(case, "failure", {"type": kind, "message": words}).text = words
        elif one.outcome != "pass":
            ET.SubElement(case, "skipped", {"message": words})
        else:
            ET.SubElement(case, "system-out").text = words
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _clean(text: str) -> str:
    return _NOT_XML.sub("?", text)

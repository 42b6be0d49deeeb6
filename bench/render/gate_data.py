"""The report of the gate for machines: JSON, and JUnit XML for CI services."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from bench.gate import Verdict
from bench.render.gate_words import CheckResult, sentence, summary

_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow."""
_VERDICT_KEYS = ("candidate", "baseline", "images", "clusters", "outcome")
_FINDING_KEYS = (
    "candidate",
    "baseline",
    "change",
    "low",
    "high",
    "margin",
    "outcome",
    "detectable",
    "needed",
)


def as_json(results: Sequence[CheckResult], *, exit_code: int) -> dict[str, Any]:
    """All findings as JSON values; scores, changes and margins are as stored."""
    return {
        "verdict": summary(results),
        "exit_code": exit_code,
        "checks": [
            {
                "name": result.name,
                "outcome": result.outcome,
                "verdicts": [_verdict(verdict) for verdict in result.verdicts],
            }
            for result in results
        ],
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        **{key: getattr(verdict, key) for key in _VERDICT_KEYS},
        "findings": [
            {
                "metric": finding.metric,
                "class": finding.label,
                "unit": finding.declared.unit,
                **{key: getattr(finding, key) for key in _FINDING_KEYS},
                "sentence": sentence(verdict, finding),
            }
            for finding in verdict.findings
        ],
        "notes": list(verdict.notes),
    }


def junit(results: Sequence[CheckResult], *, inconclusive: str) -> str:
    """A test case for each finding.

    `inconclusive` is the option of that name: an inconclusive finding is a skipped test with
    "pass", and a failed test otherwise.
    """
    failing = {"fail"} if inconclusive == "pass" else {"fail", "inconclusive"}
    findings = [(result, *pair) for result in results for pair in result.findings]
    outcomes = [finding.outcome for _, _, finding in findings]
    failures = sum(outcome in failing for outcome in outcomes)
    counts = {
        "tests": len(findings),
        "failures": failures,
        "skipped": len(findings) - failures - outcomes.count("pass"),
        "errors": 0,
    }
    attributes = {"name": "bench check", **{key: str(count) for key, count in counts.items()}}
    root = ET.Element("testsuites", attributes)
    suite = ET.SubElement(root, "testsuite", attributes)
    for result, verdict, finding in findings:
        names = {"classname": _clean(result.name), "name": _clean(finding.name)}
        case = ET.SubElement(suite, "testcase", names)
        message = _clean(sentence(verdict, finding))
        if finding.outcome in failing:
            kind = "regression" if finding.outcome == "fail" else "inconclusive"
            failure = ET.SubElement(case, "failure", {"type": kind, "message": message})
            failure.text = message
        elif finding.outcome != "pass":
            ET.SubElement(case, "skipped", {"message": message})
        else:
            ET.SubElement(case, "system-out").text = message
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _clean(text: str) -> str:
    return _NOT_XML.sub("?", text)

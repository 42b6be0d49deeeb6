"""Which scores `--metrics mIoU,IoU` shows: those of single metrics, where no whole family is
named.
"""

from __future__ import annotations

from collections.abc import Iterable

from bench.families import families
from bench.families.contract.rules import Rules


def selected(rules: Rules, words: Iterable[str]) -> dict[str, set[str]]:
    """The named metrics by group; empty if some word is not a metric but a whole family.

    Of two families with a metric of one name, the first has it.
    """
    wanted = {word.strip() for word in words} - {""}
    names: dict[str, set[str]] = {}
    matched: set[str] = set()
    for family in families(rules.families):
        for metric in family.metrics_under(family.options(rules)):
            name = family.full_name(metric.name)
            if name in wanted and name not in matched:
                names.setdefault(family.group, set()).add(metric.name)
                matched.add(name)
    return names if matched == wanted else {}

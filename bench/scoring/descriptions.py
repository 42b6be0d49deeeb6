"""How the families of a record describe its groups of scores: titles and metrics, for tables."""

from __future__ import annotations

from dataclasses import dataclass

from bench.families import Metric, families
from bench.families.contract.metric import fraction
from bench.families.contract.rules import Rules
from bench.runs import Record


@dataclass(frozen=True)
class GroupDescription:
    """How the families of a group describe it: its title, and its metrics by name.

    `titles` are those of overall scores, which may depend on the images of the record.
    """

    title: str
    metrics: dict[str, Metric]
    titles: dict[str, str]

    def metric(self, name: str) -> Metric:
        """The metric of a score, whose name may end in a region.

        A metric that no family declares is taken as a fraction.
        """
        plain = name.partition("@")[0]
        return self.metrics.get(plain) or fraction(plain, plain, meaning="-", reference="-")


def describe_groups(record: Record, rules: Rules) -> dict[str, GroupDescription]:
    """How the families of a record describe each group of its scores."""
    groups: dict[str, GroupDescription] = {}
    for family in families(record.tables):
        group = groups.setdefault(family.group, GroupDescription(family.title, {}, {}))
        facts = record.scores.get(family.group, {})
        for metric in family.metrics_under(family.options(rules)):
            group.metrics.setdefault(metric.name, metric)
            group.titles.setdefault(metric.name, family.title_in(metric, facts))
    return groups

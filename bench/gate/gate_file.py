"""The file `bench.toml`: which runs to compare with which baselines, on which metrics and margins.

It reads and validates the file; the comparison is made in `bench/gate/__init__.py`.
`docs/formats.md` documents every key.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from bench import toml_files
from bench.errors import UsageError, did_you_mean
from bench.families import shipped
from bench.families.contract.metric import PERCENT


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One [[checks]]: a run record, or predictions scored as the baseline was, and a baseline."""

    name: str
    baseline: str
    run: str | None = None
    predictions: str | None = None
    dataset: str | None = None
    split: str | None = None
    data: str | None = None
    task: Literal["auto", "semantic", "instance", "panoptic"] | None = None
    label_space: Literal["ids", "train-ids"] | None = None
    metrics: tuple[str, ...]
    margin: float | dict[str, float]
    classes: dict[str, float] = {}  # msgspec copies defaults
    common_images: bool = False

    def margins(self) -> Mapping[str, float]:
        """The margin of each metric in points or its unit, in the order of `metrics`."""
        if not isinstance(self.margin, dict):
            return dict.fromkeys(self.metrics, self.margin)
        # Unknown names sort last, so that validation can still report them.
        order = {name: index for index, name in enumerate(self.metrics)}
        return dict(sorted(self.margin.items(), key=lambda item: order.get(item[0], len(order))))


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class GateFile:
    """The checks of a `bench.toml`, and its path."""

    path: Path
    checks: tuple[Check, ...]

    def resolve(self, path: str) -> Path:
        """Resolve a path written in the file against the folder of the file."""
        return self.path.parent / Path(path).expanduser()


def read(path: Path) -> GateFile:
    """Read and validate the file.

    Raises:
        UsageError: the file is missing or not TOML, or a key or value is wrong.
    """
    if not path.is_file():
        raise UsageError(f"{path} does not exist; bench init writes a file to start from")
    content = toml_files.read(path, _Content, {"checks": Check})
    if not content.checks:
        raise UsageError(f"{path} has no [[checks]]; bench init writes a file to start from")
    names = [check.name for check in content.checks]
    for check in content.checks:
        duplicate = names.count(check.name) > 1
        problem = "two checks have this name" if duplicate else _problem(check)
        if problem:
            raise UsageError(f"{path}, check {check.name!r}: {problem}")
    return GateFile(path, content.checks)


def _problem(check: Check) -> str:
    """Describe what is wrong with a check whose keys have the right types; "" if nothing is."""
    if (check.run is None) == (check.predictions is None):
        return "set either run (a run record) or predictions (with dataset and data), not both"
    if check.predictions is not None and check.dataset is None:
        return "predictions need dataset, the name of a card"
    if check.run is not None and (check.dataset or check.data or check.split):
        return "dataset, split and data go with predictions; a run record already contains them"
    if check.run is not None and (check.label_space or check.task):
        return "task and label_space go with predictions; a run record already contains them"
    return _problem_of_margins(check)


def _problem_of_margins(check: Check) -> str:
    margins = check.margins()
    if not check.metrics or len(set(check.metrics)) < len(check.metrics):
        return 'metrics must list each metric once, for example metrics = ["mIoU"]'
    for name in margins:
        if name not in check.metrics:
            hint = did_you_mean(name, check.metrics)
            return f"margin names {name!r}, which is not in metrics: {hint}"
    for name in check.metrics:
        if name not in margins:
            return f"margin lacks {name!r}: every metric needs a margin, in points or its unit"
    for name, value in (*margins.items(), *check.classes.items()):
        if 0 <= value <= 100:
            continue
        if name in check.classes or _in_percent(name):
            return f"the margin of {name} is {value:g}; it must be 0 to 100 points, for example 1.0"
        if not 0 <= value < math.inf:
            return f"the margin of {name} is {value:g}; it must be 0 or more, for example 1.0"
    return ""


def _in_percent(name: str) -> bool:
    """Whether a score is one of a shipped family in percent, and its margin so in points.

    The units of other families are known only once their records are read.
    """
    plain = re.split("[:@]", name, maxsplit=1)[0]
    return any(
        family.full_name(metric.name) == plain and metric.unit == PERCENT
        for family in shipped().values()
        for metric in family.metrics
    )

"""The file `bench.toml`: which runs are held against which baselines, by which scores, and how much worse they may be.

It reads and checks what people write by hand; what follows is the business of `gate.py`. `docs/formats.md` tells every
key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from bench.errors import UsageError, did_you_mean


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One [[checks]]: a run record, or predictions to be scored as its baseline was, against a baseline."""

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
        """The margin of every metric, in points and in the order of `metrics`."""
        if not isinstance(self.margin, dict):
            return dict.fromkeys(self.metrics, self.margin)
        order = {name: place for place, name in enumerate(self.metrics)}
        return dict(sorted(self.margin.items(), key=lambda entry: order.get(entry[0], len(order))))


class _Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class GateFile:
    """What `bench.toml` asks, and the folder its paths start from."""

    path: Path
    checks: tuple[Check, ...]

    def place(self, path: str) -> Path:
        """A path of the file, from the file's folder."""
        return self.path.parent / Path(path).expanduser()


def read(path: Path) -> GateFile:
    """Read and check the file.

    Raises:
        UsageError: it is not there or no TOML, or a key or value is wrong; one sentence says which, and what is right.
    """
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file; bench init writes one to start from")
    try:
        content = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8-sig")), _Content)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {_in_words(str(error))}") from None
    if not content.checks:
        raise UsageError(f"{path}: there is no [[checks]] in it; bench init writes a file to start from")
    names = [check.name for check in content.checks]
    for check in content.checks:
        problem = "two checks have this name" if names.count(check.name) > 1 else _problem(check)
        if problem:
            raise UsageError(f"{path}, check {check.name!r}: {problem}")
    return GateFile(path, content.checks)


def _problem(check: Check) -> str:
    """Say what is wrong with a check whose keys have the right types; "" if nothing is."""
    if (check.run is None) == (check.predictions is None):
        return "it needs either run (a run record) or predictions (with dataset and data), and not both"
    if check.predictions is not None and check.dataset is None:
        return "predictions need dataset: the name of the card they answer"
    if check.run is not None and (check.dataset or check.data or check.split):
        return "dataset, split and data belong to predictions; a run record knows its own"
    if check.run is not None and (check.label_space or check.task):
        return "task and label_space belong to predictions; a run record has been counted already"
    return _problem_of_margins(check)


def _problem_of_margins(check: Check) -> str:
    margins = check.margins()
    if not check.metrics or len(set(check.metrics)) < len(check.metrics):
        return 'metrics names each score once, such as metrics = ["mIoU"]'
    for name in margins:
        if name not in check.metrics:
            return f"margin names {name!r}, which is not in metrics: {did_you_mean(name, check.metrics)}"
    for name in check.metrics:
        if name not in margins:
            return f"margin lacks {name!r}: every metric needs one, in points"
    for name, value in (*margins.items(), *check.classes.items()):
        if not 0 <= value <= 100:
            return f"the margin of {name} is {value:g}: points between 0 and 100, such as 1.0"
    return ""


def _in_words(problem: str) -> str:
    """Turn msgspec's message into one that names the check, the key and, where misspelt, the right one.

    >>> _in_words("Object contains unknown field `metric` - at `$.checks[0]`")
    "check 1: unknown key 'metric': did you mean metrics?"
    """
    what, _, path = problem.partition(" - at `$")
    place = re.sub(r"^checks\[(\d+)\]", lambda found: f"check {int(found[1]) + 1}", path.strip("`."))
    where = f"{place.replace('.', ', ', 1)}: " if place else ""
    known = Check.__struct_fields__ if place else _Content.__struct_fields__
    if "unknown field" in what:
        name = what.split("`")[1]
        return f"{where}unknown key {name!r}: {did_you_mean(name, known)}"
    if "missing required field" in what:
        return f"{where}the key {what.split('`')[1]!r} is missing"
    return f"{where}{what[0].lower()}{what[1:]}".replace("`", "")

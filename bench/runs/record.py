"""The content of a run record: `run.json` as structs, together with its tables of counts.

`docs/formats.md` documents every key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from bench.classes import Class, Classes
from bench.notices import Severity, many
from bench.runs.tables import Tables

_SHOWN_SCORES = 3


class Dataset(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The images of a run: card, split, number of images, classes, and ignored labels."""

    name: str
    title: str
    card_digest: str
    split: str
    images: int
    clusters: str
    classes: list[dict[str, Any]]
    ignore: int
    void: list[int]


class Digests(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What must be equal to compare two runs on a family: the counting rules and the ground truth.

    `rows` are the lengths of the family's tables.
    """

    rules: str
    truth: str
    rows: dict[str, int]


class RecordedNotice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A notice for readers of the scores; `code` stays the same across versions."""

    code: str
    message: str
    severity: Severity = "note"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The content of `run.json`."""

    schema: Literal[1] = 1
    bench: str
    id: str
    name: str
    created: str
    dataset: Dataset
    model: dict[str, Any]
    settings: dict[str, Any]
    protocol: dict[str, Any]
    environment: dict[str, Any]
    timings: dict[str, Any]
    warnings: list[RecordedNotice]
    tables: dict[str, Digests]
    scores: dict[str, dict[str, Any]]

    def __repr__(self) -> str:
        """The id, the name and the data set."""
        return f"<Record {self.id} {_title(self)}>"

    @property
    def classes(self) -> Classes:
        """The class table that was used for counting."""
        entries = tuple(msgspec.convert(entry, Class) for entry in self.dataset.classes)
        return Classes(entries=entries, ignore=self.dataset.ignore, void=tuple(self.dataset.void))


@dataclass(frozen=True, eq=False)
class Run:
    """A record with its counts, and the folder that it was read from or written to."""

    record: Record
    tables: Tables
    path: Path = field(default_factory=Path)

    def __repr__(self) -> str:
        """The name, the data set, the first scores in percent or their unit, and the folder."""
        scores = _first_scores(self.record.scores, self.record.protocol.get("units", {}))
        where = f", {self.path}" if self.path.parts else ""
        return f"<Run {_title(self.record)}: {', '.join(scores) or 'no score'}{where}>"

    @property
    def image_ids(self) -> list[str]:
        """Ids of the images, by position."""
        return [str(value) for value in self.tables["images"]["id"]]


def _title(record: Record) -> str:
    dataset = record.dataset
    return f"{record.name} on {dataset.title} {dataset.split}, {many(dataset.images, 'image')}"


def _first_scores(
    scores: Mapping[str, Mapping[str, Any]], units: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """The first scores of the first group that have a value; `units` are those that are not
    percent.
    """
    group, entries = next(iter(scores.items()), ("", {}))
    texts = []
    for name, entry in entries.items():
        value = entry.get("value") if isinstance(entry, Mapping) else None
        if not isinstance(value, float):
            continue
        unit = units.get(group, {}).get(name.partition("@")[0])
        texts.append(f"{name} {100 * value:.2f}" if unit is None else f"{name} {value:.2f} {unit}")
    return texts[:_SHOWN_SCORES]

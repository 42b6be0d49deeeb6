"""Whether runs may be compared on a family of metrics, and in words why not; their tables over the same images.

It looks at rules and truth only: which model made a run, and how, is never a reason to refuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import runs
from bench.errors import RunError
from bench.families import Family
from bench.runs import Run, Tables
from bench.samples import Array, Table
from bench.scoring import rules_of

_NAMED = 5
"""How many images or classes a message names."""


@dataclass(frozen=True, eq=False)
class Aligned:
    """Tables of M runs over the same N images in the same order; `clusters` (N,) numbers what was sampled together."""

    tables: tuple[Tables, ...]
    ids: list[str]
    clusters: Array
    notes: tuple[str, ...] = ()


def align(
    compared: Sequence[Run], names: Sequence[str], family: Family[Any], *, common_images: bool = False
) -> Aligned:
    """Bring runs, called `names`, into one order of images, after making sure that they can be compared.

    Raises:
        RunError: they were counted under other rules, or against another truth.
    """
    first = compared[0]
    if not common_images:
        for run, name in zip(compared[1:], names[1:], strict=True):
            _require_same_split(first, run, family, (names[0], name))
    for run, name in zip(compared[1:], names[1:], strict=True):
        _require_same_rules(first, run, family, (names[0], name))
    tables, notes = [run.tables for run in compared], list[str]()
    if common_images:
        common = set(first.image_ids).intersection(*(run.image_ids for run in compared[1:]))
        ids = [name for name in first.image_ids if name in common]
        if not ids:
            raise RunError(f"{' and '.join(names)} have no image in common")
        left_out = max(len(run.image_ids) for run in compared) - len(ids)
        tables = [restricted(run, ids) for run in compared]
        if left_out or any(run.image_ids != first.image_ids for run in compared):
            numbers = ", ".join(str(len(run.image_ids)) for run in compared)
            notes.append(f"compared on the {len(ids)} images that all runs have (they have {numbers})")
    for other, name in zip(tables[1:], names[1:], strict=True):
        _require_same_truth(tables[0], other, family, (names[0], name), common_images=common_images)
    clusters = tables[0]["images"]["cluster"]
    if any((part["images"]["cluster"] != clusters).any() for part in tables[1:]):
        notes.append(f"the runs group their images in different ways: those of {names[0]} are used")
    numbers_of = np.unique(clusters, return_inverse=True)[1]
    return Aligned(tuple(tables), [str(each) for each in tables[0]["images"]["id"]], numbers_of, tuple(notes))


def _require_same_split(first: Run, second: Run, family: Family[Any], names: tuple[str, str]) -> None:
    """Name the splits where these differ, which says more than what follows from it; one split may have two names."""
    wheres = [f"{run.record.dataset.title} {run.record.dataset.split}" for run in (first, second)]
    keys = [(run.record.dataset.name, run.record.dataset.split) for run in (first, second)]
    digests = [run.record.tables[family.key] for run in (first, second)]
    if keys[0] == keys[1] or (digests[0].rules, digests[0].truth) == (digests[1].rules, digests[1].truth):
        return
    shared = len(set(first.image_ids) & set(second.image_ids))
    many = f"{shared} images are" if shared > 1 else "one image is"
    hint = f"; {many} in both: --common-images compares on these" if shared else ""
    raise RunError(f"{names[0]} is a run on {wheres[0]}, {names[1]} on {wheres[1]}: they cannot be compared{hint}")


def restricted(run: Run, ids: Sequence[str]) -> Tables:
    """The tables of a run for some of its images, in the order of `ids`."""
    place = {name: position for position, name in enumerate(run.image_ids)}
    chosen = np.array([place[name] for name in ids], dtype=np.int64)
    new = np.full(len(place), -1, dtype=np.int32)
    new[chosen] = np.arange(len(chosen))
    found: Tables = {"images": {name: column[chosen] for name, column in run.tables["images"].items()}}
    for name, table in run.tables.items():
        if name != "images":
            rows = np.flatnonzero(new[table["image"]] >= 0)
            rows = rows[np.argsort(new[table["image"][rows]], kind="stable")]
            kept = {key: column[rows] for key, column in table.items()}
            found[name] = {**kept, "image": new[kept["image"]]}
    return found


def _require_same_rules(first: Run, second: Run, family: Family[Any], names: tuple[str, str]) -> None:
    name = family.key
    digests = [run.record.tables[name].rules for run in (first, second)]
    if digests[0] == digests[1]:
        return
    asked = [family.rules_of(run.record.classes, family.options(rules_of(run))) for run in (first, second)]
    keys = [key for key in {**asked[0], **asked[1]} if asked[0].get(key) != asked[1].get(key)]
    reasons = [f"{key}: {_contrast(asked[0].get(key), asked[1].get(key), names)}" for key in keys]
    shown = "; ".join(reasons) or "they were written by versions of bench that count differently"
    raise RunError(
        f"{names[0]} and {names[1]} were counted under different rules "
        f"({name}: {digests[0][:8]} and {digests[1][:8]}) and cannot be compared: {shown}"
    )


def _contrast(first: Any, second: Any, names: tuple[str, str]) -> str:
    if isinstance(first, list) and isinstance(second, list) and all(isinstance(e, str) for e in (*first, *second)):
        only = [[entry for entry in a if entry not in b] for a, b in ((first, second), (second, first))]
        parts = [f"only in {name}: {_some(found)}" for name, found in zip(names, only, strict=True) if found]
        return ", ".join(parts) or "the same in another order"
    return f"{_value(first)} in {names[0]}, {_value(second)} in {names[1]}"


def _value(found: Any) -> str:
    """A rule in words; one that a run does not have came later, or is that of the protocol.

    >>> _value([1, 10]), _value({"tiny": [0, 256]}), _value(None)
    ('1, 10', 'tiny 0 to 256', 'the default')
    """
    if isinstance(found, list):
        return ", ".join(f"{each:.6g}" if isinstance(each, float) else str(each) for each in found)
    if isinstance(found, dict):
        return ", ".join(f"{name} {' to '.join(f'{end:.15g}' for end in ends)}" for name, ends in found.items())
    return "the default" if found is None else str(found)


def _require_same_truth(
    first: Tables, second: Tables, family: Family[Any], names: tuple[str, str], *, common_images: bool
) -> None:
    ids = [[str(each) for each in part["images"]["id"]] for part in (first, second)]
    rows = [family.truth_rows(part) for part in (first, second)]
    digests = [runs.truth_digest(*each) for each in zip(ids, rows, strict=True)]
    if digests[0] == digests[1]:
        return
    hint = "" if common_images or not set(ids[0]) & set(ids[1]) else "; --common-images compares on those they share"
    if set(ids[0]) != set(ids[1]):
        reason = f"images {_contrast(ids[0], ids[1], names)}{hint}"
    elif ids[0] != ids[1]:
        reason = "the same images stand in another order; --common-images puts them into one"
    else:
        reason = f"the truth differs in {_some(_differing(ids[0], *rows))}"
    raise RunError(
        f"{names[0]} and {names[1]} were scored against different truth "
        f"({family.key}: {digests[0][:8]} and {digests[1][:8]}) and cannot be compared: {reason}"
    )


def _differing(ids: Sequence[str], first: Table, second: Table) -> list[str]:
    """Ids of the images whose truth differs."""
    columns = sorted(first)

    def by_image(rows: Mapping[str, Array]) -> dict[int, bytes]:
        table = np.stack([np.asarray(rows[name], dtype=np.int64) for name in columns], axis=1)
        cuts = np.searchsorted(rows["image"], np.arange(len(ids) + 1))
        return {n: table[cuts[n] : cuts[n + 1]].tobytes() for n in range(len(ids))}

    one, other = by_image(first), by_image(second)
    return [name for n, name in enumerate(ids) if one[n] != other[n]]


def _some(found: Sequence[Any]) -> str:
    """Name a few, and how many more there are.

    >>> _some(["a", "b"]), _some(list("abcdefgh"))
    ('a, b', 'a, b, c, d, e and 3 more')
    """
    more = len(found) - _NAMED
    return ", ".join(str(each) for each in found[:_NAMED]) + (f" and {more} more" if more > 0 else "")

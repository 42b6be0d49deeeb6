"""Decide whether runs can be compared on a family of metrics, and align their tables by image.

Only counting rules and ground truth matter. The model of a run and its inference settings are never
a reason to refuse a comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import runs
from bench.errors import RunError
from bench.families import Family
from bench.notices import few
from bench.runs import Run, Tables
from bench.samples import Array, Table
from bench.scoring import rules_of

COMMON_IMAGES = "--common-images compares on"


@dataclass(frozen=True, eq=False)
class Aligned:
    """Tables of M runs over the same N images in the same order.

    `clusters` (N,) holds the cluster number of each image.
    """

    tables: tuple[Tables, ...]
    ids: list[str]
    clusters: Array
    notes: tuple[str, ...] = ()


def align(
    compared: Sequence[Run],
    names: Sequence[str],
    family: Family[Any],
    *,
    common_images: bool = False,
) -> Aligned:
    """Check that runs, called `names` in messages, can be compared, and align their images.

    Raises:
        RunError: the runs have different rules or ground truth.
    """
    first, others = compared[0], list(zip(compared[1:], names[1:], strict=True))
    if not common_images:
        for run, name in others:
            _require_same_split(first, run, family, (names[0], name))
    for run, name in others:
        _require_same_rules(first, run, family, (names[0], name))
    tables, notes = [run.tables for run in compared], list[str]()
    if common_images:
        tables, notes = _on_common_images(compared, names)
    for other, name in zip(tables[1:], names[1:], strict=True):
        pair = (names[0], name)
        _require_same_truth(tables[0], other, family, pair, common_images=common_images)
    clusters = tables[0]["images"]["cluster"]
    if any((other["images"]["cluster"] != clusters).any() for other in tables[1:]):
        notes.append(f"the runs group images into different clusters; those of {names[0]} are used")
    ids = [str(image_id) for image_id in tables[0]["images"]["id"]]
    numbers = np.unique(clusters, return_inverse=True)[1]
    return Aligned(tuple(tables), ids, numbers, tuple(notes))


def _on_common_images(
    compared: Sequence[Run], names: Sequence[str]
) -> tuple[list[Tables], list[str]]:
    """The tables restricted to the images of all runs, and a note if any image is left out."""
    first = compared[0]
    common = set(first.image_ids).intersection(*(run.image_ids for run in compared[1:]))
    ids = [image_id for image_id in first.image_ids if image_id in common]
    if not ids:
        raise RunError(f"{' and '.join(names)} have no image in common")
    notes = []
    sizes = [len(run.image_ids) for run in compared]
    same_order = all(run.image_ids == first.image_ids for run in compared)
    if max(sizes) > len(ids) or not same_order:
        numbers = ", ".join(map(str, sizes))
        notes.append(f"compared on the {len(ids)} images that all runs have (they have {numbers})")
    return [restricted(run, ids) for run in compared], notes


def _require_same_split(
    first: Run, second: Run, family: Family[Any], names: tuple[str, str]
) -> None:
    """Refuse runs on different splits, which explains more than their different ground truth.

    Splits with different names but the same rules and ground truth are one split.
    """
    datasets = [run.record.dataset for run in (first, second)]
    splits = [(dataset.name, dataset.split) for dataset in datasets]
    digests = [run.record.tables[family.key] for run in (first, second)]
    contents = [(digest.rules, digest.truth) for digest in digests]
    if splits[0] == splits[1] or contents[0] == contents[1]:
        return
    shared = len(set(first.image_ids) & set(second.image_ids))
    hint = ""
    if shared:
        images = "one image is" if shared == 1 else f"{shared} images are"
        hint = f"; {images} in both: {COMMON_IMAGES} these"
    titles = [f"{dataset.title} {dataset.split}" for dataset in datasets]
    raise RunError(
        f"{names[0]} is a run on {titles[0]}, {names[1]} on {titles[1]}: they cannot be "
        f"compared{hint}"
    )


def restricted(run: Run, ids: Sequence[str]) -> Tables:
    """The tables of a run for some of its images, in the order of `ids`."""
    old_position = {image_id: n for n, image_id in enumerate(run.image_ids)}
    chosen = np.array([old_position[image_id] for image_id in ids], dtype=np.int64)
    new_position = np.full(len(old_position), -1, dtype=np.int32)  # -1: the image is left out
    new_position[chosen] = np.arange(len(chosen))
    images = run.tables["images"]
    tables: Tables = {"images": {name: column[chosen] for name, column in images.items()}}
    for name, table in run.tables.items():
        if name == "images":
            continue
        positions = new_position[table["image"]]
        rows = np.flatnonzero(positions >= 0)
        rows = rows[np.argsort(positions[rows], kind="stable")]
        kept = {column_name: column[rows] for column_name, column in table.items()}
        tables[name] = {**kept, "image": positions[rows]}
    return tables


def _require_same_rules(
    first: Run, second: Run, family: Family[Any], names: tuple[str, str]
) -> None:
    digests = [run.record.tables[family.key].rules for run in (first, second)]
    if digests[0] == digests[1]:
        return
    old, new = (
        family.rules_of(run.record.classes, family.options(rules_of(run)))
        for run in (first, second)
    )
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    reasons = [f"{key}: {_contrast(old.get(key), new.get(key), names)}" for key in keys]
    shown = "; ".join(reasons) or "they were written by versions of bench that count differently"
    raise RunError(
        f"{names[0]} and {names[1]} were counted under different rules "
        f"({family.key}: {digests[0][:8]} and {digests[1][:8]}) and cannot be compared: {shown}"
    )


def _contrast(first: Any, second: Any, names: tuple[str, str]) -> str:
    """Say how the values of a rule differ; for lists of names, which names only one of them has."""
    if not (_is_list_of_names(first) and _is_list_of_names(second)):
        return f"{_value(first)} in {names[0]}, {_value(second)} in {names[1]}"
    only_first = [entry for entry in first if entry not in second]
    only_second = [entry for entry in second if entry not in first]
    parts = [
        f"only in {name}: {few(entries)}"
        for name, entries in zip(names, (only_first, only_second), strict=True)
        if entries
    ]
    return ", ".join(parts) or "the same in another order"


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


def _value(value: Any) -> str:
    """The value of a rule in text; a rule that a record lacks had its default.

    >>> _value([1, 10]), _value({"tiny": [0, 256]}), _value(None)
    ('1, 10', 'tiny 0 to 256', 'the default')
    """
    if value is None:
        return "the default"
    if isinstance(value, list):
        return ", ".join(f"{v:.6g}" if isinstance(v, float) else str(v) for v in value)
    if isinstance(value, dict):
        ranges = {name: " to ".join(f"{end:.15g}" for end in ends) for name, ends in value.items()}
        return ", ".join(f"{name} {ends}" for name, ends in ranges.items())
    return str(value)


def _require_same_truth(
    first: Tables,
    second: Tables,
    family: Family[Any],
    names: tuple[str, str],
    *,
    common_images: bool,
) -> None:
    first_ids, second_ids = (
        [str(image_id) for image_id in tables["images"]["id"]] for tables in (first, second)
    )
    first_rows, second_rows = family.truth_rows(first), family.truth_rows(second)
    digests = (
        runs.truth_digest(first_ids, first_rows),
        runs.truth_digest(second_ids, second_rows),
    )
    if digests[0] == digests[1]:
        return
    if set(first_ids) != set(second_ids):
        reason = f"images {_contrast(first_ids, second_ids, names)}"
        if not common_images and set(first_ids) & set(second_ids):
            reason += f"; {COMMON_IMAGES} the images in both"
    elif first_ids != second_ids:
        reason = f"their images are in different orders; {COMMON_IMAGES} them in one order"
    else:
        differing = _differing_images(first_ids, first_rows, second_rows)
        reason = f"the ground truth differs in {few(differing)}"
    raise RunError(
        f"{names[0]} and {names[1]} were scored against different ground truth "
        f"({family.key}: {digests[0][:8]} and {digests[1][:8]}) and cannot be compared: {reason}"
    )


def _differing_images(ids: Sequence[str], first: Table, second: Table) -> list[str]:
    """Ids of the images whose ground truth differs."""
    columns = sorted(first)

    def by_image(table: Mapping[str, Array]) -> list[bytes]:
        """The rows of each image as bytes, which compare equal if and only if the rows do."""
        rows = np.stack([np.asarray(table[name], dtype=np.int64) for name in columns], axis=1)
        starts = np.searchsorted(table["image"], np.arange(len(ids) + 1))
        return [rows[starts[n] : starts[n + 1]].tobytes() for n in range(len(ids))]

    pairs = zip(ids, by_image(first), by_image(second), strict=True)
    return [image_id for image_id, old, new in pairs if old != new]

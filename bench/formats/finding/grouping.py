"""Groups of images that resemble each other, read from their ids: cities, sequences, and blocks of
sequences.

Frames of one sequence are not independent, and a few long sequences make poor clusters: hence
blocks of neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_BLOCK = 10
"""About how many consecutive frames of a sequence form one block."""


def groups_of(kind: str, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The groups of every id, for a card's `groups`: "none", "city", "sequence" or
    "sequence-blocks".

    A city is the first folder of an id, a sequence the part before its last "_" or "/"; blocks cut
    long sequences. An id that shows neither has no groups.

    >>> groups_of("sequence-blocks", ["0016E5_07959", "0016E5_07961"])["0016E5_07961"]
    {'sequence': '0016E5', 'block': '0016E5#0'}
    """
    if kind == "city":
        return {name: {"city": name.split("/")[0]} for name in names if "/" in name}
    if kind not in ("sequence", "sequence-blocks"):
        return {}
    sequences: dict[str, list[str]] = {}
    for name in sorted(names):
        cut = max(name.rfind("_"), name.rfind("/"))
        if cut > 0:
            sequences.setdefault(name[:cut], []).append(name)
    if kind == "sequence":
        return {name: {"sequence": key} for key, members in sequences.items() for name in members}
    return {
        name: {"sequence": key, "block": f"{key}#{index}"}
        for key, members in sequences.items()
        for index, block in enumerate(np.array_split(members, max(1, round(len(members) / _BLOCK))))
        for name in block.tolist()
    }


def key_of(kind: str) -> str:
    """The key of a sample's groups that holds its cluster, for a card's `groups`."""
    return "block" if kind == "sequence-blocks" else kind


def clusters_of(kind: str, names: Sequence[str], *, layout: str) -> dict[str, str]:
    """The cluster of every id that shows one, for images that were not read from files of this
    layout.

    >>> clusters_of("city", ["bonn_000001_000019"], layout="cityscapes")
    {'bonn_000001_000019': 'bonn'}
    """
    if kind == "city" and layout == "cityscapes":
        return {name: name.split("_")[0] for name in names if "_" in name}
    key = key_of(kind)
    return {name: groups[key] for name, groups in groups_of(kind, names).items() if key in groups}

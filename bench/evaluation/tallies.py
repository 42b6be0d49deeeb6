"""The counts of single images in memory: kept by id or without one, merged across processes, joined into tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bench.errors import UsageError
from bench.evaluation.naming import in_order
from bench.formats.finding.grouping import clusters_of
from bench.runs import Tables
from bench.samples import Table

Handed = Literal["whole", "masks", "boxes", "nothing"]
"""What the counts of an image were made of: a sample of a data set, what a loop handed over, objects by their boxes
alone, or no object at all."""


@dataclass(frozen=True, eq=False)
class Tally:
    """The counts of one image; `cluster` is what it belongs to, where the loop said so."""

    counts: Mapping[str, Table]
    handed: Handed
    cluster: str | None = None


@dataclass(eq=False)
class Tallies:
    """The counts of images that have an id, and of those without; `handed` is what they were made of."""

    layout: str
    named: dict[str, Tally] = field(default_factory=dict)
    unnamed: list[Tally] = field(default_factory=list)
    handed: set[Handed] = field(default_factory=set)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.named) + len(self.unnamed)

    def keep(self, name: str | None, tally: Tally) -> None:
        """Take in one image.

        Raises:
            UsageError: the id is there with other counts or in another cluster.
        """
        self.handed.add(tally.handed)
        if name is None:
            self.unnamed.append(tally)
            return
        known = self.named.setdefault(name, tally)
        if known is tally:
            return
        if known.cluster != tally.cluster:
            raise UsageError(f"the image {name!r} comes twice, in the clusters {known.cluster!r} and {tally.cluster!r}")
        if not _same(known.counts, tally.counts):
            raise UsageError(f"the image {name!r} comes twice, with other counts: give each image an id of its own")

    def merge(self, other: Tallies) -> None:
        """Take in what others have counted.

        Raises:
            UsageError: as `keep`.
        """
        for name, tally in other.named.items():
            self.keep(name, tally)
        for tally in other.unnamed:
            self.keep(None, tally)

    @property
    def all(self) -> list[Tally]:
        """Images in the order of their ids, then those without one."""
        return [*(self.named[name] for name in self.names), *self.unnamed]

    @property
    def ids(self) -> list[str]:
        """The ids of all images; those without one have a number."""
        return [*self.names, *(f"image-{number:08d}" for number in range(len(self.unnamed)))]

    @property
    def names(self) -> list[str]:
        """The ids that were given, in the order of the data set."""
        return in_order(self.named, self.layout)

    def clusters(self, kind: str) -> list[str]:
        """The cluster of each image: as given, else by its id under a card's rule `kind`, else the image itself.

        Raises:
            UsageError: some images were given a cluster, and some were not.
        """
        given = [tally.cluster for tally in self.all]
        if all(cluster is None for cluster in given):
            found = clusters_of(kind, self.names, layout=self.layout)
            return [found.get(name, name) for name in self.ids]
        if None in given:
            missing = self.ids[given.index(None)]
            raise UsageError(
                f"{missing} has no cluster, and other images have one: pass cluster= for all images, or for none"
            )
        return [str(cluster) for cluster in given]

    def tables(self, clusters: Sequence[str]) -> Tables:
        """The counts as a run record holds them: the tables that all images have."""
        parts = [tally.counts for tally in self.all]
        found: Tables = {"images": {"id": np.array(self.ids), "cluster": np.array(clusters)}}
        for table in parts[0]:
            if not all(table in part for part in parts):
                continue  # of an image without objects both masks and boxes were counted
            rows = [len(part[table]["image"]) for part in parts]
            columns = {name: np.concatenate([part[table][name] for part in parts]) for name in parts[0][table]}
            positions = np.repeat(np.arange(len(parts)), rows).astype(columns["image"].dtype)
            found[table] = {**columns, "image": positions}
        return found


def _same(one: Mapping[str, Table], other: Mapping[str, Table]) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(column, other[table][name], equal_nan=column.dtype.kind == "f")
        for table, columns in one.items()
        for name, column in columns.items()
    )

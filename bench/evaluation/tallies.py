"""The counts of single images in memory: kept by id or without one, merged across processes, joined
into tables.
"""

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
"""What the counts of an image were made of: a sample of a data set, arrays of a loop, objects with
boxes only, or no object at all."""


@dataclass(frozen=True, eq=False)
class Tally:
    """The counts of one image; `cluster` is the group that the loop passed for it, if any."""

    counts: Mapping[str, Table]
    handed: Handed
    cluster: str | None = None


@dataclass(eq=False)
class Tallies:
    """The counts of images with an id and of images without; `handed` is what they were made of."""

    layout: str
    named: dict[str, Tally] = field(default_factory=dict)
    unnamed: list[Tally] = field(default_factory=list)
    handed: set[Handed] = field(default_factory=set)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.named) + len(self.unnamed)

    def keep(self, name: str | None, tally: Tally) -> None:
        """Add one image; an id that comes again with the same counts is ignored.

        Raises:
            UsageError: the id came before with other counts or another cluster.
        """
        self.handed.add(tally.handed)
        if name is None:
            self.unnamed.append(tally)
            return
        first = self.named.setdefault(name, tally)
        if first is tally:
            return
        if first.cluster != tally.cluster:
            raise UsageError(
                f"the image {name!r} comes twice, with the clusters {first.cluster!r} and "
                f"{tally.cluster!r}"
            )
        if not _same(first.counts, tally.counts):
            raise UsageError(
                f"the image {name!r} comes twice, with other counts: give every image its own id"
            )

    def merge(self, other: Tallies) -> None:
        """Add the images of others.

        Raises:
            UsageError: as `keep`.
        """
        for name, tally in other.named.items():
            self.keep(name, tally)
        for tally in other.unnamed:
            self.keep(None, tally)

    @property
    def all(self) -> list[Tally]:
        """The images in the order of their ids, then those without an id."""
        return [*(self.named[name] for name in self.names), *self.unnamed]

    @property
    def ids(self) -> list[str]:
        """The ids of all images; images without one get a number."""
        return [*self.names, *(f"image-{number:08d}" for number in range(len(self.unnamed)))]

    @property
    def names(self) -> list[str]:
        """The ids that the loop passed, in the order of the data set."""
        return in_order(self.named, self.layout)

    def clusters(self, kind: str) -> list[str]:
        """The cluster of each image: as passed, else from its id by the card's rule `kind`, else
        its own.

        Raises:
            UsageError: some images have a cluster, and some have none.
        """
        passed = [tally.cluster for tally in self.all]
        if all(cluster is None for cluster in passed):
            by_id = clusters_of(kind, self.names, layout=self.layout)
            return [by_id.get(name, name) for name in self.ids]
        if None in passed:
            missing = self.ids[passed.index(None)]
            raise UsageError(
                f"{missing} has no cluster, and other images have one: pass cluster= for all "
                "images or for none"
            )
        return [str(cluster) for cluster in passed]

    def tables(self, clusters: Sequence[str]) -> Tables:
        """The counts in the form of a run record: the tables that all images have."""
        per_image = [tally.counts for tally in self.all]
        tables: Tables = {"images": {"id": np.array(self.ids), "cluster": np.array(clusters)}}
        for table in per_image[0]:
            if not all(table in image_counts for image_counts in per_image):
                continue  # an image without objects was counted for masks and for boxes
            rows = [len(image_counts[table]["image"]) for image_counts in per_image]
            columns = {
                name: np.concatenate([image_counts[table][name] for image_counts in per_image])
                for name in per_image[0][table]
            }
            positions = np.repeat(np.arange(len(per_image)), rows).astype(columns["image"].dtype)
            tables[table] = {**columns, "image": positions}
        return tables


def _same(first: Mapping[str, Table], second: Mapping[str, Table]) -> bool:
    return first.keys() == second.keys() and all(
        np.array_equal(column, second[table][name], equal_nan=column.dtype.kind == "f")
        for table, columns in first.items()
        for name, column in columns.items()
    )

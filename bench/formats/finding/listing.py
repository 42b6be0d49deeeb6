"""All images that a data set lists, whichever of them are scored: what predictions may be called is
decided over all.

Otherwise a name that two images share would look unambiguous as soon as `--limit` leaves one of
them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bench.formats.finding.image_ids import Number
    from bench.samples import Sample


class Listing(Protocol):
    """What the `origin` of a sample knows of the other images."""

    @property
    def names(self) -> Sequence[str]:
        """The ids of all samples that the data set lists."""
        ...

    @property
    def files(self) -> Mapping[Number, str]:
        """The id of each image in files of COCO's form -> its file name."""
        ...


@dataclass(frozen=True, eq=False)
class NamedListing:
    """Images that files of COCO's form call by their sample ids; `read` gives these, and is asked
    at most once.
    """

    read: Callable[[], Sequence[str]]

    @cached_property
    def names(self) -> Sequence[str]:
        """The ids of all samples."""
        return tuple(self.read())

    @cached_property
    def files(self) -> Mapping[Number, str]:
        """Each id maps to itself: the suffix of the image file does not matter."""
        return {name: name for name in self.names}


def with_listing(samples: Sequence[Sample], read: Callable[[], Sequence[str]]) -> list[Sample]:
    """The samples, each with the names of all of them."""
    listing = NamedListing(read)
    return [replace(sample, origin=listing) for sample in samples]


def listing_of(samples: Sequence[Sample]) -> Listing:
    """All images of the data set, as the layout lists them; without such a list, those of the
    samples.
    """
    origin = samples[0].origin if samples else None
    if origin is not None and hasattr(origin, "names") and hasattr(origin, "files"):
        listing: Listing = origin
        return listing
    return NamedListing(lambda: [sample.id for sample in samples])

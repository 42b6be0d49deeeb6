"""The archives that a card lists: which keys they have, and what these may not contradict.

`bench/prepare/` downloads and unpacks them; this module knows neither folders nor the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec

CHECKSUMS = {"md5": 32, "sha1": 40, "sha256": 64}
"""Checksums a source may state, with their hexadecimal digits."""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One archive of the data set: where it is published, its size and checksum, and how it is
    unpacked.

    Without `url` the user has to download it. `provides` are paths below the data root that exist
    once it is unpacked.
    """

    file: str
    provides: tuple[str, ...]
    url: str | None = None
    bytes: int | None = None
    checksum: str | None = None
    cited: str | None = None
    strip: str = ""
    only: tuple[str, ...] = ()
    nested: tuple[str, ...] = ()
    optional: bool = False


def problems_of_source(source: Source) -> Iterator[str]:
    """What is wrong with an archive: the file's name, the key and what would be right."""
    where = f"sources: {source.file!r}"
    if not re.fullmatch(r"[\w][\w.-]*\.(zip|tar|tar\.gz|tgz)", source.file):
        yield f"{where}: file is the plain name of a .zip, .tar, .tar.gz or .tgz"
    if source.url is not None and not source.url.startswith(("http://", "https://")):
        yield f"{where}: url = {source.url!r} must begin with http:// or https://"
    algorithm, _, digits = (source.checksum or "").partition(":")
    if source.checksum and not re.fullmatch(f"[0-9a-f]{{{CHECKSUMS.get(algorithm, 0)}}}", digits):
        yield (
            f"{where}: checksum = {source.checksum!r} must be md5:, sha1: or sha256: and its "
            "hex digits"
        )
    if source.checksum and not source.cited:
        yield f"{where}: cited is missing; it says who publishes the checksum"
    if not source.provides:
        yield f"{where}: provides is empty; it names what is there once the file is unpacked"
    for key, paths in {
        "provides": source.provides,
        "nested": source.nested,
        "strip": (source.strip,),
    }.items():
        for path in paths:
            yield from within(path, key=f"{where}: {key}")


def within(path: str, *, key: str) -> Iterator[str]:
    """What is wrong with a path that must be below the data root."""
    if path.startswith("/") or ".." in PurePosixPath(path).parts or "\\" in path:
        yield (
            f"{key} = {path!r} must be a path below the data root, with forward slashes and "
            "without '..'"
        )

"""Get a data set onto the disk: download, verify and unpack what its card lists, or say what the
user must download.

Every step may be interrupted and repeated; a second call does nothing. What is known about a data
set's archives is in its card; this module knows no metrics and no data set by name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cards import Card, Source, load_card
from bench.errors import DataError
from bench.files import replaced
from bench.prepare.archives import unpack
from bench.prepare.fetch import Patience, Report, digests, download, silent

RECORD = ".bench-prepare.json"
"""Beside the data: what was fetched from where, its size and sha256, and whether it is unpacked."""


@dataclass(frozen=True)
class Prepared:
    """What `prepare` did, by names of archives, and what is left to the user.

    `complete` says that the data set is there; otherwise `missing` names archives that only a
    registered user can fetch, and `instructions` say how.
    """

    card: Card
    root: Path
    complete: bool
    unpacked: tuple[str, ...] = ()
    present: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    instructions: str = ""


def prepare(
    card: Card | str | Path,
    root: Path,
    *,
    report: Report = silent,
    patience: Patience | None = None,
) -> Prepared:
    """Bring the data set of a card into the folder `root`, which is what `--data` then takes.

    A card without sources is answered with its own words on how to obtain the data set.

    Raises:
        DataError: a download that fails, an archive that is not what the card says, no room, or
            another call at work.
    """
    card = card if isinstance(card, Card) else load_card(card)
    with alone(root):
        return _prepare(card, root, report=report, patience=patience)


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Make the folder of a data set if need be, and hold it, so that two calls never write into it
    at once.

    Raises:
        DataError: it is a file, or another call holds it.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise DataError(f"{root}: this is a file; the data set needs a folder of its own") from None
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    # The lock is on the folder itself: no lock file is left behind, and a killed process releases
    # it.
    held = os.open(root, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system that knows no locks
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DataError(
                    f"{root}: another bench prepare is running there; wait until it has finished"
                ) from None
        yield
    finally:
        os.close(held)


def _prepare(card: Card, root: Path, *, report: Report, patience: Patience | None) -> Prepared:
    record = _Record(root / RECORD)
    done: dict[str, list[str]] = {"unpacked": [], "present": [], "missing": []}
    for source in card.sources:
        done[_bring(source, root, record=record, report=report, patience=patience)].append(
            source.file
        )
    optional = {source.file for source in card.sources if source.optional}
    missing = tuple(file for file in done["missing"] if file not in optional)
    complete = bool(card.sources) and not missing
    return Prepared(
        card,
        root,
        complete=complete,
        unpacked=tuple(done["unpacked"]),
        present=tuple(done["present"]),
        missing=missing,
        instructions="" if complete else card.obtain.strip(),
    )


def _bring(
    source: Source, root: Path, *, record: _Record, report: Report, patience: Patience | None
) -> str:
    """Bring one archive; returns `present`, `missing` or `unpacked`."""
    there = all((root / path).exists() for path in source.provides)
    if there and not record.of(source).get("unpacking", False):
        return "present"
    archive = root / source.file
    fetched = False
    if not archive.is_file():
        if source.url is None:
            return "missing"
        download(source.url, archive, size=source.bytes, report=report, patience=patience)
        fetched = True
    _verify(source, archive, record=record, fetched=fetched, report=report)
    record.note(source, unpacking=True)
    unpack(archive, root, strip=source.strip, only=source.only, report=report)
    for inner in source.nested:
        unpack(root / inner, (root / inner).parent, report=report)
        (root / inner).unlink()
    absent = [path for path in source.provides if not (root / path).exists()]
    if absent:
        raise DataError(f"{archive}: {absent[0]} is not in it; check that it is the right file")
    record.note(source, unpacking=False)
    return "unpacked"


def _verify(
    source: Source, archive: Path, *, record: _Record, fetched: bool, report: Report
) -> None:
    """Compare an archive with what the card, or the record of the first download, says of it."""
    size = archive.stat().st_size
    recorded = record.of(source)
    if source.bytes is not None and size != source.bytes:
        raise _set_aside(archive, f"it has {size} bytes, but the card says {source.bytes}")
    if not fetched and recorded.get("bytes") == size and "sha256" in recorded:
        return
    # Where the source publishes no checksum, the first download speaks for itself.
    stated = source.checksum or f"sha256:{recorded.get('sha256', '')}"
    algorithm, _, expected = stated.partition(":")
    hashes = digests(archive, tuple({"sha256", algorithm}), report=report)
    if expected and hashes[algorithm] != expected:
        origin = source.cited if source.checksum else f"{RECORD}, written at the first download"
        raise _set_aside(
            archive, f"its {algorithm} is {hashes[algorithm]}, but should be {expected} ({origin})"
        )
    record.note(source, url=source.url, bytes=size, sha256=hashes["sha256"])


def _set_aside(archive: Path, problem: str) -> DataError:
    aside = archive.with_name(f"{archive.name}.damaged")
    archive.replace(aside)
    return DataError(
        f"{archive}: {problem}; it was renamed to {aside.name}; download it again with the "
        "same command or by hand"
    )


class _Record:
    """The file that remembers what was done to each archive."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sources: dict[str, dict[str, Any]] = {}
        if path.is_file():
            try:
                self.sources = dict(json.loads(path.read_text(encoding="utf-8"))["sources"])
            except (ValueError, KeyError, TypeError):
                raise DataError(
                    f"{path}: this record of an earlier `prepare` is damaged; delete it"
                ) from None

    def of(self, source: Source) -> dict[str, Any]:
        """The recorded facts about an archive."""
        return self.sources.get(source.file, {})

    def note(self, source: Source, **facts: object) -> None:
        """Add facts about an archive and write the record at once."""
        self.sources[source.file] = self.of(source) | facts
        content = json.dumps({"version": 1, "sources": self.sources}, indent=2)
        with replaced(self.path) as temporary:
            temporary.write_text(content, encoding="utf-8")


__all__ = ["RECORD", "Patience", "Prepared", "alone", "prepare"]

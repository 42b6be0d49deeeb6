"""Unpack a zip or tar archive below a folder: nothing lands outside of it, and no file is ever half
written.

An unpacking that was interrupted goes on: files that are there in full are not written again. This
module knows neither cards nor where an archive came from.
"""

from __future__ import annotations

import fnmatch
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from bench.errors import DataError
from bench.files import replaced
from bench.prepare.fetch import Report, Step, require_room, silent


@dataclass(frozen=True)
class Member:
    """One regular file of an archive: its name there, its size in bytes, and how to open it."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


def unpack(
    archive: Path, root: Path, *, strip: str = "", only: Sequence[str] = (), report: Report = silent
) -> int:
    """Unpack an archive below `root`; returns the number of files that were written.

    Of the members only those below the folder `strip` are taken, without it, and of these only
    those whose path matches one of the patterns `only`, if there are any.

    Raises:
        DataError: a damaged archive, a member that would land outside of `root` or is a link,
            nothing to unpack, or no room on the disk.
    """
    with _opened(archive) as members:
        wanted = [
            (path, member)
            for member in members
            if (path := _place(member.name, strip, only, archive))
        ]
        if not wanted:
            raise DataError(
                f"{archive}: the archive holds nothing below {strip or 'its root'!r}; check "
                "that it is the right file"
            )
        missing = [
            (root / path, member)
            for path, member in wanted
            if not _is_there(root / path, member.size)
        ]
        total, done = sum(member.size for _, member in missing), 0
        require_room(root, total, purpose=f"unpacking {archive.name}")
        for target, member in missing:
            _write(target, member)
            done += member.size
            report(Step("unpack", archive.name, done, total))
    return len(missing)


@contextmanager
def _opened(archive: Path) -> Iterator[list[Member]]:
    """Give the regular files of an archive while it is open."""
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as file:
                yield _zip_members(file, archive)
        else:
            with tarfile.open(archive) as tar:
                yield _tar_members(tar, archive)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, RuntimeError, zlib.error) as error:
        raise DataError(
            f"{archive}: the archive is damaged ({error}); delete it and run the same command again"
        ) from None


def _zip_members(file: zipfile.ZipFile, archive: Path) -> list[Member]:
    members = []
    for info in file.infolist():
        if stat.S_ISLNK(info.external_attr >> 16):
            raise _unsafe(archive, info.filename, "is a link")
        if not info.is_dir():
            members.append(Member(info.filename, info.file_size, partial(file.open, info)))
    return members


def _tar_members(tar: tarfile.TarFile, archive: Path) -> list[Member]:
    members = []
    for info in tar:
        if info.isreg():
            members.append(Member(info.name, info.size, partial(_open_in_tar, tar, info)))
        elif not info.isdir():
            raise _unsafe(archive, info.name, "is a link or a device")
    return members


def _open_in_tar(tar: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    return cast(
        "IO[bytes]", tar.extractfile(info)
    )  # None only for members that are not regular files


def _place(name: str, strip: str, only: Sequence[str], archive: Path) -> Path | None:
    """Where a member goes below the root; None for one that is not wanted."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name.partition("/")[0]:
        raise _unsafe(archive, name, "would be written outside the folder")
    if not path.is_relative_to(strip):
        return None
    path = path.relative_to(strip)
    if only and not any(fnmatch.fnmatchcase(str(path), pattern) for pattern in only):
        return None
    return Path(path)


def _write(target: Path, member: Member) -> None:
    with replaced(target) as temporary, member.open() as source, temporary.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)


def _is_there(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _unsafe(archive: Path, name: str, problem: str) -> DataError:
    return DataError(
        f"{archive}: the member {name!r} {problem}, which is not allowed; the archive was not "
        "unpacked"
    )

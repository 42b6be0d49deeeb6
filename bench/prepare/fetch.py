"""Download one file over HTTP: resumed after an interruption, checked by size and checksum, never
half a file.

Bytes gather in `<file>.part` and take their name only when they are all there. This module knows
neither cards nor what is in a file.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from bench.errors import DataError

BLOCK = 1 << 20
AGENT = "segbench"
PASSING = (408, 425, 429, 500, 502, 503, 504)
"""HTTP statuses that another try may cure."""


@dataclass(frozen=True)
class Step:
    """How far one stage of one file is, in bytes; `total` is None if it is unknown."""

    stage: Literal["download", "verify", "unpack"]
    file: str
    done: int
    total: int | None


Report: TypeAlias = Callable[[Step], None]


@dataclass(frozen=True)
class Patience:
    """How long a server may be silent, how often in a row a try may bring nothing new, and the
    pause between tries.
    """

    timeout: float = 30.0
    attempts: int = 4
    pause: float = 2.0


class _BrokenError(Exception):
    """A try that ended early and may be repeated; the message says how it ended."""


def silent(step: Step) -> None:
    """Report nothing."""


def download(
    url: str,
    target: Path,
    *,
    size: int | None = None,
    report: Report = silent,
    patience: Patience | None = None,
) -> None:
    """Fetch `url` into `target`, going on from `<target>.part` where an earlier call left one.

    `size` is what the file must have, in bytes, where that is known.

    Raises:
        DataError: the server refuses, is out of reach or offers another size, the connection keeps
            breaking, or the disk is full; what has arrived stays for the next call unless it is of
            no use.
    """
    patience = patience or Patience()
    part = target.with_name(f"{target.name}.part")
    idle, most = 0, _size(part)
    while True:
        try:
            _try(url, part, size=size, report=report, timeout=patience.timeout)
            break
        except _BrokenError as broken:
            idle = 0 if _size(part) > most else idle + 1
            most = max(most, _size(part))
            if idle >= patience.attempts:
                raise DataError(
                    f"{url}: {broken}, {_size(part)} bytes were received; run the same command "
                    f"again to resume, or download the file yourself and put it at {target}"
                ) from None
            time.sleep(patience.pause)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise DataError(
                    f"{part}: the disk is full; free some space and run the same command again"
                ) from None
            raise DataError(f"{part}: {error.strerror}; the file cannot be written there") from None
    _note(part).unlink(missing_ok=True)
    part.replace(target)


def digests(
    path: Path, algorithms: tuple[str, ...], *, report: Report = silent
) -> Mapping[str, str]:
    """Hash a file, with several algorithms in one reading; returns algorithm -> hexadecimal
    digits.
    """
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    total, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            for value in hashes.values():
                value.update(block)
            done += len(block)
            report(Step("verify", path.name, done, total))
    return {name: value.hexdigest() for name, value in hashes.items()}


def require_room(folder: Path, size: int, *, purpose: str) -> None:
    """Refuse work that the disk has no room for.

    Raises:
        DataError: fewer than `size` bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise DataError(
            f"{folder}: {purpose} needs {size:,} bytes, but the disk has {free:,} free; free "
            "some space first"
        )


def _try(url: str, part: Path, *, size: int | None, report: Report, timeout: float) -> None:
    start = _size(part)
    if size is not None and start == size:
        return
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if _note(part).is_file():
            # If the file has changed on the server, it is sent whole: otherwise its end would be
            # appended to the beginning of the old file.
            headers["If-Range"] = _note(part).read_text(encoding="ascii")
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - cards allow http(s) only
        with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310
            start, total = _begin(response, part, start)
            if size is not None and total is not None and total != size:
                raise DataError(
                    f"{url}: the server offers {total} bytes, but the card says {size}; the "
                    "file has changed"
                )
            if total is not None:
                require_room(part.parent, total - start, purpose="the download")
            _pour(
                response,
                part,
                start=start,
                total=total if total is not None else size,
                report=report,
            )
    except urllib.error.HTTPError as error:
        _refused(url, part, error)
    except urllib.error.URLError as error:
        raise _BrokenError(f"the server cannot be reached ({error.reason})") from None
    except TimeoutError:
        raise _BrokenError(f"the server did not answer for {timeout:g} s") from None
    except (ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
        raise _BrokenError(f"the connection was lost ({type(error).__name__})") from None


def _begin(response: http.client.HTTPResponse, part: Path, start: int) -> tuple[int, int | None]:
    """Say from which byte the answer goes on, and how long the whole file is."""
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        span, _, whole = (
            response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        )
        if span.partition("-")[0] == str(start):
            return start, int(whole) if whole.isdecimal() else None
        part.unlink()
        raise _BrokenError("the server sent a different range than requested")
    validator = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    if validator and not validator.startswith("W/"):
        _note(part).write_text(validator, encoding="ascii", errors="ignore")
    else:
        _note(part).unlink(missing_ok=True)
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _pour(
    response: http.client.HTTPResponse, part: Path, *, start: int, total: int | None, report: Report
) -> None:
    done = start
    with part.open("ab" if start else "wb") as file:
        report(Step("download", part.stem, done, total))
        while block := response.read(BLOCK):
            file.write(block)
            done += len(block)
            report(Step("download", part.stem, done, total))
    # `read` ends quietly when the connection closes early.
    if total is not None and done != total:
        raise _BrokenError(f"the connection was lost {total - done} bytes before the end")


def _refused(url: str, part: Path, error: urllib.error.HTTPError) -> None:
    error.close()
    if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        if error.headers.get("Content-Range", "") == f"bytes */{_size(part)}":
            return
        part.unlink(missing_ok=True)
        raise _BrokenError("the server has no bytes beyond those already received") from None
    if error.code in PASSING:
        raise _BrokenError(f"the server answered {error.code} {error.reason}") from None
    raise DataError(
        f"{url}: the server answered {error.code} {error.reason}; download the file elsewhere and "
        f"put it at {part.with_suffix('')}"
    ) from None


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0

"""JSON files in any common encoding, made into plain UTF-8: byte order marks, UTF-16, gzip, a zip
of one file.

What is something else (a web page, an image, an empty file) is named. This module loads nothing
heavy, because files are read while Python is still loading; it does not know what the JSON
contains.
"""

from __future__ import annotations

import io
import re
import zlib
from pathlib import Path

LARGEST = 1 << 30
"""Packed files that unpack to more bytes than this are refused, so that none can fill the
memory.
"""

_OTHER_NAMES = (".json.gz", ".json.zip", ".jsonl", ".jsonl.gz", ".ndjson")
_BOM = b"\xef\xbb\xbf"
_SHOWN = 24
_KINDS = (
    (rb"\x1f\x8b", "a gzip file inside another packed file"),
    (rb"PK\x03\x04", "a zip file inside another packed file"),
    (rb"BZh", "a file packed with bzip2; unpack it first"),
    (rb"\xfd7zXZ\0", "a file packed with xz; unpack it first"),
    (rb"\x28\xb5\x2f\xfd", "a file packed with zstd; unpack it first"),
    (rb"7z\xbc\xaf", "a 7-Zip archive; unpack it first"),
    (rb"Rar!", "a RAR archive; unpack it first"),
    (rb".{257}ustar", "a tar archive; unpack it first"),
    (rb"\x89PNG", "a PNG image"),
    (rb"\xff\xd8\xff", "a JPEG image"),
    (rb"GIF8", "a GIF image"),
    (rb"\x93NUMPY", "a NumPy array"),
    (rb"\x89HDF", "an HDF5 file"),
    (rb"PAR1", "a Parquet file"),
    (
        rb"\x80[\x02-\x05]",
        "a Python pickle, which can run code and is not read; write the results as JSON",
    ),
    (rb"version https://git-lfs", "a Git LFS pointer instead of the file; git lfs pull fetches it"),
    (rb"<", "a web page (HTML or XML), probably saved instead of the file; download it again"),
    (rb"\0{16}", "a file of zero bytes, probably from an interrupted download"),
)
"""First bytes of files that are often passed instead of JSON."""


class NotJsonError(ValueError):
    """A file that is not JSON; the message says what it is, without the path."""


def read(path: Path) -> bytes:
    """The JSON of a file as plain UTF-8; JSON lines stay as they are (see `joined_lines`).

    Raises:
        OSError: the file cannot be read.
        NotJsonError: it is empty, damaged, or something else.
    """
    data = path.read_bytes()
    return data if _is_plain(data) else _made_plain(data, LARGEST)


def files_in(folder: Path) -> list[Path]:
    """The JSON files of a folder, sorted: those named .json, else packed ones and JSON lines."""
    found = sorted(folder.glob("*.json"))
    return found or sorted(
        path for path in folder.glob("*") if path.name.lower().endswith(_OTHER_NAMES)
    )


def head(path: Path, count: int) -> bytes:
    """The first bytes of the JSON of a file, as `read` would give them.

    Raises:
        OSError, NotJsonError: as `read`.
    """
    with path.open("rb") as file:
        data = file.read(count)
    if _is_plain(data):
        return data
    return _made_plain(path.read_bytes(), count, partly=True)[:count]


def joined_lines(data: bytes) -> bytes | None:
    r"""The list that JSON lines make, where every line holds an object of its own; None for other
    files.

    >>> joined_lines(b'{"a": 1}\n{"a": 2}\n')
    b'[{"a": 1},{"a": 2}]'
    >>> joined_lines(b'{"a":\n1}')
    """
    first, _, rest = data.partition(b"\n")
    if (
        first.lstrip()[:1] != b"{"
        or first.rstrip()[-1:] != b"}"
        or rest[: 1 << 10].lstrip()[:1] != b"{"
    ):
        return None
    return b"[" + b",".join(filter(None, (line.strip() for line in data.split(b"\n")))) + b"]"


def _is_plain(data: bytes) -> bool:
    return data[:64].lstrip()[:1] in (b"[", b"{") and b"\0" not in data[:4]


def _made_plain(data: bytes, most: int, *, partly: bool = False) -> bytes:
    """Unpack and decode; with `partly`, the first `most` bytes are enough."""
    if data.startswith(b"\x1f\x8b"):
        data = _gunzipped(data, most, partly=partly)
    elif data.startswith(b"PK\x03\x04"):
        data = _unzipped(data, most, partly=partly)
    data = _utf8(data, partly=partly)
    problem = _problem(data)
    if problem is not None:
        raise NotJsonError(problem)
    return data


def _utf8(data: bytes, *, partly: bool) -> bytes:
    if data.startswith(_BOM):
        return data[len(_BOM) :]
    marked = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    if not marked and not re.match(rb"\0+[\[{\s]|[\[{\s]\0", data):
        return data
    from json import detect_encoding

    encoding = detect_encoding(data)
    try:
        return data.decode(encoding, "ignore" if partly else "strict").encode("utf-8")
    except UnicodeError:
        raise NotJsonError(
            f"the text is damaged: it is not {encoding.upper()} to its end"
        ) from None


def _problem(data: bytes) -> str | None:
    """What a file is that does not begin as JSON with a list or an object does; None for one that
    does.
    """
    start = data[:4096].lstrip() or data.lstrip()
    if not start:
        return "the file is empty"
    if start[:1] in (b"[", b"{"):
        return None
    kind = next((kind for pattern, kind in _KINDS if re.match(pattern, start, re.DOTALL)), None)
    if kind is not None:
        return f"this is {kind}" + ("" if ";" in kind else "; JSON is expected")
    shown = start[:_SHOWN].split(b"\n")[0].decode("utf-8", "replace").strip()
    return f"this is not JSON: it begins with {shown!r}, and JSON of this kind begins with [ or {{"


def _gunzipped(data: bytes, most: int, *, partly: bool) -> bytes:
    parts, held = [], 0
    while data.startswith(b"\x1f\x8b"):
        unpacker = zlib.decompressobj(wbits=31)
        try:
            part = unpacker.decompress(data, most - held + 1)
        except zlib.error as error:
            raise NotJsonError(f"the gzip file is damaged ({error})") from None
        parts.append(part)
        held += len(part)
        if held > most:
            break
        if not unpacker.eof:
            raise NotJsonError("the gzip file is cut off before its end")
        data = unpacker.unused_data
    if held > most and not partly:
        raise _too_large("gzip")
    return b"".join(parts)


def _unzipped(data: bytes, most: int, *, partly: bool) -> bytes:
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = [
                each
                for each in archive.infolist()
                if not each.is_dir() and not _is_hidden(each.filename)
            ]
            if len(files) != 1:
                names = ", ".join(each.filename for each in files[:3]) or "none"
                raise NotJsonError(
                    f"the zip file holds {len(files)} files ({names}); unpack it and pass the "
                    "file or the folder"
                )
            with archive.open(files[0]) as member:
                found = member.read(most + 1)
    except RuntimeError as error:  # a password is needed
        raise NotJsonError(f"the zip file cannot be unpacked ({error})") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise NotJsonError(f"the zip file is damaged or cut off ({error})") from None
    if len(found) > most and not partly:
        raise _too_large("zip")
    return found


def _is_hidden(name: str) -> bool:
    """Whether a member of a zip is a leftover of the system that made it."""
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1].startswith(".")


def _too_large(kind: str) -> NotJsonError:
    return NotJsonError(
        f"the {kind} file unpacks to more than {LARGEST >> 30} GiB; unpack it first"
    )

"""Read a TOML file into a struct, and explain in one sentence what is wrong with a key or a value.

It serves the files that users write by hand (`bench.toml`, `board.toml`) and knows none of their
keys.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from bench.errors import UsageError, did_you_mean

Content = TypeVar("Content", bound=msgspec.Struct)
_TABLE = re.compile(r"(?P<name>\w+)\[(?P<index>\d+)\]\.?")


def read(path: Path, struct: type[Content], tables: Mapping[str, type[msgspec.Struct]]) -> Content:
    """Read a TOML file as `struct`; `tables` names the structs of its arrays of tables, for
    messages.

    Raises:
        UsageError: the file is not TOML, or a key or value is wrong; the message names the file and
            key.
    """
    try:
        raw = tomllib.loads(
            path.read_text(encoding="utf-8-sig")
        )  # spreadsheets write a byte order mark
        return msgspec.convert(raw, struct)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {explain(str(error), struct, tables)}") from None


def explain(
    problem: str, struct: type[msgspec.Struct], tables: Mapping[str, type[msgspec.Struct]]
) -> str:
    """Turn a message of msgspec into one that names the table, the key and, for a typo, the right
    key.

    >>> class Check(msgspec.Struct):
    ...     margin: float
    >>> message = "Object contains unknown field `margins` - at `$.checks[0]`"
    >>> explain(message, Check, {"checks": Check})
    "[[checks]] 1: unknown key 'margins': did you mean margin?"
    >>> explain("Expected `float`, got `str` - at `$.checks[1].margin`", Check, {"checks": Check})
    '[[checks]] 2, margin: expected float, got str'
    """
    message, _, path = problem.partition(" - at `$")
    path = path.strip("`.")
    where = []
    table = _TABLE.match(path)
    if table and table["name"] in tables:
        struct = tables[table["name"]]
        where.append(f"[[{table['name']}]] {int(table['index']) + 1}")
        path = path[table.end() :]
    if path:
        where.append(path)
    prefix = f"{', '.join(where)}: " if where else ""
    if "unknown field" in message:
        key = message.split("`")[1]
        return f"{prefix}unknown key {key!r}: {did_you_mean(key, struct.__struct_fields__)}"
    if "missing required field" in message:
        return f"{prefix}the key {message.split('`')[1]!r} is missing"
    return f"{prefix}{message[0].lower()}{message[1:]}".replace("`", "")

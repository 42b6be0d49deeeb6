"""The map of the code in docs/architecture.md is complete, and names only what exists."""

from __future__ import annotations

import re
from pathlib import Path

from project.test_layers import FLOORS, NEIGHBOURS, SECRETS

ROOT = Path(__file__).parents[2]
MAP = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TEXT_SUFFIXES = (".py", ".pyi", ".toml", ".h", ".cpp")


def cells(header: str) -> list[list[str]]:
    """The rows of the table whose header line starts with these words, as lists of cells."""
    table = MAP.partition(f"\n{header}")[2].partition("\n\n")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]
    ]


def quoted(text: str) -> list[str]:
    """What stands between backticks, without the fenced blocks."""
    return re.findall(
        r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    )


def folders_of_the_package() -> set[str]:
    """Every folder of bench/ that holds files of the repository, such as `formats/coco`."""
    files = (
        path
        for path in (ROOT / "bench").rglob("*")
        if path.suffix in (*TEXT_SUFFIXES, ".safetensors")
    )
    return {path.parent.relative_to(ROOT / "bench").as_posix() for path in files} - {"."}


def test_every_room_is_listed_with_its_floor_and_its_walls() -> None:
    rows = cells("| floor | room |")
    assert FLOORS == {quoted(room)[0]: int(floor) for floor, room, _, _ in rows}
    assert SECRETS == {quoted(room)[0]: set(quoted(never)) for _, room, _, never in rows if never}
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)


def test_every_room_exists_and_has_a_floor() -> None:
    modules = {path.stem for path in (ROOT / "bench").glob("*.py")} - {"__init__", "__main__"}
    packages = {path.parent.name for path in (ROOT / "bench").glob("*/__init__.py")}
    assert modules | packages == {quoted(room)[0] for _, room, _, _ in cells("| floor | room |")}


def test_imports_along_a_floor_are_listed() -> None:
    rows = cells("| room | imports |")
    assert NEIGHBOURS == {(quoted(room)[0], quoted(other)[0]) for room, other, _ in rows}


def test_every_folder_is_named() -> None:
    inner = {name.rstrip("/") for row in cells("| folder | holds |") for name in quoted(row[0])}
    assert {name for name in folders_of_the_package() if "/" in name} == inner
    named = inner | {quoted(room)[0] for _, room, _, _ in cells("| floor | room |")}
    assert folders_of_the_package() == named & folders_of_the_package() | {"checkpoints"}
    assert "`bench/checkpoints/`" in MAP


def missing_paths(text: str) -> list[str]:
    """Paths between backticks that no file or folder has; `<name>` stands for any name."""
    paths = [
        word
        for word in quoted(text)
        if re.fullmatch(r"[\w<>./-]+", word) and re.search(r"/|\.[a-z]+$", word)
    ]
    absent = []
    for path in paths:
        pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
        places = (
            ROOT,
            ROOT / "bench",
            ROOT / "bench" / "kernels" / "native",
            ROOT / "bench" / "formats" / "coco",
        )
        is_name_of_python = re.fullmatch(r"bench(\.\w+)+", path) is not None
        if not is_name_of_python and not any(any(place.glob(pattern)) for place in places):
            absent.append(path)
    return absent


def missing_names(text: str) -> list[str]:
    """Identifiers between backticks that no source file contains as a word."""
    files = [path for folder in ("bench", "datasets") for path in (ROOT / folder).rglob("*.*")]
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in files if path.suffix in TEXT_SUFFIXES
    )
    known = {*re.findall(r"\w+", source), *(path.stem for path in files)}
    plain = [
        word
        for word in quoted(text)
        if re.fullmatch(r"\w+(\.\w+)*", word) and not word.endswith(TEXT_SUFFIXES)
    ]
    return [word for word in plain if not set(word.split(".")) <= known]


def test_no_path_or_name_is_made_up() -> None:
    assert [] == missing_paths(MAP)
    assert [] == missing_names(MAP)


def test_made_up_paths_and_names_are_found() -> None:
    text = (
        "`bench/attic/` `bench/models/<name>.py` `bench/attic/<name>.py` `LAYOUT` "
        "`LAYOUT_OF_SAND` `bench.evaluate`"
    )
    assert ["bench/attic/", "bench/attic/<name>.py"] == missing_paths(text)
    assert ["LAYOUT_OF_SAND"] == missing_names(text)

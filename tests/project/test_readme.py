"""The README works from top to bottom: its commands, its files and its Python, in one folder and in
order.
"""

from __future__ import annotations

import glob
import re
import shlex
from pathlib import Path

import pytest

from bench import cli

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
NOT_HERE = ("pip", "git", "python3", "prepare", "list")
"""Words of commands that install, download, or only print what is tested elsewhere."""
YOURS = re.compile(r"~/|results|my_package")
"""Commands that name a reader's own files: they are understood, and fail because the files are not
there.
"""
CODES = {"check": {0, 1, 3}}
"""Exit codes other than 0: with a few images the check of the README is not decided."""


def commands() -> list[str]:
    """The lines after a dollar sign, without comments."""
    lines = [
        line
        for kind, block in FENCE.findall(README)
        if kind == "console"
        for line in block.splitlines()
    ]
    return [line.removeprefix("$ ").partition("  #")[0].strip() for line in lines]


def words_of(command: str) -> list[str]:
    """The arguments of a `bench` command, with file patterns replaced by the files, as a shell does
    it.
    """
    words = shlex.split(command)[1:]
    return [name for word in words for name in (sorted(glob.glob(word)) if "*" in word else [word])]  # noqa: PTH207


def write_files(folder: Path) -> None:
    """The TOML files that the README shows: bench.toml, and the board's."""
    blocks = [text for kind, text in FENCE.findall(README) if kind == "toml"]
    (folder / "my-board").mkdir()
    for text in blocks:
        name = "bench.toml" if "[[checks]]" in text else "my-board/board.toml"
        (folder / name).write_text(text, encoding="utf-8")
    assert 2 == len(blocks)


@pytest.mark.slow
def test_commands_work_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="the extra models is not installed")
    pytest.importorskip("matplotlib", reason="the extra report is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCH_DATA", raising=False)
    write_files(tmp_path)
    ran = []
    for command in commands():
        if (
            command.startswith("bench ")
            and not set(command.split()) & set(NOT_HERE)
            and not YOURS.search(command)
        ):
            words = words_of(command)
            if words[0] in ("run", "eval"):
                # All 500 images take half a minute a command; 8 of them show that the commands fit
                # together.
                limit = [] if "--limit" in words else ["--limit", "8"]
                words = [word if word != "50" else "2" for word in [*words, *limit]]
            code = cli.main(words)
            said = capsys.readouterr()
            assert code in CODES.get(words[0], {0}), (command, said.out, said.err)
            ran.append(words[0])
    assert {"run", "eval", "show", "compare", "check", "board", "plot"} == set(ran)


@pytest.mark.parametrize(
    "command", [line for line in commands() if YOURS.search(line) and "prepare" not in line]
)
def test_commands_on_a_readers_own_files_are_understood(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert 2 == cli.main(words_of(command))
    said = capsys.readouterr().err
    assert YOURS.search(said) or "mine.safetensors" in said or str(tmp_path) in said, said


def test_python_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = [text for kind, text in FENCE.findall(README) if kind == "python"]
    assert 1 == len(blocks)
    exec(compile(blocks[0], "README.md", "exec"), {})
    assert (tmp_path / "runs").is_dir()

"""From words to the options of a command: every form in which options may be written, and every way
to be wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from bench.cli import commands
from bench.cli.parser.declarations import OptionSet, argument, declarations, flag, flags_for, option
from bench.cli.parser.parsing import HelpRequested, parse
from bench.errors import UsageError


class Input(OptionSet):
    runs: list[Path] = argument("RUN", help="Run records.")
    name: str | None = option("--name", "-n", metavar="TEXT", help="Name.", default=None)


class Output(OptionSet):
    limit: int = option("--limit", metavar="N", help="Images.", default=10, minimum=-9)
    share: float | None = option("--share", metavar="SHARE", help="Fraction.", default=None)
    by: Literal["class", "image"] = option("--by", help="Rows.", default="class")
    out: Path | None = option("--out", "-o", metavar="FILE", help="File.", default=None)
    as_json: bool = flag("--json", help="JSON.")


def several(given: Input, output: Output) -> int:
    """Take several arguments and options."""
    return 0


class One(OptionSet):
    kind: Literal["a", "b"] = argument("KIND", help="The kind.")
    folder: Path = argument("FOLDER", help="The folder.", default=Path())
    model: str = option("--model", "-m", metavar="NAME", help="The model.")


def two_places(options: One) -> int:
    """Take two arguments, the second optional, and an option that is required."""
    return 0


def parsed(*words: str) -> dict[str, Any]:
    """The values that differ from the defaults."""
    found = parse(several, words)
    plain = {**vars(Input(runs=[])), **vars(Output())}
    given = {**vars(found["given"]), **vars(found["output"])}
    return {name: value for name, value in given.items() if value != plain[name]}


RUNS = {"runs": [Path("a")]}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a"], RUNS),
        (["a", "b", "c"], {"runs": [Path("a"), Path("b"), Path("c")]}),
        (["a", "--json", "b"], {"runs": [Path("a"), Path("b")], "as_json": True}),
        (["--limit", "3", "a"], RUNS | {"limit": 3}),
        (["--limit=3", "a"], RUNS | {"limit": 3}),
        (["a", "--limit", "-3"], RUNS | {"limit": -3}),
        (["a", "--limit=-3"], RUNS | {"limit": -3}),
        (["a", "--share", "-.5"], RUNS | {"share": -0.5}),
        (["a", "--share", "1e-3"], RUNS | {"share": 1e-3}),
        (["a", "-n", "x"], RUNS | {"name": "x"}),
        (["a", "-nx"], RUNS | {"name": "x"}),
        (["a", "--name", ""], RUNS | {"name": ""}),
        (["a", "--name="], RUNS | {"name": ""}),
        (["a", "--name", "-x"], RUNS | {"name": "-x"}),
        (["a", "-n", "-x"], RUNS | {"name": "-x"}),
        (["a", "--name", "--x y=z"], RUNS | {"name": "--x y=z"}),
        (["a", "--name", "-"], RUNS | {"name": "-"}),
        (["a", "--name=a=b"], RUNS | {"name": "a=b"}),
        (["a", "--name", "x", "--name", "y"], RUNS | {"name": "y"}),
        (["a", "--by", "image", "-o", "a b"], RUNS | {"by": "image", "out": Path("a b")}),
        (["--", "-a", "--json"], {"runs": [Path("-a"), Path("--json")]}),
        (["--json", "a", "--", "--limit"], {"runs": [Path("a"), Path("--limit")], "as_json": True}),
        (["-"], {"runs": [Path("-")]}),
        (["-5"], {"runs": [Path("-5")]}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_in_every_form(words: list[str], expected: dict[str, Any]) -> None:
    assert expected == parsed(*words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "RUN is missing: run records"),
        (["a", "--limit"], "--limit N: a value is needed"),
        (["a", "-o"], "--out FILE: a value is needed"),
        (["a", "--name", "--json"], "--name TEXT: a value is needed"),
        (["a", "--name", "--limit=3"], "--name TEXT: a value is needed"),
        (["a", "--json=yes"], "--json takes no value"),
        (["a", "--limit", "many"], "--limit: a whole number is needed, got 'many'"),
        (["a", "--limit", "1.5"], "--limit: a whole number is needed, got '1.5'"),
        (["a", "--limit", "-10"], "--limit: must be at least -9, got -10"),
        (["a", "--share", "half"], "--share: a number is needed, got 'half'"),
        (["a", "--by", "x"], "--by: 'x' is not one of class, image"),
        (["a", "--out", ""], "--out: the value is empty; FILE is needed"),
        (["", "a"], "RUN: the value is empty; RUN is needed"),
        (["a", "--limits", "3"], "there is no option --limits: did you mean --limit?"),
        (["a", "--limits=3"], "there is no option --limits: did you mean --limit?"),
        (["a", "--lim", "3"], "there is no option --lim: did you mean --limit?"),
        (["a", "--frobnicate"], "there is no option --frobnicate"),
        (["a", "-x"], "there is no option -x"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_words_are_named(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(several, words)
    assert message == str(raised.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a"], "--model/-m is missing"),
        (["-m", "x"], "KIND is missing: one of a, b"),
        (["c", "-m", "x"], "KIND: 'c' is not one of a, b"),
        (["a", "b", "c", "-m", "x"], "unexpected argument 'c'"),
    ],
)
def test_what_is_required_and_what_is_too_much(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(two_places, words)
    assert message == str(raised.value)


def test_arguments_by_place() -> None:
    assert {"options": One(kind="a", model="x")} == parse(two_places, ["-m", "x", "a"])
    assert {"options": One(kind="b", folder=Path("f"), model="x")} == parse(
        two_places, ["b", "-m", "x", "f"]
    )


@pytest.mark.parametrize(
    "words", [["--help"], ["-h"], ["a", "--frob", "--help"], ["--limit", "x", "-h"]]
)
def test_help_wins_over_what_is_wrong(words: list[str]) -> None:
    with pytest.raises(HelpRequested):
        parse(several, words)


def test_after_two_dashes_help_is_a_word() -> None:
    assert {"runs": [Path("--help")]} == parsed("--", "--help")


@pytest.mark.parametrize(
    "output",
    [
        Output(),
        Output(limit=3, as_json=True),
        Output(limit=-3, share=-0.5, by="image", out=Path("-a b")),
    ],
)
def test_written_flags_are_read_back(output: Output) -> None:
    given = Input(runs=[Path("a")], name="--name")
    words = ["a", *flags_for(given), *flags_for(output)]
    assert {"given": given, "output": output} == parse(several, words)


def test_only_wanted_flags_are_written() -> None:
    output = Output(limit=3, by="image", as_json=True)
    assert ["--limit", "3", "--by", "image", "--json"] == flags_for(output)
    assert ["--by", "image"] == flags_for(output, ("by", "out"))


@pytest.mark.parametrize("name", commands.all_names())
def test_declarations_of_every_command_are_complete(name: str) -> None:
    declared = declarations(commands.load(name))
    flags = [flag for one in declared for flag in one.flags]
    assert len(flags) == len(set(flags))
    assert not {"-h", "--help"} & set(flags)
    for one in declared:
        assert one.help.endswith("."), one
        assert one.help[0].isupper(), one
        assert one.is_flag or one.placeholder, one
        assert one.kind in {str, int, float, bool, Path}, one

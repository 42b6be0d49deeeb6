"""Completion scripts: what bash offers after some words, and that zsh and fish get the same
commands and options.
"""

from __future__ import annotations

import shutil
import subprocess

import pytest

from bench import cards, cli
from bench.cli import commands
from bench.cli.parser.declarations import declarations


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert 0 == cli.main(["completion", shell])
    return capsys.readouterr().out


def offered(script: str, *words: str) -> list[str]:
    """What bash offers in place of the last word."""
    quoted = " ".join(f"'{word}'" for word in ("bench", *words))
    program = (
        f"{script}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words)}\n_bench; printf "
        f'"%s\\n" "${{COMPREPLY[@]}}"'
    )
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert "" == done.stderr
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_commands_options_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    text = script("bash", capsys)
    assert [*commands.NAMES, "--help", "--version"] == offered(text, "")
    assert ["check", "compare", "completion"] == sorted(offered(text, "c"))
    assert ["show", "render", "check", "add"] == offered(text, "board", "")
    assert ["--format"] == offered(text, "board", "show", "leaderboards/streets", "--f")
    assert ["markdown"] == offered(text, "board", "show", "--format", "m")
    assert ["auto", "cpu", "cuda"] == offered(text, "run", "--device", "")
    assert ["models", "metrics"] == offered(text, "list", "m")
    assert ["--limit"] == offered(text, "eval", "predictions", "--li")
    assert [name for name in cards.names() if name.startswith("city")] == offered(
        text, "eval", "-d", "city"
    )
    assert [] == offered(text, "eval", "--predictions", "")  # bash itself offers files
    assert [] == offered(text, "no-such-command", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_option_is_in_the_script(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = script(shell, capsys)
    for name in commands.all_names():
        assert all(word in text for word in name.split())
        for flag in (flag for one in declarations(commands.load(name)) for flag in one.flags):
            written = (
                flag
                if shell != "fish"
                else flag.replace("--", "-l ").replace("-", "-s ", flag.count("--") == 0)
            )
            assert written in text, (name, flag)


def test_fish_offers_files_where_a_value_may_be_one(capsys: pytest.CaptureFixture[str]) -> None:
    lines = script("fish", capsys).splitlines()
    of_eval = [line for line in lines if "'__fish_seen_subcommand_from eval'" in line]
    (data_set,) = [line for line in of_eval if "-l dataset -s d " in line]
    (task,) = [line for line in of_eval if "-l task " in line]
    (resume,) = [line for line in of_eval if "-l resume " in line]
    assert " -r -a 'ade20k " in data_set
    assert " -x -a 'auto semantic instance panoptic'" in task
    assert " -d 'Continue an interrupted run.'" in resume
    assert not {"-r", "-x", "-a"} & set(resume.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_valid_where_their_shell_is_installed(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run(
        [shell, "-n"], input=script(shell, capsys), capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stderr)

"""The commit that a record names is what `git rev-parse HEAD` prints in the working directory."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bench.evaluation import recording

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *words: str) -> str:
    who = (
        "-c",
        "user.name=somebody",
        "-c",
        "user.email=somebody@example.org",
        "-c",
        "init.defaultBranch=main",
    )
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of two commits."""
    monkeypatch.delenv("GIT_DIR", raising=False)
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init")
    for word in ("one", "two"):
        git(folder, "commit", "--allow-empty", "-m", word)
    return folder


def plain(folder: Path) -> Path:
    return folder


def inside(folder: Path) -> Path:
    (folder / "deep" / "down").mkdir(parents=True)
    return folder / "deep" / "down"


def detached(folder: Path) -> Path:
    git(folder, "checkout", "--detach", "HEAD~1")
    return folder


def another_tree(folder: Path) -> Path:
    git(folder, "worktree", "add", "-b", "other/branch", str(folder.parent / "tree"), "HEAD~1")
    return folder.parent / "tree"


def packed(folder: Path) -> Path:
    git(folder, "pack-refs", "--all")
    return folder


@pytest.mark.parametrize("form", [plain, inside, detached, another_tree, packed])
def test_the_commit_is_that_of_the_working_directory(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, form: Any
) -> None:
    place = form(checkout)
    monkeypatch.chdir(place)
    assert git(place, "rev-parse", "HEAD") == recording._git_commit()


def test_without_a_checkout_there_is_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GIT_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("git was started"))
    assert recording._git_commit() is None


def test_a_broken_checkout_names_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GIT_DIR", raising=False)
    (tmp_path / ".git").write_text("gitdir: nowhere\n")
    monkeypatch.chdir(tmp_path)
    assert recording._git_commit() is None


def test_a_checkout_without_commits_names_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GIT_DIR", raising=False)
    git(tmp_path, "init")
    monkeypatch.chdir(tmp_path)
    assert recording._git_commit() is None


def test_without_git_there_is_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    monkeypatch.setenv("PATH", "")
    assert recording._git_commit() is None

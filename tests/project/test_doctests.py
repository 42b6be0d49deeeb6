"""The examples in docstrings, run as tests: every module of the package by its own name."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def modules_with_examples() -> list[str]:
    """Dotted names of the modules whose source holds a doctest prompt; read, not imported, to stay
    quick.
    """
    names = []
    for path in sorted((ROOT / "bench").rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_hold(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name), report=True)
    assert 0 < results.attempted
    assert 0 == results.failed

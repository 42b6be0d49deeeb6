"""An adapter that declares too little, or whose `load` has another signature, fails the type
check.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RIGHT = """from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.cards import Card
from bench.models.contract.adapter import Adapter, StateDict
from bench.models.contract.options import Options
from bench.samples import Image, Prediction


@dataclass
class Mine:
    identity: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    task: str = "semantic"
    batch_size: int = 1

    def predict(self, images: Sequence[Image]) -> list[Prediction]:
        return []


def load(card: Card, options: Options) -> Mine:
    return Mine()


ADAPTER = Adapter(
    name="mine",
    title="Mine.",
    tasks={"semantic": ()},
    extra="models",
    licence="MIT",
    weights=StateDict(architecture="mine", marks=(frozenset({"mine.weight"}),), library=None),
    accepts="FILE",
    load=load,
)
"""
WRONG = {
    "parameter missing": ("load(card: Card, options: Options)", "load(card: Card)", "[arg-type]"),
    "another result": ("-> Mine:\n    return Mine()", "-> int:\n    return 0", "[arg-type]"),
    "a method missing": ("def predict", "def answer", "[arg-type]"),
    "a parameter of predict missing": ("self, images: Sequence[Image]", "self", "[arg-type]"),
    "no marks": ('marks=(frozenset({"mine.weight"}),), ', "", "[call-arg]"),
    "marks of another type": ('(frozenset({"mine.weight"}),)', '("mine.weight",)', "[arg-type]"),
    "no licence": ('    licence="MIT",\n', "", "[call-arg]"),
    "no weights": (
        '    weights=StateDict(architecture="mine"',
        '    x=StateDict(architecture="mine"',
        "[call-arg]",
    ),
}


@pytest.mark.slow
def test_a_wrong_adapter_fails_the_type_check(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "right.py").write_text(RIGHT)
    for number, (old, new, _) in enumerate(WRONG.values()):
        assert old in RIGHT
        (tmp_path / f"wrong_{number}.py").write_text(RIGHT.replace(old, new))
    files = sorted(str(path) for path in tmp_path.glob("*.py"))
    # With the settings of the repository mypy can use the cache that `make check` leaves behind.
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", *files]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert [] == [line for line in lines if "right.py" in line]
    for number, (*_, code) in enumerate(WRONG.values()):
        assert [line for line in lines if f"wrong_{number}.py" in line and code in line], (
            done.stdout
        )

"""What a person says of how a model runs: every flag reaches the options, and what makes no sense
is one sentence.
"""

from __future__ import annotations

import sys
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bench import cli, models
from bench.errors import UsageError
from bench.models import Options

FLAGS = {
    "weights": ("--weights", "mine.pth", "mine.pth"),
    "task": ("--task", "panoptic", "panoptic"),
    "device": ("--device", "cpu", "cpu"),
    "batch_size": ("--batch-size", "3", 3),
    "amp": ("--amp", None, True),
    "compile": ("--compile", None, True),
    "input_size": ("--input-size", "64x128", (64, 128)),
    "window": ("--window", "32X48", (32, 48)),
    "overlap": ("--overlap", "0.25", 0.25),
    "scales": ("--scales", ".5,1,1.5", (0.5, 1.0, 1.5)),
    "flip": ("--flip", None, True),
    "confidence": ("--metrics", "mIoU,ECE", True),
    "score_threshold": ("--score-threshold", ".3", 0.3),
    "detections": ("--detections", "100", 100),
    "prompt": ("--prompt", "boxes", "boxes"),
    "prompts": ("--prompts", "5", 5),
    "sidecar": ("--config", "net.toml", Path("net.toml")),
}


def test_every_option_has_a_flag(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[Options] = []

    def load(_card: Any, options: Options) -> Any:
        seen.append(options)
        raise UsageError("seen")

    own = ModuleType("own_model_of_the_test")
    own.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, own.__name__, own)
    words = [
        word for flag, value, _ in FLAGS.values() for word in (flag, value) if word is not None
    ]
    assert 2 == cli.main(["run", "--model", f"{own.__name__}:load", *words])
    assert "error: seen\n" == capsys.readouterr().err
    assert [Options(**{name: value for name, (_, _, value) in FLAGS.items()})] == seen  # type: ignore[arg-type]
    assert {field.name for field in fields(Options)} == set(FLAGS)
    assert all(getattr(seen[0], field.name) != field.default for field in fields(Options))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"batch_size": 0}, "--batch-size must be at least 1, got 0"),
        ({"detections": 0}, "--detections must be at least 1, got 0"),
        ({"prompts": 0}, "--prompts must be at least 1, got 0"),
        ({"window": (0, 5)}, "--window must be at least 1x1, got 0x5"),
        ({"window": (4, 4), "overlap": 1.0}, r"--overlap must be in \[0, 1\), got 1"),
        ({"overlap": 0.5}, "--overlap needs --window, the height and width of the windows$"),
        ({"scales": ()}, r"--scales must be numbers in \(0, 8\], got none"),
        ({"scales": (0.0, 1.0)}, r"--scales must be numbers in .* got 0.0,1.0"),
        ({"scales": (1.0, 1.0)}, "--scales lists a scale twice: 1.0,1.0"),
        ({"score_threshold": 1.5}, r"--score-threshold must be in \[0, 1\], got 1.5"),
    ],
)
def test_values_without_meaning_are_refused(words: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        models.refuse_invalid(words)
    # Python callers read the names of the arguments.
    with pytest.raises(UsageError) as refused:
        Options(**words)
    assert "--" not in str(refused.value)
    assert str(refused.value).startswith(tuple(words))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--window", "12x"), "--window 12x: height and width in pixels are needed"),
        (("--scales", "a"), "--scales a: comma-separated numbers"),
        (("--batch-size", "0"), "--batch-size must be at least 1, got 0"),
        (
            ("--task", "instance"),
            "--model fcn does not support --task instance (it supports semantic)",
        ),
    ],
)
def test_wrong_words_are_one_sentence(words: tuple[str, ...], message: str, capsys: Any) -> None:
    assert 2 == cli.main(["run", "--model", "fcn", *words])
    error = capsys.readouterr().err
    assert message in error
    assert 1 == len(error.splitlines())


def test_unsupported_options_are_refused() -> None:
    given = Options(flip=True, sidecar=Path("net.toml"))
    models.refuse_unsupported("some", given, {"flip", "sidecar"})
    with pytest.raises(UsageError, match=r"--model some does not support --config"):
        models.refuse_unsupported("some", given, {"flip"})
    with pytest.raises(UsageError, match=r"--model some does not support --score-threshold"):
        models.refuse_unsupported("some", replace(Options(), score_threshold=0.5), ())
    models.refuse_unsupported(
        "some", Options(weights="a", device="cpu", batch_size=2, task="semantic"), ()
    )

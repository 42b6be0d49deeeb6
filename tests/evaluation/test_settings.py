"""Settings by name: unknown names and values are refused at once, and so is what the chosen metrics
do not follow.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import bench
from bench import cards, cli
from bench.errors import UsageError
from bench.evaluation.choosing import rules_for
from bench.evaluation.settings import KNOWN
from bench.families import family, shipped
from bench.families.contract.rules import Rules

CITYSCAPES, VOC = cards.load_card("cityscapes"), cards.load_card("voc2012")
COCO, LVIS = cards.load_card("coco-panoptic"), cards.load_card("lvis")
GIVEN: dict[str, Any] = {
    "classes_in": "union",
    "area_from": "box",
    "boundary_ratio": 0.01,
    "boundary_mode": "present",
    "voc_form": "2015",
    "shown_from": 0.25,
}
NAMES = tuple(shipped())


def card_for(name: str) -> cards.Card:
    if name.startswith("lvis"):
        return LVIS
    return VOC if name == "voc_instance" else CITYSCAPES


@pytest.mark.parametrize("setting", GIVEN)
@pytest.mark.parametrize("name", NAMES)
def test_a_setting_is_followed_or_refused(name: str, setting: str) -> None:
    def asked() -> Rules:
        return rules_for(
            card_for(name), family(name).task, metrics=name, **{setting: GIVEN[setting]}
        )

    if setting in family(name).settings:
        assert GIVEN[setting] == getattr(asked(), setting)
        return
    with pytest.raises(
        UsageError,
        match=f"^--{setting.replace('_', '-')} has no effect on {name}: it is for .*leave it out",
    ):
        asked()


def test_every_setting_is_followed_by_some_family() -> None:
    followed = frozenset().union(*(each.settings for each in shipped().values()))
    assert set(GIVEN) <= followed <= {*Rules.__struct_fields__, "boundaries"}


def test_every_rule_is_a_setting() -> None:
    assert {*Rules.__struct_fields__, "crop0", "metrics"} - {"families"} == set(KNOWN)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_given_is_never_refused(name: str) -> None:
    asked = dict.fromkeys(GIVEN, None) | {"crop0": None, "interval": None, "regions": ""}
    rules = rules_for(card_for(name), family(name).task, metrics=name, **asked)  # type: ignore[arg-type]
    assert rules == rules_for(card_for(name), family(name).task, metrics=name)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "case": (
        {"classes_in": "All"},
        r"classes.in must be one of 'truth', 'union', 'all', got 'All'; did you mean all",
    ),
    "capital": (
        {"interval": "Percentile"},
        r"interval must be one of .*, got 'Percentile'; did you mean percentile\?",
    ),
    "letter": ({"area_from": "x"}, "area.from must be one of 'mask', 'box', got 'x'$"),
    "number": (
        {"voc_form": 2014},
        r"voc.form must be one of '2014', '2015', got 2014; did you mean 2014",
    ),
    "mode": (
        {"boundary_mode": "absent"},
        r"boundary.mode must be one of .*, got 'absent'; did you mean present\?",
    ),
    "crop": ({"crop0": "fully"}, r"crop0[ =]'?fully'?: did you mean full\?"),
    "ratio": (
        {"boundary_ratio": 2},
        "boundary.ratio must be a fraction of the image diagonal between 0 and 1, got 2",
    ),
    "no number": ({"shown_from": "high"}, r"shown.from must be a number such as 0.5, got 'high'"),
    "not finite": (
        {"shown_from": float("nan")},
        r"shown.from must be a number such as 0.5, got nan",
    ),
    "no text": ({"regions": 3}, "regions must be a text such as 'crops,trimap=3:5', got 3"),
}
ASKERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "rules_for": lambda asked: rules_for(CITYSCAPES, "semantic", **asked),
    "Evaluator": lambda asked: bench.Evaluator("cityscapes", **asked),
    "evaluate": lambda asked: bench.evaluate("there is no such model", "streets", **asked),
}


@pytest.mark.parametrize("asker", ASKERS)
@pytest.mark.parametrize(("asked", "message"), WRONG.values(), ids=WRONG)
def test_wrong_words_are_refused_before_anything_is_loaded(
    asker: str, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        ASKERS[asker](asked)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"classes_in": "All"}, "^classes_in must be one of .* got 'All'"),
        ({"voc_form": 2014}, "^voc_form must be one of .* got 2014"),
        ({"families": ("pixel",)}, r"no family 'pixel': did you mean pixels\?"),
    ],
)
def test_rules_refuse_wrong_words_themselves(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Rules(**asked)


@pytest.mark.parametrize(
    ("task", "asked", "message"),
    [
        ("instance", {"regions": "bands=2"}, "--regions has no effect on instance"),
        (
            "semantic",
            {"regions": "bands=2", "metrics": "boundary"},
            "--regions has no effect on boundary",
        ),
        ("semantic", {"crop0": "base"}, "--crop0 has no effect without the crop factor 0"),
        (
            "semantic",
            {"crop0": "base", "regions": "crops=100:200"},
            "--crop0 has no effect without the crop factor 0",
        ),
        (
            "instance",
            {"interval": "bca"},
            "--interval bca has no effect on .*instance.*say --interval percentile",
        ),
        ("instance", {"interval": "studentised"}, "made of steps"),
    ],
)
def test_settings_that_change_nothing_are_refused(
    task: str, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        rules_for(CITYSCAPES, task, **asked)


def test_settings_that_change_something_are_taken() -> None:
    assert "base" == rules_for(CITYSCAPES, "semantic", regions="crops", crop0="base").regions.crop0
    assert "bca" == rules_for(CITYSCAPES, "semantic", interval="bca").interval
    assert "percentile" == rules_for(CITYSCAPES, "instance", interval="percentile").interval


CARD = """name = "blocks"
title = "Blocks"
layout = "pairs"
tasks = ["semantic", "instance"]
classes = [{ id = 0, train_id = 0, name = "road" }, { id = 1, train_id = 1, name = "car", thing = true }]
[files]
images = "i/{id}.png"
labels = "l/{id}.png"
instances = "o/{id}.png"
[splits.val]
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "card.toml").write_text(CARD)
    for name in "abc":
        labels = np.zeros((6, 8), np.uint8)
        labels[2:4, 2:5] = 1
        for folder in ("l", "o", "p"):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(labels).save(tmp_path / folder / f"{name}.png")
    (tmp_path / "results.json").write_text("[]")
    return tmp_path


OPTIONS = {
    "area of label maps": (["p"], ["--area-from", "mask"], "--area-from has no effect on pixels"),
    "form of label maps": (["p"], ["--voc-form", "2014"], "--voc-form has no effect on pixels"),
    "score of label maps": (["p"], ["--shown-from", "0.5"], "--shown-from has no effect on pixels"),
    "mode without boundaries": (
        ["p"],
        ["--boundary-mode", "gscnn"],
        "--boundary-mode has no effect on pixels",
    ),
    "crop without crops": (["p"], ["--crop0", "full"], "--crop0 has no effect"),
    "classes of objects": (
        ["results.json"],
        ["--classes-in", "truth"],
        "--classes-in has no effect on instance",
    ),
    "regions of objects": (
        ["results.json"],
        ["--regions", "trimap"],
        "--regions has no effect on instance",
    ),
    "space of objects": (
        ["results.json"],
        ["--label-space", "ids"],
        "--label-space has no effect on objects",
    ),
    "size of objects": (["results.json"], ["--resize", "no"], "--resize has no effect on objects"),
    "space of baselines": (
        ["baseline:oracle"],
        ["--label-space", "train-ids"],
        "no effect on baselines",
    ),
    "size of baselines": (
        ["baseline:oracle"],
        ["--resize", "nearest"],
        "--resize has no effect on baselines",
    ),
}


@pytest.mark.parametrize(("predictions", "words", "message"), OPTIONS.values(), ids=OPTIONS)
def test_options_without_effect_are_refused_by_name(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    predictions: list[str],
    words: list[str],
    message: str,
) -> None:
    found = predictions[0] if ":" in predictions[0] else str(place / predictions[0])
    asked = [
        "eval",
        "-p",
        found,
        "-d",
        str(place / "card.toml"),
        "--data",
        str(place),
        "--out",
        str(place / "runs"),
    ]
    assert 2 == cli.main([*asked, *words])
    _, err = capsys.readouterr()
    assert message in err
    assert 1 == err.count("\n")
    assert not (place / "runs").exists()
    assert 0 == cli.main([*asked, "--interval", "none"])

"""Maximum detections, overlaps and area ranges of one's own: pycocotools with the same numbers, and
what is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import coco_cases as cases
import numpy as np
import pytest
from coco_settings import LARGE, classes, files, grid, record, reference, said, summary

import bench as door
from bench import comparison, gate, runs, scoring
from bench.argument_names import python_words
from bench.cards import Card, load_card
from bench.errors import RunError, UsageError
from bench.evaluation import choosing, object_settings
from bench.evaluation.jobs import _named
from bench.families import family
from bench.families.contract.rules import Rules
from bench.families.shared import objects
from bench.metrics import instance
from bench.metrics.protocols import COCO as OWN
from bench.metrics.protocols import coco_like

SETTINGS: dict[str, dict[str, Any]] = {
    "maximum detections": {"max_detections": (1, 3, 500)},
    "one maximum": {"max_detections": (2,)},
    "overlaps": {"iou_thresholds": (0.3, 0.5, 0.6, 1.0)},
    "sixteen overlaps": {"iou_thresholds": tuple(np.linspace(0.2, 0.95, 16).tolist())},
    "ranges": {
        "area_ranges": (("tiny", 0.0, 50.0), ("mid", 50.0, 1024.0), ("rest", 1024.0, LARGE))
    },
    "all": {
        "max_detections": (1, 5),
        "iou_thresholds": (0.25, 0.5),
        "area_ranges": tuple((f"r{n}", 100.0 * n, 100.0 * n + 300) for n in range(7)),
    },
}
# ---- the same as pycocotools


@pytest.mark.parametrize("kind", ["mask", "box"])
@pytest.mark.parametrize("name", SETTINGS)
def test_arrays_and_scores_equal_pycocotools_with_the_same_numbers(name: str, kind: str) -> None:
    rules = Rules(**SETTINGS[name])
    protocol = objects.protocol_of(rules)
    for made in (cases.case(4), cases.case(7), cases.crowded(3)):
        drop = "bbox" if kind == "mask" else "segmentation"
        results = [
            {key: value for key, value in each.items() if key != drop} for each in made.results
        ]
        theirs = reference(
            cases.dataset(made), results, "segm" if kind == "mask" else "bbox", rules
        )
        tables = instance.count(*cases.columns(made), kinds=(kind,), protocol=protocol)  # type: ignore[arg-type]
        curves = instance.curves(tables, classes(made.classes), kind=kind, protocol=protocol)
        for array in ("precision", "recall", "scores"):
            np.testing.assert_array_equal(
                np.nan_to_num(getattr(curves, array), nan=-1.0), theirs.eval[array]
            )
        scores = instance.score(
            tables, np.ones((1, made.images)), classes(made.classes), kind=kind, protocol=protocol
        )
        ours, wanted = (
            {key: float(value[0]) for key, value in scores.overall.items()},
            summary(theirs),
        )
        assert set(wanted) == set(ours) == set(objects.names_under(rules))
        np.testing.assert_array_equal([ours[key] for key in wanted], list(wanted.values()))


def test_another_protocol_changes_scores() -> None:
    made = cases.crowded(3)

    def ap(protocol: Any) -> float:
        tables = instance.count(*cases.columns(made), kinds=("box",), protocol=protocol)
        scores = instance.score(
            tables, np.ones((1, made.images)), classes(1), kind="box", protocol=protocol
        )
        return float(scores["AP"][0])

    assert (
        len({ap(OWN), ap(coco_like(max_detections=(10,))), ap(coco_like(thresholds=(0.5,)))}) == 3
    )


# ---- from the command line


ASKED = [
    "--max-detections",
    "1,5",
    "--iou-thresholds",
    "0.25:0.5:0.25",
    "--area-ranges",
    "tiny=0:50,mid=50:1024,rest=1024:",
]
SAME = Rules(
    max_detections=(1, 5),
    iou_thresholds=(0.25, 0.5),
    area_ranges=(("tiny", 0.0, 50.0), ("mid", 50.0, 1024.0), ("rest", 1024.0, LARGE)),
)


def test_command_line_equals_pycocotools_and_says_that_it_is_not_coco(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = cases.case(7)
    results = [
        {key: value for key, value in each.items() if key != "bbox"} for each in made.results
    ]
    words = files(tmp_path, cases.dataset(made), results)
    found = record(capsys, [*words, *ASKED, "--metrics", "AP,boundary_AP,F1"])
    wanted = summary(reference(cases.dataset(made), results, "segm", SAME))
    group = found["scores"]["instance"]
    for name, value in wanted.items():
        assert (np.nan if group[name]["value"] is None else group[name]["value"]) == pytest.approx(
            value, nan_ok=True, abs=0
        )
    assert ("not COCO's", 5) == (group["protocol"], group["max_detections"])
    assert "AP75" not in group
    assert set(wanted) <= set(found["scores"]["instance_boundary"])
    told = [each["message"] for each in found["warnings"] if each["code"] == "not-coco-protocol"]
    message = (
        "this is not COCO's protocol: maximum detections 1, 5 (COCO: 1, 10, 100); IoU thresholds "
        "0.25, 0.5 (COCO: .50 to .95); area ranges tiny 0 to 50, mid 50 to 1024, rest 1024 and "
        "above (COCO: small, medium, large)"
    )
    assert [message] == told
    table = said(capsys, ["show", found["path"], "--curves", str(tmp_path / "curves.json")])
    assert "maximum detections: 5 per class and image" in table
    assert "not COCO's protocol" in table
    points = json.loads((tmp_path / "curves.json").read_text(encoding="utf-8"))
    assert {0.25, 0.5} == {point["overlap"] for point in points}


def test_image_by_image_and_in_bulk_are_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Results in bulk, a baseline image by image, a loop in Python: one protocol, one set of
    notices.
    """
    truth, results = grid(3, 3, 2)
    words = files(tmp_path, truth, results)
    wanted = record(capsys, [*words, "--metrics", "boxes", "--max-detections", "1,4"])
    evaluator = door.Evaluator(
        ["cell"], task="instance", metrics="boxes", max_detections=(1, 4), interval="none"
    )
    for image in (1, 2):
        corners = np.array([r["bbox"] for r in results if r["image_id"] == image])
        corners[:, 2:] += corners[:, :2]
        planes = np.zeros((9, 60, 60), dtype=bool)
        for plane, (left, top, right, bottom) in zip(planes, corners.astype(int), strict=True):
            plane[top:bottom, left:right] = True
        both = {"masks": planes, "boxes": corners, "classes": np.zeros(9, int)}
        evaluator.update(truth=both, prediction={**both, "scores": np.linspace(1, 0.1, 9)})
    found = evaluator.result()
    group = wanted["scores"]["boxes"]
    assert {
        name: entry["value"] for name, entry in group.items() if name in ("AP", "AR1", "AR4")
    } == {name: found[name] for name in ("AP", "AR1", "AR4")}
    assert [python_words(each["message"]) for each in wanted["warnings"]] == found.warnings


def test_runs_are_compared_under_the_same_settings_and_refused_under_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = files(tmp_path, *grid(10, 15, 3))
    maxima = ["--max-detections", "1,10,500"]
    first, second = (record(capsys, [*words, *maxima, "--name", name])["path"] for name in "ab")
    plain = record(capsys, words)["path"]
    ours, theirs, other = (runs.read(Path(path)) for path in (first, second, plain))
    assert 0 == comparison.compare(ours, theirs, metric="box_AR500").pairs[0].effect.difference
    assert "pass" == gate.check(ours, theirs, metric="box_AP", margin=0.01).outcome
    for pair in ((ours, other), (other, ours)):
        with pytest.raises(
            RunError, match=r"max_detections: .*1, 10, 500.*the default|max_detections: the default"
        ):
            comparison.compare(*pair)
    assert {"boxes": scoring.rescore(ours).groups["boxes"]}.keys() == ours.record.scores.keys()
    assert f"bench compare {plain}" not in said(
        capsys, words
    )  # nothing is proposed that would be refused


def test_a_board_stands_runs_of_another_protocol_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, results = grid(3, 3, 2)
    folder = tmp_path / "board"
    folder.mkdir()
    content = (
        'title = "T"\ndataset = "DATA"\nsplit = "val"\nmetrics = ["box_AR4", '
        '"box_AP"]\nprimary = "box_AR4"\n'
    )
    (folder / "board.toml").write_text(
        content.replace("DATA", str(tmp_path / "own.toml")), encoding="utf-8"
    )
    for name, asked in (("one", "1,4"), ("two", "1,4"), ("plain", "1,10,100")):
        results = [{**each, "score": each["score"] / 2} for each in results]
        words = files(tmp_path, truth, results)
        made = record(capsys, [*words, "--name", name, "--max-detections", asked])
        said(capsys, ["board", "add", made["path"], str(folder)])
    shown = said(capsys, ["board", "show", str(folder), "--format", "json"])
    rows = {row["name"]: row for row in json.loads(shown)["rows"]}
    assert rows["one"]["box_AR4"] == rows["two"]["box_AR4"] == pytest.approx(4 / 9)
    assert "it has no box_AR4" in rows["plain"]["apart"]


# ---- ids and what is COCO's own


def test_what_is_coco_s_own_is_nothing_else() -> None:
    card = Card(
        name="own", title="own", layout="coco", tasks=("instance",), classes=classes(2), splits={}
    )
    plain = choosing.rules_for(card, "instance")
    own = {
        "max_detections": "1,10,100",
        "iou_thresholds": "0.5:0.95:0.05",
        "area_ranges": "small=0:1024,medium=1024:9216,large=9216:",
    }
    assert plain == choosing.rules_for(card, "instance", **own)  # type: ignore[arg-type]
    by_hand = choosing.rules_for(
        card, "instance", iou_thresholds=[0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    )
    assert plain == by_hand
    assert OWN == objects.protocol_of(plain)
    assert {"max_detections", "iou_thresholds", "area_ranges"}.isdisjoint(
        _named(plain)
    )  # so ids of records stay
    assert {"max_detections", "iou_thresholds", "area_ranges"}.isdisjoint(
        family("instance").rules_of(classes(2), family("instance").options(plain))
    )
    assert "max_detections" in _named(choosing.rules_for(card, "instance", max_detections=(1, 500)))


def test_text_and_numbers_mean_the_same() -> None:
    text = {"max_detections": "1, 500", "iou_thresholds": ".3,.5", "area_ranges": "a=0:10, b=10:"}
    numbers = {
        "max_detections": np.array([1, 500]),
        "iou_thresholds": [0.3, 0.5],
        "area_ranges": {"a": (0, 10), "b": (10, None)},
    }
    assert object_settings.read(text) == object_settings.read(numbers)
    assert (("a", 0.0, 10.0), ("b", 10.0, LARGE)) == object_settings.read(text)["area_ranges"]
    assert (0.5, 0.6, 0.7) == object_settings.read({"iou_thresholds": "0.5:0.7:0.1"})[
        "iou_thresholds"
    ]


# ---- what is refused


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("max_detections", "10,1", "numbers must increase, got 1 after 10"),
        ("max_detections", "1,1", "got 1 after 1"),
        ("max_detections", "0,10", "whole numbers from 1 to 65535"),
        ("max_detections", (-1,), "whole numbers from 1 to 65535"),
        ("max_detections", "1.5", "whole numbers from 1 to 65535"),
        ("max_detections", "1,70000", "whole numbers from 1 to 65535"),
        ("max_detections", "inf", "whole numbers from 1 to 65535"),
        ("max_detections", float("nan"), "whole numbers separated by commas"),
        ("max_detections", "1,,2", "whole numbers separated by commas"),
        ("max_detections", True, "whole numbers separated by commas"),
        ("max_detections", [], "whole numbers separated by commas"),
        ("iou_thresholds", "0.75,0.5", "got 0.5 after 0.75"),
        ("iou_thresholds", "0.5,0.5", "got 0.5 after 0.5"),
        ("iou_thresholds", "0,0.5", "0 is not an IoU threshold; pass numbers above 0 and up to 1"),
        ("iou_thresholds", [-0.5], "-0.5 is not an IoU threshold"),
        ("iou_thresholds", "1.2", "1.2 is not an IoU threshold"),
        ("iou_thresholds", "50,75", "50 is not an IoU threshold"),
        ("iou_thresholds", "nan", "numbers separated by commas"),
        ("iou_thresholds", "", "numbers separated by commas"),
        ("iou_thresholds", "0.5:0.05:0.95", "did you mean 0.5:0.95:0.05"),
        ("iou_thresholds", "0.3:0.1:0.9", "did you mean 0.3:0.9:0.1"),
        ("iou_thresholds", "0.5:0.93:0.05", "steps of 0.05 from 0.5 do not end at 0.93"),
        ("iou_thresholds", "0.5:0.95:0", "step must be above 0"),
        ("iou_thresholds", "0.5:0.9", "pass first:last:step"),
        ("iou_thresholds", "0.5:nan:0.1", "pass first:last:step"),
        ("iou_thresholds", "0.05:0.95:0.05", "19 thresholds; at most 16"),
        ("area_ranges", "a=0:10,a=10:20", "two ranges have the name 'a'"),
        ("area_ranges", "a=10:10", "a from 10 to 10 is not a range"),
        ("area_ranges", "a=20:10", "a from 20 to 10 is not a range"),
        ("area_ranges", "a=-1:10", "a from -1 to 10 is not a range"),
        ("area_ranges", "a=nan:10", "is not name=low:high"),
        ("area_ranges", {"a": (0, float("nan"))}, "a bound is NaN"),
        ("area_ranges", {"a": 5}, "pass a dict"),
        ("area_ranges", {}, "got 0 ranges"),
        ("area_ranges", "all=0:10", "is reserved"),
        ("area_ranges", "50=0:10", "a letter, then letters"),
        ("area_ranges", "", "is not name=low:high"),
        ("area_ranges", ",".join(f"r{n}=0:{n + 1}" for n in range(8)), "8 ranges; pass 1 to 7"),
        (
            "area_ranges",
            ",".join(f"r{n}=0:{n + 1}" for n in range(6)),
            "10 thresholds times 7 area ranges",
        ),
    ],
)
def test_wrong_values_are_refused_in_one_sentence(setting: str, value: Any, message: str) -> None:
    with pytest.raises(UsageError) as error:
        object_settings.read({setting: value})
    assert message in str(error.value)
    assert str(error.value).startswith(f"--{setting.replace('_', '-')} ")


@pytest.mark.parametrize(
    ("card", "task", "metrics", "asked", "message"),
    [
        (
            "camvid",
            "semantic",
            "default",
            {"max_detections": "5"},
            "--max-detections has no effect on pixels",
        ),
        (
            "camvid",
            "semantic",
            "default",
            {"max_detections": "1,10,100"},
            "has no effect on pixels",
        ),
        (
            "lvis",
            "instance",
            "default",
            {"max_detections": "5"},
            "LVIS counts 300 detections of an image",
        ),
        (
            "voc2012",
            "instance",
            "voc_instance",
            {"iou_thresholds": "0.5"},
            "VOC counts all detections",
        ),
        (
            "cityscapes",
            "instance",
            "cityscapes_instance",
            {"area_ranges": "a=0:9"},
            "Cityscapes counts all detections",
        ),
        (
            "cityscapes",
            "instance",
            "tide",
            {"max_detections": "5"},
            "TIDE counts 100 detections of an image",
        ),
        (
            "cityscapes",
            "instance",
            "object_confusion",
            {"max_detections": "5"},
            "confusion of objects",
        ),
        ("cityscapes", "instance", "F1", {"iou_thresholds": "0.5"}, "precision, recall and F1"),
        ("cityscapes", "instance", "AP,F1", {"iou_thresholds": "0.6"}, "need an overlap of 0.5"),
        ("cityscapes", "instance", "AR500", {}, "--max-detections 500"),
        ("cityscapes", "instance", "AR100", {"max_detections": "5"}, "--metrics AR100"),
    ],
)
def test_settings_without_effect_are_refused(
    card: str, task: str, metrics: str, asked: Any, message: str
) -> None:
    with pytest.raises(UsageError) as error:
        choosing.rules_for(load_card(card), task, metrics=metrics, **asked)
    assert message in str(error.value)


def test_names_of_scores_choose_them_under_the_same_settings() -> None:
    card = load_card("cityscapes")
    assert ("instance",) == choosing.rules_for(
        card, "instance", metrics="AR500", max_detections="1,500"
    ).families
    found = choosing.rules_for(card, "instance", metrics="box_APtiny", area_ranges="tiny=0:9")
    assert ("boxes",) == found.families


def test_wrong_words_end_with_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = files(tmp_path, *grid(2, 2, 1))
    assert "numbers must increase, got 1 after 10" in said(
        capsys, [*words, "--max-detections", "10,1"], code=2
    )
    assert not (tmp_path / "runs").exists()

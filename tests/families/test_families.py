"""Families: each answers what the contract asks, counts the same in parts as in one, and is found
by its metrics.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_runs

from bench import cards, families, masks
from bench.errors import PredictionError, UsageError
from bench.evaluation import choosing, prediction_files, region_options
from bench.families import Family, Metric, shipped
from bench.families.contract.rules import Rules
from bench.samples import Instances, Sample, Truth

CITYSCAPES = cards.load_card("cityscapes")
COCO = cards.load_card("coco-panoptic")
CAMVID = cards.load_card("camvid")
SPECIAL = ("weighted", "lvis", "lvis_boxes", "cityscapes_instance")
"""Families that need ground truth which the made images lack."""


def test_the_families_are_the_files_of_the_folder() -> None:
    files = {path.stem for path in Path(inspect.getfile(families)).parent.glob("*.py")} - {
        "__init__"
    }
    assert files == set(shipped()) == {each.name for each in shipped().values()}


@pytest.mark.parametrize("each", shipped().values(), ids=lambda each: each.key)
def test_a_family_declares_what_the_others_ask(each: Family[Any]) -> None:
    assert each.task in ("semantic", "instance", "panoptic", "prompted")
    assert each.settings <= {*Rules.__struct_fields__} | {"boundaries"}
    names = [metric.name for metric in each.metrics]
    assert len(names) == len(set(names)) > 0
    assert {metric.per_class for metric in each.metrics} - {None} <= set(names)
    assert all(low < high for low, high in (metric.bounds for metric in each.metrics))


def test_the_order_of_families_is_unique() -> None:
    orders = [each.order for each in shipped().values()]
    assert sorted(set(orders)) == orders


LISTED = [(each, metric) for each in shipped().values() for metric in each.metrics]


@pytest.mark.parametrize(
    ("each", "metric"), LISTED, ids=[f"{each.key}-{metric.name}" for each, metric in LISTED]
)
def test_every_listed_metric_can_be_asked_for(each: Family[Any], metric: Metric) -> None:
    special = {"lvis": "lvis", "voc_instance": "voc2012"}.get(each.group.removesuffix("_boxes"))
    card = COCO if each.task == "panoptic" else CITYSCAPES
    card = cards.load_card(special) if special else card
    assert choosing.rules_for(card, each.task, metrics=each.full_name(metric.name)).families


@pytest.mark.parametrize("task", ["semantic", "instance", "panoptic"])
def test_a_family_scores_what_it_declares(tmp_path: Path, task: str) -> None:
    keys = [
        each.key
        for each in shipped().values()
        if each.task == task and not each.needs_confidence and each.name not in SPECIAL
    ]
    rules = Rules(families=tuple(keys), interval="none")
    run = small_runs.run(tmp_path, "a", 0.2, task=task, rules=rules, images=6)
    for each in families.families(keys):
        options = each.options(rules)
        scores = each.score(run.tables, np.ones((1, 6)), run.record.classes, options)
        declared = {metric.name: metric for metric in each.metrics_under(options)}
        assert {*scores.overall, *scores.per_class} <= set(declared)
        for name in scores.overall:
            counterpart = declared[name].per_class
            assert (counterpart is not None) == (counterpart in scores.per_class), name


def test_default_and_all() -> None:
    assert ("pixels",) == choosing.rules_for(CAMVID, "semantic").families
    assert {"pixels", "weighted"} <= set(
        choosing.rules_for(CITYSCAPES, "semantic", metrics="all").families
    )
    assert "weighted" not in choosing.rules_for(CAMVID, "semantic", metrics="all").families
    assert ("panoptic",) == choosing.rules_for(COCO, "panoptic").families


def test_all_takes_the_crops_of_the_card_in() -> None:
    assert CITYSCAPES.crops is not None
    assert (
        CITYSCAPES.crops.factors
        == choosing.rules_for(CITYSCAPES, "semantic", metrics="all").regions.crops
    )
    assert () == choosing.rules_for(CAMVID, "semantic", metrics="all").regions.crops


def test_a_comma_too_many_asks_for_nothing() -> None:
    assert ("pixels",) == choosing.rules_for(CAMVID, "semantic", metrics="mIoU,").families


def test_regions_take_numbers_of_their_own() -> None:
    plan = region_options.plan_for(CAMVID, "trimap=3:5, bands=2,depth=0:7.5")
    assert ((3, 5), 2, (0.0, 7.5)) == (plan.trimaps, plan.bands, plan.depths)


def test_the_width_of_boundaries_is_the_card_s() -> None:
    assert 0.005 == choosing.rules_for(CITYSCAPES, "panoptic").boundary_ratio
    assert 0.02 == choosing.rules_for(COCO, "panoptic").boundary_ratio


@pytest.mark.parametrize(
    ("card", "task", "asked", "message"),
    [
        (CAMVID, "semantic", {"metrics": "miou"}, "did you mean mIoU or"),
        (CAMVID, "semantic", {"metrics": "PQ"}, "needs panoptic predictions, got semantic"),
        (CAMVID, "panoptic", {}, "does not have metrics for the task 'panoptic'"),
        (CAMVID, "semantic", {"regions": "crop"}, "did you mean crops"),
        (CAMVID, "semantic", {"regions": "trimap=x"}, "numbers must be separated by colons"),
        (CAMVID, "semantic", {"regions": "trimap=5:3"}, "must be at least 1 and increase"),
        (
            CAMVID,
            "semantic",
            {"regions": "trimap=2.5"},
            "trimap=2.5: only whole numbers up to 10000",
        ),
        (CAMVID, "semantic", {"regions": "depth=nan"}, "depth=nan: only numbers up to 10000"),
        (CAMVID, "semantic", {"regions": "trimap=1e9"}, "whole numbers up to 10000"),
        (CAMVID, "semantic", {"regions": "bands=2:3"}, "bands takes one number"),
        (CAMVID, "semantic", {"metrics": "zzzz"}, "unknown metric .bench list metrics"),
        (CAMVID, "semantic", {"metrics": ","}, "names separated by commas"),
        (CAMVID, "semantic", {"metrics": "all,mIoU"}, "default, all, or names"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_wrong_words_get_one_sentence(
    card: Any, task: str, asked: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        choosing.rules_for(card, task, **asked)  # type: ignore[arg-type]


def test_rules_survive_a_record() -> None:
    import msgspec

    rules = Rules(
        families=("pixels",), regions=region_options.plan_for(CITYSCAPES, "crops,trimap=3")
    )
    assert rules == msgspec.json.decode(msgspec.json.encode(rules), type=Rules)


def test_a_folder_of_segments_is_told_by_the_json_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "1.png").write_bytes(b"")
    assert "semantic" == prediction_files.task_of(folder)
    (tmp_path / "p.json").write_text("[]")  # results of objects have no folder
    assert "semantic" == prediction_files.task_of(folder)
    (tmp_path / "p.json").write_text('{"annotations": [{"segments_info": []}]}')
    assert "panoptic" == prediction_files.task_of(folder)


@pytest.mark.parametrize(
    "line", ["m.png 26 nan", "m.png 26", "m.png,26,0.5", "m.png car 0.5", "x.png 26 .5"]
)
def test_lines_of_objects_are_told_also_where_they_are_wrong(tmp_path: Path, line: str) -> None:
    (tmp_path / "m.png").write_bytes(b"")
    for name in ("a.txt", "README.txt"):
        (tmp_path / name).write_text("m.png was made by hand\n")
    assert "semantic" == prediction_files.task_of(tmp_path)
    (tmp_path / "a.txt").write_text(f"{line}\n")
    assert "instance" == prediction_files.task_of(tmp_path)


def test_masks_of_another_size_than_the_truth_are_refused() -> None:
    def objects(size: tuple[int, int]) -> Instances:
        mask = masks.encode(np.ones(size, dtype=bool))
        one = np.zeros(1, dtype=np.int64)
        found = {"areas": masks.areas([mask]), "boxes": masks.boxes([mask]), "scores": np.ones(1)}
        return Instances(size=size, classes=one, rles=[mask], **found)  # type: ignore[arg-type]

    sample = Sample("a", Truth(read_instances=lambda: objects((4, 5))))
    from bench.families.shared import objects as instance

    assert 1 == len(instance.columns_of(sample, objects((4, 5)))[1])
    with pytest.raises(
        PredictionError, match=r"a: the predicted masks are 5x4 pixels .* but the truth is 4x5"
    ):
        instance.columns_of(sample, objects((5, 4)))

"""Families: each answers what the contract asks, counts the same in parts as in one, and is found by its metrics."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import cards, families, masks
from bench.errors import PredictionError, UsageError
from bench.evaluation import choosing
from bench.families import FAMILIES, Family, Rules
from bench.metrics.catalogue import METRICS
from bench.samples import Instances, Sample, Truth

CITYSCAPES = cards.load_card("cityscapes")
COCO = cards.load_card("coco-panoptic")
CAMVID = cards.load_card("camvid")


def test_the_list_of_families_is_what_the_folder_holds() -> None:
    files = {path.stem for path in Path(inspect.getfile(families)).parent.glob("*.py")} - {"__init__"}
    assert files == set(FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_offers_all_that_the_contract_asks(name: str) -> None:
    found = families.family(name)
    wanted = {member for member in vars(Family) if not member.startswith("_")} | set(Family.__annotations__)
    assert set() == {member for member in wanted if not hasattr(found, member)}
    assert FAMILIES[name].task in ("semantic", "instance", "panoptic", "prompted")
    assert found.METRICS


@pytest.mark.parametrize("metric", [metric for metric in METRICS if "@" not in metric.name], ids=lambda m: m.name)
def test_every_listed_metric_can_be_asked_for(metric: Any) -> None:
    special = {"lvis": "lvis", "voc": "voc2012"}.get(metric.name.partition("_")[0])
    card = cards.load_card(special) if special else COCO if metric.task == "panoptic" else CITYSCAPES
    task = "semantic" if metric.task == "calibration" else metric.task
    assert choosing.rules_for(card, task, metrics=metric.name).families


def test_default_and_all() -> None:
    assert ("pixels",) == choosing.rules_for(CAMVID, "semantic").families
    assert {"pixels", "weighted"} <= set(choosing.rules_for(CITYSCAPES, "semantic", metrics="all").families)
    assert "weighted" not in choosing.rules_for(CAMVID, "semantic", metrics="all").families
    assert ("panoptic",) == choosing.rules_for(COCO, "panoptic").families


def test_all_takes_the_crops_of_the_card_in() -> None:
    assert CITYSCAPES.crops is not None
    assert CITYSCAPES.crops.factors == choosing.rules_for(CITYSCAPES, "semantic", metrics="all").regions.crops
    assert () == choosing.rules_for(CAMVID, "semantic", metrics="all").regions.crops


def test_a_comma_too_many_asks_for_nothing() -> None:
    assert ("pixels",) == choosing.rules_for(CAMVID, "semantic", metrics="mIoU,").families


def test_regions_take_numbers_of_their_own() -> None:
    plan = choosing.plan_for(CAMVID, "trimap=3:5, bands=2,depth=0:7.5")
    assert ((3, 5), 2, (0.0, 7.5)) == (plan.trimaps, plan.bands, plan.depths)


def test_the_width_of_boundaries_is_the_card_s() -> None:
    assert 0.005 == choosing.rules_for(CITYSCAPES, "panoptic").boundary_ratio
    assert 0.02 == choosing.rules_for(COCO, "panoptic").boundary_ratio


@pytest.mark.parametrize(
    ("card", "task", "asked", "message"),
    [
        (CAMVID, "semantic", {"metrics": "miou"}, "did you mean mIoU or"),
        (CAMVID, "semantic", {"metrics": "PQ"}, "panoptic predictions, not semantic"),
        (CAMVID, "panoptic", {}, "no metric for the task 'panoptic'"),
        (CAMVID, "semantic", {"regions": "crop"}, "did you mean crops"),
        (CAMVID, "semantic", {"regions": "trimap=x"}, "numbers with colons"),
        (CAMVID, "semantic", {"regions": "trimap=5:3"}, "must be at least 1 and increase"),
        (CAMVID, "semantic", {"regions": "trimap=2.5"}, "trimap=2.5: whole numbers up to 10000"),
        (CAMVID, "semantic", {"regions": "depth=nan"}, "depth=nan: numbers up to 10000"),
        (CAMVID, "semantic", {"regions": "trimap=1e9"}, "whole numbers up to 10000"),
        (CAMVID, "semantic", {"regions": "bands=2:3"}, "one number is needed"),
        (CAMVID, "semantic", {"metrics": "zzzz"}, "there is no such metric .bench list metrics"),
        (CAMVID, "semantic", {"metrics": ","}, "names with commas between"),
        (CAMVID, "semantic", {"metrics": "all,mIoU"}, "default, all, or names"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_wrong_words_get_one_sentence(card: Any, task: str, asked: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choosing.rules_for(card, task, **asked)


def test_rules_survive_a_record() -> None:
    import msgspec

    rules = Rules(families=("pixels",), regions=choosing.plan_for(CITYSCAPES, "crops,trimap=3"))
    assert rules == msgspec.json.decode(msgspec.json.encode(rules), type=Rules)


def test_a_folder_of_segments_is_told_by_the_json_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "1.png").write_bytes(b"")
    assert "semantic" == choosing.task_of(folder)
    (tmp_path / "p.json").write_text("[]")  # results of objects have no folder
    assert "semantic" == choosing.task_of(folder)
    (tmp_path / "p.json").write_text('{"annotations": [{"segments_info": []}]}')
    assert "panoptic" == choosing.task_of(folder)


@pytest.mark.parametrize("line", ["m.png 26 nan", "m.png 26", "m.png,26,0.5", "m.png car 0.5", "x.png 26 .5"])
def test_lines_of_objects_are_told_also_where_they_are_wrong(tmp_path: Path, line: str) -> None:
    (tmp_path / "m.png").write_bytes(b"")
    for name in ("a.txt", "README.txt"):
        (tmp_path / name).write_text("m.png was made by hand\n")
    assert "semantic" == choosing.task_of(tmp_path)
    (tmp_path / "a.txt").write_text(f"{line}\n")
    assert "instance" == choosing.task_of(tmp_path)


def test_masks_of_another_size_than_the_truth_are_refused() -> None:
    def objects(size: tuple[int, int]) -> Instances:
        mask = masks.encode(np.ones(size, dtype=bool))
        one = np.zeros(1, dtype=np.int64)
        found = {"areas": masks.areas([mask]), "boxes": masks.boxes([mask]), "scores": np.ones(1)}
        return Instances(size=size, classes=one, rles=[mask], **found)

    sample = Sample("a", Truth(read_instances=lambda: objects((4, 5))))
    from bench.families import instance

    assert 1 == len(instance.columns_of(sample, objects((4, 5)))[1])
    with pytest.raises(PredictionError, match=r"a: the predicted masks are 5x4 pixels .* but the truth is 4x5"):
        instance.columns_of(sample, objects((5, 4)))

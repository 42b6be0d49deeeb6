"""Label maps in a space that was not meant: what stands above the table, with both numbers and what
mends it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import runs, scoring
from bench.cards import Card, load_card, parse_card
from bench.cli import main
from bench.evaluation import evaluate
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.jobs import FromReader, Job
from bench.evaluation.stored import made_from_truth, stored_predictions
from bench.families.contract.rules import Rules
from bench.formats import layout
from bench.opening import open_data
from bench.render.terminal import run_table
from bench.runs import Run
from bench.samples import Array

CITIES = [f"{city}_{k:06d}_000019" for city in ("frankfurt", "lindau", "munster") for k in range(2)]


def save(path: Path, labels: Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(labels, dtype=np.uint8)).save(path)


def street(k: int) -> Array:
    """Ids of Cityscapes: sky, building, vegetation, road, sidewalk, cars, a person, and labels that
    are not scored.
    """
    found = np.full((48, 96), 23, np.uint8)
    found[30:] = 7
    found[26:30] = 8
    found[14:26, 8:46] = 11
    found[14:26, 46:60] = 21
    found[33:42, 16 + k : 26 + k] = 26
    found[33:42, 70:76] = 24
    found[-3:], found[:2], found[22:25, 64:68] = 1, 3, 4
    return found


def guessed(labels: Array, *, other: int = 7) -> Array:
    """A good answer to a street: every pixel has a class, and a few are wrong."""
    found = labels.copy()
    found[np.isin(found, [1, 3, 4])] = other
    found[12:14, 8:46] = 11
    found[33:42, 16:20] = 7
    return found


def cityscapes(tmp_path: Path, written: Callable[[Array], Array]) -> Run:
    """The run of predictions that hold `written(ids)`."""
    card = load_card("cityscapes")
    for k, name in enumerate(CITIES):
        folder = tmp_path / "gtFine" / "val" / name.split("_")[0]
        save(folder / f"{name}_gtFine_labelIds.png", street(k))
        save(folder / f"{name}_gtFine_instanceIds.png", street(k))
        save(tmp_path / "predicted" / f"{name}.png", written(guessed(street(k))))
    return run_of(card, tmp_path)


def run_of(card: Card, root: Path, **options: Any) -> Run:
    samples = layout(card).read_truth(card, root, "val")
    job: Job = stored_predictions(card, "val", samples, root / "predicted", root=root, **options)
    return evaluate(job, out=root / "runs")


def warned(run: Run) -> list[tuple[str, str]]:
    """Codes and messages of what stands above the table; scoring the record again finds the
    same.
    """
    again = scoring.rescore(run).warnings
    assert [tuple(each) for each in again] == [
        (w.code, w.message, w.severity) for w in run.record.warnings
    ]
    return [(each.code, each.message) for each in run.record.warnings if each.severity == "warning"]


def miou(run: Run) -> str:
    return f"{100 * run.record.scores['semantic']['mIoU']['value']:.2f}"


TRAIN = np.full(256, 255)
for _place, _entry in enumerate(load_card("cityscapes").classes.scored):
    TRAIN[_entry.id] = _place


def with_19(ids: Array) -> Array:
    """Train ids of a network with 20 outputs, the last of which is everything else."""
    found = TRAIN[ids].copy()
    found[22:25, 64:68] = 19
    return found


WRONG: dict[str, tuple[Callable[[Array], Array], dict[str, Any], str, str]] = {
    "train ids": (
        lambda ids: TRAIN[ids],
        {"space": "train-ids"},
        "label-space",
        "say --label-space train-ids",
    ),
    "with 19": (with_19, {"space": "train-ids"}, "label-space", "say --label-space train-ids"),
    "from 1": (
        lambda ids: TRAIN[ids] + 1,
        {},
        "label-shift",
        "subtract 1 from each value and say --label-space train-ids",
    ),
    "ids and 1": (lambda ids: ids + 1, {}, "label-shift", "subtract 1 from each value"),
    "ids less 1": (lambda ids: ids - 1, {}, "label-shift", "add 1 to each value"),
}


@pytest.mark.parametrize("name", WRONG)
def test_cityscapes_in_another_space_is_found_with_both_numbers(tmp_path: Path, name: str) -> None:
    written, _, code, mend = WRONG[name]
    right = cityscapes(tmp_path / "right", lambda ids: ids)
    assert [] == warned(right)
    run = cityscapes(tmp_path / "wrong", written)
    ((found, message),) = warned(run)
    assert found == code
    assert message.endswith(mend)
    assert f"mIoU {miou(run)} and" in message
    assert f"but mIoU {miou(right)} and" in message


@pytest.mark.parametrize("name", ["train ids", "with 19"])
def test_what_the_warning_advises_gives_the_number_it_names(tmp_path: Path, name: str) -> None:
    written, options, *_ = WRONG[name]
    right = cityscapes(tmp_path / "right", lambda ids: ids)
    cityscapes(tmp_path / "wrong", written)
    mended = run_of(load_card("cityscapes"), tmp_path / "wrong", **options)
    assert miou(mended) == miou(right)
    assert [] == warned(mended)


def test_train_ids_from_1_do_not_lead_in_circles(tmp_path: Path) -> None:
    cityscapes(tmp_path, lambda ids: TRAIN[ids] + 1)
    ((code, message),) = warned(run_of(load_card("cityscapes"), tmp_path, space="train-ids"))
    assert code == "label-shift"
    assert message.endswith("subtract 1 from each value")


def test_the_value_above_the_train_ids_is_told_where_it_costs(tmp_path: Path) -> None:
    def written(ids: Array) -> Array:
        found = with_19(ids)
        found[10:12, 10:20] = 19  # on sky, which is scored
        return found

    cityscapes(tmp_path, written)
    run = run_of(load_card("cityscapes"), tmp_path, space="train-ids")
    (told,) = [each for each in run.record.warnings if each.code == "above-train-ids"]
    assert told.message.startswith(
        f"{20 * len(CITIES)} scored pixels are predicted as 19, just above the train ids"
    )
    assert told.severity == "note"


@pytest.mark.parametrize("space", ["ids", "train-ids"])
def test_ade20k_one_column_further(tmp_path: Path, space: str) -> None:
    card = load_card("ade20k")
    for k in range(4):
        truth = np.full((24, 32), 3, np.uint8)
        truth[12:], truth[4:14, 2:12], truth[14:20, 20 + k : 24 + k], truth[:1] = 4, 2, 13, 0
        found = np.where(truth == 0, 3, truth)
        found[12:14] = 3
        save(tmp_path / f"annotations/validation/ADE_val_{k:08d}.png", truth)
        save(tmp_path / f"images/validation/ADE_val_{k:08d}.jpg", np.zeros((24, 32, 3)))
        save(tmp_path / f"predicted/ADE_val_{k:08d}.png", found - (space == "ids"))
    run = run_of(card, tmp_path, space=space)
    ((code, message),) = warned(run)
    assert code == "label-space"
    right: Any = run_of(card, tmp_path, space="train-ids" if space == "ids" else "ids")
    assert [] == warned(right)
    assert f"mIoU {miou(run)} and" in message
    assert f"but mIoU {miou(right)} and" in message
    assert message.endswith(
        "say --label-space train-ids" if space == "ids" else "leave out --label-space train-ids"
    )


NAMES = ["background", "aeroplane", "bicycle", "bird", "boat", "bottle"]


def own_card(classes: int = 6, *, tables: str = "", top: str = "") -> Card:
    rows = "\n".join(
        f'[[classes]]\nid = {n}\ntrain_id = {n}\nname = "{NAMES[n]}"' for n in range(classes)
    )
    head = (
        'name = "own"\ntitle = "Own"\nlayout = "pairs"\ntasks = ["semantic"]\nlicence = '
        '"-"\ncite = "-"\nobtain = "-"'
    )
    files = '[files]\nimages = "images/{id}.png"\nlabels = "masks/{id}.png"'
    return parse_card(
        "\n".join([head, top, files, tables, "[splits.val]", rows]).encode(), where="test"
    )


def objects(k: int, classes: int = 6) -> Array:
    """One object of each class but the first, which lies around them."""
    found = np.zeros((40, 60), np.uint8)
    for label in range(1, classes):
        found[4 + k : 24 + k, 10 * label - 4 : 10 * label + 4] = label
    return found


def own_run(root: Path, written: Callable[[Array], Array], classes: int = 6, **options: Any) -> Run:
    for k in range(5):
        save(root / f"masks/{k}.png", objects(k, classes))
        save(root / f"images/{k}.png", np.zeros((40, 60, 3)))
        save(root / f"predicted/{k}.png", written(np.roll(objects(k, classes), 1, axis=1)))
    return run_of(own_card(classes), root, **options)


ORDER = np.array([0, *np.argsort(np.argsort(["van", "cart", "zebra", "ant", "moose"])) + 1])


@pytest.mark.parametrize(
    ("written", "code", "words"),
    [
        (lambda labels: (labels + 5) % 6, "label-shift", "and write 0 for background"),
        (lambda labels: (labels + 1) % 6, "label-shift", "and write 5 for bottle"),
        (lambda labels: ORDER[labels], "label-order", "write the ids of the card"),
        (
            lambda labels: np.array([0, 2, 1, 3, 4, 5])[labels],
            "label-order",
            "write the ids of the card",
        ),
        (np.zeros_like, None, ""),
        (lambda labels: np.full_like(labels, 3), None, ""),
    ],
    ids=[
        "background last",
        "bottle first",
        "alphabetical",
        "two changed places",
        "constant",
        "one object",
    ],
)
def test_other_orders_of_classes(
    tmp_path: Path, written: Any, code: str | None, words: str
) -> None:
    right = own_run(tmp_path / "right", lambda labels: labels)
    run = own_run(tmp_path / "wrong", written)
    found = warned(run)
    assert [code] * (code is not None) == [each[0] for each in found]
    if found:
        assert found[0][1].endswith(words)
        assert f"but mIoU {miou(right)} and" in found[0][1]


def test_two_classes_that_changed_places(tmp_path: Path) -> None:
    ((code, message),) = warned(own_run(tmp_path, lambda labels: 1 - labels, classes=2))
    assert code == "label-order"
    assert "(aeroplane for background, background for aeroplane)" in message


def test_answers_in_another_order_are_found_in_a_loop() -> None:
    evaluator = Evaluator(NAMES)
    for k in range(3):
        evaluator.update(truth=objects(k), prediction=(objects(k) + 5) % 6)
    (found,) = [each for each in evaluator.result().scored.warnings if each.severity == "warning"]
    assert found.message.startswith(
        "the predictions look as if background, the first class of the card, were the last one"
    )


def test_ids_of_a_network_are_told_to_be_train_ids() -> None:
    evaluator = Evaluator("ade20k")
    for k in range(3):
        evaluator.update(truth=objects(k), prediction=objects(k) + 1)
    (found,) = [each for each in evaluator.result().scored.warnings if each.severity == "warning"]
    assert found.message.startswith("the predictions look like ids that were read as train ids")
    assert found.message.endswith("hand over train ids, 0 to 149 in the card's order")


def masks_of(root: Path, written: Callable[[Array], Array], *, border: bool = False) -> Run:
    """Truth of 0 and 255 and the default void, or with void around the cells only."""
    for k in range(5):
        cell = np.zeros((40, 60), np.uint8)
        cell[5:20, 5 + k : 25 + k] = 1
        truth = 255 * cell
        if border:
            truth[6:19, 6 + k : 24 + k] = 1
        save(root / f"masks/{k}.png", truth)
        save(root / f"images/{k}.png", np.zeros((40, 60, 3)))
        save(root / f"predicted/{k}.png", written(np.roll(cell, 1, axis=(0, 1))))
    return run_of(own_card(2), root)


def test_void_that_swallows_a_class_is_found_with_both_numbers(tmp_path: Path) -> None:
    run = masks_of(tmp_path, lambda cell: cell)
    ((code, message),) = warned(run)
    assert code == "void-class"
    pixels = 15 * 20 * 5
    assert message.startswith(
        "255 was read as void: 12.5 % of the truth is void, and class aeroplane does not occur in "
        f"the truth but is predicted on {pixels} pixels, {14 * 19 * 5} of them void; mIoU is "
        f"{miou(run)} and would be "
    )
    assert message.endswith(
        "masks of 0 and 255 need [values] with 255 = 1, and void = [], in the card"
    )
    mended = own_card(2, top="void = []", tables="[values]\n0 = 0\n255 = 1")
    for k in range(5):  # predictions are coded as the truth is
        cell = np.zeros((40, 60), np.uint8)
        cell[6:21, 6 + k : 26 + k] = 255
        save(tmp_path / f"predicted/{k}.png", cell)
    right = run_of(mended, tmp_path)
    assert right.path != run.path  # another meaning of pixels is another question
    assert f"would be {miou(right)} if void were aeroplane" in message
    assert [] == warned(right)


def test_void_around_objects_swallows_nothing(tmp_path: Path) -> None:
    assert [] == warned(masks_of(tmp_path, lambda cell: cell, border=True))


@pytest.mark.parametrize(("width", "code"), [(20, []), (60, ["void-class"])])
def test_void_among_many_missing_classes_must_be_taken_whole(
    tmp_path: Path, width: int, code: list[str]
) -> None:
    """Void may be an object too hard to mark, which a model names rightly, and a few images show
    few classes.
    """
    for k in range(5):
        truth = objects(k, 2)
        truth[:4] = 255
        found = objects(k, 2)
        found[:4, :width] = 4
        save(tmp_path / f"masks/{k}.png", truth)
        save(tmp_path / f"images/{k}.png", np.zeros((40, 60, 3)))
        save(tmp_path / f"predicted/{k}.png", found)
    assert code == [each[0] for each in warned(run_of(own_card(), tmp_path))]


def test_a_class_that_is_missing_beside_void_is_told_where_it_is_never_predicted(
    tmp_path: Path,
) -> None:
    ((code, message),) = warned(masks_of(tmp_path, np.zeros_like))
    assert code == "void-class"
    assert "class aeroplane does not occur in the truth and is never predicted" in message


def test_truth_without_a_scored_pixel_is_said(tmp_path: Path) -> None:
    card = load_card("cityscapes")
    for name in CITIES:
        truth = np.zeros((8, 16), np.uint8)
        save(
            tmp_path / "gtFine" / "val" / name.split("_")[0] / f"{name}_gtFine_labelIds.png", truth
        )
        save(
            tmp_path / "gtFine" / "val" / name.split("_")[0] / f"{name}_gtFine_instanceIds.png",
            truth,
        )
        save(tmp_path / "predicted" / f"{name}.png", truth + 7)
    ((code, message),) = warned(run_of(card, tmp_path))
    assert code == "nothing-scored"
    assert message.startswith("no pixel of the truth of split val is scored")


def test_labels_that_are_not_scored_deserve_a_word(tmp_path: Path) -> None:
    def written(ids: Array) -> Array:
        found = ids.copy()
        found[2:8] = 0
        return found

    run = cityscapes(tmp_path, written)
    (told,) = [each for each in run.record.warnings if each.code == "unscored-labels"]
    assert told.message.endswith(
        "predicted as labels that are not scored (unlabeled): each is a false negative"
    )
    assert told.severity == "note"
    most = cityscapes(
        tmp_path / "most", lambda ids: np.where(np.indices(ids.shape).sum(axis=0) % 4, 0, ids)
    )
    ((code, message),) = warned(most)
    assert code == "unscored-labels"
    assert message.endswith("if the values are train ids, say --label-space train-ids")


def test_what_is_left_out_is_said_shortly(tmp_path: Path) -> None:
    card = own_card()
    for k in range(5):
        save(tmp_path / f"masks/{k}.png", objects(k) if k else np.full((40, 60), 255))
        save(tmp_path / f"images/{k}.png", np.zeros((40, 60, 3)))
        save(tmp_path / f"predicted/{k}.png", np.where(objects(k) < 3, objects(k), 0))
    told = {each.code: each.message for each in run_of(card, tmp_path).record.warnings}
    assert (
        told["never-predicted"]
        == "3 of 6 classes in the truth are never predicted: bird, boat, bottle"
    )
    assert told["unscored-images"] == "1 of 5 images have no scored pixel in the truth: 0"
    ade = {each.code: each.message for each in _told_of_ade20k()}
    assert ade["absent-classes"].startswith(
        "144 of 150 classes are not in the truth, and not in the means: "
    )
    assert ade["absent-classes"].endswith("and 139 more")


def _told_of_ade20k() -> list[Any]:
    evaluator = Evaluator("ade20k")
    evaluator.update(truth=objects(0), prediction=objects(0))
    return evaluator.result().scored.warnings


def test_poor_baselines_on_real_scenes_are_left_alone() -> None:
    data = open_data("streets", "mini", limit=6)
    for name in ("constant", "shuffled", "damaged=1", "shifted=60", "eroded=10"):
        job = made_from_truth(data.card, data.split, data.samples, name, root=data.root)
        evaluator = Evaluator(data.card)
        assert isinstance(job.predictions, FromReader)
        for sample in data.samples:
            evaluator.add(sample, job.predictions.read(sample))
        assert [] == [
            each for each in evaluator.result().scored.warnings if each.severity == "warning"
        ], name


def test_maps_and_pairs_tell_the_same(tmp_path: Path) -> None:
    pairs = cityscapes(tmp_path, with_19)
    card = load_card("cityscapes")
    samples = layout(card).read_truth(card, tmp_path, "val")
    job = stored_predictions(
        card, "val", samples, tmp_path / "predicted", root=tmp_path, rules=Rules()
    )
    assert isinstance(job.predictions, FromReader)
    job = replace(job, predictions=FromReader(job.predictions.read))
    maps = evaluate(job, out=tmp_path / "maps")
    for table in ("pixels", "void_pixels", "unscored_labels"):
        for name, column in pairs.tables[table].items():
            assert np.array_equal(column, maps.tables[table][name])
            assert column.dtype == maps.tables[table][name].dtype
    assert pairs.record.warnings == maps.record.warnings


def test_records_of_earlier_versions_are_looked_at_as_far_as_they_tell(tmp_path: Path) -> None:
    run = cityscapes(tmp_path, with_19)
    old = runs.Run(
        run.record,
        {n: t for n, t in run.tables.items() if n not in ("void_pixels", "unscored_labels")},
    )
    assert {"unscored-labels"} == {
        each.code for each in scoring.rescore(old).warnings if each.severity == "warning"
    }


def test_the_warning_stands_above_the_table_and_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = cityscapes(tmp_path, with_19)
    table = run_table(run)
    assert table.index("Warning: the predictions look like train ids") < table.index("mIoU  ")
    monkeypatch.chdir(tmp_path)
    words = ["eval", "-p", "predicted", "-d", "cityscapes", "--data", ".", "--json"]
    assert main(words) == 0
    found = json.loads(capsys.readouterr().out)
    assert ("label-space", "warning") in {
        (each["code"], each["severity"]) for each in found["warnings"]
    }

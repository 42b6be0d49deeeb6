"""LVIS: equal to the package lvis run live, on generated files and on its own sample; the reader;
laws of weights.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bench import cli, kernels, masks
from bench.classes import Class, Classes
from bench.errors import DataError, PredictionError
from bench.formats.lvis import bulk as lvis_bulk
from bench.formats.lvis import columns as reader
from bench.metrics import average_precision, lvis

Array = np.ndarray[Any, Any]
H, W, C = 60, 70, 6
THEIRS = {"AR300": "AR@300", "ARs": "ARs@300", "ARm": "ARm@300", "ARl": "ARl@300"}


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The package lvis 0.5.3, which wants a NumPy of old, and OpenCV for drawing only."""
    monkeypatch.setattr(np, "float", float, raising=False)
    monkeypatch.setitem(sys.modules, "cv2", sys.modules.get("cv2") or ModuleType("cv2"))
    return pytest.importorskip(
        "lvis", reason="lvis is not installed: pip install --no-deps lvis==0.5.3"
    )


def classes(count: int) -> Classes:
    return Classes(
        tuple(Class(id=k + 1, name=str(k + 1), train_id=k) for k in range(count)),
        ignore=65535,
        void=(65535,),
    )


def entry(mask: Array, image: int, category: int) -> dict[str, Any]:
    code = masks.encode(mask)
    box = masks.boxes([code])[0].tolist()
    shape = {"size": [H, W], "counts": code["counts"].decode()}
    return {"image_id": image, "category_id": category, "segmentation": shape, "bbox": box}


def generated(seed: int, *, crowded: bool = False) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A truth file and results: ignored objects, both lists, ties, and on request more than 300
    detections.
    """
    random = np.random.default_rng(seed)
    annotations: list[Any] = []
    results: list[Any] = []
    images = []
    for image in (7, 3, 11, 5):
        kinds = random.permutation(C) + 1
        negative, partly = kinds[:2].tolist(), kinds[2:4].tolist()
        images.append(
            {
                "id": image,
                "height": H,
                "width": W,
                "neg_category_ids": negative,
                "not_exhaustive_category_ids": partly,
            }
        )
        for _ in range(int(random.integers(1, 7))):
            mask = np.zeros((H, W), dtype=bool)
            (top, left), (tall, wide) = (
                random.integers(0, (H - 9, W - 9)),
                random.integers(5, 45, 2),
            )
            mask[top : top + tall, left : left + wide] = True
            category = int(random.choice(kinds[2:]))
            more = {"id": len(annotations) + 1, "area": float(mask.sum())}
            more |= {"ignore": 1} if random.random() < 0.15 else {}
            annotations.append(entry(mask, image, category) | more)
            for _ in range(int(random.integers(0, 90 if crowded else 4))):
                moved = np.roll(mask, random.integers(-4, 5, 2), axis=(0, 1))
                other = category if random.random() < 0.7 else int(random.integers(1, C + 1))
                results.append(
                    entry(moved, image, other) | {"score": float(random.integers(1, 12)) / 11}
                )
    kinds_of = "rcf"
    categories = [
        {"id": k, "name": f"kind {k}", "frequency": kinds_of[k % 3]} for k in range(1, C + 1)
    ]
    order = random.permutation(len(results))
    return {"images": images, "annotations": annotations, "categories": categories}, [
        results[n] for n in order
    ]


def written(
    folder: Path, truth: dict[str, Any], results: list[dict[str, Any]]
) -> tuple[Path, Path]:
    paths = folder / "truth.json", folder / "results.json"
    for path, content in zip(paths, (truth, results), strict=True):
        path.write_text(json.dumps(content), encoding="utf-8")
    return paths


def counted(
    paths: tuple[Path, Path], kind: Any, area_from: Any
) -> tuple[dict[str, Any], reader.LvisTruth]:
    truth = reader.read_truth(paths[0])
    found, objects = (
        reader.read_results(paths[1], truth, truth.numbers),
        truth.columns(truth.numbers),
    )
    assert objects.absent is not None
    assert objects.partial is not None
    tables = lvis.count(
        objects, found, objects.absent, objects.partial, kind=kind, area_from=area_from
    )
    return tables, truth


def frequencies(truth: reader.LvisTruth) -> list[str]:
    return [each.frequency for each in truth.categories]


def ours(paths: tuple[Path, Path], kind: Any = "mask", area_from: Any = "box") -> dict[str, float]:
    tables, truth = counted(paths, kind, area_from)
    count = len(truth.categories)
    scores = lvis.score(
        tables, np.ones((1, len(truth.numbers))), classes(count), frequencies(truth), kind=kind
    )
    return {name: float(np.nan_to_num(scores[name][0], nan=-1.0)) for name in lvis.OVERALL}


def theirs(package: ModuleType, paths: tuple[Path, Path], kind: str = "segm") -> dict[str, float]:
    logging.disable(logging.CRITICAL)
    try:
        evaluation = package.LVISEval(str(paths[0]), str(paths[1]), kind)
        evaluation.run()
    finally:
        logging.disable(logging.NOTSET)
    return {name: float(evaluation.results[THEIRS.get(name, name)]) for name in lvis.OVERALL}


@pytest.mark.parametrize("kind", ["mask", "box"])
@pytest.mark.parametrize("seed", range(8))
def test_lvis_agrees(package: ModuleType, tmp_path: Path, seed: int, kind: str) -> None:
    paths = written(tmp_path, *generated(seed))
    assert theirs(package, paths, "segm" if kind == "mask" else "bbox") == ours(paths, kind)


def test_more_than_300_detections_of_an_image(package: ModuleType, tmp_path: Path) -> None:
    truth, results = generated(1, crowded=True)
    for result in results:
        result["image_id"] = 7 if result["image_id"] == 3 else result["image_id"]
    assert any(sum(r["image_id"] == image for r in results) > 300 for image in (7, 11, 5))
    paths = written(tmp_path, truth, results)
    assert theirs(package, paths) == ours(paths)


def test_area_from_masks_without_boxes(package: ModuleType, tmp_path: Path) -> None:
    truth, results = generated(4)
    paths = written(tmp_path, truth, [{k: v for k, v in r.items() if k != "bbox"} for r in results])
    assert theirs(package, paths) == ours(paths, area_from="mask")


def test_sample_of_lvis(
    package: ModuleType, shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    path = shared_data("cocoapi_results") / "lvis_dataset" / "lvis_val_100.json"
    truth = json.loads(path.read_text(encoding="utf-8"))
    random = np.random.default_rng(0)
    kinds = [each["id"] for each in truth["categories"]]
    sizes = {image["id"]: (image["height"], image["width"]) for image in truth["images"]}
    results = []
    for annotation in truth["annotations"]:
        mask = masks.decode(
            masks.from_polygons(annotation["segmentation"], sizes[annotation["image_id"]])
        )
        for _ in range(int(random.integers(0, 3))):
            code = masks.encode(np.roll(mask, random.integers(-2, 3, 2), axis=(0, 1)))
            own = annotation["category_id"] if random.random() < 0.8 else int(random.choice(kinds))
            shape = {"size": list(mask.shape), "counts": code["counts"].decode()}
            results.append(
                {"image_id": annotation["image_id"], "category_id": own, "segmentation": shape}
            )
            results[-1]["score"] = float(random.random())
    found = written(tmp_path, {}, results)[1]
    scores = ours((path, found), area_from="mask")
    assert theirs(package, (path, found)) == scores
    assert 0.1 < scores["AP"] < 1


def test_lists_change_scores(tmp_path: Path) -> None:
    """An oracle that knew no lists would be another number: so would we without them."""
    none = np.zeros((0, 2), dtype=np.int64)
    changed = {"negative": 0, "not_exhaustive": 0}
    for seed in range(6):
        paths = written(tmp_path, *generated(seed))
        truth = reader.read_truth(paths[0])
        found, objects = (
            reader.read_results(paths[1], truth, truth.numbers),
            truth.columns(truth.numbers),
        )
        for name in changed:
            lists: dict[str, Any] = {
                "negative": objects.absent,
                "not_exhaustive": objects.partial,
                name: none,
            }
            tables = lvis.count(objects, found, **lists, area_from="box")
            score = lvis.score(tables, np.ones((1, 4)), classes(C), frequencies(truth))["AP"][0]
            changed[name] += score != ours(paths)["AP"]
    assert all(changed.values())


# ---- weights


def test_weights_of_zero_equal_files_without_the_image(tmp_path: Path) -> None:
    truth, results = generated(3)
    tables, read = counted(written(tmp_path, truth, results), "mask", "mask")
    places = {number: place for place, number in enumerate(read.numbers)}
    weights = np.ones((1, 4))
    weights[0, places[11]] = 0
    zeroed = lvis.score(tables, weights, classes(C), frequencies(read))
    fewer = [r for r in results if r["image_id"] != 11]
    truth = {
        **truth,
        **{k: [e for e in truth[k] if e.get("image_id", e["id"]) != 11] for k in ("images",)},
    }
    truth["annotations"] = [a for a in truth["annotations"] if a["image_id"] != 11]
    again = ours(written(tmp_path, truth, fewer), area_from="mask")
    assert again == {name: float(np.nan_to_num(zeroed[name][0], nan=-1.0)) for name in lvis.OVERALL}


def test_only_classes_with_truth_and_overlaps_asked_for_are_worked_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 1 203 classes a few images show 200: the others would take most of the time of every
    resample.
    """
    asked, precision_of = [], average_precision.precision_of  # type: ignore[attr-defined]

    def watched(listed: Any, weights: Array, totals: Array, *more: Any, **named: Any) -> Any:
        asked.append((totals.shape[1], list(listed.thresholds)))
        return precision_of(listed, weights, totals, *more, **named)

    monkeypatch.setattr(average_precision, "precision_of", watched)
    tables, read = counted(written(tmp_path, *generated(3)), "mask", "mask")
    scores = lvis.score(
        tables, np.ones((1, 4)), classes(300), frequencies(read) + ["c"] * (300 - C), only="AP"
    )
    lvis.score(tables, np.ones((1, 4)), classes(C), frequencies(read), only="AP75")
    assert [(C, list(range(10))), (C, [5])] == asked
    assert (1, 300) == scores.per_class["AP"].shape
    assert np.isnan(scores.per_class["AP"][:, C:]).all()


@pytest.mark.parametrize("name", lvis.OVERALL)
def test_one_score_alone_is_the_same(tmp_path: Path, name: str) -> None:
    tables, read = counted(written(tmp_path, *generated(3)), "mask", "mask")
    weights = np.random.default_rng(0).integers(0, 3, (5, 4)).astype(np.float64)
    every = lvis.score(tables, weights, classes(C), frequencies(read))
    alone = lvis.score(tables, weights, classes(C), frequencies(read), only=name)
    assert [name] == list(alone.overall)
    np.testing.assert_array_equal(every[name], alone[name])


def test_truth_rows_do_not_depend_on_results(tmp_path: Path) -> None:
    truth, results = generated(6)
    tables, _ = counted(written(tmp_path, truth, results), "mask", "mask")
    other, _ = counted(written(tmp_path, truth, results[:1]), "mask", "mask")
    assert lvis.truth_rows(tables)["objects"].tolist() == lvis.truth_rows(other)["objects"].tolist()


# ---- the reader


def test_reader_keeps_order_of_numbers_and_lists(tmp_path: Path) -> None:
    truth = reader.read_truth(written(tmp_path, *generated(0))[0])
    assert (3, 5, 7, 11) == truth.numbers
    columns = truth.columns((11, 3))
    assert columns.absent is not None
    assert columns.runs is not None
    assert [2, 2] == np.bincount(columns.absent[:, 0]).tolist()
    assert list("cfrcfr") == frequencies(truth)
    counts = [len(truth.instances(number)) for number in (11, 3)]
    assert counts == np.bincount(columns.image, minlength=2).tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t["categories"][0].update(frequency="x"), "frequency 'x'"),
        (lambda t: t["annotations"][0].update(image_id=99), "image 99"),
        (lambda t: t["annotations"][0].update(category_id=99), "category 99"),
        (lambda t: t["images"][0].update(neg_category_ids=[98]), "category 98"),
        (lambda t: t["images"][0].pop("neg_category_ids"), "neg_category_ids"),
        (lambda t: t["images"][0].update(height=0), "height"),
        (lambda t: t["images"][0].update(height=1e9, width=1e9), "2\\^31"),
        (lambda t: t["annotations"][0].update(bbox=[1, 2, 1e10, 4]), "is outside every image"),
        (lambda t: t.update(categories=[]), "lists no categories"),
    ],
)
def test_wrong_truth_is_refused(tmp_path: Path, change: Callable[[Any], Any], message: str) -> None:
    truth, results = usual(0)
    change(truth)
    paths = written(tmp_path, truth, results)
    with pytest.raises(DataError, match=message):
        reader.read_truth(paths[0])
    with pytest.raises(DataError, match=message):
        lvis_bulk.read(*paths, (11, 3, 5))


def test_a_polygon_far_away_is_refused(tmp_path: Path) -> None:
    truth, results = usual(0)
    truth["annotations"][0]["segmentation"] = [[0, 0, 1e8, 0, 1e8, 1e8]]
    numbers = tuple(image["id"] for image in truth["images"])
    with pytest.raises(
        DataError,
        match=r"annotation 0 \(id 1, image \d+\): a polygon reaches 100000000, far outside",
    ):
        lvis_bulk.read(*written(tmp_path, truth, results), numbers)


def test_results_may_be_none_at_all(tmp_path: Path) -> None:
    paths = written(tmp_path, usual(0)[0], [])
    assert 0 == len(reader.read_results(paths[1], reader.read_truth(paths[0]), (11, 3, 5)))
    assert 0 == len(lvis_bulk.read(*paths, (11, 3, 5))[1])


def test_wrong_results_are_refused(tmp_path: Path) -> None:
    truth, results = generated(0)
    read = reader.read_truth(written(tmp_path, truth, results)[0])
    for change, message in (
        ({"image_id": 99}, "image 99"),
        ({"category_id": 99}, "category 99"),
        ({"segmentation": None}, "all need the same"),
        ({"bbox": [0.0, 0.0, 3.0]}, "a bbox of 3 numbers"),
        ({"bbox": [0.0, 0.0, 3.0, 1e10]}, "which is outside every image"),
        (
            {"segmentation": [[0, 0, 1e8, 0, 1e8, 1e8]]},
            r"result 0 \(image \d+\): a polygon reaches 100000000",
        ),
        ({"segmentation": {"size": [9, 9], "counts": "Q2"}}, "size"),
    ):
        wrong = [{**results[0], **change}, *results[1:]]
        with pytest.raises(PredictionError, match=message):
            reader.read_results(written(tmp_path, truth, wrong)[1], read, read.numbers)


# ---- in bulk


def usual(seed: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Files that the compiled reader takes: nothing is ignored."""
    truth, results = generated(seed)
    for annotation in truth["annotations"]:
        annotation.pop("ignore", None)
    return truth, results


@pytest.mark.skipif(kernels.which() != "native", reason="nothing is compiled here")
@pytest.mark.parametrize("boxed", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_the_compiled_reader_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, *, boxed: bool
) -> None:
    truth, results = usual(seed)
    for result in results if not boxed else ():
        del result["bbox"]
    paths, numbers = written(tmp_path, truth, results), (11, 3, 5)
    slow = reader.read_truth(paths[0])
    expected = lvis.count(
        *_listed(slow.columns(numbers), reader.read_results(paths[1], slow, numbers))
    )
    for name in ("read_truth", "read_results"):
        monkeypatch.setattr(reader, name, None)  # the slow way would fail
    actual = lvis.count(*_listed(*lvis_bulk.read(*paths, numbers)))
    for table, columns in expected.items():
        for column, values in columns.items():
            assert values.tolist() == actual[table][column].tolist(), (table, column)


def _listed(truth: Any, found: Any) -> tuple[Any, ...]:
    return truth, found, truth.absent, truth.partial


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": 99}, "image 99"),
        ({"category_id": 99}, "category 99"),
        ({"bbox": [0.0, 0.0, 3.0, 1e10]}, "which is outside every image"),
        ({"segmentation": {"size": [W, H], "counts": "Q2"}}, "size"),
        ({"score": "high"}, "expected `float`"),
    ],
)
def test_the_slow_reader_reports_what_is_wrong(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    truth, results = usual(0)
    with pytest.raises(PredictionError, match=message):
        lvis_bulk.read(
            *written(tmp_path, truth, [results[0], {**results[1], **change}]), (3, 5, 7, 11)
        )
    truth["images"][0]["neg_category_ids"] = [98]
    with pytest.raises(DataError, match="category 98"):
        lvis_bulk.read(*written(tmp_path, truth, results), (3, 5, 7, 11))


# ---- from the command line


Shown = Callable[..., dict[str, Any]]


@pytest.fixture
def shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shown:
    """The scores that `bench eval` finds for a truth and a results file."""

    def scores(paths: tuple[Path, Path], *more: str) -> dict[str, Any]:
        asked = [
            "eval",
            "--dataset",
            "lvis",
            "--data",
            str(paths[0]),
            "--predictions",
            str(paths[1]),
            "--json",
            *more,
        ]
        code = cli.main([*asked, "--interval", "none", "--out", str(tmp_path / "runs")])
        said = capsys.readouterr()
        assert 0 == code, said.err
        found: dict[str, Any] = json.loads(said.out)["scores"]
        return found

    return scores


def plain(group: dict[str, Any]) -> dict[str, float]:
    return {
        name: -1.0 if group[name]["value"] is None else group[name]["value"]
        for name in lvis.OVERALL
    }


def test_command_line_agrees_with_lvis(package: ModuleType, shown: Shown, tmp_path: Path) -> None:
    truth, results = generated(5)
    paths = written(tmp_path, truth, results)
    scores = shown(paths, "--area-from", "box")
    assert theirs(package, paths) == plain(scores["lvis"])
    assert theirs(package, paths, "bbox") == plain(scores["lvis_boxes"])
    moved = [{**result, "category_id": result["category_id"] % C + 1} for result in results]
    other = shown(written(tmp_path, truth, moved), "--area-from", "box")
    assert plain(scores["lvis"]) != plain(other["lvis"])


def test_classes_of_the_record_are_the_truths_and_some_images_count_alone(
    shown: Shown, tmp_path: Path
) -> None:
    truth, results = generated(5)
    paths = written(tmp_path, truth, results)
    (tmp_path / "ids.txt").write_text("000000000003\n000000000011\n", encoding="utf-8")
    scores = shown(paths, "--ids", str(tmp_path / "ids.txt"))
    assert [f"kind {k}" for k in range(1, C + 1)] == list(scores["lvis"]["per_class"])
    chosen = [image for image in truth["images"] if image["id"] in (3, 11)]
    few = {**truth, "images": chosen}
    few["annotations"] = [each for each in truth["annotations"] if each["image_id"] in (3, 11)]
    mine = [result for result in results if result["image_id"] in (3, 11)]
    assert ours(written(tmp_path, few, mine), area_from="mask") == plain(scores["lvis"])


def test_one_image_at_a_time_counts_the_same(tmp_path: Path) -> None:
    from bench.families import family
    from bench.families.contract.rules import Rules
    from bench.formats import layout
    from bench.opening import open_data

    paths = written(tmp_path, *generated(2))
    opened = open_data("lvis", root=paths[0])
    read = layout(opened.card).read_predictions(opened.card, paths[1], "instance", opened.samples)
    for name in ("lvis", "lvis_boxes"):
        each = family(name)
        options = each.options(Rules(families=(name,)))
        whole = each.count_columns(  # type: ignore[misc]
            options,
            *layout(opened.card).read_columns(
                opened.card, paths[0], "val", paths[1], opened.samples
            ),
        )
        parts = [
            each.count(opened.card, options, s, read(s), position=n)
            for n, s in enumerate(opened.samples)
        ]
        for table, columns in whole.items():
            for column, values in columns.items():
                assert (
                    values.tolist()
                    == np.concatenate([part[table][column] for part in parts]).tolist()
                )


def test_other_tasks_and_layouts_are_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = written(tmp_path, *generated(0))
    asked = ["eval", "--dataset", "lvis", "--data", str(paths[0]), "--predictions", str(paths[1])]
    for more, message in (
        (["--layout", "voc"], "whose classes stand in its truth file"),
        (["--metrics", "AP"], "needs ground truth of all classes in every image"),
    ):
        assert 2 == cli.main([*asked, *more])
        assert message in capsys.readouterr().err

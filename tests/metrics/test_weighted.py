"""iIoU, category IoU and category iIoU: equal to cityscapesScripts run live, and the laws of counts
and weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from PIL import Image

from bench.cards import load_card
from bench.classes import Class, Classes
from bench.errors import UsageError
from bench.families import family
from bench.families.contract.rules import Rules
from bench.formats.cityscapes.files import read_segments
from bench.formats.labels.files import LabelFiles
from bench.metrics import pixels, rates, weighted
from bench.metrics.categories import categories, merge
from bench.samples import LabelMap, Sample, Segments, Table, Truth

Array = np.ndarray[Any, Any]
Tables = dict[str, Table]
CARD = load_card("cityscapes")
CLASSES = CARD.classes
SIZES = weighted.average_sizes(CLASSES)
THINGS = [24, 25, 26, 27, 28, 29, 30, 31, 32, 33]


class Case:
    """Label ids, instance ids and predicted ids of a few images, as the files of Cityscapes hold
    them.
    """

    def __init__(self, images: list[tuple[Array, Array, Array]]) -> None:
        self.images = images

    def reference(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """Write the images as PNGs and run the evaluation script of Cityscapes over them."""
        monkeypatch.setattr(
            np, "in1d", np.isin, raising=False
        )  # NumPy 2.4 removed what the script calls
        script = pytest.importorskip("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
        names: tuple[list[str], list[str]] = ([], [])
        for n, (labels, instances, predicted) in enumerate(self.images):
            Image.fromarray(instances).save(folder / f"{n}_instanceIds.png")
            for path, array, known in zip(
                ("labelIds", "predicted"), (labels, predicted), names, strict=True
            ):
                Image.fromarray(array).save(folder / f"{n}_{path}.png")
                known.append(str(folder / f"{n}_{path}.png"))
        for name, value in {"JSONOutput": False, "quiet": True, "evalInstLevelScore": True}.items():
            monkeypatch.setattr(script.args, name, value)
        result: dict[str, Any] = script.evaluateImgLists(names[1], names[0], script.args)
        return result

    def tables(self, folder: Path, *, with_ids: bool = True) -> Tables:
        """Count every image, reading objects from the file that the reference wrote."""
        parts: list[Tables] = []
        for n, (labels, instances, predicted) in enumerate(self.images):
            Image.fromarray(instances).save(folder / f"{n}_instanceIds.png")
            segments = read_segments(CLASSES, folder / f"{n}_instanceIds.png")
            truth = LabelMap(np.asarray(CLASSES.to_train(labels, where="truth")))
            prediction = LabelMap(
                np.asarray(CLASSES.prediction_to_train(predicted, where="prediction"))
            )
            ids = predicted if with_ids else None
            found = weighted.count(
                truth, segments, prediction, CLASSES, SIZES, prediction_ids=ids, image=n
            )
            parts.append({"pixels": pixels.count(truth, prediction, CLASSES, image=n), **found})
        return joined(parts)


def joined(parts: list[Tables]) -> Tables:
    return {
        table: {name: np.concatenate([part[table][name] for part in parts]) for name in columns}
        for table, columns in parts[0].items()
    }


def generated(seed: int, present: list[int] | None = None) -> Case:
    """Blocky labels; countable ones are objects or, now and then, groups; a prediction with every
    kind of label.
    """
    generator = np.random.default_rng(seed)
    known = np.array(present or [*range(12), *THINGS, *THINGS], dtype=np.uint8)
    images = []
    for _ in range(3):
        labels = generator.choice(known, (5, 7)).repeat(3, axis=0).repeat(4, axis=1)
        numbers = generator.integers(0, 3, (15, 7)).repeat(4, axis=1)
        grouped = generator.random((5, 7)).repeat(3, axis=0).repeat(4, axis=1) < 0.2
        objects = np.isin(labels, THINGS) & ~grouped
        instances = np.where(objects, labels.astype(np.int32) * 1000 + numbers, labels)
        wrong = generator.choice(np.array([*range(34), *THINGS], dtype=np.uint8), labels.shape)
        predicted = np.where(generator.random(labels.shape) < 0.6, labels, wrong).astype(np.uint8)
        images.append((labels, instances.astype(np.uint16), predicted))
    return Case(images)


def streets(count: int = 3) -> Case:
    """Scenes with a prediction that is shifted, and takes some cars for caravans and some people
    for riders.
    """
    from bench.streets import draw

    images = []
    for index in range(count):
        scene = draw("mini", index)
        predicted = np.roll(scene.label_ids, (1, 3), axis=(0, 1))
        left = np.arange(predicted.shape[1]) < 220
        predicted = np.where(
            left & (predicted == 26), 29, np.where(left & (predicted == 24), 25, predicted)
        )
        images.append((scene.label_ids, scene.instance_ids, predicted.astype(np.uint8)))
    return Case(images)


def plain(tables: Tables, **options: Any) -> weighted.WeightedScores:
    images = int(tables["pixels"]["image"].max(initial=-1)) + 1
    return weighted.score(tables, np.ones((1, max(images, 1))), CLASSES, **options)


def require_equal(expected: dict[str, Any], actual: weighted.WeightedScores) -> None:
    """Compare every score with those of the reference."""
    pairs = [
        (
            [expected["classInstScores"][name] for name in CLASSES.names],
            actual.per_class["iIoU"][0],
        ),
        (
            [expected["categoryScores"][name] for name in actual.categories],
            actual.per_category["IoU"][0],
        ),
        (
            [expected["categoryInstScores"][name] for name in actual.categories],
            actual.per_category["iIoU"][0],
        ),
        (expected["averageScoreInstClasses"], actual["iIoU"][0]),
        (expected["averageScoreCategories"], actual["category_IoU"][0]),
        (expected["averageScoreInstCategories"], actual["category_iIoU"][0]),
    ]
    for wanted, found in pairs:
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


# The reference


@pytest.mark.parametrize(
    "case", [generated(0), generated(1), generated(2, [7, 21, 26, 33]), generated(3, [7, 11])]
)
def test_cityscapes_scripts_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    require_equal(
        case.reference(tmp_path, monkeypatch), plain(case.tables(tmp_path), classes_in="union")
    )


def test_cityscapes_scripts_agree_on_streets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = streets()
    require_equal(
        case.reference(tmp_path, monkeypatch), plain(case.tables(tmp_path), classes_in="union")
    )


def test_objects_of_a_drawn_sample_count_like_those_of_its_files(tmp_path: Path) -> None:
    from bench.streets.dataset import samples

    case = streets(2)
    from_files = case.tables(tmp_path)["weighted"]
    parts = []
    for n, sample in enumerate(samples(load_card("streets"), "mini", 2)):
        predicted = case.images[n][2]
        prediction = LabelMap(np.asarray(CLASSES.prediction_to_train(predicted, where="p")))
        truth = sample.truth
        parts.append(
            weighted.count(
                truth.semantic(),
                truth.segments(),
                prediction,
                CLASSES,
                SIZES,
                prediction_ids=predicted,
                image=n,
            )
        )
    for name, column in joined(parts)["weighted"].items():
        np.testing.assert_allclose(column, from_files[name], rtol=1e-12, err_msg=name)


def test_comparison_fails_where_a_pixel_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = generated(0)
    expected = case.reference(tmp_path, monkeypatch)
    labels, _, predicted = case.images[0]
    where = np.argwhere((labels == 26) & (predicted == 26))[0]
    predicted[tuple(where)] = 7
    with pytest.raises(AssertionError):
        require_equal(expected, plain(case.tables(tmp_path), classes_in="union"))


# Conventions of the ledger


def small(labels: list[int], instances: list[int], predicted: list[int]) -> Case:
    return Case(
        [
            (
                np.array([labels], np.uint8),
                np.array([instances], np.uint16),
                np.array([predicted], np.uint8),
            )
        ]
    )


def test_caravan_counts_as_a_vehicle_in_category_iiou_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = small([26, 26], [26000, 26000], [26, 29])
    expected = case.reference(tmp_path, monkeypatch)
    assert [0.5, 1.0] == [
        expected[name]["vehicle"] for name in ("categoryScores", "categoryInstScores")
    ]
    actual, place = plain(case.tables(tmp_path)), list(categories(CLASSES).names).index("vehicle")
    assert [0.5, 1.0] == [actual.per_category[name][0, place] for name in ("IoU", "iIoU")]
    without = plain(case.tables(tmp_path, with_ids=False))
    assert 0.5 == without.per_category["iIoU"][0, place]


def test_caravan_is_distinguished_in_files_of_ids(tmp_path: Path) -> None:
    labels, instances, predicted = small([26, 26, 7], [26000, 26000, 7], [26, 29, 7]).images[0]
    Image.fromarray(instances).save(tmp_path / "truth.png")
    Image.fromarray(predicted).save(tmp_path / "predicted.png")
    truth = Truth(
        lambda: LabelMap(np.asarray(CLASSES.to_train(labels, where="truth"))),
        read_segments=lambda: read_segments(CLASSES, tmp_path / "truth.png"),
    )
    prediction = LabelFiles(CLASSES).read_prediction(tmp_path / "predicted.png")
    each, rules = family("weighted"), Rules(families=("weighted",))
    tables = each.count(CARD, each.options(rules), Sample("a", truth), prediction, position=0)
    assert [0.5, 1.0] == [
        weighted.score(tables, np.ones((1, 1)), CLASSES)[name][0]
        for name in ("iIoU", "category_iIoU")
    ]
    Image.fromarray(labels).save(tmp_path / "plain.png")
    assert LabelFiles(CLASSES).read_prediction(tmp_path / "plain.png").ids is None


def test_groups_are_not_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = small([26, 26, 26, 7], [26001, 26, 26, 7], [26, 7, 26, 7])
    expected = case.reference(tmp_path, monkeypatch)
    assert [1.0, 1.0] == [
        expected["classInstScores"]["car"],
        plain(case.tables(tmp_path))["iIoU"][0],
    ]


def test_class_without_objects_scores_zero_in_the_union(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = small([26, 26, 7], [26001, 26001, 7], [26, 26, 24])
    expected = case.reference(tmp_path, monkeypatch)
    assert 0.5 == expected["averageScoreInstClasses"]
    tables = case.tables(tmp_path)
    assert [0.5, 1.0] == [
        plain(tables, classes_in=which)["iIoU"][0] for which in ("union", "truth")
    ]
    assert np.isnan(plain(tables, classes_in="all")["iIoU"][0])


def test_average_sizes_are_those_of_cityscapes() -> None:
    assert (3462.4756337644, 27855.1264367816) == (SIZES[11], SIZES[14])
    assert np.isnan(SIZES[:11]).all()
    with pytest.raises(UsageError, match="average size of 'cell'"):
        weighted.average_sizes(Classes((Class(0, "cell", 0, thing=True),)))


def test_categories_without_names_are_none() -> None:
    classes = Classes(
        (
            Class(0, "a", 0),
            Class(1, "b", 1, category="x"),
            Class(2, "c", 2, category="x", thing=True),
        )
    )
    assert (("x",), [False]) == (categories(classes).names, categories(classes).things.tolist())
    counts = pixels.count(
        LabelMap(np.array([[0, 1, 2]], np.uint8)),
        LabelMap(np.array([[1, 2, 0]], np.uint8)),
        classes,
    )
    assert [[0, 0], [0, 1], [1, 1]] == [
        merge(counts, classes)[name].tolist() for name in ("truth", "predicted", "pixels")
    ]


# Laws


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return Case(generated(5).images + generated(6).images).tables(tmp_path_factory.mktemp("six"))


def repeated(tables: Tables, times: Array) -> Tables:
    """The tables of a set in which image n occurs `times[n]` times."""
    order = np.repeat(np.arange(len(times)), times)
    parts = [
        {
            name: {
                **{k: v[t["image"] == n] for k, v in t.items()},
                "image": np.full((t["image"] == n).sum(), place),
            }
            for name, t in tables.items()
        }
        for place, n in enumerate(order)
    ]
    return joined(parts)  # type: ignore[arg-type]


def values(scores: weighted.WeightedScores) -> list[Array]:
    return [*scores.overall.values(), *scores.per_class.values(), *scores.per_category.values()]


@settings(max_examples=20)
@given(strategies.whole_weights(6))
def test_whole_weights_equal_repeated_images(six: Tables, weights: Array) -> None:
    actual = weighted.score(six, weights, CLASSES)
    for row, times in enumerate(weights):
        if times.all():
            expected = plain(repeated(six, times))
            for mine, theirs in zip(values(actual), values(expected), strict=True):
                np.testing.assert_allclose(mine[row], theirs[0], rtol=1e-12)


@settings(max_examples=20)
@given(strategies.real_weights(6))
def test_real_weights_do_not_depend_on_batching_and_scale(six: Tables, weights: Array) -> None:
    together, larger = (
        weighted.score(six, weights, CLASSES),
        weighted.score(six, weights * 60, CLASSES),
    )
    for row in range(len(weights)):
        alone = weighted.score(six, weights[row : row + 1], CLASSES)
        for one, two, three in zip(values(together), values(alone), values(larger), strict=True):
            np.testing.assert_array_equal(one[row], two[0])
            np.testing.assert_allclose(one[row], three[row], rtol=1e-9)


def test_leaving_a_cluster_out_equals_recomputing_without_it(six: Tables) -> None:
    for clusters in (np.arange(6), np.array([0, 0, 1, 2, 3, 3])):
        left_out = weighted.leave_out(six, clusters, CLASSES)
        rows = np.stack([clusters != k for k in range(clusters.max() + 1)])
        recomputed = weighted.score(six, rows, CLASSES)
        assert not left_out.fixed.all()
        free = ~np.isnan(left_out.per_class["iIoU"]).all(axis=0)
        np.testing.assert_allclose(
            left_out.per_class["iIoU"][:, free], recomputed.per_class["iIoU"][:, free], rtol=1e-12
        )
        if not left_out.fixed.any():
            for name in weighted.OVERALL:
                np.testing.assert_allclose(left_out[name], recomputed[name], rtol=1e-12)


def test_class_carried_by_two_images_keeps_its_plain_value() -> None:
    rows = {"image": [0, 1, 2, 3, 0, 1], "class": [13, 13, 13, 13, 11, 11], "fp": [0] * 6}
    rows |= {"instances": [1] * 6, "tp": [3.0, 1, 2, 2, 1, 2], "fn": [1.0, 1, 1, 1, 1, 0]}  # type: ignore[list-item]
    tables = {
        "weighted": {name: np.array(column) for name, column in rows.items()},
        "pixels": pixels.count(
            LabelMap(np.array([[0]], np.uint8)), LabelMap(np.array([[0]], np.uint8)), CLASSES
        ),
    }
    left_out = weighted.leave_out(tables, np.arange(4), CLASSES)
    cars = weighted.score(tables, 1 - np.eye(4), CLASSES).per_class["iIoU"][:, 13]
    assert [11] == np.flatnonzero(left_out.fixed).tolist()
    np.testing.assert_allclose(left_out["iIoU"], (cars + 0.75) / 2, rtol=1e-12)


def test_perfect_prediction_scores_one_and_truth_rows_hold_no_prediction() -> None:
    truth = LabelMap(np.array([[13, 13, 11, 0, 255]], np.uint8))
    ids = np.array([[5, 5, 9, 1, 0]], np.int32)
    segments = Segments(ids, np.array([1, 5, 9]), np.array([0, 13, 11]), np.zeros(3, bool))
    tables = {}
    for name, labels in (("perfect", [13, 13, 11, 0, 7]), ("poor", [0, 0, 0, 13, 13])):
        prediction = LabelMap(np.array([labels], np.uint8))
        tables[name] = {"pixels": pixels.count(truth, prediction, CLASSES)}
        tables[name] |= weighted.count(truth, segments, prediction, CLASSES, SIZES)
    assert [1.0, 1.0, 1.0] == [plain(tables["perfect"])[name][0] for name in weighted.OVERALL]
    rows = [weighted.truth_rows(tables[name]) for name in tables]
    assert {name: column.tolist() for name, column in rows[0].items()} == {
        name: column.tolist() for name, column in rows[1].items()
    }
    assert 0.0 == plain(tables["poor"])["iIoU"][0]
    assert 3 == rates.MIN_CARRIERS

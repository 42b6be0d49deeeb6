"""Comparisons of run records: plain loops, laws, refusals in words, and what many runs have in
common.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import small_runs
from oracles import swapping as swapping_oracle

from bench import comparison as comparing
from bench.comparison import compare, contrasts
from bench.errors import RunError, UsageError
from bench.families.contract.rules import Rules
from bench.metrics.regions import Plan
from bench.render import comparison
from bench.resample.permutation import Permutations
from bench.runs import Record, Run


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Three semantic runs on 40 images: `fine`, `coarse`, and `alike`, which is as good as
    `fine`.
    """
    out = tmp_path_factory.mktemp("runs")
    models = (("fine", 0.10), ("coarse", 0.16), ("alike", 0.10))
    return {
        name: small_runs.run(out, name, wrong, model=n) for n, (name, wrong) in enumerate(models)
    }


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    out = tmp_path_factory.mktemp("objects")
    models = (("sharp", 0.05), ("blind", 0.6))
    return [
        small_runs.run(out, name, wrong, task="instance", model=n, images=25)
        for n, (name, wrong) in enumerate(models)
    ]


def counted(run: Run, classes: int = 3) -> list[list[tuple[int, int, int]]]:
    """Per image and class the pixels of truth, of the prediction, and of both."""
    rows = [[[0, 0, 0] for _ in range(classes)] for _ in run.image_ids]
    table = run.tables["pixels"]
    for n, t, p, pixels in zip(
        *(table[name].tolist() for name in ("image", "truth", "predicted", "pixels")), strict=True
    ):
        rows[n][t][0] += pixels
        if p < classes:
            rows[n][p][1] += pixels
        if p == t:
            rows[n][t][2] += pixels
    return [[tuple(each) for each in image] for image in rows]  # type: ignore[misc]


@pytest.mark.parametrize("scenes", [None, 5])
def test_few_images_are_compared_as_plain_loops_do(tmp_path: Path, scenes: int | None) -> None:
    loops = swapping_oracle
    images = [small_runs.sample(n, scene=None if scenes is None else n % scenes) for n in range(9)]
    first, second = (
        small_runs.run(tmp_path, name, w, model=n, images=images)
        for n, (name, w) in enumerate((("a", 0.1), ("b", 0.13)))
    )
    clusters = list(range(9)) if scenes is None else [n % scenes for n in range(9)]
    pair = compare(first, second).pairs[0]
    tables = counted(first), counted(second)
    assert loops.exact_p(*tables, clusters) == pytest.approx(pair.effect.p_value, abs=1e-12)
    assert pair.effect.interval is not None
    assert loops.jackknife_error(*tables, clusters) == pytest.approx(
        pair.effect.interval.standard_error, rel=1e-9
    )
    worse = [[(t, p, max(h - 1, 0)) for t, p, h in image] for image in tables[1]]
    assert loops.jackknife_error(tables[0], worse, clusters) != pytest.approx(
        pair.effect.interval.standard_error, rel=1e-9
    )


def test_scores_and_difference_are_those_of_the_records(some: dict[str, Run]) -> None:
    found = compare(some["fine"], some["coarse"])
    values = [some[name].record.scores["semantic"]["mIoU"] for name in ("fine", "coarse")]
    assert [value["value"] for value in values] == found.scores.tolist()
    assert found.scores[0] - found.scores[1] == found.pairs[0].effect.difference
    for value, interval in zip(values, found.intervals, strict=True):
        assert interval is not None
        np.testing.assert_allclose(
            value["interval"], (max(interval.low, 0.0), min(interval.high, 1.0)), rtol=1e-12
        )


def test_a_large_difference_is_found_and_a_small_one_is_not(some: dict[str, Run]) -> None:
    large, small = (
        compare(some["fine"], some["coarse"]).pairs[0],
        compare(some["fine"], some["alike"]).pairs[0],
    )
    assert large.effect.differs(0.05)
    assert large.effect.interval is not None
    assert large.effect.interval.low > 0
    assert not small.effect.differs(0.05)
    assert large.wins is not None
    assert large.wins.first > large.wins.second
    assert 40 == large.wins.first + large.wins.second + large.wins.equal


def test_the_order_of_the_runs_only_turns_the_sign(some: dict[str, Run]) -> None:
    one = compare(some["fine"], some["alike"], by_class=True).pairs[0]
    other = compare(some["alike"], some["fine"], by_class=True).pairs[0]
    for a, b in zip(
        [one.effect, *one.classes.values()], [other.effect, *other.classes.values()], strict=True
    ):
        assert a.interval is not None
        assert b.interval is not None
        np.testing.assert_allclose(
            [a.difference, a.interval.low], [-b.difference, -b.interval.high], rtol=1e-12
        )
        assert a.p_value == b.p_value


def test_a_run_does_not_differ_from_itself(some: dict[str, Run]) -> None:
    found = compare(some["fine"], some["fine"])
    effect = found.pairs[0].effect
    assert (0.0, 1.0, False) == (effect.difference, effect.p_value, effect.differs(0.05))
    assert "a run is compared with itself" in found.notes
    assert len(set(found.names)) == 1


def test_the_same_comparison_gives_the_same_numbers_and_another_metric_other_ones(
    some: dict[str, Run],
) -> None:
    runs = some["fine"], some["alike"]
    assert compare(*runs).pairs[0].effect == compare(*runs).pairs[0].effect
    assert compare(*runs).pairs[0].effect != compare(*runs, metric="mDice").pairs[0].effect


def test_a_class_can_be_compared_alone(some: dict[str, Run]) -> None:
    runs = some["fine"], some["coarse"]
    alone = compare(*runs, metric="IoU:car").pairs[0]
    among = compare(*runs, by_class=True).pairs[0].classes["car"]
    assert (among.difference, among.interval, among.p_value) == (
        alone.effect.difference,
        alone.effect.interval,
        alone.effect.p_value,
    )
    assert among.corrected >= among.p_value
    assert alone.wins is not None


def test_a_third_run_does_not_change_the_p_value_of_a_pair_but_its_correction(
    some: dict[str, Run],
) -> None:
    two = compare(some["fine"], some["alike"]).pairs[0].effect
    three = compare(*some.values()).pairs[1].effect
    assert two.p_value == three.p_value
    assert three.corrected >= three.p_value


@pytest.mark.parametrize("correction", ["holm", "bh", "maxt"])
def test_many_runs_have_one_story(some: dict[str, Run], correction: Any) -> None:
    found = compare(*some.values(), correction=correction)
    assert [True, False, True] == found.best.tolist()
    assert ["a", "b", "a"] == list(found.letters)
    assert [[1, 2], [3, 3], [1, 2]] == found.ranks.tolist()
    np.testing.assert_allclose(found.rank_shares.sum(axis=1), 1)
    assert found.rank_shares[1, 2] > 0.95


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_other_intervals_on_request_are_near_the_default(some: dict[str, Run], method: Any) -> None:
    runs = some["fine"], some["coarse"]
    default, other = (
        compare(*runs, method=each).pairs[0].effect.interval for each in ("default", method)
    )
    assert default is not None
    assert other is not None
    assert "bootstrap" in other.method
    np.testing.assert_allclose([default.low, default.high], [other.low, other.high], atol=0.01)


def test_every_score_of_every_family_can_be_compared(tmp_path: Path) -> None:
    rules = Rules(families=("pixels", "boundary"), regions=Plan(trimaps=(2,)))
    runs = [
        small_runs.run(tmp_path, name, w, rules=rules, images=15)
        for name, w in (("a", 0.1), ("b", 0.3))
    ]
    for metric in ("mIoU@trimap-2px", "boundary_IoU", "fwIoU", "boundary_F_0.00088"):
        found = compare(*runs, metric=metric, by_class=True, permutations=300)
        assert runs[0].record.scores["semantic"][metric]["value"] == found.scores[0]
        assert found.pairs[0].effect.differs(0.05), metric
    panoptic = [
        small_runs.run(tmp_path, name, w, task="panoptic", images=15)
        for name, w in (("a", 0.1), ("b", 0.3))
    ]
    assert "PQ" == compare(*panoptic, permutations=300).metric


def test_average_precision_is_swapped_by_ranks(objects: list[Run]) -> None:
    found = compare(*objects)
    assert "AP" == found.metric
    assert found.pairs[0].effect.differs(0.05)
    assert found.pairs[0].wins is None
    table = objects[0].tables["mask_detections"]
    stretched = {**table, "score": np.exp(5 * table["score"].astype(np.float64)) - 7}
    changed = replace(objects[0], tables={**objects[0].tables, "mask_detections": stretched})
    assert found.pairs[0].effect == compare(changed, objects[1]).pairs[0].effect


def test_swapping_a_cluster_exchanges_the_rows_of_its_images(some: dict[str, Run]) -> None:
    first, second = some["fine"].tables, some["coarse"].tables
    asked = contrasts.find_metric([some["fine"], some["coarse"]], "mIoU")
    clusters = np.arange(40) // 8
    rows = np.array([[False] * 5, [False, True, False, False, True], [True] * 5])
    found = contrasts.permuted(
        asked, (first, second), Permutations(rows, exact=False), clusters, by_class=True
    )
    for row, differences in zip(rows, found, strict=True):
        mixed = []
        for own, other in ((first, second), (second, first)):
            parts = [(own["pixels"], ~row), (other["pixels"], row)]
            kept = [
                {name: column[which[clusters[part["image"]]]] for name, column in part.items()}
                for part, which in parts
            ]
            table = {name: np.concatenate([part[name] for part in kept]) for name in kept[0]}
            mixed.append(contrasts.plain(asked, {**own, "pixels": table}, by_class=True))
        np.testing.assert_allclose(mixed[0] - mixed[1], differences, rtol=0, atol=1e-14)
    assert not np.allclose(found[0], found[1], rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", ["some", "objects"])
def test_a_stack_of_two_runs_scores_each_as_it_is(
    kind: str, request: pytest.FixtureRequest
) -> None:
    runs = request.getfixturevalue(kind)
    first, second = list(runs.values())[:2] if isinstance(runs, dict) else runs
    asked = contrasts.find_metric([first, second], None)
    both = contrasts.stacked((first.tables, second.tables), asked.family.tables)
    images = len(first.image_ids)
    weights = np.zeros((2, images, 2))
    weights[0, :, 0] = weights[1, :, 1] = 1
    scores = asked.select(
        asked.family.score(both, weights.reshape(2, -1), asked.classes, asked.options),
        by_class=True,
    )
    expected = [contrasts.plain(asked, run.tables, by_class=True) for run in (first, second)]
    np.testing.assert_array_equal(expected, scores)


def test_blocks_of_rows_change_nothing(
    some: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = some["fine"], some["alike"]
    whole = compare(*runs, by_class=True, permutations=500).pairs[0]
    monkeypatch.setattr(contrasts, "BYTES", 8 * 4 * 40 * 7)
    cut = compare(*runs, by_class=True, permutations=500).pairs[0]
    assert (whole.effect, whole.classes) == (cut.effect, cut.classes)


def test_other_images_are_refused_and_compared_on_request(
    some: dict[str, Run], tmp_path: Path
) -> None:
    fewer = small_runs.run(
        tmp_path, "fewer", 0.16, model=1, images=[small_runs.sample(n) for n in range(30, 4, -1)]
    )
    with pytest.raises(
        RunError, match=r"different ground truth .* only in fine: image000.*--common-images"
    ):
        compare(some["fine"], fewer)
    found = compare(some["fine"], fewer, common_images=True)
    assert (26, 26) == (found.images, found.clusters)
    assert any("26 images that all runs have (they have 40, 26)" in note for note in found.notes)
    same = [
        small_runs.run(
            tmp_path / "x", n, w, model=m, images=[small_runs.sample(k) for k in range(5, 31)]
        )
        for n, w, m in (("p", 0.1, 0), ("q", 0.16, 1))
    ]
    np.testing.assert_array_equal(compare(*same).scores, found.scores)
    assert compare(*same).pairs[0].effect == found.pairs[0].effect


def test_another_order_of_the_images_is_refused_with_the_remedy(
    some: dict[str, Run], tmp_path: Path
) -> None:
    turned = small_runs.run(
        tmp_path, "turned", 0.1, images=[small_runs.sample(n) for n in reversed(range(40))]
    )
    with pytest.raises(RunError, match="in different orders; --common-images"):
        compare(some["fine"], turned)
    assert 0.0 == compare(some["fine"], turned, common_images=True).pairs[0].effect.difference


def test_another_truth_is_refused_with_the_images_named(
    some: dict[str, Run], tmp_path: Path
) -> None:
    samples = [small_runs.sample(n, other_truth=n in (3, 17)) for n in range(40)]
    other = small_runs.run(tmp_path, "other", 0.1, images=samples)
    for common in (False, True):
        with pytest.raises(RunError, match="the ground truth differs in image003, image017"):
            compare(some["fine"], other, common_images=common)


def test_other_rules_are_refused_with_the_difference_in_words(
    some: dict[str, Run], tmp_path: Path
) -> None:
    regions = small_runs.run(tmp_path, "regions", 0.1, rules=Rules(regions=Plan(trimaps=(1,))))
    with pytest.raises(RunError, match=r"different rules .*regions: only in regions: trimap-1px"):
        compare(some["fine"], regions)
    classes = small_runs.run(
        tmp_path, "classes", 0.1, card=small_runs.CARD.replace("sky", "heaven")
    )
    with pytest.raises(RunError, match="classes: only in fine: sky, only in classes: heaven"):
        compare(some["fine"], classes)


def test_runs_of_different_tasks_are_refused(some: dict[str, Run], objects: list[Run]) -> None:
    with pytest.raises(RunError, match=r"fine: pixels; sharp: instance"):
        compare(some["fine"], objects[0])


def test_the_table_of_classes_is_made_once_for_all_names(
    some: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took longer than all else for the 1 203 classes of LVIS, each of which had all of them
    made.
    """
    looks, whole = [], Record.classes.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(
        Record,
        "classes",
        property(lambda record: looks.append(1) or whole(record)),  # type: ignore[redundant-expr]
    )
    contrasts.find_metric(list(some.values()), "IoU:car")
    assert [1] == looks


def test_wrong_use_is_told(some: dict[str, Run]) -> None:
    with pytest.raises(UsageError, match="needs at least two runs"):
        compare(some["fine"])
    with pytest.raises(UsageError, match="did you mean mIoU"):
        compare(some["fine"], some["coarse"], metric="mIuO")
    with pytest.raises(UsageError, match="between 0 and 1"):
        compare(some["fine"], some["coarse"], alpha=5)


def test_few_clusters_are_told(tmp_path: Path) -> None:
    images = [small_runs.sample(n, scene=n % 3) for n in range(12)]
    runs = [
        small_runs.run(tmp_path, name, w, images=images) for name, w in (("a", 0.05), ("b", 0.3))
    ]
    found = compare(*runs)
    assert (3, 4, True) == (found.clusters, found.permutations, found.exact)
    assert any(
        "with 3 clusters of images the smallest possible p-value is 0.25" in note
        for note in found.notes
    )
    lonely = [
        small_runs.run(
            tmp_path / "x", name, w, images=[small_runs.sample(n, scene=0) for n in range(12)]
        )
        for name, w in (("a", 0.05), ("b", 0.3))
    ]
    effect = compare(*lonely).pairs[0].effect
    assert effect.interval is None
    assert np.isnan(effect.p_value)
    assert not effect.differs(0.05)


def test_runs_of_one_name_are_told_apart(some: dict[str, Run], tmp_path: Path) -> None:
    twin = small_runs.run(tmp_path, "fine", 0.2, model=9)
    names = comparing.labels_of([some["fine"], twin, some["coarse"]])
    assert "coarse" == names[2]
    assert len(set(names)) == 3
    assert names[1] == f"fine ({twin.record.id[:6]})"


def test_the_lower_error_is_better(some: dict[str, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    small_runs.declare_lower_better(monkeypatch)
    found = compare(*some.values(), permutations=500)
    assert found.lower_is_better
    assert [False, True, False] == found.best.tolist()
    assert [[2, 3], [1, 1], [2, 3]] == found.ranks.tolist()
    assert found.rank_shares[1, 0] > 0.95
    assert (
        "coarse has the lowest score; it is significantly better than all others."
        == comparison.verdict(found)[0]
    )
    assert comparison.verdict(found)[1].startswith("coarse beats fine by ")


def test_scores_of_boxes_are_told_from_those_of_masks(tmp_path: Path) -> None:
    rules = Rules(families=("instance", "boxes"))
    runs = [
        small_runs.run(tmp_path, n, w, task="instance", rules=rules, images=12)
        for n, w in (("a", 0.1), ("b", 0.5))
    ]
    for metric, group in ((None, "instance"), ("AP", "instance"), ("box_AP", "boxes")):
        found = compare(*runs, metric=metric, permutations=100)
        assert runs[0].record.scores[group]["AP"]["value"] == found.scores[0]
        assert (metric or "AP") == found.metric


@pytest.mark.parametrize("metric", ["AP", "AP50", "APm", "AR10"])
def test_one_score_of_objects_alone_is_to_the_bit_that_of_all(
    objects: list[Run], monkeypatch: pytest.MonkeyPatch, metric: str
) -> None:
    pair = objects[:2]
    alone = compare(*pair, metric=metric, by_class=True, permutations=200).pairs[0]
    asked = []

    def everything(query: contrasts.MetricQuery, tables: Any, weights: Any) -> Any:
        asked.append(query.metric)
        return query.family.score(tables, weights, query.classes, query.options)

    monkeypatch.setattr(contrasts, "_score", everything)
    whole = compare(*pair, metric=metric, by_class=True, permutations=200).pairs[0]
    assert metric in asked
    np.testing.assert_equal(vars(whole.effect), vars(alone.effect))
    np.testing.assert_equal(vars(whole.classes["car"]), vars(alone.classes["car"]))


def test_runs_on_other_splits_are_refused_by_the_names_of_these(
    some: dict[str, Run], tmp_path: Path
) -> None:
    def on_split(split: str, run: Run) -> Run:
        dataset = msgspec.structs.replace(run.record.dataset, split=split)
        return replace(run, record=msgspec.structs.replace(run.record, dataset=dataset))

    later = on_split(
        "test",
        small_runs.run(
            tmp_path, "later", 0.1, images=[small_runs.sample(n) for n in range(30, 50)]
        ),
    )
    with pytest.raises(RunError) as caught:
        compare(some["fine"], later)
    assert "fine is a run on Blocks val, later on Blocks test: they cannot be compared" in str(
        caught.value
    )
    assert "10 images are in both: --common-images compares on these" in str(caught.value)
    assert 10 == compare(some["fine"], later, common_images=True).images
    apart = on_split(
        "test",
        small_runs.run(
            tmp_path, "apart", 0.1, images=[small_runs.sample(n) for n in range(60, 70)]
        ),
    )
    with pytest.raises(RunError, match=r"apart on Blocks test: they cannot be compared$"):
        compare(some["fine"], apart)
    # One split under two names: the digests agree, and so nothing keeps the runs apart.
    assert 40 == compare(some["fine"], on_split("minival", some["coarse"])).images

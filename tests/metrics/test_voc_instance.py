"""AP^r of SDS in both forms: equal to plain loops, where the forms differ, and the laws of
weights.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oracles import voc_sds as voc_sds_oracle

from bench import cards, cli, formats, masks
from bench.classes import Class, Classes
from bench.metrics import instance, voc_instance
from bench.samples import Instances, LabelMap, Sample, Truth

Array = np.ndarray[Any, Any]
FORMS: tuple[voc_instance.Form, ...] = ("2014", "2015")
CLASSES = Classes(tuple(Class(id=k + 1, name=str(k + 1), train_id=k) for k in range(3)))
H, W = 30, 40


def blob(random: np.random.Generator) -> Array:
    mask = np.zeros((H, W), dtype=bool)
    top, left = random.integers(0, (H - 6, W - 6))
    tall, wide = random.integers(4, 20, 2)
    mask[top : top + tall, left : left + wide] = True
    return mask


def generated(seed: int, images: int = 4) -> tuple[list[Any], list[Any]]:
    """Objects and detections of some images; one without truth, some without detections."""
    random = np.random.default_rng(seed)
    truths: list[Any] = []
    found: list[Any] = []
    for n in range(images):
        true = (
            []
            if n == 1
            else [
                (blob(random), int(random.integers(2))) for _ in range(int(random.integers(1, 6)))
            ]
        )
        guessed = [
            (blob(random), int(random.integers(3)), float(random.integers(1, 9)) / 8)
            for _ in range(2)
        ]
        for mask, owner in true:
            for _ in range(int(random.integers(0, 3))):
                moved = np.roll(mask, random.integers(-2, 3, 2), axis=(0, 1))
                guessed.append((moved, owner, float(random.integers(1, 9)) / 8))
        truths.append(true)
        found.append(guessed if n != 2 else [])
    return truths, found


def objects(entries: list[Any]) -> Instances:
    rles = [masks.encode(entry[0]) for entry in entries]
    return Instances(
        size=(H, W),
        classes=np.array([entry[1] for entry in entries], dtype=int),
        rles=rles,
        areas=masks.areas(rles),
        boxes=masks.boxes(rles),
        scores=np.array([entry[2] if len(entry) > 2 else 1.0 for entry in entries], dtype=float),
    )


def tables(truths: list[Any], found: list[Any], form: voc_instance.Form) -> dict[str, Any]:
    columns = instance.columns(
        [objects(each) for each in truths], [objects(each) for each in found]
    )
    return voc_instance.count(*columns, form=form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(12))
def test_scores_equal_the_plain_loops(seed: int, form: voc_instance.Form) -> None:
    truths, found = generated(seed)
    expected = voc_sds_oracle.score(truths, found, 3, form)
    scores = voc_instance.score(tables(truths, found, form), np.ones((1, 4)), CLASSES, form=form)
    np.testing.assert_allclose(scores.per_class["AP50"][0], expected[0.5], rtol=1e-12)
    if form == "2014":
        volume = np.mean(list(expected.values()), axis=0)
        np.testing.assert_allclose(scores.per_class["APvol"][0], volume, rtol=1e-12)
        np.testing.assert_allclose(scores["APvol"][0], np.nanmean(volume), rtol=1e-12)
    else:
        np.testing.assert_allclose(scores.per_class["AP70"][0], expected[0.7], rtol=1e-12)
    np.testing.assert_allclose(scores["AP50"][0], np.nanmean(expected[0.5]), rtol=1e-12)


def test_comparison_fails_where_an_object_is_moved() -> None:
    truths, found = generated(0)
    expected = voc_sds_oracle.score(truths, found, 3, "2014")
    truths[0] = [(np.roll(mask, 9, axis=0), owner) for mask, owner in truths[0]]
    scores = voc_instance.score(tables(truths, found, "2014"), np.ones((1, 4)), CLASSES)
    assert not np.allclose(scores.per_class["AP50"][0], expected[0.5], equal_nan=True)


def test_second_choice_in_2014_and_none_in_2015() -> None:
    """The second detection overlaps the taken object by .6 and the free one by .55."""
    overlaps = [[0.9, 0.3], [0.6, 0.55]]
    plain = voc_sds_oracle.hits
    assert [True, True] == plain(overlaps, 0.5, "2014")
    assert [True, False] == plain(overlaps, 0.5, "2015")
    spans = np.array([[0, 2, 0, 2]], np.int64)
    for match, expected in ((voc_instance._match_2014, [1, 1]), (voc_instance._match_2015, [1, 0])):
        assert expected == match(np.array(overlaps).reshape(-1), spans, np.array([0.5]))[0].tolist()


def test_an_overlap_equal_to_the_threshold() -> None:
    assert [[False], [True]] == [voc_sds_oracle.hits([[0.5]], 0.5, form) for form in FORMS]
    arguments = np.array([0.5]), np.array([[0, 1, 0, 1]], np.int64), np.array([0.5])
    assert [0] == voc_instance._match_2014(*arguments)[0].tolist()
    assert [1] == voc_instance._match_2015(*arguments)[0].tolist()


def test_false_positives_in_images_without_truth_count() -> None:
    """The script of 2014 loses them; a mistake of the script, not a rule."""
    mask = np.zeros((H, W), dtype=bool)
    mask[:9, :9] = True
    truths, right, wrong = (
        [[(mask, 0)], []],
        [[(mask, 0, 0.5)], []],
        [[(mask, 0, 0.5)], [(mask, 0, 0.9)]],
    )
    for found, expected in ((right, 1.0), (wrong, 0.5)):
        for form in FORMS:
            scores = voc_instance.score(
                tables(truths, found, form), np.ones((1, 2)), CLASSES, form=form
            )
            assert expected == pytest.approx(scores["AP50"][0])


@pytest.mark.parametrize("form", FORMS)
def test_whole_weights_equal_repeated_images(form: voc_instance.Form) -> None:
    truths, found = generated(6)
    random = np.random.default_rng(6)
    found = [[(m, k, s + random.random()) for m, k, s in each] for each in found]
    times = [2, 1, 0, 3]
    scores = voc_instance.score(tables(truths, found, form), np.array([times]), CLASSES, form=form)
    again = [
        [each[n] for n, count in enumerate(times) for _ in range(count)] for each in (truths, found)
    ]
    repeated = voc_instance.score(
        tables(*again, form),  # type: ignore[arg-type, call-arg]
        np.ones((1, sum(times))),
        CLASSES,
        form=form,
    )
    for name in voc_instance.OVERALL[form]:
        np.testing.assert_allclose(scores[name], repeated[name], rtol=1e-12)


def test_truth_rows_do_not_depend_on_results() -> None:
    truths, found = generated(8, images=6)
    counted = tables(truths, found, "2015")
    other = tables(truths, [[] for _ in found], "2015")
    assert (
        voc_instance.truth_rows(counted)["objects"].tolist()
        == voc_instance.truth_rows(other)["objects"].tolist()
    )


def written(folder: Path, truths: list[Any], found: list[Any]) -> cards.Card:
    """The objects as VOC's files and as results, for the classes aeroplane, bicycle and bird."""
    card, samples = cards.load_card("voc2012"), []
    layout = formats.layout(card)
    for n, true in enumerate(truths):
        labels = np.zeros((H, W), dtype=np.uint8)
        for mask, owner in true:
            labels[mask] = owner + 1
        instances = replace(
            objects(true),
            classes=np.array([owner + 1 for _, owner in true], dtype=int),
            scores=None,
        )
        truth = Truth(lambda labels=labels: LabelMap(labels), lambda instances=instances: instances)  # type: ignore[misc]
        picture = np.zeros((H, W, 3), np.uint8)
        samples.append(Sample(f"2007_{n:06}", truth, read_image=lambda picture=picture: picture))  # type: ignore[misc]
    layout.write_truth(card, folder, "val", samples)
    guessed = [
        replace(objects(each), classes=np.array([k + 1 for _, k, _ in each], dtype=int))
        for each in found
    ]
    layout.write_predictions(card, folder, "instance", zip(samples, guessed, strict=True))
    return card


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("numbered", [False, True])
def test_command_line_agrees_with_the_plain_loops(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: voc_instance.Form, *, numbered: bool
) -> None:
    truths, found = generated(3)
    for n, true in enumerate(
        truths
    ):  # of objects that lie over one another a map of VOC shows the uppermost
        whole = np.zeros((H, W), dtype=int)
        for place, (mask, _) in enumerate(true, start=1):
            whole[mask] = place
        truths[n] = [
            (whole == p, k) for p, (_, k) in enumerate(true, start=1) if (whole == p).any()
        ]
    written(tmp_path, truths, found)
    if numbered:
        results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
        renamed = [
            {**result, "image_id": int(result["image_id"].replace("_", ""))} for result in results
        ]
        (tmp_path / "results.json").write_text(json.dumps(renamed), encoding="utf-8")
    asked = [
        "--predictions",
        str(tmp_path / "results.json"),
        "--out",
        str(tmp_path / "runs"),
        "--json",
    ]
    more = [
        "--dataset",
        "voc2012",
        "--data",
        str(tmp_path),
        "--metrics",
        "voc_AP50",
        "--voc-form",
        form,
    ]
    assert 0 == cli.main(["eval", *asked, *more, "--interval", "none"])
    group = json.loads(capsys.readouterr().out)["scores"]["voc_instance"]
    expected = voc_sds_oracle.score(truths, found, 3, form)
    assert np.nanmean(expected[0.5]) == pytest.approx(group["AP50"]["value"], rel=1e-12)
    name, mean = ("APvol", list(expected.values())) if form == "2014" else ("AP70", [expected[0.7]])
    assert np.nanmean(np.mean(mean, axis=0)) == pytest.approx(group[name]["value"], rel=1e-12)

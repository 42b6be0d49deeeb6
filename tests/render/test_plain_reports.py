"""Sentences of reports that once misled: numbers that say nothing, words of another score, commands
that fail.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import small_runs
from PIL import Image

from bench import boards, cli, runs
from bench.boards import board_file
from bench.cli import evaluating, options
from bench.comparison import compare
from bench.families.contract.rules import Rules
from bench.metrics.regions import Plan, fits
from bench.render import comparison, terminal
from bench.render.board import terminal as board_terminal
from bench.runs import Run, circumstances

CARD = """
name = "mine"
title = "Mine"
layout = "pairs"
tasks = ["semantic"]
licence = "none"
cite = "none"
obtain = "made by the test"
splits = { val = {} }
files = { images = "{id}.jpg", labels = "masks/{id}.png" }
classes = [{ id = 0, name = "road", train_id = 0 }, { id = 1, name = "car", train_id = 1 }]
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    out = tmp_path_factory.mktemp("runs")
    return small_runs.run(out, "fine", 0.1), small_runs.run(out, "coarse", 0.3, model=1)


def remade(run: Run, **changes: Any) -> Run:
    return replace(run, record=msgspec.structs.replace(run.record, **changes))


# ---- speed


@pytest.mark.parametrize(
    ("kind", "seconds", "shown"),
    [("model", 2.0, True), ("model", 0.5, False), ("predictions", 2.0, False)],
)
def test_speed_is_that_of_a_model_that_took_a_second(
    pair: tuple[Run, Run], kind: str, seconds: float, shown: bool
) -> None:
    timings = {"seconds": seconds, "images_per_second": 6.5}
    run = remade(pair[0], timings=timings, model={"kind": kind})
    assert shown == ("images/s" in terminal.run_table(run))


# ---- one image, one cluster


def test_one_image_is_no_images_and_has_no_interval(tmp_path: Path) -> None:
    run = small_runs.run(tmp_path, "single", 0.1, images=1)
    told = terminal.run_table(run)
    assert "single on Blocks val: 1 image\n" in told
    assert "Note: one image: there are no intervals." in told
    assert "narrower" not in told
    assert "1 images" not in told
    assert "too many for an interval" not in told


def test_where_there_are_no_intervals_none_is_called_narrow(tmp_path: Path) -> None:
    images = [small_runs.sample(n, scene=0) for n in range(3)]
    codes = {
        each.code: each.message
        for each in small_runs.run(tmp_path, "one", 0.1, images=images).record.warnings
    }
    assert "all images belong to one cluster: there are no intervals" == codes["one-cluster"]
    assert "few-images" not in codes
    assert "few-images" in {
        each.code for each in small_runs.run(tmp_path, "three", 0.1, images=3).record.warnings
    }


# ---- degrees of freedom


def test_degrees_of_freedom_are_those_of_the_score_they_name(pair: tuple[Run, Run]) -> None:
    method = pair[0].record.protocol["intervals"]["methods"]["semantic"]
    assert "mIoU" == method["score"]
    assert f"({method['degrees_of_freedom']:.1f} for mIoU)" in " ".join(
        terminal.run_table(pair[0]).split()
    )
    found = compare(*pair, metric="mIoU")
    interval = found.pairs[0].effect.interval
    assert interval is not None
    assert f"({interval.degrees_of_freedom:.1f} for mIoU)" in " ".join(
        comparison.report(found).split()
    )


def test_pairs_of_other_degrees_of_freedom_are_told_as_a_range(
    tmp_path: Path, pair: tuple[Run, Run]
) -> None:
    found = compare(*pair, small_runs.run(tmp_path, "third", 0.6, model=2))

    def with_freedom(each: Any, freedom: float) -> Any:
        interval = replace(each.effect.interval, degrees_of_freedom=freedom)
        return replace(each, effect=replace(each.effect, interval=interval))

    pairs = tuple(
        with_freedom(each, freedom)
        for each, freedom in zip(found.pairs, (9.0, 2.5, 7.0), strict=True)
    )
    assert "(2.5 to 9.0 for mIoU)" in " ".join(
        comparison.report(replace(found, pairs=pairs)).split()
    )


def test_records_of_earlier_versions_name_no_score(pair: tuple[Run, Run]) -> None:
    protocol = json.loads(json.dumps(pair[0].record.protocol))
    del protocol["intervals"]["methods"]["semantic"]["score"]
    assert " for mIoU)" not in terminal.run_table(remade(pair[0], protocol=protocol))


# ---- comparisons


def test_settings_that_a_run_does_not_have_are_not_printed(pair: tuple[Run, Run]) -> None:
    first = remade(pair[0], settings={"label_space": "ids", "resize": "no"})
    second = remade(pair[1], settings={"device": "cpu", "batch_size": 4, "amp": None})
    told = comparison.report(compare(first, second))
    assert "label_space ids, resize no" in told
    assert "device cpu, batch_size 4" in told
    assert "None" not in told


def test_classes_come_by_their_difference_with_their_share_of_it(pair: tuple[Run, Run]) -> None:
    found = compare(*pair, by_class=True)
    told = comparison.report(found)
    (only,) = found.pairs
    wanted = sorted(only.classes, key=lambda label: -abs(only.classes[label].difference))
    table = told[told.index("\nclass ") :].splitlines()[2:5]
    assert wanted == [line.split()[0] for line in table]
    assert sum(only.shares.values()) == pytest.approx(only.effect.difference, abs=1e-12)
    assert f"{100 * only.shares[wanted[0]]:+.2f}" in table[0]
    assert "share: the points that a class contributes to the difference in mIoU" in told
    assert "the p-value decides" in " ".join(told.split())
    content = found.to_dict()["pairs"][0]["per_class"]
    assert only.shares == {label: entry["share"] for label, entry in content.items()}


def test_scores_that_are_no_mean_of_classes_have_no_shares(pair: tuple[Run, Run]) -> None:
    found = compare(*pair, metric="mIoU", by_class=True).pairs[0]
    other = replace(found, effect=replace(found.effect, difference=found.effect.difference + 0.01))
    assert {} == other.shares
    assert {} == replace(found, classes={}).shares


# ---- boards


def test_boards_speak_of_what_they_show(tmp_path: Path) -> None:
    (tmp_path / "board.toml").write_text(
        'title = "T"\ndataset = "blocks.toml"\nsplit = "val"\nmetrics = ["mIoU"]\nprimary = '
        '"mIoU"\n'
    )
    (tmp_path / "blocks.toml").write_text(small_runs.CARD)
    (tmp_path / "published.csv").write_text("name,source,mIoU\nold,a paper,61.2\n")
    for n, name in enumerate(("one", "two")):
        run = small_runs.run(tmp_path / "out", name, 0.1, model=n)
        board_file.add(board_file.read(tmp_path), run)
    table = boards.table(board_file.read(tmp_path))
    assert any("no bold" in remark for remark in table.remarks)
    shown = board_terminal.render(table)
    assert "bold" not in shown.casefold()
    assert "Star: not significantly worse" in shown
    assert "no test and no stars" in shown


def test_devices_of_one_name_are_named_once(pair: tuple[Run, Run]) -> None:
    def record(device: str, threads: int | None) -> runs.Record:
        return remade(pair[0], timings={"cost": {"device": device, "threads": threads}}).record

    records = [
        record("AMD EPYC", 2),
        record("AMD EPYC ", 8),
        record("AMD EPYC", 2),
        record("H200", None),
    ]
    assert ["AMD EPYC, 2 and 8 threads", "H200"] == circumstances.devices(records)
    assert ["AMD EPYC, 1 thread"] == circumstances.devices([record("AMD EPYC", 1)])


# ---- what to do next


@pytest.fixture
def place(tmp_path: Path) -> list[str]:
    """Three images of a data set of one's own, with predictions; the words that evaluate them."""
    folder = tmp_path / "my data"
    (folder / "masks").mkdir(parents=True)
    (folder / "found").mkdir()
    (folder / "card.toml").write_text(CARD)
    for n in range(3):
        labels = np.random.default_rng(n).integers(0, 2, (48, 64)).astype(np.uint8)
        Image.fromarray(labels).save(folder / "masks" / f"{n}.png")
        Image.fromarray(1 - labels if n else labels).save(folder / "found" / f"{n}.png")
    where = ["--dataset", folder / "card.toml", "--data", folder, "--out", tmp_path / "runs"]
    return ["eval", "--predictions", str(folder / "found"), *map(str, where)]


def said(capsys: pytest.CaptureFixture[str], words: list[str], code: int = 0) -> str:
    found = cli.main(words)
    out = capsys.readouterr()
    assert code == found, out.err
    return out.err if code else out.out


def proposed(text: str) -> list[list[str]]:
    """The commands below `next`, as a shell reads them."""
    lines = text[text.index("\nnext") + len("\nnext") :].strip().splitlines()
    return [shlex.split(line) for line in lines]


def test_every_command_that_is_proposed_works(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Scored alone; then against the baseline that is proposed; then as the comparison that is
    proposed of both.
    """
    first = proposed(said(capsys, [*place, "--limit", "2", "--classes-in", "all"]))
    assert ["bench", "eval", "--predictions", "baseline:shuffled"] == first[1][:4]
    assert ["--limit", "2"] == first[1][first[1].index("--limit") :][:2]
    assert "--classes-in" in first[1]
    second = proposed(said(capsys, first[1][1:]))
    assert ["bench", "compare"] == second[1][:2]
    assert "cannot be compared" not in said(capsys, second[1][1:])
    for words in (first[0], second[0]):
        if "--per-image" in words:
            words[-1] = str(Path(place[2]).parent / words[-1])
        said(capsys, words[1:])


def test_a_run_is_not_compared_with_itself(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same predictions under other rules of scoring are another record, and no other run."""
    said(capsys, [*place, "--interval", "none"])
    assert "bench compare" not in said(
        capsys, [*place, "--classes-in", "all", "--interval", "none"]
    )


def test_a_baseline_alone_proposes_no_other_one(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    place[2] = "baseline:shuffled"
    assert 1 == len(proposed(said(capsys, place)))


def test_no_baseline_is_proposed_where_there_is_none() -> None:
    def suggested(task: str, images: int, metrics: str = "default") -> str:
        scoring = options.ScoringOptions(metrics=metrics)
        words = ["--dataset", "a.toml"]
        data, records = options.DataOptions(limit=3), options.RecordOptions()
        return evaluating.shuffled_command(words, data, scoring, records, task=task, images=images)

    expected = "bench eval --predictions baseline:shuffled --dataset a.toml --limit 3"
    assert expected == suggested("semantic", 2)
    assert "" == suggested("instance", 2) == suggested("semantic", 1)
    assert "" == suggested("semantic", 2, "mIoU,ECE")


# ---- crops that do not fit


def test_crops_that_fit_are_scored_and_the_others_are_told(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads(said(capsys, [*place, "--regions", "crops", "--json"]))
    (told,) = [each["message"] for each in record["warnings"] if each["code"] == "crops-left-out"]
    assert (
        "some crops cut too much from these images: crop-300, crop-400: nothing is left of any "
        "image, so there is no score"
    ) == told
    scores = record["scores"]["semantic"]
    assert scores["mIoU@crop-200"]["value"] is not None
    assert scores["mIoU@crop-300"] == {"value": None, "interval": None, "level": 0.95}
    assert "crop-300  " not in said(capsys, ["show", record["path"]])


def test_images_too_narrow_for_a_crop_are_counted(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("masks", "found"):
        Image.fromarray(np.zeros((64, 48), np.uint8)).save(Path(place[2]).parent / part / "1.png")
    record = json.loads(said(capsys, [*place, "--regions", "crops=100:200", "--json"]))
    (told,) = [each["message"] for each in record["warnings"] if each["code"] == "crops-left-out"]
    assert told.endswith("crop-200 leaves nothing of 1 of 3 images and is scored on the others")


def test_crops_of_which_none_fits_are_refused_with_the_sizes(
    place: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.zeros((64, 48), np.uint8)).save(Path(place[2]).parent / "masks" / "1.png")
    message = said(capsys, [*place, "--regions", "crops=300:400"], code=2)
    assert (
        "--regions crops=300:400: no factor leaves a pixel of an image of 48x64 to 64x48 pixels"
        in message
    )
    assert not (Path(place[2]).parents[1] / "runs").exists()


def test_a_crop_fits_where_something_is_left() -> None:
    for factor in (0, 100, 290, 292, 400):
        for size in ((375, 500), (500, 375), (20, 20), (1, 1), (1024, 2048)):
            try:
                regions_window(factor, size)
            except ValueError:
                assert not fits(factor, size)
            else:
                assert fits(factor, size)
    assert (1, 2) == Plan(crops=(0, 1, 2)).cutting
    assert (0, 1) == Plan(crops=(0, 1), crop0="base").cutting


def regions_window(factor: int, size: tuple[int, int]) -> None:
    """What is left by the plain rule; ValueError where nothing is."""
    above, below, side = (
        int(np.floor(cut * size[0] / 1024 + 0.5))
        for cut in (factor, 100 + factor, 100 + 2 * factor)
    )
    if above + below >= size[0] or 2 * side >= size[1]:
        raise ValueError


def test_an_interval_of_all_images_is_not_asked_of_one(tmp_path: Path) -> None:
    run = small_runs.run(tmp_path, "x", 0.1, images=2, rules=Rules(interval="none"))
    assert [] == [
        each.code for each in run.record.warnings if each.code in ("few-images", "one-cluster")
    ]

"""A loop in Python gives what the command gives: the same counts, clusters, scores, intervals and
records.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import drive_data
import numpy as np
import pytest

import bench
from bench import cli
from bench.comparison import compare
from bench.errors import DataError, PredictionError, RunError, UsageError
from bench.evaluation.result import Result
from bench.runs import Run
from bench.runs.circumstances import inference_text

TASKS = ("semantic", "instance", "panoptic")


@pytest.fixture(scope="module")
def drives(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return drive_data.write(tmp_path_factory.mktemp("drives"))


@pytest.fixture(scope="module")
def recorded(drives: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """A function from a task to the record that `bench eval` writes."""
    out, found = tmp_path_factory.mktemp("runs"), dict[str, Run]()

    def record(task: str) -> Run:
        if task not in found:
            words = [
                "-p",
                drives.stored(task),
                "-d",
                drives.card,
                "--data",
                drives.root,
                "--task",
                task,
            ]
            words += ["--out", out / task, "--name", "stored"]
            assert 0 == cli.main(["eval", *map(str, words)])
            found[task] = bench.read_run(str(out / task))
        return found[task]

    return record


def looped(drives: Any, task: str, **options: Any) -> bench.Evaluator:
    """What a loop counts that has arrays alone, and goes backwards."""
    evaluator = bench.Evaluator(drives.card, task=task, **options)
    for sample in reversed(drives.samples):
        found = drives.predicted[task][sample.id]
        evaluator.update(truth=drives.truth(task, sample), prediction=found, id=sample.id)
    return evaluator


def added(drives: Any, task: str) -> bench.Evaluator:
    """What a loop counts that has opened the data set."""
    evaluator = bench.Evaluator(drives.card, task=task)
    for sample in drives.samples:
        evaluator.add(sample, drives.predicted[task][sample.id])
    return evaluator


FOLDED = ("unscored_labels", "label")
"""Which label it was that is not scored: train ids have one number for all of them."""


def require_same(run: Run, result: Result, tables: Any, but: tuple[str, str] = ("", "")) -> None:
    """The scores, the intervals and all counts are those of the record, to the bit."""
    assert tables.keys() == run.tables.keys()
    for table, columns in run.tables.items():
        for name, column in columns.items():
            if (table, name) == but:
                continue
            assert np.array_equal(
                column, tables[table][name], equal_nan=column.dtype.kind == "f"
            ), (table, name)
    for group, entries in run.record.scores.items():
        for name, entry in entries.items():
            if isinstance(entry, dict) and "value" in entry:
                key = (
                    name
                    if result.scored.groups[group].get(name) is result._entries.get(name)
                    else f"{group}/{name}"
                )
                ours = result.intervals[key]
                assert entry["value"] == (
                    None if np.isnan(result.scores[key]) else result.scores[key]
                )
                assert entry["interval"] == (None if ours is None else list(ours))


@pytest.mark.parametrize("task", TASKS)
def test_loop_evaluate_and_command_are_one(
    drives: Any, recorded: Callable[[str], Run], task: str
) -> None:
    run = recorded(task)
    assert {"alpha#0", "alpha#1", "alpha#2", "beta#0"} == set(
        run.tables["images"]["cluster"].tolist()
    )
    for evaluator in (looped(drives, task), added(drives, task)):
        require_same(run, evaluator.result(), evaluator.tables(), but=FOLDED)
    result = bench.evaluate(drives.model(task), drives.card, data=str(drives.root), task=task)  # type: ignore[arg-type]
    assert result.run is not None
    require_same(run, result, result.run.tables, but=FOLDED)


def test_ids_of_the_card_are_read_as_the_command_reads_them(
    drives: Any, recorded: Callable[[str], Run]
) -> None:
    evaluator = bench.Evaluator(drives.card, label_space="ids")
    masked = bench.Evaluator(drives.card, label_space="ids", ignore=[-100, 255])
    for sample in drives.samples:
        found, truth = drives.predicted["semantic"][sample.id], sample.truth.semantic().labels
        ids = np.where(truth == 255, 255, drives.ids(truth))
        evaluator.update(truth=ids, prediction=drives.ids(found), id=sample.id)
        masked.update(
            truth=np.where(truth == 255, -100, ids.astype(int)),
            prediction=drives.ids(found),
            id=sample.id,
        )
    require_same(recorded("semantic"), evaluator.result(), evaluator.tables())
    require_same(recorded("semantic"), masked.result(), masked.tables())
    with pytest.raises(
        UsageError, match=r"x: the truth: value 4 is neither a label of the card nor void"
    ):
        evaluator.update(truth=np.full((4, 4), 4), prediction=np.full((4, 4), 3), id="x")
    with pytest.raises(PredictionError, match=r"x: predicted value 0 is not a label of the card"):
        evaluator.update(truth=np.full((4, 4), 3), prediction=np.zeros((4, 4), int), id="x")


def test_groups_and_clusters_are_told_or_missed(drives: Any) -> None:
    truth = np.zeros((4, 6, 6), np.uint8)
    one = bench.Evaluator(2, groups="sequence")
    one.update(truth=truth, prediction=truth, id=["a_1", "a_2", "b_1", "c"])
    assert ["a", "a", "b", "c"] == one.tables()["images"]["cluster"].tolist()
    two = bench.Evaluator(2)
    two.update(truth=truth, prediction=truth, cluster=["x", "y", "x", 5])
    assert ["x", "y", "x", "5"] == two.tables()["images"]["cluster"].tolist()
    two.update(truth=truth[0], prediction=truth[0])
    with pytest.raises(
        UsageError,
        match=(
            "image-00000004 has no cluster, and other images have one: pass cluster= for all images"
        ),
    ):
        two.result()
    none = bench.Evaluator(drives.card)
    none.update(truth=truth, prediction=truth)
    told = "\n".join(none.result().warnings)
    assert "groups its images by sequence-blocks, and no two images share a group here" in told
    named = bench.Evaluator("cityscapes")
    files = [
        "a/bonn_000001_000019_leftImg8bit.png",
        "bonn_000001_000020_gtFine_labelIds.png",
        "bonn_000001_000021",
    ]
    named.update(truth=truth[:3], prediction=truth[:3], id=files)
    images = named.tables()["images"]
    assert ["bonn_000001_000019", "bonn_000001_000020", "bonn_000001_000021"] == images[
        "id"
    ].tolist()
    assert {"bonn_000001#0"} == set(images["cluster"].tolist())
    city = bench.Evaluator("cityscapes", groups="city")
    city.update(
        truth=truth[:2], prediction=truth[:2], id=["bonn_000001_000019", "ulm_000001_000019"]
    )
    assert ["bonn", "ulm"] == city.tables()["images"]["cluster"].tolist()
    city.update(truth=truth[0], prediction=truth[0], id="a_1", cluster="p")
    with pytest.raises(UsageError, match=r"'a_1' comes twice, with the clusters 'p' and 'q'"):
        city.update(truth=truth[0], prediction=truth[0], id="a_1", cluster="q")


@pytest.mark.parametrize("task", TASKS)
def test_a_saved_loop_is_a_record_like_others(
    drives: Any,
    recorded: Callable[[str], Run],
    task: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stored = recorded(task)
    run = looped(drives, task).save(str(tmp_path / "runs"), name="loop", model={"epoch": 3})
    assert {name: each.truth for name, each in stored.record.tables.items()} == {
        name: each.truth for name, each in run.record.tables.items()
    }
    assert {"kind": "loop", "model": "loop", "epoch": 3} == run.record.model
    assert stored.record.scores == run.record.scores
    assert ("drives", "val", "sequence-blocks") == (
        run.record.dataset.name,
        run.record.dataset.split,
        run.record.dataset.clusters,
    )
    found = compare(run, str(stored.path))
    assert 0 == found.pairs[0].effect.difference
    capsys.readouterr()
    assert 0 == cli.main(["show", str(run.path)])
    assert "loop on Drives val: 35 images" in capsys.readouterr().out
    assert "counted in your own loop" == inference_text(run.record)
    assert 0 == cli.main(["compare", str(tmp_path / "runs"), str(stored.path)])
    words = [
        'name = "x"',
        f'run = "{run.path}"',
        f'baseline = "{stored.path}"',
        f'metrics = ["{found.metric}"]',
    ]
    (tmp_path / "bench.toml").write_text("\n".join(["[[checks]]", *words, "margin = 1.0"]))
    assert 0 == cli.main(["check", "-c", str(tmp_path / "bench.toml")])
    board = tmp_path / "board"
    board.mkdir()
    rows = [
        f'dataset = "{drives.card}"',
        f'metrics = ["{found.metric}"]',
        f'primary = "{found.metric}"',
    ]
    (board / "board.toml").write_text("\n".join(['title = "t"', 'split = "val"', *rows]))
    for path in (run.path, stored.path):
        assert 0 == cli.main(["board", "add", str(path), str(board)])
    assert 2 == len(bench.board(str(board)))
    assert not bench.board(board)["apart"].astype(bool).any()


def test_other_counts_are_not_overwritten(drives: Any, tmp_path: Path) -> None:
    evaluator = looped(drives, "semantic")
    run = evaluator.save(tmp_path, name="mine")
    assert run.path == evaluator.save(tmp_path, name="mine").path
    sample = drives.samples[0]
    other = bench.Evaluator(drives.card)
    for each in drives.samples:
        other.add(
            each,
            drives.predicted["semantic"][each.id]
            if each is not sample
            else np.zeros((20, 30), np.uint8),
        )
    before = (run.path / "counts.npz").read_bytes()
    with pytest.raises(RunError, match=r"holds other counts .*overwrite=True replaces it$"):
        other.save(tmp_path, name="mine")
    assert before == (run.path / "counts.npz").read_bytes()
    assert run.path != other.save(tmp_path, name="mine", model="epoch 4").path
    assert run.path == other.save(tmp_path, name="mine", overwrite=True).path
    assert before != (run.path / "counts.npz").read_bytes()
    for wrong, message in (
        ({"name": ""}, "name must be a name, got ''"),
        ({"name": "a", "split": 5}, "split must be a name, got 5"),
        ({"name": "a", "split": "tset"}, "has no split 'tset'"),
        ({"name": "a", "model": 5}, "model must be a dict or a text, got 5"),
        ({"name": "a", "settings": {"x": object()}}, "must hold only what JSON can hold"),
    ):
        with pytest.raises(bench.InputError, match=message):
            other.save(tmp_path / "wrong", **wrong)
    assert not (tmp_path / "wrong").exists()


def test_classes_that_are_none_are_refused() -> None:
    for classes, message in (
        (0, "number of classes must be 1 to 65535, got 0"),
        (-2, "number of classes must be 1 to 65535, got -2"),
        ([], "classes must be a card or its name, .*, got an empty list"),
        ({"a": 0}, r"classes must be a card or its name, .*, got \{'a': 0\}"),
        (True, "classes must be .*, got True"),
        (2.0, r"classes must be .*, got 2\.0"),
        (None, "classes must be .*, got None"),
        (["a", "b", "a"], "the class 'a' is listed twice"),
        (["a", 1], r"classes must be .*, got \['a', 1\]"),
    ):
        with pytest.raises(UsageError, match=message):
            bench.Evaluator(classes)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="LVIS v1 has the classes of its truth file"):
        bench.Evaluator("lvis", task="instance")
    with pytest.raises(UsageError, match="CamVid has no truth for the task 'panoptic'"):
        bench.Evaluator("camvid", task="panoptic")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"limit": 0}, "^limit must be at least 1, got 0$"),
        ({"limit": "3"}, "limit must be a number of images, got '3'"),
        ({"limit": True}, "limit must be a number of images, got True"),
        ({"progress": 5}, "progress must be True or a function"),
        ({"options": {"batchsize": 3}}, "there is no option 'batchsize': did you mean batch_size"),
        ({"options": {"batch_size": "3"}}, "options: batch_size: expected int"),
        ({"options": {"batch_size": 0}}, "batch_size must be at least 1, got 0"),
        ({"options": 5}, "options must be a dict or bench.Options, got 5"),
        (
            {"options": {"task": "instance"}, "task": "semantic"},
            "task='semantic', but options have task='instance'",
        ),
        ({"task": "depth"}, "task must be one of semantic, instance, panoptic, got 'depth'"),
        ({"data": 5}, "data must be the path of a folder or file, got 5"),
        ({"name": 5}, "name must be a name, got 5"),
        ({"metrics": 5}, "metrics must be a name or a sequence of names, got 5"),
        ({"metrics": ["mIoU", "PQ"]}, "metrics='PQ': needs panoptic predictions"),
        ({"classes": ["a"]}, "classes= has no effect on a data set with a card"),
        ({"dataset": 5}, "dataset must be the name of a card, .*, got int"),
    ],
)
def test_wrong_arguments_are_refused_before_any_work(wrong: dict[str, Any], message: str) -> None:
    asked: list[Any] = []
    with pytest.raises(UsageError, match=message):
        bench.evaluate(asked.append, **{"limit": 1, **wrong})
    assert not asked


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dataset": 5}, r"dataset must be the name of a card or a path ending in \.toml, got 5"),
        ({"dataset": None}, "dataset must be the name of a card"),
        ({"split": 5}, "split must be the name of a split"),
        ({"root": 5}, "root must be the path of a folder or file, got 5"),
        ({"limit": 0}, "limit must be at least 1, got 0"),
        ({"layout": "cooc"}, "layout='cooc': did you mean coco"),
    ],
)
def test_wrong_arguments_of_open_data_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        bench.open_data(**wrong)


def test_arguments_without_their_name_are_checked_too() -> None:
    with pytest.raises(UsageError, match="split must be the name of a split"):
        bench.open_data("streets", 5)  # type: ignore[arg-type]


def test_paths_lists_and_dicts_are_taken(
    drives: Any, recorded: Callable[[str], Run], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = bench.open_data(drives.card, root=str(drives.root), ids=["alpha_0001", "beta_0002"])
    assert ["alpha_0001", "beta_0002"] == [sample.id for sample in opened.samples]
    result = bench.evaluate(
        drives.model("semantic"),
        drives.card,
        data=str(drives.root),
        out=str(tmp_path / "out"),
        limit=3,
        name="shown",
        metrics=["mIoU", "IoU"],
        options={"task": "semantic"},
        progress=True,
    )
    assert "shown [####################] 3 of 3 images" in capsys.readouterr().err
    assert result.run is not None
    assert result.run.record.id == bench.read_run(str(tmp_path / "out")).record.id
    steps: list[tuple[int, int]] = []
    bench.evaluate(
        drives.model("semantic"),
        drives.card,
        data=drives.root,
        limit=3,
        progress=lambda *step: steps.append(step),
    )
    assert (3, 3) == steps[-1]
    with pytest.raises(RunError, match="there is no run record here or below"):
        compare(str(tmp_path / "out"), str(tmp_path / "nothing"))
    with pytest.raises(
        UsageError, match="expected the path of a run record, got an object of type int"
    ):
        compare(recorded("semantic"), 5)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"^root='.*nowhere': there is no such folder"):
        bench.open_data(drives.card, root=str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="'a' is listed twice"):
        bench.open_data(drives.card, root=drives.root, ids=["a", "a"])
    assert json.loads(
        (tmp_path / "out" / "drives-val" / "shown" / result.run.record.id / "run.json").read_text()
    )

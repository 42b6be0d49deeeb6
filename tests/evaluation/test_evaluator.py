"""Scores from Python: the same as `bench run` gives, whatever the order, the batches and the
processes.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bench
from bench import Classes, Evaluator, cli
from bench.classes import Class
from bench.errors import PredictionError, UsageError
from bench.opening import Data, open_data
from bench.samples import Sample, Truth

C = 4
NAMES = ("road", "car", "person", "sky")


def scenes(count: int = 12) -> list[tuple[str, Any, Any]]:
    """Ids, truths and predictions that are right in about three of four pixels."""
    rng = np.random.default_rng(5)
    found = []
    for number in range(count):
        truth = rng.integers(0, C, (10, 14))
        predicted = np.where(rng.random((10, 14)) < 0.75, truth, rng.integers(0, C, (10, 14)))
        truth[rng.random((10, 14)) < 0.1] = 255
        found.append((f"scene {number:02d}", truth.astype(np.uint8), predicted.astype(np.uint8)))
    return found


def counted(images: list[tuple[str, Any, Any]], **options: Any) -> Evaluator:
    evaluator = Evaluator(NAMES, **options)
    for name, truth, prediction in images:
        evaluator.update(truth=truth, prediction=prediction, id=name)
    return evaluator


def test_scores_are_those_of_plain_loops() -> None:
    images = scenes()
    truth, found = (np.concatenate([each[k].ravel() for each in images]) for k in (1, 2))
    valid = truth != 255
    ious = [
        ((truth == c) & (found == c))[valid].sum() / ((truth == c) | (found == c))[valid].sum()
        for c in range(C)
    ]
    result = counted(images).result()
    assert abs(np.mean(ious) - result["mIoU"]) < 1e-12
    assert abs((truth == found)[valid].mean() - result.scores["pixel_accuracy"]) < 1e-12
    assert np.allclose(ious, [result.per_class[name]["IoU"] for name in NAMES], atol=1e-12)
    low, high = result.intervals["mIoU"] or (0, 0)
    assert low < result["mIoU"] < high
    assert f"mIoU            {100 * result['mIoU']:6.2f}  [" in repr(result)
    assert "own data: 12 images" in repr(result)
    with pytest.raises(UsageError, match="there is no score 'mIOU': did you mean mIoU"):
        _ = result["mIOU"]


def test_order_batches_shards_and_pickles_change_nothing() -> None:
    images = scenes()
    plain = counted(images).tables()
    whole = Evaluator(NAMES)
    whole.update(
        truth=np.stack([truth for _, truth, _ in images]),
        prediction=[found for *_, found in images],
        id=[name for name, *_ in images],
    )
    backwards = counted(images[::-1])
    # DistributedSampler gives an image to two ranks where they do not divide evenly: it counts
    # once.
    shards = counted(images[:7]).merge(pickle.loads(pickle.dumps(counted(images[6:]))))
    for other in (whole, backwards, shards):
        assert len(images) == len(other)
        for table, columns in plain.items():
            assert all(
                np.array_equal(column, other.tables()[table][name])
                for name, column in columns.items()
            )
    assert counted(images).scores() == shards.scores()
    assert counted(images).scores() != counted(images[1:]).scores()


def test_without_ids_images_count_as_often_as_they_come() -> None:
    evaluator = Evaluator(C)
    for _, truth, found in scenes(2) * 2:
        evaluator.update(truth=truth, prediction=found)
    assert 4 == len(evaluator)
    assert evaluator.scores()["mIoU"] == pytest.approx(
        counted(scenes(2)).scores()["mIoU"], abs=1e-12
    )
    evaluator.reset()
    with pytest.raises(UsageError, match="no image was counted"):
        evaluator.scores()


def test_tensors_are_taken() -> None:
    torch = pytest.importorskip("torch", reason="the extra models is not installed")
    evaluator = Evaluator(NAMES)
    images = scenes()
    evaluator.update(
        truth=torch.from_numpy(np.stack([truth for _, truth, _ in images])).long(),
        prediction=torch.from_numpy(np.stack([found for *_, found in images])).requires_grad_(
            requires_grad=False
        ),
        id=[name for name, *_ in images],
    )
    assert counted(images).scores() == evaluator.scores()
    assert evaluator is evaluator.gather()


def test_wrong_updates_are_refused() -> None:
    evaluator = counted(scenes())
    name, truth, found = scenes()[0]
    evaluator.update(truth=truth, prediction=found, id=name)
    with pytest.raises(UsageError, match="'scene 00' comes twice, with other counts"):
        evaluator.update(truth=truth, prediction=truth.clip(0, 3), id=name)
    with pytest.raises(PredictionError, match=r"^x: .*\(4, 10, 14\); take the argmax"):
        evaluator.update(truth=[truth], prediction=[np.zeros((4, 10, 14))], id=["x"])
    with pytest.raises(
        PredictionError,
        match=r"x: the label 4 \(row 0, column 0\) is neither a train id from 0 to 3",
    ):
        evaluator.update(truth=truth, prediction=np.full_like(truth, 4), id="x")
    with pytest.raises(
        UsageError, match=r"x: the truth: the label 9 \(row 0, column 0\) is neither"
    ):
        evaluator.update(truth=np.full_like(truth, 9), prediction=found, id="x")
    with pytest.raises(PredictionError, match="x: it has 5 x 14 pixels, the truth 10 x 14"):
        evaluator.update(truth=truth, prediction=found[:5], id="x")
    with pytest.raises(
        UsageError, match="got 2 truths and 1 prediction; pass one of each per image"
    ):
        evaluator.update(truth=np.stack([truth, truth]), prediction=found)
    with pytest.raises(UsageError, match="cannot be merged"):
        evaluator.merge(Evaluator(5))
    with pytest.raises(UsageError, match=r"^task must be one of .* got 'depth'"):
        Evaluator(5, task="depth")
    assert 12 == len(evaluator)


def test_instances_and_panoptic_segments() -> None:
    masks = np.zeros((2, 20, 20), bool)
    masks[0, :10, :10] = masks[1, 12:, 12:] = True
    truth = {"masks": masks, "labels": [0, 1], "boxes": [[0, 0, 10, 10], [12, 12, 20, 20]]}
    probabilities = np.where(masks, 0.9, 0.2)[:, None]
    evaluator = Evaluator(["cat", "dog"], task="instance")
    evaluator.update(
        truth=truth,
        prediction={"masks": probabilities, "labels": [0, 1], "scores": [0.9, 0.8]},
        id="a",
    )
    result = evaluator.result()
    assert (1, 1) == pytest.approx((result["AP"], result["boxes/AP"]))
    evaluator.update(
        truth=truth, prediction={"masks": masks, "labels": [1, 0], "scores": [0.9, 0.8]}, id="b"
    )
    assert evaluator.scores()["AP"] < 0.6
    classes = Classes((Class(0, "sky", 0), Class(1, "car", 1, thing=True)))
    ids = np.ones((10, 10), int)
    ids[:, 6:] = 2
    quality = Evaluator(classes, task="panoptic")
    quality.update(
        truth={"ids": ids, "segments": {1: 0, 2: 1}},
        prediction={"ids": ids * 3, "segments": {3: 0, 6: 1}},
    )
    assert (1, 1) == pytest.approx((quality.scores()["PQ"], quality.scores()["PQ_th"]))
    shifted = np.roll(ids, 2, axis=1)
    quality.update(
        truth={
            "ids": ids,
            "segments": [{"id": 1, "class": 0}, {"id": 2, "class": 1, "iscrowd": 0}],
        },
        prediction={"ids": shifted, "segments": {1: 0, 2: 1}},
    )
    assert 0.4 < quality.scores()["PQ"] < 1


# On a data set: the counts of `bench run`.


def thirds(image: Any) -> Any:
    """Sky, buildings, road."""
    labels = np.full(image.shape[:2], 2)
    labels[: len(labels) // 3], labels[2 * len(labels) // 3 :] = 10, 0
    return labels


def test_counts_are_those_of_bench_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine_thirds.py").write_text(
        "import numpy as np\n\n\ndef thirds(image):\n    labels = np.full(image.shape[:2], 2)\n"
        "    labels[: len(labels) // 3], labels[2 * len(labels) // 3 :] = 10, 0\n    return "
        "labels\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert 0 == cli.main(["run", "--model", "mine_thirds:thirds", "--limit", "20", "--json"])
    run = bench.read_run(Path(json.loads(capsys.readouterr().out)["path"]))
    before = sorted(tmp_path.rglob("*"))
    result = bench.evaluate(thirds, "streets", limit=20)
    assert before == sorted(tmp_path.rglob("*"))
    opened = open_data("streets", limit=20)
    evaluator = Evaluator("streets")
    for sample in reversed(opened.samples):
        evaluator.update(
            truth=sample.truth.semantic().labels, prediction=thirds(sample.image()), id=sample.id
        )
    assert result.run is not None
    assert sorted(run.image_ids) == run.image_ids
    for table, columns in run.tables.items():
        for name, column in columns.items():
            assert np.array_equal(column, result.run.tables[table][name])
            if table != "images":
                assert np.array_equal(column, evaluator.tables()[table][name])
    scores = run.record.scores["semantic"]
    assert scores["mIoU"]["value"] == result["mIoU"] == evaluator.scores()["mIoU"]
    assert tuple(scores["pixel_accuracy"]["interval"]) == result.intervals["pixel_accuracy"]
    written = bench.evaluate(thirds, opened, limit=20, out=tmp_path / "out", name="mine")
    assert (result.scores, "mine") == (
        written.scores,
        written.run.record.name if written.run else "",
    )
    assert (written.run.path if written.run else tmp_path / "no").joinpath("run.json").is_file()


def test_a_wrong_model_or_answer_is_said() -> None:
    with pytest.raises(PredictionError, match=r"test_evaluator:.*take the argmax"):
        bench.evaluate(lambda image: image, limit=2)
    with pytest.raises(UsageError, match="own code must be a function load"):
        bench.evaluate(5, limit=2)
    with pytest.raises(UsageError, match="no model is called 'deplab': did you mean deeplab"):
        bench.evaluate("deplab")


def test_a_training_loop_keeps_its_network_as_it_was() -> None:
    torch = pytest.importorskip("torch", reason="the extra models is not installed")
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 19, 1), torch.nn.BatchNorm2d(19)).train()
    network[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first = bench.evaluate(network, "streets", limit=2, interval="none")
    assert (True, False) == (network.training, network[1].training)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.requires_grad for parameter in network.parameters())
    with torch.no_grad():
        network[0].weight.mul_(-1)
    assert first.scores != bench.evaluate(network, "streets", limit=2, interval="none").scores


def test_own_samples_need_no_data_set_on_disk() -> None:
    base = open_data("streets", limit=2)
    truth = base.samples[0].truth
    sample = Sample("mine", Truth(read_semantic=truth.semantic), read_image=base.samples[0].image)
    result = bench.evaluate(thirds, Data(replace(base.card, title="mine"), Path(), "val", [sample]))
    assert "mine: 1 image\n" in repr(result)


WORKER = """
import sys
import numpy as np
from torch import distributed
import bench

rank = int(sys.argv[1])
distributed.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2)
rng = np.random.default_rng(0)
truth, found = rng.integers(0, 3, (9, 8, 8)), rng.integers(0, 3, (9, 8, 8))
evaluator = bench.Evaluator(3)
for number in range(rank, 10, 2):
    number %= 9
    evaluator.update(truth=truth[number], prediction=found[number], id=f"{number}")
whole = evaluator.gather()
alone = bench.Evaluator(3)
alone.update(truth=truth, prediction=found, id=[f"{number}" for number in range(9)])
assert 5 == len(evaluator), len(evaluator)
assert 9 == len(whole), len(whole)
assert alone.scores() == whole.scores()
run = whole.save(sys.argv[2] + "-runs", name="both")
print("same", len(run.image_ids), flush=True)
distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_ranks_are_gathered(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the extra models is not installed")
    (tmp_path / "worker.py").write_text(WORKER)
    command = [sys.executable, str(tmp_path / "worker.py")]
    workers = [
        subprocess.Popen(
            [*command, str(rank), str(tmp_path / "meet")], stdout=subprocess.PIPE, text=True
        )
        for rank in range(2)
    ]
    assert ["same 9\n", "same 9\n"] == [worker.communicate(timeout=120)[0] for worker in workers]
    assert 9 == bench.read_run(tmp_path / "meet-runs").record.dataset.images

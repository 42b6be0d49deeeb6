"""What a run cost: counted by hand where it can be, in the record, and in words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import pytest
import tiny_card

from bench import runs
from bench.evaluation import evaluate
from bench.evaluation.jobs import FromModel, FromReader, Job
from bench.models import Options
from bench.models.running import measuring
from bench.render import terminal
from bench.runs import circumstances
from bench.samples import Image, LabelMap, Sample, Truth

SIZE, COUNT = (6, 10), 13
CARD = tiny_card.with_classes("road", "car")


def _sample(index: int) -> Sample:
    labels = np.random.default_rng(index).integers(0, 2, SIZE, dtype=np.uint8)
    return Sample(
        f"{index:02}",
        Truth(read_semantic=lambda: LabelMap(labels)),
        lambda: labels[..., None].repeat(3, 2),
    )


SAMPLES = [_sample(index) for index in range(COUNT)]


@dataclass
class Slow:
    """Reads the answer off the picture, which takes it a while for each."""

    seconds: float = 0.002
    batch_size: int = 4
    task: str = "semantic"
    identity: dict[str, Any] = field(
        default_factory=lambda: {"kind": "model", "model": "slow", "parameters": 2_000}
    )
    settings: dict[str, Any] = field(
        default_factory=lambda: {"device": "cpu", "amp": False, "input_size": None}
    )
    asked: list[int] = field(default_factory=list)

    def predict(self, images: Sequence[Image]) -> list[LabelMap]:
        self.asked.append(len(images))
        time.sleep(self.seconds * len(images))
        return [LabelMap(image[..., 0].copy()) for image in images]


def _run(folder: Path, model: Slow, **more: Any) -> runs.Run:
    job = Job(
        CARD,
        "val",
        SAMPLES,
        "slow",
        dict(model.identity),
        dict(model.settings),
        FromModel(model, **more),  # type: ignore[arg-type]
    )
    return evaluate(job, out=folder)


def test_a_record_says_what_the_run_cost(tmp_path: Path) -> None:
    model = Slow()
    run = _run(tmp_path, model)
    timings = run.record.timings
    cost = timings["cost"]
    assert [4, 4, 4, 1] == model.asked[:4]
    assert COUNT * model.seconds <= cost["predict_seconds"] <= timings["seconds"]
    assert (None, [6, 10], None) == (cost["flops"], cost["flops_image"], cost["latency"])
    assert "process" == cost["peak_memory_of"]
    assert 2**20 < cost["peak_memory_bytes"] < 2**40
    assert cost["device"]
    assert timings == runs.read(run.path).record.timings


def test_latency_is_that_of_single_images(tmp_path: Path) -> None:
    model = Slow(seconds=0.004)
    found = _run(tmp_path, model, latency=True).record.timings["cost"]["latency"]
    assert (COUNT, measuring.WARM_UP) == (found["images"], found["warm_up"])
    assert [1] * (measuring.WARM_UP + COUNT) == model.asked[4 : 4 + measuring.WARM_UP + COUNT]
    assert 4 <= found["p50_ms"] <= found["p95_ms"]


def test_the_first_predictions_are_no_part_of_the_latency() -> None:
    waits = iter([0.05] * measuring.WARM_UP + [0.0] * 100)

    def asked() -> tuple[Callable[[], object], Iterator[Callable[[], object]]]:
        return lambda: time.sleep(next(waits)), (lambda: time.sleep(next(waits)) for _ in range(20))

    assert measuring.latency(*asked(), device="cpu")["p50_ms"] < 25
    waits = iter([0.02] * 100)
    assert 10 == measuring.latency(*asked(), device="cpu", seconds=0.01)["images"]


def test_stored_predictions_have_no_cost(tmp_path: Path) -> None:
    job = Job(
        CARD,
        "val",
        SAMPLES,
        "stored",
        {"kind": "predictions"},
        {},
        FromReader(lambda s: s.truth.semantic()),
    )
    run = evaluate(job, out=tmp_path)
    assert "cost" not in run.record.timings
    assert {None} == {circumstances.cost(run.record, name) for name in circumstances.COSTS}
    assert "" == circumstances.cost_sentence(run.record)


def test_costs_in_words(tmp_path: Path) -> None:
    run = _run(tmp_path, Slow(), latency=True)
    cost = {
        "device": "H200",
        "threads": None,
        "predict_seconds": 1.0,
        "peak_memory_bytes": 3 * 2**29,
        "peak_memory_of": "GPU",
        "flops": 2_340_000,
        "flops_image": [6, 10],
        "latency": {"images": 13, "warm_up": 5, "p50_ms": 3.25, "p95_ms": 4.0},
    }
    settings = {
        "device": "cuda",
        "window": [4, 8],
        "overlap": 0.25,
        "scales": [0.5, 1.0],
        "flip": True,
        "amp": True,
    }
    record = msgspec.structs.replace(
        run.record, timings={"images_per_second": 12.34, "cost": cost}, settings=settings
    )
    expected = (
        "0.002 M parameters, 0.00234 GFLOPs per image of 6 x 10, 12.3 images/s, "
        "latency p50 3.2 ms and p95 4.0 ms at batch size 1 (13 images), peak memory 1.50 GiB "
        "(GPU); on H200"
    )
    assert expected == circumstances.cost_sentence(record)
    expected = "windows of 4 x 8 with 25 % overlap, scales 0.5, 1, flipped too, half precision"
    assert expected == circumstances.inference_text(record)
    assert ["12.3", "0.002", "0.00234", "3.2", "4.0", "1.50"] == [
        circumstances.cost_text(record, name) for name in circumstances.COSTS
    ]
    table = " ".join(terminal.run_table(runs.Run(record, run.tables)).split())
    assert f"Inference: {expected}." in table
    assert f"Cost: {circumstances.cost_sentence(record)}." in table


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "full size"),
        ({"input_size": [512, 1024], "compile": True}, "input size 512 x 1024, compiled"),
        (
            {"score_threshold": 0.3, "detections": 50},
            "score threshold 0.3, at most 50 detections per image",
        ),
        ({"prompts": 3}, "3 points per object"),
        ({"prompt": "boxes"}, "1 box per object"),
        ({"prompt": "points", "prompts": 1}, "1 point per object"),
    ],
)
def test_inference_in_words(tmp_path: Path, settings: dict[str, Any], words: str) -> None:
    record = _run(tmp_path, Slow()).record
    assert words == circumstances.inference_text(msgspec.structs.replace(record, settings=settings))


# Operations, counted by hand.


@pytest.fixture
def torch() -> ModuleType:
    return pytest.importorskip("torch", reason="the extra models is not installed")


def _flops(torch: Any, **options: Any) -> int | None:
    from bench.models.running import inference

    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(8, 2, 1)
    )
    bare = inference.SemanticModel(network, {"warnings": []}, {}, torch.device("cpu"), (0, 1), 1)
    model = inference.ready(bare, Options(device="cpu", **options))
    image = SAMPLES[0].image()
    return measuring.flops(lambda: model.predict([image]))


def test_operations_are_those_of_the_whole_prediction(torch: ModuleType) -> None:
    of_a_pixel = 2 * (3 * 3 * 3 * 8 + 8 * 2)
    assert 6 * 10 * of_a_pixel == _flops(torch)
    assert 2 * 6 * 10 * of_a_pixel == _flops(torch, flip=True)
    assert (3 * 5 + 12 * 20) * of_a_pixel == _flops(torch, scales=(0.5, 2.0))
    assert 2 * 6 * 8 * of_a_pixel == _flops(torch, window=(6, 8), overlap=0.0)
    assert 12 * 12 * of_a_pixel == _flops(torch, input_size=(12, 12))
    assert 6 * 10 * of_a_pixel == _flops(torch, compile=True)


def test_operations_that_torch_does_not_see_are_unknown(torch: ModuleType) -> None:
    assert measuring.flops(lambda: np.ones((4, 4)) @ np.ones((4, 4))) is None
    assert measuring.flops(lambda: 1 / 0) is None

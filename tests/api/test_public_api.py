"""The public functions: runs, results and paths are taken alike, objects become plain data, errors
name arguments.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

import bench
from bench import comparison, gate, runs
from bench.argument_names import python_words
from bench.cli import main
from bench.errors import InputError, UsageError
from bench.evaluation import rule_options
from bench.evaluation.settings import KNOWN


class Pairs:
    """Twelve images of noise with three classes."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        rng = np.random.default_rng(index)
        target = rng.integers(0, 3, (20, 20))
        return np.stack([target] * 3, axis=2).astype(np.uint8), target


def noisy(right: float) -> Callable[[Any], Any]:
    def predict(image: Any) -> Any:
        rng = np.random.default_rng(int(image.sum()))
        return np.where(rng.random((20, 20)) < right, image[..., 0], 0)

    return predict


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of a good and a bad model, as results in memory, as records and as paths."""
    out = tmp_path_factory.mktemp("runs")
    made: dict[str, Any] = {}
    for name, right in (("good", 0.9), ("bad", 0.6)):
        options: dict[str, Any] = {"classes": ["road", "car", "sky"], "name": name}
        made[name] = bench.evaluate(noisy(right), Pairs(), **options)
        made[f"{name} run"] = bench.evaluate(noisy(right), Pairs(), **options, out=str(out)).run
        made[f"{name} path"] = str(made[f"{name} run"].path)
    return made


def test_runs_results_and_paths_are_compared_alike(results: dict[str, Any]) -> None:
    first = bench.compare(results["good run"], results["bad run"], metric="mIoU")
    for good, bad in (("good", "bad"), ("good path", "bad path"), ("good", "bad path")):
        again = bench.compare(results[good], results[bad], metric="mIoU")
        assert again.to_dict()["pairs"] == first.to_dict()["pairs"]
    assert isinstance(first, bench.Comparison)
    direct = comparison.compare(results["good run"], results["bad run"], metric="mIoU")
    assert first.to_dict() == direct.to_dict()
    assert "Comparison of mIoU on 12 images" in repr(first)


def test_a_comparison_becomes_plain_data(
    results: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    found = bench.compare(results["good"], results["bad"], by_class=True)
    table = found.to_pandas()
    assert [("good", "bad", "mIoU", label) for label in ("", "road", "car", "sky")] == [
        tuple(row) for row in table[["first", "second", "metric", "class"]].to_numpy()
    ]
    assert found.pairs[0].effect.difference == table["difference"][0]
    assert 0 == main(
        ["compare", results["good path"], results["bad path"], "--by", "class", "--json"]
    )
    printed = json.loads(capsys.readouterr().out)
    assert {"verdict", *found.to_dict()} == set(printed)
    assert printed["pairs"] == json.loads(json.dumps(found.to_dict()["pairs"]))


def test_a_verdict_is_that_of_the_gate_and_becomes_plain_data(results: dict[str, Any]) -> None:
    verdict = bench.check(
        results["bad"], results["good path"], metric="mIoU", margin=0.01, guards={"car": 0.5}
    )
    assert "fail" == verdict.outcome == verdict.to_dict()["outcome"]
    assert isinstance(verdict, bench.Verdict)
    assert verdict == gate.check(
        results["bad"].run, results["good run"], metric="mIoU", margin=0.01, guards={"car": 0.5}
    )
    assert ["fail", "pass"] == list(verdict.to_pandas()["outcome"])
    assert repr(verdict).startswith("fail: bad against good on 12 images\n  mIoU: -")
    assert json.dumps(verdict.to_dict())


def test_a_result_becomes_plain_data(results: dict[str, Any]) -> None:
    result = results["good"]
    data = json.loads(json.dumps(result.to_dict()))
    assert result["mIoU"] == data["scores"]["mIoU"]
    assert list(result.intervals["mIoU"]) == data["intervals"]["mIoU"]
    table = result.to_pandas()
    assert result["mIoU"] == table.loc["mIoU", "value"]
    assert list(result.intervals["mIoU"]) == table.loc["mIoU", ["low", "high"]].tolist()
    assert result.per_class["car"]["IoU"] == result.to_pandas(per_class=True).loc["car", "IoU"]
    assert "<td>" in result._repr_html_()
    assert "own data: 12 images" in result._repr_html_()


def test_scores_that_are_not_defined_are_none_in_plain_data() -> None:
    evaluator = bench.Evaluator(["a", "b"], classes_in="truth")
    evaluator.update(truth=np.zeros((4, 4), int), prediction=np.zeros((4, 4), int))
    result = evaluator.result()
    assert math.isnan(result.per_class["b"]["IoU"])
    assert result.to_dict()["per_class"]["b"]["IoU"] is None
    assert evaluator.compute() == evaluator.scores() == result.scores


def test_a_result_without_a_run_says_what_to_compare() -> None:
    evaluator = bench.Evaluator(2)
    evaluator.update(truth=np.zeros((4, 4), int), prediction=np.zeros((4, 4), int))
    with pytest.raises(UsageError, match=r"use what Evaluator\.save\(out, name=\.\.\.\) returns"):
        bench.compare(evaluator.result(), evaluator.result())


def test_what_there_is_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    for what, rows in (
        ("datasets", bench.list_datasets()),
        ("models", bench.list_models()),
        ("metrics", bench.list_metrics()),
    ):
        assert 0 == main(["list", what, "--json"])
        printed = json.loads(capsys.readouterr().out)[what]
        assert [row["name"] for row in printed] == [row["name"] for row in rows]
    assert "deeplab" in {row["name"] for row in bench.list_models()}
    assert {"val"} <= set(
        next(row for row in bench.list_datasets() if row["name"] == "streets")["splits"]
    )


def test_metrics_are_taken_as_any_sequence() -> None:
    truth = np.zeros((4, 4), int)
    for metrics in ("mIoU", ["mIoU"], ("mIoU",), iter_free(["mIoU"])):
        evaluator = bench.Evaluator(2, metrics=metrics)
        evaluator.update(truth=truth, prediction=truth)
        assert 1 == evaluator.scores()["mIoU"]


def iter_free(names: list[str]) -> Any:
    """A sequence that is neither a list nor a tuple."""
    from collections import UserList

    return UserList(names)


def test_rule_options_are_named_and_typed_everywhere() -> None:
    names = set(KNOWN) - {"metrics"}
    for function in (bench.evaluate, bench.Evaluator):
        parameters = inspect.signature(function).parameters
        assert names <= set(parameters)
        assert not any(each.kind is each.VAR_KEYWORD for each in parameters.values())
        assert all(
            parameters[name].annotation not in ("Any", inspect.Parameter.empty) for name in names
        )


def test_types_of_rule_options_are_the_words_that_are_taken() -> None:
    from bench.families.contract.rules import WORDS

    types = {
        "classes_in": rule_options.ClassesIn,
        "area_from": rule_options.AreaFrom,
        "boundary_mode": rule_options.BoundaryMode,
        "voc_form": rule_options.VocForm,
        "interval": rule_options.IntervalMethod,
    }
    assert {name: get_args(kind) for name, kind in types.items()} == WORDS


MODEL = noisy(1.0)
WRONG: dict[str, tuple[Callable[[], Any], list[str] | None]] = {
    "limit": (lambda: bench.evaluate(MODEL, limit=0), ["run", "-m", "fcn", "--limit", "0"]),
    "metrics": (
        lambda: bench.evaluate(MODEL, metrics="mIuO"),
        ["run", "-m", "fcn", "--metrics", "mIuO"],
    ),
    "regions": (
        lambda: bench.evaluate(MODEL, regions="crop"),
        ["run", "-m", "fcn", "--regions", "crop"],
    ),
    "max_detections": (
        lambda: bench.evaluate(MODEL, task="instance", max_detections=[0]),
        ["run", "-m", "maskrcnn", "--max-detections", "0"],
    ),
    "iou_thresholds": (
        lambda: bench.evaluate(MODEL, task="instance", iou_thresholds=[2]),
        ["run", "-m", "maskrcnn", "--iou-thresholds", "2"],
    ),
    "crop0": (
        lambda: bench.Evaluator("cityscapes", crop0="base"),
        ["run", "-m", "fcn", "--crop0", "base"],
    ),
    "interval": (
        lambda: bench.Evaluator("coco-instances", task="instance", interval="bca"),
        ["run", "-m", "maskrcnn", "--interval", "bca"],
    ),
    "split": (lambda: bench.open_data("streets", "vall"), ["run", "-m", "fcn", "--split", "vall"]),
    "layout": (
        lambda: bench.open_data("streets", layout="cooc"),
        ["run", "-m", "fcn", "--layout", "cooc"],
    ),
    "ids": (
        lambda: bench.open_data("streets", ids="none.txt"),
        ["run", "-m", "fcn", "--ids", "none.txt"],
    ),
    "root": (lambda: bench.open_data("cityscapes", root="nowhere"), None),
    "data": (lambda: bench.evaluate(MODEL, "cityscapes", data="nowhere"), None),
    "no data": (lambda: bench.evaluate(MODEL, "cityscapes"), None),
    "card": (lambda: bench.load_card("none.toml"), None),
    "run": (lambda: bench.read_run("nowhere"), None),
    "alpha": (lambda: bench.compare("nowhere", "nowhere", alpha=5), None),
    "options": (
        lambda: bench.evaluate("fcn", options={"overlap": 3}),
        ["run", "-m", "fcn", "--overlap", "3"],
    ),
    "model": (lambda: bench.evaluate("deplab"), None),
}


@pytest.mark.parametrize("name", WRONG)
def test_errors_name_arguments_in_python_and_flags_on_the_command_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCH_DATA", raising=False)
    call, command = WRONG[name]
    with pytest.raises(InputError) as caught:
        call()
    shown = str(caught.value)
    without_commands = [part for part in shown.split("; ") if "bench " not in part]
    assert not [part for part in without_commands if "--" in part]
    if command is not None:
        assert 2 == main(command)
        printed = capsys.readouterr().err
        flag = f"--{command[-2].removeprefix('--')}"
        assert flag in printed or name == "split"
        assert name.replace("options", "overlap") in shown


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            "--crop0 has no effect: say --regions crops, or leave it out",
            "crop0 has no effect: say regions='crops', or",
        ),
        ("--iou-thresholds 0.6,0.7: too few", "iou_thresholds='0.6,0.7': too few"),
        ("--area-ranges small=0:1024: too few", "area_ranges='small=0:1024': too few"),
        ("there; --overwrite replaces it", "there; overwrite=True replaces it"),
        (
            "list them with --ids FILE, or use --ids all",
            "list them with ids=FILE, or use ids='all'",
        ),
        ("which bench run --latency measures", "which bench run --latency measures"),
        ("leave out --flip and --config x.toml", "leave out flip=True and sidecar='x.toml'"),
    ],
)
def test_flags_become_arguments(message: str, words: str) -> None:
    assert python_words(message).startswith(words)


def test_a_run_has_a_short_repr(results: dict[str, Any]) -> None:
    run: runs.Run = results["good run"]
    assert repr(run).startswith("<Run good on own data val, 12 images: pixel_accuracy")
    assert "\n" not in repr(run)

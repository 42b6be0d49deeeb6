"""The command line as a person meets it: tables, JSON, one-sentence errors, exit codes,
interruption.
"""

from __future__ import annotations

import gc
import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import errors
from bench.cli import startup

CARD = """
name = "blocks"
title = "Blocks"
layout = "pairs"
tasks = ["semantic"]
licence = "none"
cite = "none"
obtain = "made by the test"
splits = { val = {} }
files = { images = "images/{id}.png", labels = "labels/{id}.png" }
classes = [
    { id = 1, name = "road", train_id = 0 },
    { id = 2, name = "car", train_id = 1 },
    { id = 7, name = "dirt" },
]
"""
IMAGES = 12


@dataclass(frozen=True)
class Place:
    """A small data set on disk with predictions that are wrong in some known pixels."""

    root: Path

    @property
    def arguments(self) -> list[str]:
        return [
            "--dataset",
            str(self.root / "blocks.toml"),
            "--data",
            str(self.root),
            "--out",
            str(self.root / "runs"),
        ]


def _write(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(labels).save(path)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "blocks.toml").write_text(CARD)
    for index in range(IMAGES):
        truth = np.ones((6, 8), dtype=np.uint8)
        truth[:, : 1 + index % 4] = 2
        truth[0, 0] = 255
        predicted = np.where(truth == 255, 1, truth).astype(np.uint8)
        predicted[5, : 1 + index % 3] = 1
        predicted[4, 7] = 7
        _write(tmp_path / "labels" / f"{index:02}.png", truth)
        _write(tmp_path / "predictions" / f"{index:02}.png", predicted)
        _write(tmp_path / "images" / f"{index:02}.png", np.repeat(truth[:, :, None], 3, axis=2))
    return Place(tmp_path)


def test_eval_prints_a_table_and_writes_a_record(place: Place, bench: Any) -> None:
    code, out, _ = bench("eval", "--predictions", place.root / "predictions", *place.arguments)
    assert 0 == code
    assert "predictions on Blocks val: 12 images" in out
    assert "over 2 of 2 classes (in the ground truth)" in out
    assert "next        bench show" in out
    (record,) = (place.root / "runs").glob("blocks-val/predictions/*/run.json")
    assert str(record.parent) in out


def test_json_is_one_object_and_equals_the_record(place: Place, bench: Any) -> None:
    code, out, err = bench(
        "eval", "--predictions", place.root / "predictions", *place.arguments, "--json"
    )
    assert 0 == code
    found = json.loads(out)
    written = json.loads((Path(found.pop("path")) / "run.json").read_text())
    assert written == found
    assert "" == err


def test_eval_counts_what_a_plain_loop_counts(place: Place, bench: Any) -> None:
    _, out, _ = bench(
        "eval", "--predictions", place.root / "predictions", *place.arguments, "--json"
    )
    hit = {1: 0, 2: 0}
    either = {1: 0, 2: 0}
    for index in range(IMAGES):
        truth = np.asarray(Image.open(place.root / "labels" / f"{index:02}.png"))
        predicted = np.asarray(Image.open(place.root / "predictions" / f"{index:02}.png"))
        for t, p in zip(truth.ravel().tolist(), predicted.ravel().tolist(), strict=True):
            for label in (1, 2):
                hit[label] += t == label == p
                either[label] += t != 255 and label in (t, p)
    scores = json.loads(out)["scores"]["semantic"]
    assert hit[1] / either[1] == scores["per_class"]["road"]["IoU"]["value"]
    assert hit[2] / either[2] == scores["per_class"]["car"]["IoU"]["value"]
    assert "dirt" not in scores["per_class"]


def test_show_repeats_the_table_and_writes_scores_of_single_images(
    place: Place, bench: Any
) -> None:
    _, out, _ = bench(
        "eval", "--predictions", place.root / "predictions", *place.arguments, "--json"
    )
    folder = json.loads(out)["path"]
    code, table, note = bench("show", folder, "--per-image", place.root / "scores.csv")
    assert 0 == code
    assert "over 2 of 2 classes" in table
    assert "12 images" in note
    lines = (place.root / "scores.csv").read_text().splitlines()
    assert (
        "image,cluster,pixel_accuracy,mean_accuracy,mIoU,fwIoU,mDice,IoU:road,IoU:car" == lines[0]
    )
    assert IMAGES + 1 == len(lines)


OUT = ["--out", "{root}/blocks.toml"]
WRONG = {
    "no such data set": (["eval", "-p", "{root}", "-d", "cityscape"], "did you mean cityscapes"),
    "no such card": (["eval", "-p", "{root}", "-d", "nowhere.toml"], "no card at nowhere.toml"),
    "no data": (["eval", "-p", "{root}/predictions", "-d", "voc2012"], "--data FOLDER"),
    "no such folder": (
        ["eval", "-p", "{root}/predictions", "-d", "voc2012", "--data", "{root}/no"],
        "no such folder",
    ),
    "no predictions": (
        ["eval", "-p", "{root}/none", *["-d", "{root}/blocks.toml", "--data", "{root}"]],
        "no such folder",
    ),
    "no such model": (["run", "-m", "deeplap"], "did you mean deeplab"),
    "no such split": (
        ["eval", "-p", "{root}", *["-d", "{root}/blocks.toml", "--data", "{root}", "-s", "test"]],
        "no split 'test'",
    ),
    "no such layout": (
        [
            "eval",
            "-p",
            "{root}",
            *["-d", "{root}/blocks.toml", "--data", "{root}", "--layout", "x"],
        ],
        "--layout x",
    ),
    "limit": (
        ["eval", "-p", "{root}", *["-d", "{root}/blocks.toml", "--data", "{root}", "--limit", "0"]],
        "--limit must be at least 1",
    ),
    "ids": (
        [
            "eval",
            "-p",
            "{root}",
            *["-d", "{root}/blocks.toml", "--data", "{root}", "--ids", "{root}/no"],
        ],
        "--ids",
    ),
    "batch": (["run", "-m", "deeplab", "--batch-size", "0"], "--batch-size"),
    "size": (["run", "-m", "deeplab", "--input-size", "12"], "--input-size 12"),
    "no record": (["show", "{root}"], "no run record"),
    "no command": (["frob"], "there is no command 'frob'"),
    "no option": (["list", "models", "--frob"], "there is no option --frob"),
    "close option": (["eval", "--datset", "x"], "did you mean --dataset"),
    "close command": (["evl"], "did you mean eval?"),
    "no value": (["run", "--model"], "--model NAME: a value is needed"),
    "missing option": (["eval", "-p", "x"], "--dataset/-d is missing"),
    "missing word": (["list"], "WHAT is missing"),
    "no number": (
        ["eval", "-p", "x", "-d", "streets", "--limit", "x"],
        "--limit: a whole number is needed",
    ),
    "no choice": (
        ["eval", "-p", "x", "-d", "streets", "--interval", "x"],
        "--interval: 'x' is not one of",
    ),
    "no finite score": (
        [
            "eval",
            "-p",
            "{root}/predictions",
            "-d",
            "{root}/blocks.toml",
            "--data",
            "{root}",
            "--shown-from",
            "nan",
        ],
        "--shown-from must be a number",
    ),
    "data in a file": (
        ["eval", "-p", "{root}", "-d", "{root}/blocks.toml", "--data", "{root}/blocks.toml"],
        "--data {root}/blocks.toml: this is a file",
    ),
    "empty data": (
        ["eval", "-p", "{root}", "-d", "{root}/blocks.toml", "--data", "{root}/empty"],
        "this folder is empty; bench prepare --dataset blocks",
    ),
    "out is a file": (
        ["eval", "-p", "{root}/predictions", "-d", "{root}/blocks.toml", "--data", "{root}", *OUT],
        "--out {root}/blocks.toml: this is a file",
    ),
    "predictions in no form": (
        ["eval", "-p", "{root}/blocks.toml", "-d", "{root}/blocks.toml", "--data", "{root}"],
        "blocks.toml: this is not JSON: it begins with",
    ),
    "an unknown id": (
        [
            "eval",
            "-p",
            "{root}/predictions",
            "-d",
            "{root}/blocks.toml",
            "--data",
            "{root}",
            "--ids",
            "{root}/ids",
        ],
        "--ids {root}/ids: ",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_gets_one_sentence_and_exit_code_2(
    place: Place, bench: Any, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_DATA", raising=False)
    words, expected = WRONG[case]
    (place.root / "empty").mkdir()
    (place.root / "ids").write_text("00\nunknown\n")
    code, out, err = bench(*(word.format(root=place.root) for word in words))
    assert 2 == code
    assert "" == out
    assert expected.format(root=place.root) in err
    assert err.startswith("error: ")
    assert 1 == err.count("\n"), err


def test_files_of_no_image_are_told_but_not_of_images_that_were_left_out(
    place: Place, bench: Any
) -> None:
    (place.root / "predictions" / "99.png").write_bytes(
        (place.root / "predictions" / "00.png").read_bytes()
    )
    (place.root / "predictions" / "notes.txt").write_text("mine")
    asked = ["eval", "--predictions", place.root / "predictions", *place.arguments]
    _, out, _ = bench(*asked)
    assert "1 of 13 files in" in out
    assert "belong to no image (99.png)" in " ".join(out.split())
    _, out, _ = bench(*asked, "--json")
    assert ["unused-files"] == [
        w["code"] for w in json.loads(out)["warnings"] if w["code"] != "few-images"
    ]
    _, out, _ = bench(*asked, "--json", "--limit", "5")
    assert "unused-files" not in out


def test_a_palette_in_another_order_is_told(place: Place, bench: Any) -> None:
    colors = {1: (10, 20, 30), 2: (40, 50, 60)}
    text = CARD
    for identity, color in colors.items():
        text = text.replace(f"{{ id = {identity},", f"{{ id = {identity}, color = {list(color)},")
    (place.root / "blocks.toml").write_text(text)
    for swapped, black in ((False, False), (True, False), (True, True), (False, True)):
        for path in (place.root / "predictions").glob("*.png"):
            labels = np.where(np.asarray(Image.open(path)) == 7, 2, np.asarray(Image.open(path)))
            if black:  # the colour of no class: the rest tells
                labels = np.where(np.arange(8) > 1, 7, labels)
            image = Image.fromarray(labels.astype(np.uint8))
            palette = [
                (0, 0, 0),
                *(colors[3 - k] if swapped else colors[k] for k in (1, 2)),
                *[(0, 0, 0)] * 5,
            ]
            image.putpalette([value for color in palette for value in color])
            image.save(path)
        _, out, _ = bench(
            "eval", "--predictions", place.root / "predictions", *place.arguments, "--json"
        )
        assert swapped == (
            "palette-order" in [each["code"] for each in json.loads(out)["warnings"]]
        )


def test_wrong_input_is_refused_before_anything_is_written(place: Place, bench: Any) -> None:
    def spoil(name: str, content: bytes) -> str:
        (place.root / "predictions" / name).write_bytes(content)
        code, _, err = bench("eval", "-p", place.root / "predictions", *place.arguments)
        assert 2 == code
        assert not [path for path in (place.root / "runs").rglob("*") if path.is_file()], (
            "something is left behind"
        )
        return err

    original = (place.root / "predictions" / "03.png").read_bytes()
    assert "03.png" in spoil("03.png", original[:60])
    assert "03.png" in spoil("03.png", b"")
    picture = place.root / "colour.png"
    Image.fromarray(np.dstack([np.full((6, 8), part, dtype=np.uint8) for part in (1, 2, 1)])).save(
        picture
    )
    assert "colour" in spoil("03.png", picture.read_bytes())
    _write(picture, np.full((6, 8), 5, dtype=np.uint8))
    assert "value 5 is not a label" in spoil("03.png", picture.read_bytes())
    (place.root / "predictions" / "03.png").unlink()
    _, _, err = bench("eval", "-p", place.root / "predictions", *place.arguments)
    assert "03" in err


def test_errors_are_json_too(place: Place, bench: Any) -> None:
    code, out, _ = bench("show", place.root, "--json")
    assert 2 == code
    assert {"kind": "RunError", "exit_code": 2} == {
        key: value for key, value in json.loads(out)["error"].items() if key != "message"
    }


def test_a_defect_of_ours_is_told_with_how_to_report_it(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("bench.runs.finding.find_record", broken)
    code, out, err = bench("show", ".")
    assert (4, "") == (code, out)
    assert "ZeroDivisionError: by nought" in err
    assert "please report" in err
    assert "Traceback" not in err
    details = Path(next(word for word in err.split() if "bench-defect" in word).rstrip(","))
    assert "Traceback" in details.read_text()
    details.unlink()


def test_every_error_says_its_exit_code() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.BenchError)
    ]
    assert {4: 1, 2: len(kinds) - 1} == {
        code: sum(kind.exit_code == code for kind in kinds)
        for code in {kind.exit_code for kind in kinds}
    }


@pytest.mark.parametrize("what", ["datasets", "models", "metrics"])
def test_lists_hold_what_ships(bench: Any, what: str) -> None:
    code, out, _ = bench("list", what)
    assert 0 == code
    assert {"datasets": "streets", "models": "deeplab", "metrics": "mIoU"}[what] in out
    _, out, _ = bench("list", what, "--json")
    assert json.loads(out)[what]


def test_every_command_and_option_has_help(bench: Any) -> None:
    for command in ("run", "eval", "show", "prepare", "list"):
        code, out, _ = bench(command, "--help")
        assert 0 == code
        for option in ("--json", "--help"):
            assert option in out


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_keeps_what_was_counted(place: Place) -> None:
    slow = place.root / "slow_model.py"
    slow.write_text(
        "import time, numpy as np\n"
        "from bench.samples import LabelMap\n"
        "class Model:\n"
        "    identity, settings, task, batch_size = {'name': 'slow'}, {}, 'semantic', 1\n"
        "    def predict(self, images):\n"
        "        time.sleep(0.4)\n"
        "        return [LabelMap(np.zeros(image.shape[:2], np.uint8)) for image in images]\n"
        "def load(card, options):\n"
        "    return Model()\n"
    )
    command = [sys.executable, "-m", "bench", "run", "--model", "slow_model:load", *place.arguments]
    process = subprocess.Popen(
        command, cwd=place.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    journal = place.root / "runs"
    for _ in range(200):
        if list(journal.rglob("part-*.npz")):
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert 130 == process.returncode
    assert "--resume" in err
    assert "Traceback" not in err
    done = subprocess.run(
        [*command, "--resume", "--json"], cwd=place.root, capture_output=True, text=True, check=True
    )
    timings = json.loads(done.stdout)["timings"]
    assert IMAGES == timings["images_resumed"] + timings["images_counted"]
    assert timings["images_resumed"] > 0


def test_what_is_interrupted_says_so(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.cli.console.say", stopped)
    assert (130, "", "interrupted\n") == bench("list", "metrics")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whoever_stops_it_twice_is_obeyed_at_once(number: signal.Signals) -> None:
    """Python must not end while a thread is in a kernel: C++ says
    `terminate called without an active exception`.
    """
    program = (
        "import sys, time\n"
        "from bench import cli\n"
        "from bench.kernels.threads import Begun\n"
        "def slow(words):\n"
        "    begun = Begun(lambda: time.sleep(20))\n"
        "    print('there', flush=True)\n"
        "    begun.result()\n"
        "cli._run = slow\n"
        "sys.exit(cli.main([]))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    assert process.stderr is not None
    assert "interrupted\n" == process.stderr.readline()
    time.sleep(0.2)
    assert process.poll() is None  # it waits for the thread
    process.send_signal(number)
    _, err = process.communicate(timeout=10)
    assert -number == process.returncode
    assert "" == err


def test_an_install_without_compiled_kernels_says_so_once(
    place: Place, bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_KERNELS", raising=False)
    words = ("eval", "--predictions", place.root / "predictions", *place.arguments)
    for kind, said in (("reference", 1), ("native", 0)):
        monkeypatch.setattr("bench.kernels.which", lambda kind=kind: kind)
        _, _, err = bench(*words)
        assert said == err.count("compiled kernels are missing")


@pytest.mark.parametrize("columns", [80, 100, 120])
@pytest.mark.parametrize("what", ["datasets", "models", "metrics"])
def test_lists_fit_the_terminal(
    bench: Any, monkeypatch: pytest.MonkeyPatch, what: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    _, out, _ = bench("list", what)
    assert columns - 15 < max(map(len, out.splitlines())) <= columns


def test_a_comparison_is_suggested_where_there_can_be_one(place: Place, bench: Any) -> None:
    """Not with other images, and not with the same predictions under another name."""
    shutil.copytree(place.root / "predictions", place.root / "others")

    def last(predictions: str, *more: str) -> str:
        asked = [
            "eval",
            "--predictions",
            place.root / predictions,
            *place.arguments,
            "--interval",
            "none",
        ]
        return str(bench(*asked, *more)[1].splitlines()[-1].strip())

    said = [
        last("predictions"),
        last("others", "--limit", "5"),
        last("predictions", "--name", "again"),
    ]
    assert ["bench eval --predictions baseline:shuffled"] * 3 == [line[:42] for line in said]
    assert f"bench compare {place.root / 'runs' / 'blocks-val' / 'others'}" in last("others")


def test_garbage_is_looked_for_again_whatever_happens(place: Place, bench: Any) -> None:
    for words in (
        ("--predictions", place.root / "none"),
        ("--predictions", place.root / "predictions"),
    ):
        bench("eval", *words, *place.arguments)
        assert gc.isenabled()
    with startup.loading():
        inside = gc.isenabled()
    assert (False, True) == (inside, gc.isenabled())


@pytest.mark.slow
def test_a_network_leaves_nothing_behind_that_libraries_complain_of(place: Place) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("segmentation_models_pytorch")
    command = [
        sys.executable,
        "-m",
        "bench",
        "run",
        "--model",
        "unet",
        "--dataset",
        "streets",
        "--limit",
        "2",
    ]
    done = subprocess.run(
        [*command, "--json"], cwd=place.root, capture_output=True, text=True, check=True
    )
    assert "" == done.stderr

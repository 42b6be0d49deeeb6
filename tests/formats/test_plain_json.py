"""JSON as people bring it: marks, UTF-16, gzip, zip and lines are read everywhere; what is no JSON
is named.
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import plain_json, prefetch
from bench.cards import load_card
from bench.cli import main
from bench.errors import PredictionError
from bench.evaluation.boxes_only import boxes_alone
from bench.evaluation.prediction_files import task_of
from bench.formats.coco import classes as coco_classes
from bench.formats.coco import columns as coco_columns
from bench.formats.coco import json_files as coco_json
from bench.formats.lvis import columns as lvis_columns

BOX = [[1.0, 1.0, 9.0, 1.0, 9.0, 7.0, 1.0, 7.0]]
TRUTH = {
    "images": [{"id": n, "file_name": f"{n}.jpg", "height": 10, "width": 12} for n in (1, 2)],
    "annotations": [
        {
            "id": n,
            "image_id": n,
            "category_id": 1,
            "segmentation": BOX,
            "bbox": [1, 1, 8, 6],
            "area": 48,
            "iscrowd": 0,
        }
        for n in (1, 2)
    ],
    "categories": [{"id": 1, "name": "Schlüssel"}],
}
RESULTS = [
    {"image_id": 1, "category_id": 1, "segmentation": BOX, "score": 0.5},
    {"image_id": 2, "category_id": 1, "bbox": [2, 2, 4, 4], "score": 0.25},
]
PANOPTIC = {"annotations": [{"image_id": 1, "file_name": "1.png", "segments_info": []}]}
CARD = """
name = "keys"
title = "Keys"
layout = "coco"
tasks = ["instance"]
classes_from = "truth"
licence = "-"
cite = "-"
obtain = "-"
[splits.val]
"""


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def text_of(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False)


FORMS: dict[str, Callable[[Any], bytes]] = {
    "plain": lambda content: text_of(content).encode(),
    "byte order mark": lambda content: b"\xef\xbb\xbf" + text_of(content).encode(),
    "mark and blanks": lambda content: b"\xef\xbb\xbf\r\n  " + text_of(content).encode() + b"\r\n",
    "UTF-16 little": lambda content: b"\xff\xfe" + text_of(content).encode("utf-16-le"),
    "UTF-16 big": lambda content: b"\xfe\xff" + text_of(content).encode("utf-16-be"),
    "UTF-16 little without mark": lambda content: text_of(content).encode("utf-16-le"),
    "UTF-16 big without mark": lambda content: text_of(content).encode("utf-16-be"),
    "UTF-32": lambda content: text_of(content).encode("utf-32"),
    "gzip": lambda content: gzip.compress(text_of(content).encode()),
    "gzip in parts": lambda content: b"".join(
        gzip.compress(part)
        for part in (text_of(content).encode()[:40], text_of(content).encode()[40:])
    ),
    "gzip with a mark": lambda content: gzip.compress(text_of(content).encode("utf-8-sig")),
    "zip": lambda content: zipped({"a/results.json": text_of(content).encode()}),
    "zip of a Mac": lambda content: zipped(
        {"r.json": text_of(content).encode(), "__MACOSX/._r.json": b"x", ".DS": b""}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_reader_reads_every_form(tmp_path: Path, form: str) -> None:
    truth, results, segments = (
        tmp_path / "truth.json",
        tmp_path / "results.json",
        tmp_path / "panoptic.json",
    )
    for path, content in ((truth, TRUTH), (results, RESULTS), (segments, PANOPTIC)):
        path.write_bytes(FORMS[form](content))
        assert content == json.loads(plain_json.read(path))
        assert text_of(content).encode()[:5] == plain_json.head(path, 1 << 16).lstrip()[:5]
    assert ("instance", "panoptic") == (task_of(results), task_of(segments))
    assert not boxes_alone(results)
    assert not coco_json.is_panoptic(truth)
    assert coco_json.is_panoptic(segments)
    classes = coco_classes.classes_of(truth, load_card("coco-instances"))
    assert ("Schlüssel",) == classes.names
    read = coco_json.load(results, list[coco_json.Result], PredictionError)
    assert [0.5, 0.25] == [each.score for each in read]
    assert [(True, None), (True, None)] == [(ahead_of(path), None) for path in (truth, results)]


def ahead_of(path: Path) -> bool:
    """Whether the compiled reader takes the bytes, or there is none."""
    kernel = "read_coco_truth" if path.name == "truth.json" else "read_coco_results"
    parsed = prefetch.take(path, kernel, with_masks=False).result()
    return parsed is None or parsed[0].lstrip()[:1] in (b"[", b"{")


@pytest.mark.parametrize("form", [*FORMS, "lines"])
def test_scores_are_those_of_the_plain_files(
    tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "card.toml").write_text(CARD)
    found = []
    for name in ("plain", form):
        truth, results = tmp_path / f"{name} truth.json", tmp_path / f"{name} results.json"
        truth.write_bytes(FORMS["plain" if form == "lines" else name](TRUTH))
        lines = "\r\n".join(text_of(each) for each in RESULTS) + "\n\n"
        results.write_bytes(lines.encode() if name == "lines" else FORMS[name](RESULTS))
        where = [
            "-d",
            str(tmp_path / "card.toml"),
            "--data",
            str(truth),
            "--out",
            str(tmp_path / name),
        ]
        assert 0 == main(["eval", "-p", str(results), *where, "--interval", "none", "--json"])
        found.append(json.loads(capsys.readouterr().out)["scores"])
    assert found[0] == found[1]
    assert 0 < found[0]["instance"]["AP"]["value"] < 1


def test_the_columns_of_a_marked_file_are_those_of_the_plain_one(tmp_path: Path) -> None:
    card = load_card("coco-instances")
    truth = {**TRUTH, "categories": [{"id": 1, "name": "person"}]}
    results = [
        {key: value for key, value in each.items() if key != "bbox"} | {"segmentation": BOX}
        for each in RESULTS
    ]
    columns = []
    for form in ("plain", "byte order mark", "gzip"):
        paths = tmp_path / f"{form}.t.json", tmp_path / f"{form}.r.json"
        for path, content in zip(paths, (truth, results), strict=True):
            path.write_bytes(FORMS[form](content))
        columns.append(coco_columns.read(card, *paths))
    for file, detections in columns[1:]:
        np.testing.assert_array_equal(columns[0][0].columns.boxes, file.columns.boxes)
        np.testing.assert_array_equal(columns[0][1].scores, detections.scores)


def test_lvis_reads_a_mark(tmp_path: Path) -> None:
    image = {
        "id": 1,
        "height": 10,
        "width": 12,
        "neg_category_ids": [],
        "not_exhaustive_category_ids": [],
    }
    content = {
        "images": [image],
        "annotations": [],
        "categories": [{"id": 1, "name": "key", "frequency": "f"}],
    }
    path = tmp_path / "truth.json"
    path.write_bytes(FORMS["byte order mark"](content))
    assert (1,) == lvis_columns.read_truth(path).numbers


PACKED = gzip.compress(json.dumps(RESULTS).encode())
NAMED = {
    "empty": (b"", "the file is empty"),
    "blank": (b" \n\t ", "the file is empty"),
    "a mark alone": (b"\xef\xbb\xbf", "the file is empty"),
    "empty gzip": (gzip.compress(b""), "the file is empty"),
    "web page": (
        b"<!DOCTYPE html><html><body>Log in</body></html>",
        "this is a web page (HTML or XML)",
    ),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
    "pickle": (pickle.dumps(RESULTS), "a Python pickle"),
    "PNG": (b"\x89PNG\r\n\x1a\n", "this is a PNG image"),
    "bzip2": (b"BZh91AY", "packed with bzip2"),
    "zeros": (bytes(100), "a file of zero bytes"),
    "CSV": (b"image,category,score\n1,1,.5\n", "it begins with 'image,category,score'"),
    "cut": (json.dumps(RESULTS).encode()[:-30], "the file is truncated: the JSON ends after"),
    "cut gzip": (PACKED[:-20], "the gzip file is cut off"),
    "damaged gzip": (PACKED[:20] + bytes(20) + PACKED[40:], "the gzip file is damaged"),
    "several in a zip": (
        zipped({"a.json": b"[]", "b.json": b"[]"}),
        "holds 2 files (a.json, b.json)",
    ),
    "cut zip": (zipped({"a.json": b"[]" * 99})[:-9], "the zip file is damaged or cut off"),
    "twice": (gzip.compress(PACKED), "a gzip file inside another packed file"),
    "tar": (gzip.compress(b"a.json".ljust(257, b"\0") + b"ustar" + bytes(300)), "a tar archive"),
    "single quotes": (str(RESULTS).encode(), "strings are in single quotes"),
    "Latin letters": (
        b'[{"image_id": "M\xfcller", "category_id": 1, "score": 0.5}]',
        "not UTF-8 (byte 0xfc at",
    ),
    "damaged UTF-16": (json.dumps(RESULTS).encode("utf-16")[:-1], "the text is damaged"),
}


@pytest.mark.parametrize("kind", NAMED)
def test_what_is_no_json_is_named_with_and_without_a_task(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    content, words = NAMED[kind]
    (tmp_path / "card.toml").write_text(CARD)
    (tmp_path / "truth.json").write_bytes(FORMS["plain"](TRUTH))
    path = tmp_path / "results.json"
    path.write_bytes(content)
    said = []
    for task in ([], ["--task", "instance"]):
        where = [
            "-d",
            str(tmp_path / "card.toml"),
            "--data",
            str(tmp_path / "truth.json"),
            "--out",
            str(tmp_path),
        ]
        assert 2 == main(["eval", "-p", str(path), *where, *task])
        said.append(capsys.readouterr().err.replace("\n", " "))
    assert said[0] == said[1]
    assert words in " ".join(said[0].split())
    assert "results.json" in said[0]


@pytest.mark.parametrize("kind", ["empty", "web page", "cut gzip", "several in a zip", "CSV"])
def test_truth_that_is_no_json_is_named(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "card.toml").write_text(CARD)
    (tmp_path / "truth.json").write_bytes(NAMED[kind][0])
    (tmp_path / "results.json").write_bytes(FORMS["plain"](RESULTS))
    where = [
        "-d",
        str(tmp_path / "card.toml"),
        "--data",
        str(tmp_path / "truth.json"),
        "--out",
        str(tmp_path),
    ]
    assert 2 == main(["eval", "-p", str(tmp_path / "results.json"), *where])
    assert NAMED[kind][1] in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TRUTH, "this is ground truth (images, annotations, categories), not a list of results"),
        ({"results": [], "info": 1}, "this JSON object has the keys results, info"),
        ({}, r"has the keys (none)"),
    ],
)
def test_objects_that_hold_no_predictions_are_named(
    tmp_path: Path, content: Any, words: str
) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(content))
    with pytest.raises(PredictionError) as caught:
        task_of(path)
    assert words in str(caught.value)


def test_a_json_object_that_is_cut_off_is_no_matter_of_its_keys(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(TRUTH)[:-40])
    with pytest.raises(PredictionError, match="truncated"):
        task_of(path)


@pytest.mark.parametrize("name", ["results.json.gz", "results.jsonl", "results.json"])
def test_a_folder_with_one_file_of_results(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "card.toml").write_text(CARD)
    (tmp_path / "truth.json").write_bytes(FORMS["plain"](TRUTH))
    content = "\n".join(map(json.dumps, RESULTS)).encode()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_bytes(
        gzip.compress(FORMS["plain"](RESULTS)) if name.endswith("gz") else content
    )
    where = [
        "-d",
        str(tmp_path / "card.toml"),
        "--data",
        str(tmp_path / "truth.json"),
        "--out",
        str(tmp_path / "runs"),
    ]
    assert 0 == main(["eval", "-p", str(tmp_path / "out"), *where, "--interval", "none", "--json"])
    assert json.loads(capsys.readouterr().out)["scores"]["instance"]["AP"]["value"] > 0


def test_lines_are_no_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "card.toml").write_text(CARD)
    (tmp_path / "truth.json").write_text("\n".join(map(json.dumps, TRUTH["annotations"])))  # type: ignore[call-overload]
    (tmp_path / "results.json").write_bytes(FORMS["plain"](RESULTS))
    where = [
        "-d",
        str(tmp_path / "card.toml"),
        "--data",
        str(tmp_path / "truth.json"),
        "--out",
        str(tmp_path),
    ]
    assert 2 == main(["eval", "-p", str(tmp_path / "results.json"), *where])
    assert "one object per line (JSON lines)" in " ".join(capsys.readouterr().err.split())


def test_a_single_image_is_no_folder_of_label_maps(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(PredictionError, match="pass a folder with one label map"):
        task_of(tmp_path / "a.png")


def test_an_odd_json_beside_label_maps_is_none_of_our_business(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("")
    with pytest.raises(PredictionError, match="the file is empty"):
        task_of(tmp_path)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "semantic" == task_of(tmp_path)


@pytest.mark.parametrize("form", ["gzip", "zip"])
def test_a_bomb_does_not_fill_the_memory(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_json, "LARGEST", 1 << 20)
    content = b"[" + b" " * (32 << 20) + b"]"
    path = tmp_path / "results.json"
    path.write_bytes(gzip.compress(content) if form == "gzip" else zipped({"a.json": content}))
    del content
    tracemalloc.start()
    with pytest.raises(plain_json.NotJsonError, match="unpacks to more than"):
        plain_json.read(path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()

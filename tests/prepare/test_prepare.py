"""Downloads from a server that breaks off, fails or serves wrong files, until the data can be read."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flaky_server
import numpy as np
import pytest
from flaky_server import Server
from PIL import Image

from bench import cards, cli, formats
from bench.errors import DataError
from bench.prepare import RECORD, Patience, alone, fetch, prepare
from bench.prepare.archives import unpack

HASTE = Patience(timeout=1.0, attempts=2, pause=0.0)
FILE = "VOCtrainval_11-May-2012.tar"


@pytest.fixture
def server() -> Iterator[Server]:
    with flaky_server.serving() as server:
        server.redirect_to = FILE
        yield server


def picture(pixels: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG" if pixels.ndim == 3 else "PNG")
    return buffer.getvalue()


TRUTH = np.array([[0, 0, 255, 15], [0, 15, 15, 20]], dtype=np.uint8)


def voc_files() -> dict[str, bytes]:
    top = "VOCdevkit/VOC2012"
    files = {f"{top}/ImageSets/Segmentation/val.txt": b"2007_000033\n2007_000042\n"}
    for name in ("2007_000033", "2007_000042"):
        files[f"{top}/JPEGImages/{name}.jpg"] = picture(np.zeros((*TRUTH.shape, 3), dtype=np.uint8))
        files[f"{top}/SegmentationClass/{name}.png"] = picture(TRUTH)
        files[f"{top}/SegmentationObject/{name}.png"] = picture(
            (TRUTH > 0).astype(np.uint8) * TRUTH
        )
    return files


def tar_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return buffer.getvalue()


def card_for(server: Server, body: bytes, **changes: Any) -> cards.Card:
    """The shipped VOC card with the server's archive as its source."""
    server.files[FILE] = body
    card = cards.load_card("voc2012")
    facts = {
        "url": f"{server.url}/{FILE}",
        "bytes": len(body),
        "checksum": f"md5:{hashlib.md5(body).hexdigest()}",
        **changes,
    }
    (source,) = card.sources
    kept = {name: getattr(source, name) for name in source.__struct_fields__}
    return dataclasses.replace(card, sources=(cards.Source(**(kept | facts)),))


def test_ends_in_a_data_set_that_reads(server: Server, tmp_path: Path) -> None:
    steps: list[fetch.Step] = []
    body = tar_of(voc_files())
    result = prepare(card_for(server, body), tmp_path / "voc", report=steps.append, patience=HASTE)
    assert result.complete
    assert (FILE,) == result.unpacked
    assert {"download", "verify", "unpack"} == {step.stage for step in steps}
    assert all(last.done == last.total for last in {step.stage: step for step in steps}.values())
    record = json.loads((tmp_path / "voc" / RECORD).read_text())["sources"][FILE]
    assert hashlib.sha256(body).hexdigest() == record["sha256"]
    leftovers = {".part", ".etag", ".unfinished"}
    assert [] == [path.name for path in (tmp_path / "voc").rglob("*") if path.suffix in leftovers]
    samples = formats.layout(result.card).read_truth(result.card, tmp_path / "voc", "val")
    assert ["2007_000033", "2007_000042"] == [sample.id for sample in samples]
    assert np.array_equal(TRUTH, samples[0].truth.semantic().labels)


def test_second_call_does_nothing(server: Server, tmp_path: Path) -> None:
    card = card_for(server, tar_of(voc_files()))
    prepare(card, tmp_path, patience=HASTE)
    asked = len(server.requests)
    result = prepare(card, tmp_path, patience=HASTE)
    assert (result.complete, result.present, result.unpacked) == (True, (FILE,), ())
    assert asked == len(server.requests)


def test_goes_on_when_the_connection_breaks(server: Server, tmp_path: Path) -> None:
    body = tar_of(voc_files())
    server.cuts = [4000, 3000]
    assert prepare(card_for(server, body), tmp_path, patience=HASTE).complete
    assert [None, "bytes=4000-", "bytes=7000-"] == [asked for _, asked, _ in server.requests]
    assert body == (tmp_path / FILE).read_bytes()


def test_gives_up_when_nothing_new_arrives_and_keeps_what_came(
    server: Server, tmp_path: Path
) -> None:
    body = tar_of(voc_files())
    card = card_for(server, body)
    server.cuts = [4000, 0, 0, 0]
    with pytest.raises(DataError, match=r"4000 bytes were received; run the same command again"):
        prepare(card, tmp_path, patience=HASTE)
    server.cuts = []
    assert prepare(card, tmp_path, patience=HASTE).complete
    assert server.requests[-1][1] == "bytes=4000-"


def test_ctrl_c_then_again(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "BLOCK", 1024)
    card = card_for(server, tar_of(voc_files()))

    def stop(step: Any) -> None:
        if step.done > 2000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(card, tmp_path, report=stop, patience=HASTE)
    assert not (tmp_path / FILE).exists()
    assert prepare(card, tmp_path, patience=HASTE).complete
    assert server.requests[-1][1].startswith("bytes=")


def test_ctrl_c_while_unpacking_then_again(server: Server, tmp_path: Path) -> None:
    card = card_for(server, tar_of(voc_files()))

    def stop(step: Any) -> None:
        if step.stage == "unpack" and step.done == step.total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(card, tmp_path, report=stop, patience=HASTE)
    result = prepare(card, tmp_path, patience=HASTE)
    assert (FILE,) == result.unpacked  # all was there, but not recorded
    assert (FILE,) == prepare(card, tmp_path, patience=HASTE).present


def test_server_that_ignores_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    body = tar_of(voc_files())
    server.ranges, server.cuts = False, [4000]
    assert prepare(card_for(server, body), tmp_path, patience=HASTE).complete
    assert body == (tmp_path / FILE).read_bytes()


def test_file_that_changed_on_the_server_is_not_glued_together(
    server: Server, tmp_path: Path
) -> None:
    body = tar_of(voc_files())
    (tmp_path / f"{FILE}.part").write_bytes(b"old" * 1000)
    (tmp_path / f"{FILE}.part.etag").write_text('"older"')
    assert prepare(card_for(server, body), tmp_path, patience=HASTE).complete
    assert body == (tmp_path / FILE).read_bytes()


def test_part_that_is_longer_than_the_file_is_dropped(server: Server, tmp_path: Path) -> None:
    body = tar_of(voc_files())
    (tmp_path / f"{FILE}.part").write_bytes(b"x" * (len(body) + 5))
    assert prepare(card_for(server, body), tmp_path, patience=HASTE).complete


def test_part_that_was_complete_needs_no_byte(server: Server, tmp_path: Path) -> None:
    body = tar_of(voc_files())
    (tmp_path / f"{FILE}.part").write_bytes(body)
    assert prepare(card_for(server, body, bytes=None), tmp_path, patience=HASTE).complete
    assert 1 == len(server.requests)


def test_follows_redirects_and_does_without_length_and_etag(server: Server, tmp_path: Path) -> None:
    server.lengths, server.etag = False, ""
    card = card_for(server, tar_of(voc_files()), url=f"{server.url}{flaky_server.REDIRECT}")
    assert prepare(card, tmp_path, patience=HASTE).complete
    assert [flaky_server.REDIRECT, f"/{FILE}"] == [path for path, _, _ in server.requests]


def test_passing_failure_of_the_server_is_tried_again(server: Server, tmp_path: Path) -> None:
    card = card_for(server, tar_of(voc_files()))
    server.statuses = [503]
    assert prepare(card, tmp_path, patience=HASTE).complete


def test_silent_server_is_tried_again_and_then_given_up(server: Server, tmp_path: Path) -> None:
    card = card_for(server, tar_of(voc_files()))
    server.silences = [0.4]
    assert prepare(
        card, tmp_path / "once", patience=Patience(timeout=0.1, attempts=2, pause=0.4)
    ).complete
    server.silences = [0.2, 0.2]
    with pytest.raises(DataError, match=r"the server did not answer for 0\.05 s"):
        prepare(card, tmp_path / "twice", patience=Patience(timeout=0.05, attempts=2, pause=0.0))


def test_missing_file_says_what_to_do_by_hand(server: Server, tmp_path: Path) -> None:
    card = card_for(server, tar_of(voc_files()), url=f"{server.url}/gone.tar")
    with pytest.raises(
        DataError,
        match=r"gone\.tar: the server answered 404 .*; download the file elsewhere and put it at",
    ):
        prepare(card, tmp_path, patience=HASTE)
    assert 1 == len(server.requests)


def test_server_out_of_reach(server: Server, tmp_path: Path) -> None:
    card = card_for(server, b"x", url="http://127.0.0.1:9/x.tar")
    with pytest.raises(
        DataError, match=r"cannot be reached .* or download the file yourself and put it at"
    ):
        prepare(card, tmp_path, patience=HASTE)


def test_wrong_checksum_is_said_and_set_aside(server: Server, tmp_path: Path) -> None:
    body = tar_of(voc_files())
    found, card = hashlib.md5(body).hexdigest(), card_for(server, body, checksum=f"md5:{'0' * 32}")
    with pytest.raises(DataError, match=rf"its md5 is {found}, but should be 0{{32}} .*renamed"):
        prepare(card, tmp_path, patience=HASTE)
    assert not (tmp_path / FILE).exists()
    assert (tmp_path / f"{FILE}.damaged").is_file()
    assert not (tmp_path / "JPEGImages").exists()


def test_other_size_than_the_card_says(server: Server, tmp_path: Path) -> None:
    body = tar_of(voc_files())
    with pytest.raises(
        DataError, match=rf"the server offers {len(body)} bytes, but the card says 17"
    ):
        prepare(card_for(server, body, bytes=17), tmp_path, patience=HASTE)


def test_first_download_speaks_where_nobody_publishes_a_checksum(
    server: Server, tmp_path: Path
) -> None:
    body = tar_of(voc_files())
    card = card_for(server, body, bytes=None, checksum=None, cited=None)
    assert prepare(card, tmp_path, patience=HASTE).complete
    for path in tmp_path.iterdir():
        if path.name != RECORD:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    server.files[FILE] = tar_of({**voc_files(), "VOCdevkit/VOC2012/more": b"?"})
    with pytest.raises(DataError, match="written at the first download"):
        prepare(card, tmp_path, patience=HASTE)


def test_full_disk_is_foreseen(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = card_for(server, tar_of(voc_files()))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(
        DataError, match=r"the download needs [\d,]+ bytes, but the disk has 1 free"
    ):
        prepare(card, tmp_path, patience=HASTE)


def test_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="this is a file"):
        prepare("voc2012", tmp_path / "file")


def test_damaged_record(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text("{")
    with pytest.raises(DataError, match="record of an earlier"):
        prepare("voc2012", tmp_path)


def test_cityscapes_says_what_to_fetch_and_unpacks_what_lies_there(tmp_path: Path) -> None:
    result = prepare("cityscapes", tmp_path)
    assert not result.complete
    assert ("gtFine_trainvaltest.zip", "leftImg8bit_trainvaltest.zip") == result.missing
    for word in (
        *result.missing,
        "disparity_trainvaltest.zip",
        "https://www.cityscapes-dataset.com",
        "Log in",
    ):
        assert word in result.instructions
    for name in result.missing:
        folder = name.partition("_")[0]
        (tmp_path / name).write_bytes(zip_of({"README": b"", f"{folder}/val/munster/a.png": b"x"}))
    again = prepare("cityscapes", tmp_path)
    assert (again.complete, again.unpacked, again.instructions) == (True, result.missing, "")
    assert (tmp_path / "gtFine" / "val" / "munster" / "a.png").is_file()


def test_card_without_sources_answers_in_its_own_words(tmp_path: Path) -> None:
    result = prepare("camvid", tmp_path)
    assert (result.complete, result.instructions) == (
        False,
        cards.load_card("camvid").obtain.strip(),
    )


def test_nested_archive_and_selection_as_in_coco_panoptic(server: Server, tmp_path: Path) -> None:
    body = zip_of(
        {
            "annotations/panoptic_val2017.json": b"{}",
            "annotations/panoptic_train2017.zip": b"not wanted",
            "annotations/panoptic_val2017.zip": zip_of(
                {"panoptic_val2017/1.png": b"x", "__MACOSX/a": b"y"}
            ),
        }
    )
    card = cards.load_card("coco-panoptic")
    (source,) = (source for source in card.sources if source.nested)
    server.files[source.file] = body
    kept = {name: getattr(source, name) for name in source.__struct_fields__}
    changed = cards.Source(**(kept | {"url": f"{server.url}/{source.file}"}))
    prepare(dataclasses.replace(card, sources=(changed,)), tmp_path, patience=HASTE)
    assert (tmp_path / "annotations" / "panoptic_val2017" / "1.png").is_file()
    assert not (tmp_path / "annotations" / "panoptic_val2017.zip").exists()
    assert not (tmp_path / "annotations" / "panoptic_train2017.zip").exists()


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "c:/evil", "a\\..\\evil"])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_members_stay_inside(tmp_path: Path, name: Any, kind: Any) -> None:
    archive = tmp_path / f"x.{kind}"
    archive.write_bytes((zip_of if kind == "zip" else tar_of)({"fine": b"1", name: b"2"}))
    with pytest.raises(DataError, match="would be written outside"):
        unpack(archive, tmp_path / "in")
    assert [archive] == list(tmp_path.iterdir())


def test_links_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(link)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        file.writestr(info, "/etc")
    for kind in ("tar", "zip"):
        with pytest.raises(DataError, match="is a link"):
            unpack(tmp_path / f"x.{kind}", tmp_path)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_damaged_archive(tmp_path: Path, kind: Any) -> None:
    archive = tmp_path / f"x.{kind}"
    whole = (zip_of if kind == "zip" else tar_of)({"a": b"1" * 3000, "b": b"2" * 3000})
    archive.write_bytes(whole[:2000])
    with pytest.raises(DataError, match="is damaged"):
        unpack(archive, tmp_path)
    assert [archive] == list(Path(tmp_path).iterdir())


def test_wrong_archive(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zip_of({"a": b"1"}))
    with pytest.raises(DataError, match="holds nothing below 'VOCdevkit'"):
        unpack(tmp_path / "x.zip", tmp_path, strip="VOCdevkit")


def test_two_calls_do_not_write_into_one_folder_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = cards.load_card("cityscapes")
    with alone(tmp_path / "data"):
        with pytest.raises(DataError, match="another bench prepare is running there"):
            prepare(card, tmp_path / "data")
        assert 2 == cli.main(
            ["prepare", "--dataset", "streets", "--split", "mini", "--data", str(tmp_path / "data")]
        )
        assert "another bench prepare" in capsys.readouterr().err
        prepare(card, tmp_path / "other")
    assert [] == list((tmp_path / "data").iterdir())
    assert not prepare(card, tmp_path / "data").complete


def test_without_a_folder_streets_needs_none_and_others_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_DATA", raising=False)
    for dataset, words in (
        ("streets", "drawn at its first use"),
        ("cityscapes", "--data is missing"),
    ):
        assert 2 == cli.main(["prepare", "--dataset", dataset])
        assert words in capsys.readouterr().err
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    cli.main(["prepare", "--dataset", "cityscapes"])
    assert f"{tmp_path / 'cityscapes'}" in capsys.readouterr().out

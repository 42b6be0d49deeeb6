"""TorchScript and torch.export: the same label maps as the network itself, and nothing that could
run code.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra models is not installed")

from safetensors.torch import save_file  # noqa: E402

from bench import cli, models  # noqa: E402
from bench.cards import load_card  # noqa: E402
from bench.errors import CheckpointError, MissingExtra, UsageError  # noqa: E402
from bench.models import Options  # noqa: E402
from bench.models.architectures import networks  # noqa: E402
from bench.models.interchange import exported_archive  # noqa: E402

STREETS = load_card("streets")
SIZE = (64, 96)


def picture(height: int = SIZE[0], width: int = SIZE[1]) -> Any:
    """Coarse patches of colour: of fine noise every deep feature is the same."""
    patches = np.random.default_rng(7).integers(
        0, 256, (-(-height // 16), -(-width // 16), 3), dtype=np.uint8
    )
    return patches.repeat(16, 0).repeat(16, 1)[:height, :width].copy()


@pytest.fixture(scope="module")
def network() -> Any:
    """A small U-Net that tells the patches apart."""
    torch.manual_seed(3)
    found = networks.build("unet_slim8", 19)
    for module in found.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        for _ in range(2):
            found(torch.from_numpy(np.stack([picture()] * 2)).permute(0, 3, 1, 2) / 64 - 2)
    return found.eval()


class Wrapped(torch.nn.Module):  # type: ignore[misc, name-defined]
    """The network in another form: what it takes and what it gives."""

    def __init__(self, network: Any, form: str) -> None:
        super().__init__()
        self.network, self.form = network, form

    def forward(self, pixels: Any) -> Any:
        if self.form == "bytes":
            mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
            pixels = ((pixels.float() / 255 - mean) / std).permute(0, 3, 1, 2)
        logits = self.network(pixels)
        logits = logits["out"] if isinstance(logits, dict) else logits
        if self.form in ("labels", "bytes"):
            return logits.argmax(1)
        if self.form == "dict":
            return {"aux": logits[:, :3] * 2, "out": logits}
        if self.form == "tuple":
            return logits.permute(0, 2, 3, 1), pixels
        if self.form == "quarter":
            return torch.nn.functional.avg_pool2d(logits, 4)
        return logits


def script(path: Path, network: Any, form: str, given: Any = None) -> Path:
    given = torch.zeros(1, 3, *SIZE) if given is None else given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(Wrapped(network, form).eval(), given, strict=False).save(str(path))
    return path


def program(path: Path, network: Any, form: str, *, free: bool = False, given: Any = None) -> Path:
    given = torch.zeros(1, 3, *SIZE) if given is None else given
    sides = {
        2: torch.export.Dim("h8", min=4, max=64) * 8,
        3: torch.export.Dim("w8", min=4, max=64) * 8,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.export.export(
            Wrapped(network, form).eval(), (given,), dynamic_shapes=(sides,) if free else None
        )
        torch.export.save(made, path)
    return path


def load(path: Path, **options: Any) -> models.Model:
    return models.load("exported", STREETS, Options(weights=str(path), device="cpu", **options))


def labels(model: models.Model, image: Any) -> Any:
    return model.predict([image])[0].labels


@pytest.fixture(scope="module")
def own(network: Any, tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """The same network through bench's own adapter."""
    path = tmp_path_factory.mktemp("own") / "unet.safetensors"
    told = {"architecture": "unet_slim8", "classes": json.dumps(list(STREETS.classes.names))}
    save_file(
        {name: value.contiguous() for name, value in network.state_dict().items()},
        path,
        metadata=told,
    )
    return models.load("unet", STREETS, Options(weights=str(path), device="cpu"))


@pytest.mark.parametrize(
    ("write", "form"),
    [
        *((script, form) for form in ("logits", "labels", "dict", "tuple")),
        (program, "logits"),
        *(
            pytest.param(program, form, marks=pytest.mark.slow)
            for form in ("labels", "dict", "tuple")
        ),
    ],
)
def test_label_maps_are_those_of_the_own_adapter(
    tmp_path: Path, network: Any, own: models.Model, write: Any, form: str
) -> None:
    path = write(tmp_path / f"{form}.pt2", network, form)
    if form == "dict":
        path.with_suffix(".toml").write_text('output = "out"\n')
    model = load(path)
    image = picture()
    expected = labels(own, image)
    assert len(np.unique(expected)) > 3
    assert np.array_equal(expected, labels(model, image))
    assert not np.array_equal(expected, labels(model, image[:, ::-1].copy()))
    assert {"torch.export" if write is program else "TorchScript"} == {
        model.identity["architecture"]
    }
    assert model.identity["parameters"] == sum(
        parameter.numel() for parameter in network.parameters()
    )
    json.dumps(model.identity)


@pytest.fixture(scope="module")
def plain() -> Any:
    """Two convolutions, quick to export."""
    torch.manual_seed(5)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(8, 19, 1)
    ).eval()


@pytest.fixture(scope="module")
def free(plain: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that takes any size."""
    return program(tmp_path_factory.mktemp("free") / "free.pt2", plain, "logits", free=True)


def logits_of(network: Any, image: Any) -> Any:
    mean, std = (
        np.array([0.485, 0.456, 0.406], np.float32),
        np.array([0.229, 0.224, 0.225], np.float32),
    )
    pixels = (image.astype(np.float32) / np.float32(255) - mean) / std
    with torch.inference_mode():
        return network(torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous())


def test_free_sizes_take_images_as_they_are(tmp_path: Path, plain: Any, free: Path) -> None:
    image = picture(96, 128)
    expected = logits_of(plain, image).argmax(1)[0].numpy()
    assert len(np.unique(expected)) > 3
    for path in (free, script(tmp_path / "s.pt", plain, "logits")):
        model = load(path)
        assert model.settings["input_size"] is None
        assert np.array_equal(expected, labels(model, image))


def test_fixed_sizes_resize(tmp_path: Path, plain: Any) -> None:
    image = picture(100, 150)
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    small = torch.nn.functional.interpolate(pixels, SIZE, mode="bilinear", antialias=True).round()
    logits = logits_of(plain, small[0].permute(1, 2, 0).numpy())
    expected = (
        torch.nn.functional.interpolate(logits, (100, 150), mode="bilinear").argmax(1)[0].numpy()
    )
    blocky = torch.nn.functional.interpolate(logits, (100, 150)).argmax(1)[0].numpy()
    found = labels(load(program(tmp_path / "p.pt2", plain, "logits")), image)
    # Pillow's steps of rounding are not quite torch's: a tie may fall otherwise.
    assert (expected == found).mean() > 0.99
    assert (expected == found).mean() > (blocky == found).mean() + 0.01


def test_lower_resolutions_and_pixels_as_bytes(tmp_path: Path, plain: Any) -> None:
    given, image = torch.zeros(1, *SIZE, 3, dtype=torch.uint8), picture()
    expected = logits_of(plain, image)
    for write in (program, script):
        path = write(tmp_path / f"{write.__name__}.pt2", plain, "bytes", given=given)
        if write is script:
            path.with_suffix(".toml").write_text(
                'layout = "NHWC"\ndtype = "uint8"\ninput_size = [64, 96]\n'
            )
        assert (expected.argmax(1)[0].numpy() == labels(load(path), image)).mean() > 0.999
    quarter = torch.nn.functional.avg_pool2d(expected, 4)
    smooth = torch.nn.functional.interpolate(quarter, SIZE, mode="bilinear").argmax(1)[0].numpy()
    found = labels(load(script(tmp_path / "quarter.pt", plain, "quarter")), image)
    assert (smooth == found).mean() > 0.999
    assert (expected.argmax(1)[0].numpy() == found).mean() < 0.999


def test_it_runs_from_the_command_line(
    tmp_path: Path, network: Any, own: models.Model, capsys: pytest.CaptureFixture[str]
) -> None:
    path = script(tmp_path / "mine.pt", network, "logits")
    words = [
        "run",
        "--model",
        "exported",
        "--weights",
        str(path),
        "--input-size",
        "64x128",
        "--limit",
        "2",
    ]
    assert 0 == cli.main([*words, "--interval", "none", "--json", "--out", str(tmp_path / "runs")])
    found = json.loads(capsys.readouterr().out)
    assert ("exported", [64, 128]) == (found["model"]["model"], found["settings"]["input_size"])


# What is refused.


class Detector(torch.nn.Module):  # type: ignore[misc, name-defined]
    def forward(self, pixels: Any) -> Any:
        return pixels, [pixels[0, 0, :, :4], pixels[0, 0, :, 0]]


def test_networks_that_find_objects_are_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(Detector(), torch.zeros(1, 3, 64, 96), strict=False).save(
            str(tmp_path / "d.pt")
        )
    with pytest.raises(CheckpointError, match="boxes and masks of objects are not"):
        load(tmp_path / "d.pt")
    with pytest.raises(UsageError, match="--task instance"):
        load(tmp_path / "d.pt", task="instance")


class Evil:
    def __reduce__(self) -> Any:
        return print, ("run",)


def test_pickles_are_refused(
    tmp_path: Path, network: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(network, tmp_path / "whole.pt")
    (tmp_path / "old.pt").write_bytes(pickle.dumps(Evil()))
    for name, what in (("whole.pt", "a file of torch.save"), ("old.pt", "a pickle")):
        with pytest.raises(
            CheckpointError, match=rf"{name} is {what}.*--model exported runs TorchScript"
        ):
            load(tmp_path / name)
    assert "" == capsys.readouterr().out


def changed(path: Path, to: Path, member: str, change: Any) -> Path:
    """A copy of an archive with one member changed."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name.endswith(member) else content)
    return to


def test_programs_that_would_run_code_are_refused(
    tmp_path: Path, free: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = changed(
        free,
        tmp_path / "calls.pt2",
        "model.json",
        lambda text: text.replace(b"torch.ops.aten.relu.default", b"torch.os.system", 1),
    )
    with pytest.raises(CheckpointError, match=r"calls\.pt2 asks for 'torch\.os\.system'"):
        load(calls)

    def evil(text: bytes) -> bytes:
        found = json.loads(text)
        assert "expr_str" in text.decode()
        return json.dumps(found).replace("Symbol(", "print(", 1).encode()

    with pytest.raises(CheckpointError, match=r"expressions\.pt2 asks for .*print\("):
        load(changed(free, tmp_path / "expressions.pt2", "model.json", evil))

    def pickled(_: bytes) -> bytes:
        buffer = io.BytesIO()
        torch.save({"args": Evil()}, buffer)
        return buffer.getvalue()

    inputs = changed(free, tmp_path / "inputs.pt2", "sample_inputs/model.pt", pickled)
    with pytest.raises(
        CheckpointError, match=r"inputs\.pt2 \(torch\.export\) holds Python objects"
    ):
        load(inputs)
    assert "run" not in capsys.readouterr().out
    same = changed(free, tmp_path / "same.pt2", "-", bytes)
    assert np.array_equal(labels(load(free), picture()), labels(load(same), picture()))


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("8*s0 + 4", True),
        ("Mul(Integer(8), Symbol('s16', positive=True, integer=True))", True),
        ("Max(1, s0 // 2)", True),
        ("print(1)", False),
        ("().__class__", False),
        ("[1][0]", False),
        ("(lambda: 1)()", False),
        ("Symbol('s0').free_symbols", False),
        ("1 +", False),
    ],
)
def test_expressions_of_sizes_are_arithmetic(text: str, fine: bool) -> None:
    assert fine == exported_archive.is_arithmetic(text)


def test_truncated_and_other_files_are_refused(
    tmp_path: Path, network: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = script(tmp_path / "good.pt", network, "logits")
    (tmp_path / "cut.pt").write_bytes(good.read_bytes()[:-500])
    with pytest.raises(
        CheckpointError, match=r"cut\.pt is not an archive that torch writes, or truncated"
    ):
        load(tmp_path / "cut.pt")
    damaged = changed(good, tmp_path / "damaged.pt", "data.pkl", lambda content: content[:40])
    with pytest.raises(
        CheckpointError, match=r"torch .* cannot read .*damaged\.pt \(TorchScript\)"
    ):
        load(damaged)
    (tmp_path / "good.toml").write_text('layout = "NHWC"\n')
    with pytest.raises(CheckpointError, match=r"does not run on an input of 1 x 128 x 128 x 3"):
        load(good)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r'install "segbench\[models\]"'):
        load(good)

"""Networks in ONNX: what the file says is used, the rest is told, and the label maps are those of
plain arithmetic.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
onnx = pytest.importorskip(
    "onnx", reason="the package onnx, which writes the files, is not installed"
)

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from bench import cli, models  # noqa: E402
from bench.cards import load_card  # noqa: E402
from bench.errors import CheckpointError, InputError, MissingExtra, PredictionError, UsageError  # noqa: E402
from bench.models import Options  # noqa: E402
from bench.models.interchange import planes  # noqa: E402
from bench.models.interchange.exchange import MEAN, STD  # noqa: E402
from bench.models.interchange.exchange_model import ExchangeModel, OutputFormat, Port  # noqa: E402

STREETS = load_card("streets")
WEIGHTS = np.random.default_rng(0).normal(size=(19, 3)).astype(np.float32)
IMAGE = np.random.default_rng(1).integers(0, 256, (24, 40, 3), dtype=np.uint8)
IMAGENET = "mean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]\n"


def write(
    path: Path,
    *,
    shape: tuple[Any, ...] = (1, 3, 24, 40),
    dtype: int = TensorProto.FLOAT,
    tail: str = "logits",
    weights: Any = WEIGHTS,
    inputs: int = 1,
) -> Path:
    """A network of one 1 x 1 convolution; `tail` says in which form it gives its classes."""
    nodes, name, nhwc = [], "image", shape[-1] == 3
    if dtype != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", [name], ["real"], to=TensorProto.FLOAT))
        name = "real"
    if nhwc:
        nodes.append(helper.make_node("Transpose", [name], ["planes"], perm=[0, 3, 1, 2]))
        name = "planes"
    nodes.append(helper.make_node("Conv", [name, "w"], ["logits"]))
    kind = TensorProto.FLOAT
    if tail == "labels":
        nodes.append(helper.make_node("ArgMax", ["logits"], ["labels"], axis=1, keepdims=0))
        kind = TensorProto.INT64
    elif tail == "nhwc":
        nodes.append(helper.make_node("Transpose", ["logits"], ["nhwc"], perm=[0, 2, 3, 1]))
    elif tail == "half":
        nodes.append(
            helper.make_node(
                "AveragePool", ["logits"], ["half"], kernel_shape=[2, 2], strides=[2, 2]
            )
        )
    elif tail == "nan":
        nodes.append(helper.make_node("Log", ["logits"], ["nan"]))
    taken = [
        helper.make_tensor_value_info("image" if n == 0 else f"more{n}", dtype, shape)
        for n in range(inputs)
    ]
    given = [helper.make_tensor_value_info(tail, kind, None)]
    graph = helper.make_graph(
        nodes, "g", taken, given, [numpy_helper.from_array(weights[:, :, None, None], "w")]
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9),
        str(path),
    )
    return path


def load(path: Path, **options: Any) -> ExchangeModel:
    found = models.load(
        "onnx", options.pop("card", STREETS), Options(weights=str(path), device="cpu", **options)
    )
    assert isinstance(found, ExchangeModel)
    return found


def labels_of(model: models.Model, image: Any = IMAGE) -> Any:
    return model.predict([image])[0].labels


def normal(image: Any) -> Any:
    return (image.astype(np.float64) / 255 - MEAN) / STD


def expected(image: Any = IMAGE) -> Any:
    return (normal(image) @ WEIGHTS.T.astype(np.float64)).argmax(-1)


@pytest.mark.parametrize("tail", ["logits", "labels", "nhwc"])
@pytest.mark.parametrize(
    "shape", [(1, 3, 24, 40), (1, 24, 40, 3), (None, 3, None, None), ("n", "h", "w", 3)]
)
def test_layouts_and_kinds_are_read_from_the_file(
    tmp_path: Path, shape: tuple[Any, ...], tail: str
) -> None:
    model = load(write(tmp_path / "n.onnx", shape=shape, tail=tail))
    assert np.array_equal(expected(), labels_of(model))
    assert ("NHWC" if shape[-1] == 3 else "NCHW") == model.identity["input"]["layout"]
    assert ("labels" if tail == "labels" else "logits") == model.identity["output"]["kind"]
    assert not np.array_equal(expected(IMAGE[::-1]), labels_of(model))


def test_free_sizes_take_images_as_they_are_and_fixed_sizes_resize(tmp_path: Path) -> None:
    free, fixed = (
        load(write(tmp_path / "f.onnx", shape=(1, 3, "h", "w"))),
        load(write(tmp_path / "x.onnx")),
    )
    larger = IMAGE.repeat(3, 0).repeat(2, 1)
    assert np.array_equal(expected(larger), labels_of(free, larger))
    assert larger.shape[:2] == labels_of(fixed, larger).shape
    assert (None, [24, 40]) == (free.settings["input_size"], fixed.settings["input_size"])
    with pytest.raises(UsageError, match=r"input size 48x48: .*x\.onnx takes 24x40 only"):
        load(tmp_path / "x.onnx", input_size=(48, 48))
    assert [12, 20] == load(tmp_path / "f.onnx", input_size=(12, 20)).settings["input_size"]


def test_logits_are_resized_before_the_class_is_chosen_as_torch_does(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the extra models is not installed")
    found = labels_of(load(write(tmp_path / "n.onnx", tail="half")))
    logits = torch.from_numpy(normal(IMAGE) @ WEIGHTS.T.astype(np.float64)).permute(2, 0, 1)[None]
    half = torch.nn.functional.avg_pool2d(logits, 2)
    whole = (
        torch.nn.functional.interpolate(half, IMAGE.shape[:2], mode="bilinear").argmax(1)[0].numpy()
    )
    blocky = torch.nn.functional.interpolate(half, IMAGE.shape[:2]).argmax(1)[0].numpy()
    # float32 here, float64 there: a tie may fall otherwise in one pixel of a thousand.
    assert (whole == found).mean() > 0.999
    assert (blocky == found).mean() < 0.9


def test_planes_are_resized_as_torch_does() -> None:
    torch = pytest.importorskip("torch", reason="the extra models is not installed")
    plane = np.random.default_rng(2).normal(size=(33, 47)).astype(np.float32)
    for size in ((66, 94), (33, 100), (20, 20), (1, 1), (375, 500)):
        whole = torch.nn.functional.interpolate(
            torch.from_numpy(plane)[None, None], size, mode="bilinear"
        )
        assert np.allclose(whole[0, 0].numpy(), planes.resize_plane(plane, size), atol=1e-4)


def test_integer_inputs_take_pixels_as_they_are(tmp_path: Path) -> None:
    plain = (IMAGE.astype(np.float64) @ WEIGHTS.T).argmax(-1)
    model = load(write(tmp_path / "b.onnx", dtype=TensorProto.UINT8))
    assert np.array_equal(plain, labels_of(model))
    assert [] == model.identity["warnings"]
    shifted = ((IMAGE.astype(np.float64) - 128) @ WEIGHTS.T).argmax(-1)
    assert np.array_equal(
        shifted, labels_of(load(write(tmp_path / "i.onnx", dtype=TensorProto.INT8)))
    )


def test_the_sidecar_says_how_pixels_become_numbers(tmp_path: Path) -> None:
    path = write(tmp_path / "n.onnx")
    assert "normalisation-assumed" in dict(load(path).identity["warnings"])
    (tmp_path / "n.toml").write_text('channels = "BGR"\nscale = 127.5\nmean = [1, 1, 1]\n')
    model = load(path)
    assert [] == model.identity["warnings"]
    told = ((IMAGE[..., ::-1] / 127.5 - 1) @ WEIGHTS.T.astype(np.float64)).argmax(-1)
    assert np.array_equal(told, labels_of(model))
    (tmp_path / "else.toml").write_text(IMAGENET)
    assert np.array_equal(expected(), labels_of(load(path, sidecar=tmp_path / "else.toml")))


def test_classes_by_name(tmp_path: Path) -> None:
    names = list(STREETS.classes.names)
    order = [*range(5, 19), *range(5)]
    turned = json.dumps([names[number] for number in order])
    (tmp_path / "n.toml").write_text(f"classes = {turned}\n")
    for tail in ("logits", "labels"):
        model = load(write(tmp_path / "n.onnx", weights=WEIGHTS[order], tail=tail))
        assert np.array_equal(expected(), labels_of(model))
    (tmp_path / "n.toml").write_text(f"classes = {json.dumps(names[:18])}\n")
    with pytest.raises(CheckpointError, match="19 classes, but the file names 18"):
        load(write(tmp_path / "n.onnx"))
    fewer = load(write(tmp_path / "n.onnx", weights=WEIGHTS[:18]))
    assert "classes-unknown" in dict(fewer.identity["warnings"])


def test_confidence_is_the_softmax_of_the_logits(tmp_path: Path) -> None:
    found = load(write(tmp_path / "n.onnx"), confidence=True).predict([IMAGE])[0]
    logits = normal(IMAGE) @ WEIGHTS.T
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    assert np.allclose(shares.max(-1), found.confidence, atol=1e-5)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="returns labels only"):
        load(write(tmp_path / "l.onnx", tail="labels"), confidence=True)


def test_padding_to_a_stride_changes_no_pixel_of_a_pointwise_network(tmp_path: Path) -> None:
    (tmp_path / "n.toml").write_text("stride = 32\n")
    for tail in ("logits", "labels"):
        model = load(write(tmp_path / "n.onnx", shape=(1, 3, "h", "w"), tail=tail))
        assert np.array_equal(expected(), labels_of(model))


@pytest.mark.parametrize(("kind", "level"), [("probabilities", 0.5), ("logits", 0.0)])
def test_one_plane_is_the_second_of_two_classes(kind: Any, level: float) -> None:
    outlet = OutputFormat(Port("p"), kind, 2, (0, 1), np.array([0, 1]), np.uint8)
    plane = np.array([[level - 0.1, level + 0.1, level]], dtype=np.float32)
    assert [[0, 1, 0]] == planes.largest(outlet.planes(plane[..., None]), (1, 3)).tolist()


def test_scales_of_each_class_are_obeyed() -> None:
    raw = np.array([[[100, 90]]], dtype=np.uint8)
    one = OutputFormat(
        Port("p", None, None, np.array([0.1], np.float32), np.array([3], np.float32)),
        "logits",
        2,
        (0, 1),
        np.arange(2),
        np.uint8,
    )
    each = Port("p", None, None, np.array([0.1, 0.5], np.float32), np.array([0, 50], np.float32))
    assert [[0]] == planes.largest(one.planes(raw), (1, 1)).tolist()
    assert np.allclose([[[9.7]], [[8.7]]], one.planes(raw))
    many = OutputFormat(each, "logits", 2, (0, 1), np.arange(2), np.uint8)
    assert np.allclose([[[10]], [[20]]], many.planes(raw))


# What is refused, and in which words.


@pytest.mark.parametrize(
    ("sidecar", "message"),
    [
        ("kind = 1", r"n\.toml: .*kind"),
        ("sclae = 255", r"n\.toml: unknown key 'sclae': did you mean scale"),
        ("kind = ", r"n\.toml cannot be read as TOML"),
        ('output = "mask"', r"has no output 'mask'; it has logits"),
        ('layout = "NHWC"', "its layout is NCHW, not NHWC"),
        ('dtype = "uint8"', "takes float32"),
        ("std = [0, 1, 1]", r"n\.toml"),
    ],
)
def test_a_wrong_sidecar_says_which_key(tmp_path: Path, sidecar: str, message: str) -> None:
    path = write(tmp_path / "n.onnx")
    (tmp_path / "n.toml").write_text(sidecar)
    with pytest.raises(CheckpointError, match=message):
        load(path)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ({"inputs": 2}, "takes 2 inputs"),
        ({"shape": (4, 3, 24, 40)}, "one image of 4 dimensions"),
        ({"shape": (1, 4, 24, 40)}, "no axis can hold R, G and B"),
        ({"weights": WEIGHTS[:5]}, "the weights have 5 classes, but the card streets has 19"),
        ({"weights": WEIGHTS[:1]}, "set kind"),
    ],
)
def test_networks_that_do_not_fit_are_refused(
    tmp_path: Path, made: dict[str, Any], message: str
) -> None:
    path = write(tmp_path / "n.onnx", **made)
    with pytest.raises(CheckpointError, match=message):
        load(path)


def test_wrong_files_and_options_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "n.onnx")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(path.read_bytes()[:90])
    with pytest.raises(CheckpointError, match=r"damaged\.onnx is not an ONNX network"):
        load(damaged)
    with pytest.raises(CheckpointError, match="there is no file"):
        load(tmp_path / "absent.onnx")
    with pytest.raises(CheckpointError, match=r"--config .*: there is no such file"):
        load(path, sidecar=tmp_path / "absent.toml")
    with pytest.raises(CheckpointError, match="needs the file of your network: --weights FILE"):
        models.load("onnx", STREETS, Options())
    for given in ({"window": (8, 8)}, {"flip": True}, {"amp": True}, {"score_threshold": 0.5}):
        with pytest.raises(UsageError, match="does not support"):
            load(path, **given)
    with pytest.raises(UsageError, match="--model onnx does not support --task instance"):
        load(path, task="instance")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtra, match=r'install "segbench\[onnx\]"'):
        load(path)


def test_labels_that_are_no_class_and_nan_are_refused(tmp_path: Path) -> None:
    more = np.concatenate([np.zeros_like(WEIGHTS), WEIGHTS])
    with pytest.raises(
        PredictionError, match=r"returns the label \d+, which is not a class of the card .it has"
    ):
        labels_of(load(write(tmp_path / "n.onnx", tail="labels", weights=more)))
    with pytest.raises(PredictionError, match="returns NaN for an image of 40 x 24"):
        labels_of(load(write(tmp_path / "nan.onnx", tail="nan")))
    with pytest.raises(InputError, match="does not run on an input of 1 x 3 x"):
        load(
            write(tmp_path / "d.onnx", shape=(1, 3, "h", "h"), weights=np.ones((19, 4), np.float32))
        )


def test_it_runs_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "mine.onnx", shape=(1, 3, "h", "w"))
    words = [
        "run",
        "--model",
        "onnx",
        "--weights",
        str(path),
        "--limit",
        "2",
        "--interval",
        "none",
        "--json",
    ]
    run: Callable[[list[str]], int] = cli.main
    assert 0 == run([*words, "--out", str(tmp_path / "runs")])
    found = json.loads(capsys.readouterr().out)
    assert ("onnx", "mine.onnx") == (found["model"]["model"], found["model"]["weights"])
    assert 0 <= found["scores"]["semantic"]["mIoU"]["value"] < 0.5
    assert 2 == run([*words[:5], "--window", "64x64", "--json"])
    assert "does not support --window" in json.loads(capsys.readouterr().out)["error"]["message"]

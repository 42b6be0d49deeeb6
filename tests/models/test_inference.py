"""How a semantic network is run: windows, scales, mirror images, batches that shrink, and what is
said of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra models is not installed")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from bench.cards import load_card  # noqa: E402
from bench.errors import CheckpointError, PredictionError, UsageError  # noqa: E402
from bench.evaluation import evaluate  # noqa: E402
from bench.evaluation.jobs import FromModel, Job  # noqa: E402
from bench.models import Options  # noqa: E402
from bench.models.running import augmentation, inference, windows  # noqa: E402
from bench.models.running.batches import Batches  # noqa: E402
from bench.models.running.inference import SemanticModel  # noqa: E402
from bench.samples import Image, LabelMap, Sample, Truth  # noqa: E402

CLASSES = 5
SIZE = (37, 53)


class Local(nn.Module):
    """Sees one pixel at a time, so that no window and no mirror can change what it says."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, CLASSES, 1))

    def forward(self, pixels: Any) -> Any:
        return self.layers(pixels)


class Wide(Local):
    """Sees its surroundings, whose end it feels."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 9, padding=4), nn.ReLU(), nn.Conv2d(8, CLASSES, 9, padding=4)
        )


@dataclass
class Scarce:
    """Memory of which a network needs more for more images than `images`, and the sizes of batches
    that were tried.
    """

    images: int
    tried: list[int] = field(default_factory=list)

    def network(self, error: Callable[[str], Exception]) -> nn.Module:
        scarce, inner = self, Local()

        class Hungry(nn.Module):
            def forward(self, pixels: Any) -> Any:
                scarce.tried.append(len(pixels))
                if len(pixels) > scarce.images:
                    raise error("CUDA out of memory: cannot allocate memory")
                return inner(pixels)

        return Hungry()


def picture(seed: int = 0, size: tuple[int, int] = SIZE) -> Image:
    patches = np.random.default_rng(seed).integers(
        0, 256, (-(-size[0] // 8), -(-size[1] // 8), 3), dtype=np.uint8
    )
    return patches.repeat(8, 0).repeat(8, 1)[: size[0], : size[1]].copy()


def model(network: nn.Module, options: Options | None = None, **changes: Any) -> SemanticModel:
    identity = {"kind": "model", "warnings": []}
    bare = SemanticModel(
        network, identity, {}, torch.device("cpu"), tuple(range(CLASSES)), 1, **changes
    )
    return inference.ready(bare, options or Options(device="cpu"))


def labels(ready: SemanticModel, images: Sequence[Image]) -> list[Any]:
    found = ready.predict(images)
    assert all(isinstance(one, LabelMap) for one in found)
    return [one.labels for one in found]


def normal(image: Image) -> Any:
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1) for values in (inference.MEAN, inference.STD)
    )
    return (pixels - mean) / std


# Numbers that are none.


class Broken(Local):
    """Gives NaN for one class where a pixel is bright."""

    def forward(self, pixels: Any) -> Any:
        found = self.layers(pixels)
        found[:, 2] = torch.where(pixels[:, 0] > 0, torch.nan, found[:, 2])
        return found


def test_logits_that_are_no_numbers_are_no_prediction() -> None:
    dark = np.zeros((*SIZE, 3), dtype=np.uint8)
    assert SIZE == labels(model(Broken()), [dark])[0].shape
    bright = dark.copy()
    bright[5, 7] = 255
    for options in (Options(device="cpu"), Options(device="cpu", flip=True)):
        with pytest.raises(PredictionError, match="the network returns NaN"):
            model(Broken(), options).predict([dark, bright])


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    from bench.models.weights import checkpoints

    state = Local().state_dict()
    state["layers.2.bias"][1] = torch.nan
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(
        CheckpointError, match=r"w\.pth holds NaN in layers\.2\.bias: the training diverged"
    ):
        checkpoints.fit(Local(), checkpoints.read(tmp_path / "w.pth"), architecture="local")


# Windows.


@pytest.mark.parametrize("window", [(16, 20), (1, 53), (36, 52), (37, 8)])
@pytest.mark.parametrize("overlap", [0.0, 1 / 3, 0.9])
def test_windows_change_nothing_for_a_network_that_sees_single_pixels(
    window: Any, overlap: float
) -> None:
    whole, image = model(Local()), picture()
    pieces = model(Local(), Options(device="cpu", window=window, overlap=overlap))
    assert (labels(whole, [image])[0] == labels(pieces, [image])[0]).mean() > 0.999


def test_logits_of_windows_are_averaged_where_they_overlap() -> None:
    network, image, window, overlap = Wide().eval(), picture(), (20, 30), 0.4
    tops, lefts = [0, 12, 17], [0, 18, 23]
    assert (tops, lefts) == tuple(
        windows.starts(n, w, overlap) for n, w in zip(SIZE, window, strict=True)
    )
    total, seen = torch.zeros((1, CLASSES, *SIZE)), torch.zeros(SIZE)
    with torch.inference_mode():
        pixels = normal(image)
        for top in tops:
            for left in lefts:
                total[..., top : top + 20, left : left + 30] += network(
                    pixels[..., top : top + 20, left : left + 30]
                )
                seen[top : top + 20, left : left + 30] += 1
        expected = (total / seen).argmax(1)[0].numpy()
        whole = network(pixels).argmax(1)[0].numpy()
    found = labels(model(Wide(), Options(device="cpu", window=window, overlap=overlap)), [image])[0]
    assert (expected == found).mean() > 0.999
    assert (whole == found).mean() < 0.99


def test_a_window_that_covers_the_image_is_the_image() -> None:
    images = [picture(), picture(1, (16, 16))]
    one, other = model(Wide()), model(Wide(), Options(device="cpu", window=SIZE))
    assert all(
        np.array_equal(a, b)
        for a, b in zip(labels(one, images), labels(other, images), strict=True)
    )


@pytest.mark.parametrize(
    ("length", "window"), [(1024, 512), (2048, 769), (100, 99), (5, 7), (13, 1)]
)
@pytest.mark.parametrize("overlap", [0.0, 0.25, 1 / 3, 0.5, 0.99])
def test_windows_cover_a_side_and_share_enough(length: int, window: int, overlap: float) -> None:
    begins = windows.starts(length, window, overlap)
    assert sorted(set(begins)) == begins
    assert set(range(length)) == {
        p for begin in begins for p in range(begin, min(begin + window, length))
    }
    assert all(begin + window <= length for begin in begins) or begins == [0]
    shared = [window - (after - before) for before, after in pairwise(begins)]
    assert all(each >= overlap * window - 1 for each in shared)
    # As mmsegmentation 1.2 places them: a grid of equal steps, each window shifted back into the
    # image.
    step = max(1, int(window * (1 - overlap)))
    grids = max(length - window + step - 1, 0) // step + 1
    assert begins == [
        max(min(number * step + window, length) - window, 0) for number in range(grids)
    ]


# Scales and mirror images.


def test_probabilities_are_averaged_over_scales_and_mirror_images() -> None:
    network, image = Wide().eval(), picture()
    shares = []
    with torch.inference_mode():
        for size in ((19, 27), SIZE, (56, 80)):
            small = functional.interpolate(
                torch.from_numpy(image).permute(2, 0, 1)[None].float(),
                size,
                mode="bilinear",
                antialias=True,
            )
            mean, std = (
                torch.tensor(values).view(1, 3, 1, 1) for values in (inference.MEAN, inference.STD)
            )
            small = (small / 255 - mean) / std
            for turned in (small, small.flip(3)):
                logits = functional.interpolate(network(turned), SIZE, mode="bilinear")
                shares.append(logits.softmax(1) if turned is small else logits.softmax(1).flip(3))
    expected = torch.stack(shares).mean(0)
    options = Options(device="cpu", scales=(0.5, 1.0, 1.5), flip=True, confidence=True)
    assert [(19, 27), SIZE, (56, 80)] == [
        augmentation.scaled(SIZE, scale) for scale in options.scales
    ]
    (found,) = model(Wide(), options).predict([image])
    assert isinstance(found, LabelMap)
    assert found.confidence is not None
    assert (expected.argmax(1)[0].numpy() == found.labels).mean() > 0.999
    assert np.allclose(expected.amax(1)[0].numpy(), found.confidence, atol=1e-5)
    assert (labels(model(Wide()), [image])[0] == found.labels).mean() < 0.99


def test_a_mirrored_image_is_answered_with_the_mirrored_answer() -> None:
    image, options = picture(), Options(device="cpu", flip=True)
    one, other = labels(model(Wide(), options), [image, image[:, ::-1].copy()])
    assert (one == other[:, ::-1]).mean() > 0.999
    one, other = labels(model(Wide()), [image, image[:, ::-1].copy()])
    assert (one == other[:, ::-1]).mean() < 0.99


def test_windows_and_scales_go_together_with_an_input_size_and_a_stride() -> None:
    options = Options(
        device="cpu", input_size=(24, 40), window=(16, 16), scales=(0.5, 2.0), flip=True
    )
    found = labels(model(Local(), options, stride=8), [picture(), picture(1, (64, 48))])
    assert [SIZE, (64, 48)] == [one.shape for one in found]
    plain = labels(
        model(Local(), Options(device="cpu", input_size=(24, 40))),
        [picture(), picture(1, (64, 48))],
    )
    assert all((one == other).mean() > 0.8 for one, other in zip(found, plain, strict=True))


# What the record says.


def test_settings_name_only_what_is_not_default() -> None:
    assert {"device": "cpu", "batch_size": 4, "amp": False, "input_size": None} == model(
        Local()
    ).settings
    options = Options(device="cpu", window=(8, 9), scales=(1.0, 2.0), flip=True)
    expected = {"window": [8, 9], "overlap": 1 / 3, "scales": [1.0, 2.0], "flip": True}
    found = model(Local(), options).settings
    assert expected == {name: found[name] for name in found if name not in model(Local()).settings}
    json.dumps(found)


# Batches.


def test_images_of_one_size_go_together_and_no_more_than_asked() -> None:
    sizes = [(2, 2), (3, 3), (3, 3), (2, 2), (2, 2)]
    assert [[0, 3], [4], [1, 2]] == Batches("cuda", 2, together=True).groups(sizes)
    assert [[0], [1], [2], [3], [4]] == Batches("cpu", 2, together=False).groups(sizes)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_batches_are_halved_once_for_all_when_memory_runs_out(
    error: Callable[[str], Exception],
) -> None:
    scarce = Scarce(images=2)
    ready = model(scarce.network(error), Options(device="cpu", batch_size=8))
    ready._batches.together = True
    images = [picture(seed) for seed in range(11)]
    found = labels(ready, images)
    assert [8, 4, 2, 2, 2, 2, 2, 1] == scarce.tried
    alone = labels(model(Local()), images)
    assert all((one == other).mean() > 0.999 for one, other in zip(found, alone, strict=True))
    ((code, message),) = ready.identity["warnings"]
    assert "out-of-memory" == code
    assert (
        "was too small for 4 images of 53 x 37 at once; the batch size was reduced to 2" in message
    )
    scarce.tried.clear()
    labels(ready, images[:3])
    assert max(scarce.tried) <= 2


def test_one_image_that_memory_does_not_hold_is_one_sentence() -> None:
    ready = model(Scarce(images=0).network(torch.OutOfMemoryError))
    with pytest.raises(
        UsageError, match=r"out of memory on cpu with one image of 53 x 37: use a smaller --input"
    ):
        ready.predict([picture()])


def test_other_errors_of_a_network_are_its_own() -> None:
    def error(_: str) -> Exception:
        return RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        model(Scarce(images=0).network(error)).predict([picture()])


# torch.compile.


def test_a_compiled_network_answers_as_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    compiling, calls = torch.compile, []

    def quick(network: nn.Module) -> Any:
        calls.append(network)
        return compiling(network, backend="eager")

    monkeypatch.setattr(torch, "compile", quick)
    ready, images = model(Local(), Options(device="cpu", compile=True)), [picture(), picture(1)]
    assert ready.settings["compile"]
    assert all(
        np.array_equal(a, b)
        for a, b in zip(labels(ready, images), labels(model(Local()), images), strict=True)
    )
    assert 1 == len(calls)


def test_a_network_that_cannot_be_compiled_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._dynamo.exc import TorchDynamoException

    def broken(_: nn.Module) -> Any:
        def call(_: Any) -> Any:
            raise TorchDynamoException("No working C++ compiler found\nmore lines")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    ready = model(Local(), Options(device="cpu", compile=True))
    with pytest.raises(
        UsageError,
        match=r"^--compile: torch cannot compile the network here \(No working C\+\+ compil",
    ):
        ready.predict([picture()])


def test_smaller_batches_are_said_in_the_record(tmp_path: Path) -> None:
    card = load_card("camvid")
    truth = Truth(read_semantic=lambda: LabelMap(np.zeros(SIZE, dtype=np.uint8)))
    samples = [Sample(f"{n}", truth, read_image=picture) for n in range(4)]
    ready = model(
        Scarce(images=1).network(torch.OutOfMemoryError), Options(device="cpu", batch_size=4)
    )
    ready._batches.together = True
    job = Job(
        card, "val", samples, "scarce", dict(ready.identity), dict(ready.settings), FromModel(ready)
    )
    record = evaluate(job, out=tmp_path).record
    assert ["out-of-memory"] == [
        each.code for each in record.warnings if each.code == "out-of-memory"
    ]
    assert 4 == record.settings["batch_size"]
    assert 0 < record.timings["cost"]["flops"]

"""Adapters: known by their weights, fitted to the card by number or by name, predicting in each
image's own size.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra models is not installed")
pytest.importorskip("torchvision", reason="the extra models is not installed")
smp = pytest.importorskip("segmentation_models_pytorch", reason="the extra models is not installed")

from safetensors.torch import save_file  # noqa: E402
from torchvision.models import get_model  # noqa: E402

from bench import models, streets  # noqa: E402
from bench.cards import Card, load_card  # noqa: E402
from bench.errors import CheckpointError, MissingExtra, UsageError  # noqa: E402
from bench.models import Options  # noqa: E402
from bench.models.architectures import networks  # noqa: E402
from bench.models.running import inference  # noqa: E402
from bench.models.weights import checkpoints  # noqa: E402
from bench.samples import LabelMap  # noqa: E402

STREETS, VOC, CAMVID = load_card("streets"), load_card("voc2012"), load_card("camvid")
SLIM = {"deeplab": "deeplabv3_slim8", "fcn": "fcn_slim8", "unet": "unet_slim8"}
SIZES = [(97, 131), (64, 128), (33, 40), (64, 128)]


def pictures(sizes: list[tuple[int, int]]) -> list[Any]:
    """Coarse patches of colour: of fine noise every deep feature is the same."""
    rng = np.random.default_rng(7)
    found = []
    for height, width in sizes:
        patches = rng.integers(0, 256, (-(-height // 16), -(-width // 16), 3), dtype=np.uint8)
        found.append(patches.repeat(16, 0).repeat(16, 1)[:height, :width].copy())
    return found


def slim_file(folder: Path, model: str, card: Card = STREETS, **metadata: Any) -> Path:
    """A reference network with random weights that knows the statistics of the pictures, and so
    tells them apart.
    """
    torch.manual_seed(3)
    network = networks.build(SLIM[model], len(metadata.get("classes", card.classes.names)))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        for _ in range(2):
            network(
                torch.from_numpy(np.stack(pictures([(96, 96)] * 4))).permute(0, 3, 1, 2) / 64 - 2
            )
    told = {"architecture": SLIM[model], "classes": list(card.classes.names), **metadata}
    text = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in told.items()
    }
    path = folder / f"{model}.safetensors"
    save_file(
        {name: value.contiguous() for name, value in network.state_dict().items()},
        path,
        metadata=text,
    )
    return path


def load(
    model: str, path: Path | None, card: Card = STREETS, **options: Any
) -> inference.SemanticModel:
    found = models.load(
        model, card, Options(weights=None if path is None else str(path), device="cpu", **options)
    )
    assert isinstance(found, inference.SemanticModel)
    return found


def maps(model: models.Model, images: list[Any]) -> list[Any]:
    found = model.predict(images)
    assert all(isinstance(prediction, LabelMap) for prediction in found)
    return [prediction.labels for prediction in found]


@pytest.mark.parametrize("model", SLIM)
def test_odd_sizes_come_back_in_their_own_size_and_order(tmp_path: Path, model: str) -> None:
    ready = load(model, slim_file(tmp_path, model))
    found = maps(ready, pictures(SIZES))
    assert SIZES == [labels.shape for labels in found]
    assert all(labels.dtype == np.uint8 and labels.max() < 19 for labels in found)
    assert not np.array_equal(found[1], found[3])


@pytest.mark.parametrize("model", SLIM)
def test_a_prediction_does_not_depend_on_its_batch(tmp_path: Path, model: str) -> None:
    ready = load(model, slim_file(tmp_path, model), batch_size=4)
    images = pictures(SIZES)
    together, alone = maps(ready, images), [maps(ready, [image])[0] for image in images]
    backwards = maps(ready, images[::-1])[::-1]
    for one, two, three in zip(together, alone, backwards, strict=True):
        assert np.array_equal(one, two)
        assert np.array_equal(one, three)


def test_logits_are_resized_before_the_class_is_chosen(tmp_path: Path) -> None:
    image = pictures([(90, 120)])[0]
    ready = load("deeplab", slim_file(tmp_path, "deeplab"), input_size=(45, 60))
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    small = torch.nn.functional.interpolate(pixels, (45, 60), mode="bilinear", antialias=True)
    mean, std = (
        torch.tensor(inference.MEAN).view(3, 1, 1),
        torch.tensor(inference.STD).view(3, 1, 1),
    )
    with torch.inference_mode():
        logits = ready.network((small - mean) / std)
        smooth = (
            torch.nn.functional.interpolate(logits, (90, 120), mode="bilinear").argmax(1)[0].numpy()
        )
        blocky = torch.nn.functional.interpolate(logits.argmax(1)[None].float(), (90, 120))[
            0, 0
        ].numpy()
    found = maps(ready, [image])[0]
    assert (smooth == found).mean() > 0.999
    assert (blocky == found).mean() < 0.99
    assert [45, 60] == ready.settings["input_size"]


def test_amp_runs_on_the_cpu(tmp_path: Path) -> None:
    path, images = slim_file(tmp_path, "unet"), pictures([(64, 96)])
    half, full = load("unet", path, amp=True), load("unet", path)
    assert half.settings["amp"]
    assert (maps(half, images)[0] == maps(full, images)[0]).mean() > 0.8


def test_the_mean_and_deviation_of_the_file_are_used(tmp_path: Path) -> None:
    ready = load("fcn", slim_file(tmp_path, "fcn", mean=[0.5, 0.5, 0.5], std=[0.25, 0.25, 0.25]))
    assert (0.5, 0.5, 0.5) == ready.mean
    assert (
        abs(
            float(ready._prepare(ready._upload([np.full((2, 2, 3), 255, np.uint8)]), (2, 2)).max())
            - 2
        )
        < 1e-6
    )
    with pytest.raises(
        CheckpointError, match=r"mean in the metadata must have 3 numbers .R, G, B., got 2"
    ):
        load("fcn", slim_file(tmp_path, "fcn", mean=[0.5, 0.5]))
    with pytest.raises(
        CheckpointError,
        match="std in the metadata must be a JSON list of numbers, got 'about a quarter'",
    ):
        load("fcn", slim_file(tmp_path, "fcn", std="about a quarter"))


def test_identity_says_what_it_is(tmp_path: Path) -> None:
    path = slim_file(tmp_path, "unet")
    identity = load("unet", path).identity
    assert ("unet", "unet_slim8", "unet.safetensors") == tuple(
        identity[k] for k in ("model", "architecture", "weights")
    )
    assert checkpoints.digest_of(path) == identity["weights_digest"]
    assert identity["parameters"] == sum(
        p.numel() for p in networks.build("unet_slim8", 19).parameters()
    )
    json.dumps(identity)


# What torchvision and segmentation_models_pytorch write, without a word about the architecture.


@pytest.mark.parametrize(
    ("model", "architecture"),
    [
        ("deeplab", "deeplabv3_mobilenet_v3_large"),
        pytest.param("deeplab", "deeplabv3_resnet50", marks=pytest.mark.slow),
        pytest.param("deeplab", "deeplabv3_resnet101", marks=pytest.mark.slow),
        pytest.param("fcn", "fcn_resnet50", marks=pytest.mark.slow),
        pytest.param("fcn", "fcn_resnet101", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("aux", [False, True])
def test_networks_of_torchvision_are_recognised(
    tmp_path: Path, model: str, architecture: str, aux: bool
) -> None:
    if aux and architecture != "deeplabv3_mobilenet_v3_large":
        pytest.skip("one architecture shows it for all")
    network = get_model(
        architecture, weights=None, weights_backbone=None, num_classes=11, aux_loss=aux
    )
    torch.save(
        {"model": {f"module.{k}": v for k, v in network.state_dict().items()}},
        tmp_path / "mine.pth",
    )
    ready = load(model, tmp_path / "mine.pth", CAMVID)
    assert architecture == ready.identity["architecture"]
    assert [(97, 131)] == [labels.shape for labels in maps(ready, pictures([(97, 131)]))]


@pytest.mark.parametrize(
    ("encoder", "widths"),
    [
        ("resnet18", (64, 48, 32, 16, 8)),
        ("mobilenet_v2", (64, 32, 16, 16, 8)),
        pytest.param("resnet34", (256, 128, 64, 32, 16), marks=pytest.mark.slow),
        pytest.param("resnet50", (256, 128, 64, 32, 16), marks=pytest.mark.slow),
    ],
)
def test_encoders_of_unet_are_recognised(
    tmp_path: Path, encoder: str, widths: tuple[int, ...]
) -> None:
    network = smp.Unet(encoder, encoder_weights=None, decoder_channels=widths, classes=11).eval()
    torch.save(
        {"state_dict": {f"net.{k}": v for k, v in network.state_dict().items()}},
        tmp_path / "mine.ckpt",
    )
    ready = load("unet", tmp_path / "mine.ckpt", CAMVID)
    assert f"unet_{encoder}" == ready.identity["architecture"]
    image = pictures([(64, 96)])[0]
    with torch.inference_mode():
        expected = network(ready._prepare(ready._upload([image]), (64, 96))).argmax(1)[0].numpy()
    assert (expected == maps(ready, [image])[0]).mean() > 0.999
    assert [(97, 131)] == [labels.shape for labels in maps(ready, pictures([(97, 131)]))]


# Which channel is which class.


def test_channels_follow_the_names_of_the_classes(tmp_path: Path) -> None:
    names = list(STREETS.classes.names)
    image = pictures([(64, 96)])
    straight = maps(load("fcn", slim_file(tmp_path, "fcn")), image)[0]
    turned = names[5:] + names[:5]
    moved = load("fcn", slim_file(tmp_path, "fcn", classes=turned))
    expected = np.array([names.index(name) for name in turned])[straight]
    assert np.array_equal(expected, maps(moved, image)[0])


def test_classes_without_a_channel_are_never_predicted_and_said(tmp_path: Path) -> None:
    names = ["__background__", *STREETS.classes.names[:12]]
    ready = load("unet", slim_file(tmp_path, "unet", classes=names))
    assert set(np.unique(maps(ready, pictures([(64, 96)])[:1])[0])) <= set(range(12))
    said = dict(ready.identity["warnings"])
    assert "rider" in said["classes-unknown"]
    assert "__background__" in said["channels-left-out"]


def test_another_number_of_classes_names_both(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = get_model(
        "deeplabv3_mobilenet_v3_large", weights=None, weights_backbone=None, num_classes=21
    )
    torch.save(network.state_dict(), tmp_path / "voc.pth")
    with pytest.raises(
        CheckpointError, match="the weights have 21 classes, but the card streets has 19"
    ):
        load("deeplab", tmp_path / "voc.pth")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path = slim_file(tmp_path, "unet")
    with pytest.raises(CheckpointError, match=r"holds weights of unet_slim8.*: use --model unet"):
        load("deeplab", path)
    torch.save({"a.weight": torch.ones(3)}, tmp_path / "other.pth")
    with pytest.raises(
        CheckpointError, match=r"the first of its 1 tensors is a\.weight.*reads fcn_resnet50"
    ):
        load("fcn", tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="does not fit unet_slim4: "):
        load("unet", slim_file(tmp_path, "unet", architecture="unet_slim4"))


# Which weights, where nothing is said.


def test_cards_without_weights_ask_for_a_file() -> None:
    with pytest.raises(
        CheckpointError, match=r"--model unet has no weights for voc2012.*--weights FILE"
    ):
        load("unet", None, VOC)
    with pytest.raises(
        CheckpointError,
        match=(
            r"know 2 of its 11 classes, and at least half are needed; they fit "
            r"voc2012\).*--weights FILE"
        ),
    ):
        load("deeplab", None, CAMVID)
    with pytest.raises(CheckpointError, match="DEFAULT means the library's own"):
        models.load("fcn", STREETS, Options(weights="DEFAULT"))


@pytest.mark.parametrize("weights", [None, "DEFAULT"])
def test_without_a_network_the_file_to_bring_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights: str | None
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def refuse(*_: object, **__: object) -> None:
        raise OSError("<urlopen error no route>")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    with pytest.raises(
        CheckpointError, match=r"put the file deeplabv3_resnet50_coco-\w+\.pth into .*checkpoints"
    ) as caught:
        models.load("deeplab", VOC, Options(weights=weights, device="cpu"))
    assert "http" not in str(caught.value)


def test_a_gpu_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="--device cuda: torch finds no GPU"):
        models.load("fcn", STREETS, Options(weights=str(slim_file(tmp_path, "fcn")), device="cuda"))


@pytest.mark.parametrize("model", SLIM)
def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    light = ("bench.models.contract", "bench.models.naming")
    for name in [
        n for n in sys.modules if n.startswith("bench.models.") and not n.startswith(light)
    ]:
        monkeypatch.delitem(sys.modules, name)
        monkeypatch.delattr(models, name.rpartition(".")[2], raising=False)
    package = "segmentation_models_pytorch" if model == "unet" else "torch"
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=r'install "segbench\[models\]"'):
        models.load(model, STREETS, Options())


# The networks that ship.


@pytest.mark.slow
@pytest.mark.parametrize("model", SLIM)
def test_shipped_networks_beat_a_constant(model: str) -> None:
    ready = load(model, None)
    scenes = [streets.draw("val", index) for index in (3, 160, 333, 480)]
    truth = np.stack([STREETS.classes.to_train(scene.label_ids, where="val") for scene in scenes])
    found = np.stack(maps(ready, [scene.image for scene in scenes]))
    constant = np.full_like(truth, np.bincount(truth[truth < 19]).argmax())  # type: ignore[operator]
    assert mean_iou(truth, found) > 0.25 > 3 * mean_iou(truth, constant)


def test_shipped_networks_are_small_and_say_how_they_were_trained() -> None:
    assert None not in [checkpoints.shipped(model, "streets") for model in SLIM]
    shipped = checkpoints.shipped("fcn", "streets")
    assert shipped is not None
    files = sorted(shipped.parent.glob("*.safetensors"))
    assert len(files) >= len(SLIM)
    assert sum(path.stat().st_size for path in files) < 40_000_000
    for path in files:
        record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        assert {
            "architecture",
            "seed",
            "steps",
            "device",
            "threads",
            "seconds",
            "torch",
            "val_images",
        } <= set(record)
        assert {"val", "val_mIoU"} & set(record)


def mean_iou(truth: Any, found: Any) -> float:
    counted = truth != 255
    scores = []
    for train_id in np.unique(truth[counted]):
        of_truth, of_found = (truth == train_id) & counted, (found == train_id) & counted
        scores.append((of_truth & of_found).sum() / (of_truth | of_found).sum())
    return float(np.mean(scores))


@pytest.mark.parametrize("name", ["os:getcwd", "os:sep"])
def test_a_function_of_another_form_is_wrong_use(name: str) -> None:
    with pytest.raises(UsageError, match=r"own code must be a function load\(card, options\)"):
        models.load(name, STREETS, Options())

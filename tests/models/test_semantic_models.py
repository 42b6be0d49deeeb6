"""Adapters of semantic networks, all alike: they compute what the library does by hand, and say
what is wrong.
"""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra models is not installed")
pytest.importorskip("torchvision", reason="the extra models is not installed")
smp = pytest.importorskip("segmentation_models_pytorch", reason="the extra models is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402
from torchvision.models import get_model, vgg16_bn  # noqa: E402

from bench import cli, models  # noqa: E402
from bench.cards import load_card  # noqa: E402
from bench.errors import CheckpointError, UsageError  # noqa: E402
from bench.models import Options  # noqa: E402
from bench.models.architectures import networks, segnet_network  # noqa: E402
from bench.models.contract import catalogue  # noqa: E402
from bench.models.contract.adapter import StateDict  # noqa: E402
from bench.models.weights import checkpoints, labels  # noqa: E402
from bench.samples import LabelMap  # noqa: E402

STREETS, VOC, COCO = load_card("streets"), load_card("voc2012"), load_card("coco-panoptic")
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
SMALL: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "deeplabv3plus": (smp.DeepLabV3Plus, {"encoder_name": "mobilenet_v2", "decoder_channels": 16}),
    "fpn": (
        smp.FPN,
        {
            "encoder_name": "mobilenet_v2",
            "decoder_pyramid_channels": 32,
            "decoder_segmentation_channels": 32,
        },
    ),
    "pspnet": (smp.PSPNet, {"encoder_name": "mobilenet_v2", "psp_out_channels": 16}),
    "segformer": (smp.Segformer, {"encoder_name": "mit_b0", "decoder_segmentation_channels": 16}),
    "unet": (smp.Unet, {"encoder_name": "mobilenet_v2", "decoder_channels": (32, 16, 16, 8, 8)}),
    "upernet": (smp.UPerNet, {"encoder_name": "mobilenet_v2", "decoder_channels": 16}),
}
OURS = ("lraspp", "segnet")


def picture(height: int = 64, width: int = 128, seed: int = 7) -> Any:
    """Coarse patches of colour: of fine noise every deep feature is the same."""
    patches = np.random.default_rng(seed).integers(
        0, 256, (height // 8, width // 8, 3), dtype=np.uint8
    )
    return patches.repeat(8, 0).repeat(8, 1)


def normalised(image: Any) -> Any:
    return torch.from_numpy(((image / 255 - MEAN) / STD).astype(np.float32)).permute(2, 0, 1)[None]


def network(model: str, classes: int = 19, **keywords: Any) -> Any:
    """A small network with random weights whose normalisations know the pictures, so that its
    classes differ.
    """
    torch.manual_seed(3)
    made: Any
    if model == "lraspp":
        made = get_model(
            "lraspp_mobilenet_v3_large", weights=None, weights_backbone=None, num_classes=classes
        )
    elif model == "segnet":
        made = segnet_network.slim(4, classes)
    else:
        kind, usual = SMALL[model]
        made = kind(encoder_weights=None, classes=classes, **{**usual, **keywords})
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        made.train()(torch.cat([normalised(picture(seed=seed)) for seed in range(4)]))
    return made.eval()


def by_hand(made: Any, image: Any) -> Any:
    with torch.inference_mode():
        output = made(normalised(image))
    logits = output["out"] if isinstance(output, dict) else output
    return logits.argmax(1)[0].numpy()


def load(model: str, weights: Path | str, card: Any = STREETS, **options: Any) -> Any:
    return models.load(model, card, Options(weights=str(weights), device="cpu", **options))


def predicted(ready: Any, image: Any) -> Any:
    found = ready.predict([image])[0]
    assert isinstance(found, LabelMap)
    return found.labels


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function from an adapter to a file of weights with no word about their network, made
    once.
    """
    folder = tmp_path_factory.mktemp("weights")

    def file(model: str) -> Path:
        path = folder / f"{model}.pth"
        if not path.exists():
            torch.save(network(model).state_dict(), path)
        return path

    return file


@pytest.mark.parametrize("model", [*SMALL, *OURS])
def test_weights_alone_give_what_the_library_computes_by_hand(
    files: Callable[[str], Path], model: str
) -> None:
    made = network(model)
    made.load_state_dict(torch.load(files(model), weights_only=True))
    expected, found = by_hand(made, picture()), predicted(load(model, files(model)), picture())
    assert len(np.unique(expected)) > 2
    assert (expected == found).mean() > 0.999
    # A network that sees the picture otherwise is told apart: this test can fail.
    assert (by_hand(made, 255 - picture()) == found).mean() < 0.99


@pytest.mark.parametrize(
    ("model", "keywords", "trace"),
    [
        (
            "deeplabv3plus",
            {"encoder_output_stride": 8, "decoder_atrous_rates": (2, 3, 4)},
            "dilation",
        ),
        ("segformer", {"aux_params": {"classes": 3}, "activation": "softmax2d"}, "head"),
    ],
)
def test_a_saved_folder_tells_what_weights_do_not(
    tmp_path: Path, model: str, keywords: dict[str, Any], trace: str
) -> None:
    made = network(model, **keywords)
    made.save_pretrained(tmp_path / "mine")
    ready = load(model, tmp_path / "mine")
    library = smp.from_pretrained(tmp_path / "mine").eval()
    with torch.inference_mode():
        output = library(normalised(picture()))
    expected = (output[0] if isinstance(output, tuple) else output).argmax(1)[0].numpy()
    assert (expected == predicted(ready, picture())).mean() > 0.999
    assert "mine" == ready.identity["weights"]
    if trace == "dilation":
        alone = load(model, tmp_path / "mine" / "model.safetensors")
        assert (expected == predicted(alone, picture())).mean() < 0.99
        assert alone.identity["weights_digest"] != ready.identity["weights_digest"]
        assert ["network-assumed"] == [code for code, _ in alone.identity["warnings"]]
        assert [] == list(ready.identity["warnings"])


def test_a_hub_id_is_fetched_by_the_libraries_own_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network("pspnet").save_pretrained(tmp_path / "kept")
    asked = []

    def fetch(repository: str, name: str) -> str:
        asked.append((repository, name))
        return str(tmp_path / "kept" / name)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fetch)
    ready = load("pspnet", "someone/pspnet-streets")
    assert [
        ("someone/pspnet-streets", "config.json"),
        ("someone/pspnet-streets", "model.safetensors"),
    ] == asked
    assert ("someone/pspnet-streets", "pspnet_mobilenet_v2") == (
        ready.identity["weights"],
        ready.identity["architecture"],
    )


def test_a_hub_out_of_reach_names_the_files_to_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise OSError("no route to the hub. Please try again")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
    with pytest.raises(
        CheckpointError,
        match=(
            r"\(no route to the hub\): put its files config.json and model.safetensors into "
            r"a folder"
        ),
    ):
        load("segformer", "smp-hub/segformer-b0")
    with pytest.raises(CheckpointError, match="there is no file"):
        load("segformer", "weights/mine.pth")
    with pytest.raises(CheckpointError, match="there is no file"):
        load("fcn", "someone/fcn")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"_model_class": "MAnet"}, "holds the class 'MAnet' .* which no adapter runs"),
        (
            {"_model_class": "Unet"},
            (
                "holds weights of unet_mobilenet_v2, which --model pspnet does not run: use "
                "--model unet"
            ),
        ),
        (
            {"_model_class": None, "model_type": "segformer"},
            "but of transformers .model_type 'segformer'",
        ),
        ({"in_channels": 4}, "is a network for images of 4 channels"),
        (
            {"encoder_name": "nonsense"},
            "cannot build pspnet_nonsense: Wrong encoder name `nonsense`",
        ),
        ({"psp_out_channels": 24}, "does not fit pspnet_mobilenet_v2: "),
    ],
)
def test_wrong_configurations_are_named(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    folder = tmp_path / "mine"
    network("pspnet").save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(CheckpointError, match=reason):
        load("pspnet", folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"config.json is not valid JSON"):
        load("pspnet", folder)
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"is a folder without config\.json"):
        load("pspnet", folder)


@pytest.mark.parametrize("model", [*SMALL, *OURS])
def test_another_model_is_named_for_its_weights(files: Callable[[str], Path], model: str) -> None:
    for other in ("deeplab", "unet", "pspnet"):
        if other != model:
            with pytest.raises(
                CheckpointError, match=f"--model {other} does not run: use --model {model}$"
            ):
                load(other, files(model))


@pytest.mark.parametrize("model", [*SMALL, *OURS])
def test_wrong_files_get_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: Callable[[str], Path], model: str
) -> None:
    whole = files(model).read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "code.pth").write_bytes(pickle.dumps({"state_dict": shutil.rmtree}))
    for weights, dataset, reason in (
        (files(model), "voc2012", "the weights have 19 classes, but the card voc2012 has 21"),
        (tmp_path / "cut.pth", "streets", "is truncated or damaged"),
        (tmp_path / "code.pth", "streets", "could run code when read: refused"),
    ):
        with pytest.raises(CheckpointError, match=reason) as caught:
            load(model, weights, load_card(dataset))
        assert "\n" not in str(caught.value)
        assert 2 == caught.value.exit_code


def test_a_backbone_that_cannot_be_told_is_said(
    tmp_path: Path, files: Callable[[str], Path]
) -> None:
    state = torch.load(files("fpn"), weights_only=True)
    other = {
        name.replace("encoder.features", "encoder.model"): value for name, value in state.items()
    }
    torch.save(other, tmp_path / "timm.pth")
    with pytest.raises(
        CheckpointError,
        match=(
            r"weights of fpn with an unknown backbone: .* more backbones; a folder that "
            r"save_pretrained"
        ),
    ):
        load("fpn", tmp_path / "timm.pth")
    wider = {n: torch.cat([v, v]) if n == "decoder.p5.bias" else v for n, v in state.items()}
    torch.save(wider, tmp_path / "wider.pth")
    with pytest.raises(CheckpointError, match="weights of fpn with an unknown backbone"):
        load("fpn", tmp_path / "wider.pth")


@pytest.mark.parametrize("task", ["panoptic", "instance"])
def test_other_tasks_and_options_are_refused(files: Callable[[str], Path], task: Any) -> None:
    with pytest.raises(UsageError, match=task):
        load("pspnet", files("pspnet"), task=task)
    with pytest.raises(UsageError, match="--model pspnet does not support --score-threshold"):
        load("pspnet", files("pspnet"), score_threshold=0.5)


# The reference networks, and SegNet.


@pytest.mark.parametrize("kind", ["deeplabv3", "fcn", "pspnet", "segnet", "unet"])
def test_reference_networks_are_known_without_their_metadata(tmp_path: Path, kind: str) -> None:
    made = networks.build(f"{kind}_slim4", 19)
    save_file({n: v.clone() for n, v in made.state_dict().items()}, tmp_path / "bare.safetensors")
    adapter = catalogue.of_architecture(kind)
    assert adapter is not None
    ready = load(adapter.name, tmp_path / "bare.safetensors")
    assert f"{kind}_slim4" == ready.identity["architecture"]


@pytest.mark.parametrize("model", ["deeplab", "fcn", "unet"])
def test_shipped_weights_saved_again_without_metadata_are_the_same_network(
    tmp_path: Path, model: str
) -> None:
    shipped = checkpoints.shipped(model, "streets")
    assert shipped is not None
    save_file(load_file(shipped), tmp_path / "bare.safetensors")
    with_metadata = models.load(model, STREETS, Options(device="cpu"))
    bare = load(model, tmp_path / "bare.safetensors")
    assert with_metadata.identity["architecture"] == bare.identity["architecture"]
    assert np.array_equal(predicted(with_metadata, picture()), predicted(bare, picture()))


def test_segnet_has_the_layers_of_its_paper() -> None:
    with torch.device("meta"):
        made, vgg = (
            segnet_network.full(19).state_dict(),
            vgg16_bn(weights=None).features.state_dict(),
        )
    assert 26 == sum(value.ndim == 4 for value in made.values())
    encoder = {
        name.removeprefix("encoder."): value.shape
        for name, value in made.items()
        if name.startswith("encoder")
    }
    assert {name: value.shape for name, value in vgg.items()} == encoder
    assert (2, 2, 3, 3, 3) == segnet_network.convolutions_of(made)


def test_segnet_puts_values_back_where_they_were_largest() -> None:
    """With convolutions that do nothing, only the largest value of each block is left, in its
    place.
    """
    made = segnet_network.SegNet((3, 3), (1, 1), 3).eval()
    for module in made.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.dirac_(module.weight)
            torch.nn.init.zeros_(module.bias)
    image = torch.rand(1, 3, 8, 10, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found = made(image)
    kept = found > 0
    assert 3 * 2 * 2 == int(kept.sum())
    assert torch.allclose(image[kept], found[kept], rtol=1e-4)
    blocks = image[..., :8, :8].reshape(1, 3, 2, 4, 2, 4).amax((3, 5))
    assert torch.allclose(blocks.flatten().sort().values, found[kept].sort().values, rtol=1e-4)


# Which classes the published weights know.


def test_published_weights_that_know_too_little_name_the_card_they_fit() -> None:
    for name in ("lraspp", "deeplab"):
        with pytest.raises(
            CheckpointError,
            match=(
                r"know 20 of its 133 classes, and at least half are needed; they fit "
                r"voc2012\): pass weights"
            ),
        ):
            models.load(name, COCO, Options(weights="DEFAULT", device="cpu"))
    with pytest.raises(
        CheckpointError, match=r"no library publishes any.*FILE, a folder that save_pretrained"
    ):
        models.load("upernet", STREETS, Options(device="cpu"))


def test_names_that_fit_another_card_say_so() -> None:
    names = ["__background__", *VOC.classes.names[1:]]
    with pytest.raises(
        CheckpointError, match=r"only 20 names agree, but at least half .* or evaluate on voc2012"
    ):
        labels.match(COCO, 21, names, where="file")


# From the command line.


@pytest.mark.slow
@pytest.mark.parametrize("model", [*SMALL, *OURS])
def test_every_model_runs_on_streets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: Callable[[str], Path], model: str
) -> None:
    words = [
        "--model",
        model,
        "--weights",
        str(files(model)),
        "--limit",
        "2",
        "--device",
        "cpu",
        "--json",
    ]
    assert 0 == cli.main(["run", *words, "--out", str(tmp_path)])
    found = json.loads(capsys.readouterr().out)
    assert 2 == found["dataset"]["images"]
    assert model == found["model"]["model"]


def test_a_wrong_checkpoint_exits_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: Callable[[str], Path]
) -> None:
    words = ["--weights", str(files("segnet")), "--limit", "2", "--out", str(tmp_path)]
    assert 2 == cli.main(["run", "--model", "pspnet", *words])
    assert "use --model segnet" in capsys.readouterr().err


def test_every_adapter_says_its_task_extra_and_licence() -> None:
    for name in {"deeplab", "fcn", *SMALL, *OURS}:
        row = models.describe(name)
        assert "semantic" == row["tasks"]
        assert "models" == row["extra"]
        assert "(" in row["licence"]
        assert len(row["what"]) < 80


@pytest.mark.parametrize("name", [*SMALL, *OURS])
def test_marks_belong_to_one_adapter_only(files: Callable[[str], Path], name: str) -> None:
    state = set(torch.load(files(name), weights_only=True))
    weights = {
        each.name: each.weights
        for each in catalogue.adapters()
        if isinstance(each.weights, StateDict)
    }
    assert [name] == [
        each for each in weights if any(mark <= state for mark in weights[each].marks)
    ]

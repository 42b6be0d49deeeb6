"""Names that people know lead to the right adapter, or to a sentence that says what to type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench import models
from bench.cards import load_card
from bench.errors import CheckpointError, UsageError
from bench.models import Options
from bench.models.contract import catalogue
from bench.models.contract.adapter import SegmentationModelsPytorch, StateDict
from bench.models.contract.published_classes import COCO_WITH_VOC_LABELS
from bench.models.naming import known_names, resolving
from bench.models.naming.known_names import SMP_UNSUPPORTED
from bench.models.naming.resolving import Resolved

STREETS, VOC2012 = load_card("streets"), load_card("voc2012")
MEANT = {
    "deeplab": Resolved("deeplab"),
    "DeepLab": Resolved("deeplab"),
    "deeplabv3": Resolved("deeplab"),
    "DeepLabV3+": Resolved("deeplabv3plus"),
    "DeepLabV3Plus": Resolved("deeplabv3plus"),
    "Unet": Resolved("unet"),
    "U-Net": Resolved("unet"),
    "FPN": Resolved("fpn"),
    "PSPNet": Resolved("pspnet"),
    "UPerNet": Resolved("upernet"),
    "SegFormer": Resolved("segformer"),
    "Mask R-CNN": Resolved("maskrcnn"),
    "mask_rcnn": Resolved("maskrcnn"),
    "tflite": Resolved("litert"),
    "deeplabv3_resnet50": Resolved(
        "deeplab", "deeplabv3_resnet50", "DeepLabV3_ResNet50_Weights.DEFAULT"
    ),
    "deeplabv3-resnet101": Resolved(
        "deeplab", "deeplabv3_resnet101", "DeepLabV3_ResNet101_Weights.DEFAULT"
    ),
    "fcn_resnet50": Resolved("fcn", "fcn_resnet50", "FCN_ResNet50_Weights.DEFAULT"),
    "lraspp_mobilenet_v3_large": Resolved(
        "lraspp", "lraspp_mobilenet_v3_large", "LRASPP_MobileNet_V3_Large_Weights.DEFAULT"
    ),
    "maskrcnn_resnet50_fpn": Resolved(
        "maskrcnn", "maskrcnn_resnet50_fpn", "MaskRCNN_ResNet50_FPN_Weights.DEFAULT"
    ),
    "maskrcnn_resnet50_fpn_v2": Resolved(
        "maskrcnn", "maskrcnn_resnet50_fpn_v2", "MaskRCNN_ResNet50_FPN_V2_Weights.DEFAULT"
    ),
    "torchvision.models.segmentation:fcn_resnet101": Resolved(
        "fcn", "fcn_resnet101", "FCN_ResNet101_Weights.DEFAULT"
    ),
    "segmentation_models_pytorch:Unet": Resolved("unet"),
    "torchvision.models:resnet50": Resolved(None),
    "facebook/mask2former-swin-tiny-coco-panoptic": Resolved(
        "mask2former", weights="facebook/mask2former-swin-tiny-coco-panoptic"
    ),
    "facebook/maskformer-swin-tiny-ade": Resolved(
        "maskformer", weights="facebook/maskformer-swin-tiny-ade"
    ),
    "shi-labs/oneformer_coco_swin_large": Resolved(
        "oneformer", weights="shi-labs/oneformer_coco_swin_large"
    ),
    "facebook/sam-vit-base": Resolved("sam", weights="facebook/sam-vit-base"),
    "facebook/sam2.1-hiera-tiny": Resolved("sam2", weights="facebook/sam2.1-hiera-tiny"),
    "smp-hub/segformer-b0-512x512-ade-160k": Resolved(
        "segformer", weights="smp-hub/segformer-b0-512x512-ade-160k"
    ),
    "my_module:net": Resolved(None),
    "yolo:net": Resolved(None),
    "enet.py:net": Resolved(None),
    "path/to/my.py:net": Resolved(None),
    "C:\\nets\\my.py:net": Resolved(None),
}
TOLD = {
    "deeplap": "did you mean deeplab",
    "xyz": "known are: deeplab, .*; own code is package.module:name or file.py:name",
    "segformer-b0": "use --model segformer --weights smp-hub/segformer-b0-512x512-ade-160k",
    "mit_b5": "use --model segformer --weights smp-hub/segformer-b5-640x640-ade-160k",
    "nvidia/segformer-b1-finetuned-cityscapes-1024-1024": (
        "--weights smp-hub/segformer-b1-1024x1024-city-160k"
    ),
    "openmmlab/upernet-convnext-small": "use --model upernet --weights FILE",
    "facebook/deit-base": (
        "no adapter runs this network of the hub; wrap it in your own code, --model my_file.py:load"
    ),
    "mask2former-swin-tiny-coco-panoptic": (
        "--model mask2former --weights facebook/mask2former-swin-tiny-coco-panoptic"
    ),
    "oneformer_coco_swin_large": (
        "use --model oneformer --weights shi-labs/oneformer_coco_swin_large"
    ),
    "sam_vit_b": "use --model sam --weights facebook/sam-vit-base$",
    "sam_vit_h": "use --model sam --weights facebook/sam-vit-huge$",
    "sam2_hiera_tiny": (
        "use --model sam2 --weights FOLDER or a hub id such as facebook/sam2.1-hiera-tiny"
    ),
    "deeplabv3plus_resnet101": "use --model deeplabv3plus --weights FILE",
    "unet_resnet34": "use --model unet --weights FILE",
    "mask_rcnn_R_50_FPN_3x": "use --model maskrcnn --weights FILE",
    "UnetPlusPlus": r"load returns segmentation_models_pytorch\.UnetPlusPlus",
    "hrnet_w48": "no adapter runs this network: score its stored predictions with bench eval",
    "yolov8n-seg.pt": "no adapter runs this network",
    "mine.onnx": r"use --model onnx --weights mine\.onnx \(and there is no file mine\.onnx\)",
    "there.onnx": r"use --model onnx --weights there\.onnx$",
    "mine.TFLITE": r"use --model litert --weights mine\.TFLITE",
    "mine.pt2": r"use --model exported --weights mine\.pt2",
    "mine.pth": (
        r"use --model deeplab --weights mine\.pth, or another network .*--model "
        r"my_file\.py:make"
    ),
    "unet_best.ckpt": r"use --model unet --weights unet_best\.ckpt",
    "mine.h5": "export the network to ONNX or TFLite and use --model onnx --weights FILE.onnx",
    "own.py": r"such as --model own\.py:predict; it defines predict, Net$",
    "yolo.py": r"is a file: name the function, network or class in it",
    "none.py": r"such as --model none\.py:predict \(and there is no file none\.py\)",
    "own": r"is a module: name the function, network or class in it, such as own:predict",
    "./own": r"name the function, network or class in it, such as \./own:predict",
    "own.predict": "a colon separates module and name: use --model own:predict",
    "saved": "is a folder: name the network that reads it, --model mask2former --weights saved",
    "saved_smp": "is a folder: name the network that reads it, --model fpn --weights saved_smp",
    "baseline:oracle": "use bench eval --predictions baseline:oracle",
}


@pytest.mark.parametrize("name", MEANT)
def test_known_names_lead_to_their_adapter(name: str) -> None:
    assert resolving.resolve(name) == MEANT[name]


@pytest.mark.parametrize("name", TOLD)
def test_other_names_are_answered_with_what_to_type(
    name: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(
        "def predict(image):\n    return image\n\nclass Net:\n    pass\n"
    )
    (tmp_path / "there.onnx").write_bytes(b"x")
    for folder, config in (
        ("saved", {"model_type": "mask2former"}),
        ("saved_smp", {"_model_class": "FPN"}),
    ):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=TOLD[name]):
        models.resolve(name, Options())


def test_declared_names_are_those_of_the_libraries() -> None:
    torchvision = pytest.importorskip("torchvision", reason="the extra models is not installed")
    declared = {
        a: (adapter, w)
        for adapter in catalogue.adapters()
        for a, w in catalogue.torchvision_weights(adapter).items()
    }
    for architecture, (adapter, published) in declared.items():
        weights = torchvision.models.get_model_weights(architecture)
        assert (published.enum, [published.member]) == (
            weights.__name__,
            [each.name for each in weights],
        )
        if adapter.name != "maskrcnn":
            assert list(COCO_WITH_VOC_LABELS) == weights.DEFAULT.meta["categories"]
    listed = {*torchvision.models.list_models(torchvision.models.segmentation)}
    assert listed | {"maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2"} == set(declared)
    smp = pytest.importorskip(
        "segmentation_models_pytorch", reason="the extra models is not installed"
    )
    classes = {name for name in dir(smp) if isinstance(getattr(smp, name), type)}
    libraries = [
        each.weights.library for each in catalogue.adapters() if isinstance(each.weights, StateDict)
    ]
    declared_classes = {
        each.network for each in libraries if isinstance(each, SegmentationModelsPytorch)
    }
    assert classes >= {*declared_classes, *SMP_UNSUPPORTED}
    assert 6 == len(declared_classes)


@pytest.mark.parametrize(
    ("name", "weights", "card", "message"),
    [
        (
            "fcn",
            "DeepLabV3_ResNet50_Weights.DEFAULT",
            VOC2012,
            "those of deeplabv3_resnet50: use --model deeplab",
        ),
        (
            "deeplabv3_resnet101",
            "DeepLabV3_ResNet50_Weights.DEFAULT",
            VOC2012,
            "those of deeplabv3_resnet50",
        ),
        (
            "deeplab",
            "DeepLabV3_ResNet50_Weights.COCO_V1",
            VOC2012,
            r"only .*\.COCO_WITH_VOC_LABELS_V1 \(also",
        ),
        (
            "deeplab",
            "ResNet50_Weights.IMAGENET1K_V2",
            VOC2012,
            "bench runs no network with weights of this name",
        ),
        (
            "deeplab",
            "IMAGENET1K_V1",
            VOC2012,
            "torchvision publishes no weights of this name for --model deeplab; it",
        ),
        (
            "deeplabv3_resnet50",
            None,
            STREETS,
            "6 of its 19 classes, .* or use --model deeplab, which runs the shipped weights",
        ),
        (
            "deeplab",
            "COCO_WITH_VOC_LABELS_V1",
            STREETS,
            "COCO_WITH_VOC_LABELS_V1 does not fit streets",
        ),
        ("deeplab", "none.pth", STREETS, "there is no file none.pth"),
        ("unet", "none.pth", STREETS, "there is no file none.pth"),
        ("unet", "DEFAULT", STREETS, "unet has no weights for streets .*no library publishes any"),
        ("segformer", None, STREETS, "segformer has no weights for streets .bench ships none"),
        ("onnx", None, STREETS, "needs the file of your network: --weights FILE"),
        ("exported", "none.pt2", STREETS, "there is no file none.pt2"),
        ("mask2former", "none", STREETS, "there is no folder none"),
        ("mask2former", None, STREETS, "mask2former has no weights for streets"),
    ],
)
def test_weights_that_cannot_be_are_refused_by_name(
    name: str, weights: Any, card: Any, message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        models.check(name, card, Options(weights=weights))


@pytest.mark.parametrize(
    "weights", [None, "DEFAULT", "DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1"]
)
def test_published_weights_are_fetched_by_their_name(weights: str | None, monkeypatch: Any) -> None:
    pytest.importorskip("torch", reason="the extra models is not installed")
    from bench.models.weights import finding

    asked: list[str] = []

    def fetched(published: Any, _: Any) -> Path:
        asked.append(published.architecture)
        raise CheckpointError("no network here")

    monkeypatch.setattr(finding, "_fetched", fetched)
    with pytest.raises(CheckpointError, match="no network here"):
        models.load("deeplabv3_resnet101", VOC2012, Options(weights=weights))
    if weights not in (None, "DEFAULT"):
        with pytest.raises(CheckpointError, match="no network here"):
            models.load("deeplab", VOC2012, Options(weights=weights))
    assert {"deeplabv3_resnet101"} == set(asked)


def test_weights_of_another_network_than_the_name_says_are_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the extra models is not installed")
    from torchvision.models.segmentation import lraspp_mobilenet_v3_large

    network = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=19)
    torch.save(network.state_dict(), tmp_path / "w.pth")
    options = Options(weights=str(tmp_path / "w.pth"), device="cpu")
    model = models.load(
        "torchvision.models.segmentation:lraspp_mobilenet_v3_large", STREETS, options
    )
    assert ("lraspp", "lraspp_mobilenet_v3_large") == (
        model.identity["model"],
        model.identity["architecture"],
    )
    resolving.check_architecture("lraspp", Resolved("lraspp"), model.identity)
    known = resolving.resolve("fcn_resnet50")
    with pytest.raises(
        CheckpointError, match="holds weights of fcn_resnet101; use --model fcn_resnet101 for them"
    ):
        resolving.check_architecture(
            "fcn_resnet50", known, {"architecture": "fcn_resnet101", "weights": "w.pth"}
        )
    with pytest.raises(CheckpointError, match="use --model fcn for them"):
        resolving.check_architecture(
            "fcn_resnet50", known, {"architecture": "fcn_slim24", "weights": "w.pth"}
        )


def test_a_hub_id_and_other_weights_are_one_too_many() -> None:
    with pytest.raises(
        UsageError, match="implies its weights: leave out --weights mine, or use --model sam"
    ):
        models.resolve("facebook/sam-vit-base", Options(weights="mine"))
    assert known_names.HUB_ID.fullmatch("facebook/sam-vit-base")

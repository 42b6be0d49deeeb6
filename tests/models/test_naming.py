"""Names that people know lead to the right adapter, or to a sentence that says what to type."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bench import models
from bench.cards import load_card
from bench.errors import CheckpointError, UsageError
from bench.models import Options, known_names, naming
from bench.models.known_names import ALSO, HUB, NOT_RUN, SMP, SMP_OTHERS, TAKES, TORCHVISION, VOC
from bench.models.naming import Known

STREETS, VOC2012 = load_card("streets"), load_card("voc2012")
MEANT = {
    "deeplab": Known("deeplab"),
    "DeepLab": Known("deeplab"),
    "deeplabv3": Known("deeplab"),
    "DeepLabV3+": Known("deeplabv3plus"),
    "DeepLabV3Plus": Known("deeplabv3plus"),
    "Unet": Known("unet"),
    "U-Net": Known("unet"),
    "FPN": Known("fpn"),
    "PSPNet": Known("pspnet"),
    "UPerNet": Known("upernet"),
    "SegFormer": Known("segformer"),
    "Mask R-CNN": Known("maskrcnn"),
    "mask_rcnn": Known("maskrcnn"),
    "tflite": Known("litert"),
    "deeplabv3_resnet50": Known("deeplab", "deeplabv3_resnet50", "DeepLabV3_ResNet50_Weights.DEFAULT"),
    "deeplabv3-resnet101": Known("deeplab", "deeplabv3_resnet101", "DeepLabV3_ResNet101_Weights.DEFAULT"),
    "fcn_resnet50": Known("fcn", "fcn_resnet50", "FCN_ResNet50_Weights.DEFAULT"),
    "lraspp_mobilenet_v3_large": Known(
        "lraspp", "lraspp_mobilenet_v3_large", "LRASPP_MobileNet_V3_Large_Weights.DEFAULT"
    ),
    "maskrcnn_resnet50_fpn": Known("maskrcnn", "maskrcnn_resnet50_fpn", "MaskRCNN_ResNet50_FPN_Weights.DEFAULT"),
    "maskrcnn_resnet50_fpn_v2": Known(
        "maskrcnn", "maskrcnn_resnet50_fpn_v2", "MaskRCNN_ResNet50_FPN_V2_Weights.DEFAULT"
    ),
    "torchvision.models.segmentation:fcn_resnet101": Known("fcn", "fcn_resnet101", "FCN_ResNet101_Weights.DEFAULT"),
    "segmentation_models_pytorch:Unet": Known("unet"),
    "torchvision.models:resnet50": Known(None),
    "facebook/mask2former-swin-tiny-coco-panoptic": Known(
        "mask2former", weights="facebook/mask2former-swin-tiny-coco-panoptic"
    ),
    "facebook/maskformer-swin-tiny-ade": Known("maskformer", weights="facebook/maskformer-swin-tiny-ade"),
    "shi-labs/oneformer_coco_swin_large": Known("oneformer", weights="shi-labs/oneformer_coco_swin_large"),
    "facebook/sam-vit-base": Known("sam", weights="facebook/sam-vit-base"),
    "facebook/sam2.1-hiera-tiny": Known("sam2", weights="facebook/sam2.1-hiera-tiny"),
    "smp-hub/segformer-b0-512x512-ade-160k": Known("segformer", weights="smp-hub/segformer-b0-512x512-ade-160k"),
    "my_module:net": Known(None),
    "yolo:net": Known(None),
    "enet.py:net": Known(None),
    "path/to/my.py:net": Known(None),
    "C:\\nets\\my.py:net": Known(None),
}
TOLD = {
    "deeplap": "did you mean deeplab",
    "xyz": "known are: deeplab, .*; own code is package.module:name or file.py:name",
    "segformer-b0": "say --model segformer --weights smp-hub/segformer-b0-512x512-ade-160k",
    "mit_b5": "say --model segformer --weights smp-hub/segformer-b5-640x640-ade-160k",
    "nvidia/segformer-b1-finetuned-cityscapes-1024-1024": "--weights smp-hub/segformer-b1-1024x1024-city-160k",
    "openmmlab/upernet-convnext-small": "say --model upernet --weights FILE",
    "facebook/deit-base": "no adapter runs this network of the hub; bring it as your own code, --model my_file.py:load",
    "mask2former-swin-tiny-coco-panoptic": "--model mask2former --weights facebook/mask2former-swin-tiny-coco-panoptic",
    "oneformer_coco_swin_large": "say --model oneformer --weights shi-labs/oneformer_coco_swin_large",
    "sam_vit_b": "say --model sam --weights facebook/sam-vit-base$",
    "sam_vit_h": "say --model sam --weights facebook/sam-vit-huge$",
    "sam2_hiera_tiny": "say --model sam2 --weights FOLDER or a hub id such as facebook/sam2.1-hiera-tiny",
    "deeplabv3plus_resnet101": "say --model deeplabv3plus --weights FILE",
    "unet_resnet34": "say --model unet --weights FILE",
    "mask_rcnn_R_50_FPN_3x": "say --model maskrcnn --weights FILE",
    "UnetPlusPlus": r"load returns segmentation_models_pytorch\.UnetPlusPlus",
    "hrnet_w48": "no adapter runs this network: score its stored predictions with bench eval",
    "yolov8n-seg.pt": "no adapter runs this network",
    "mine.onnx": r"say --model onnx --weights mine\.onnx \(and there is no file mine\.onnx\)",
    "there.onnx": r"say --model onnx --weights there\.onnx$",
    "mine.TFLITE": r"say --model litert --weights mine\.TFLITE",
    "mine.pt2": r"say --model exported --weights mine\.pt2",
    "mine.pth": r"say --model deeplab --weights mine\.pth, or another network .*--model my_file\.py:make",
    "unet_best.ckpt": r"say --model unet --weights unet_best\.ckpt",
    "mine.h5": "export the network to ONNX or TFLite, and say --model onnx --weights FILE.onnx",
    "own.py": r"such as --model own\.py:predict; it defines predict, Net$",
    "yolo.py": r"is a file: say which function, network or class in it",
    "none.py": r"such as --model none\.py:predict \(and there is no file none\.py\)",
    "own": r"is a module: say which function, network or class in it, own:predict",
    "./own": r"say which function, network or class in it, \./own:predict",
    "own.predict": "module and name are separated by a colon: say --model own:predict",
    "saved": "is a folder: say which network reads it, --model mask2former --weights saved",
    "saved_smp": "is a folder: say which network reads it, --model fpn --weights saved_smp",
    "baseline:oracle": "say bench eval --predictions baseline:oracle",
}


@pytest.mark.parametrize("name", MEANT)
def test_known_names_lead_to_their_adapter(name: str) -> None:
    assert naming.resolve(name, models.names()) == MEANT[name]


@pytest.mark.parametrize("name", TOLD)
def test_other_names_are_answered_with_what_to_type(name: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("def predict(image):\n    return image\n\nclass Net:\n    pass\n")
    (tmp_path / "there.onnx").write_bytes(b"x")
    for folder, config in (("saved", {"model_type": "mask2former"}), ("saved_smp", {"_model_class": "FPN"})):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match=TOLD[name]):
        models.known(name, Options())


def test_the_table_names_adapters_and_what_the_libraries_have() -> None:
    adapters = set(models.names())
    assert adapters == set(TAKES)
    assert adapters >= {*ALSO.values(), *SMP.values(), *HUB, *(each.adapter for each in TORCHVISION.values())}
    assert not [name for name in adapters if re.match("|".join(NOT_RUN), name)]
    torchvision = pytest.importorskip("torchvision", reason="the extra models is not installed")
    for architecture, published in TORCHVISION.items():
        weights = torchvision.models.get_model_weights(architecture)
        assert (published.weights, [published.member]) == (weights.__name__, [each.name for each in weights])
        if published.adapter != "maskrcnn":
            assert list(VOC) == weights.DEFAULT.meta["categories"]
    listed = {*torchvision.models.list_models(torchvision.models.segmentation)}
    assert listed | {"maskrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn_v2"} == set(TORCHVISION)
    smp = pytest.importorskip("segmentation_models_pytorch", reason="the extra models is not installed")
    classes = {name for name in dir(smp) if isinstance(getattr(smp, name), type)}
    assert classes >= {*SMP, *SMP_OTHERS}


@pytest.mark.parametrize(
    ("name", "weights", "card", "message"),
    [
        ("fcn", "DeepLabV3_ResNet50_Weights.DEFAULT", VOC2012, "those of deeplabv3_resnet50: say --model deeplab"),
        ("deeplabv3_resnet101", "DeepLabV3_ResNet50_Weights.DEFAULT", VOC2012, "those of deeplabv3_resnet50"),
        ("deeplab", "DeepLabV3_ResNet50_Weights.COCO_V1", VOC2012, r"only .*\.COCO_WITH_VOC_LABELS_V1 \(also"),
        ("deeplab", "ResNet50_Weights.IMAGENET1K_V2", VOC2012, "bench runs no network with weights of this name"),
        ("deeplab", "IMAGENET1K_V1", VOC2012, "torchvision publishes no weights of this name for --model deeplab; it"),
        ("deeplabv3_resnet50", None, STREETS, "6 of its 19 classes .* or say --model deeplab, which runs what ships"),
        ("deeplab", "COCO_WITH_VOC_LABELS_V1", STREETS, "COCO_WITH_VOC_LABELS_V1 does not fit streets"),
        ("deeplab", "none.pth", STREETS, "there is no file none.pth"),
        ("unet", "none.pth", STREETS, "there is no file none.pth"),
        ("unet", "DEFAULT", STREETS, "unet finds no weights for streets .*no library publishes any for it"),
        ("segformer", None, STREETS, "segformer finds no weights for streets .bench ships none"),
        ("onnx", None, STREETS, "name its file with --weights FILE"),
        ("exported", "none.pt2", STREETS, "there is no file none.pt2"),
        ("mask2former", "none", STREETS, "there is no folder none"),
        ("mask2former", None, STREETS, "mask2former finds no weights for streets"),
    ],
)
def test_weights_that_cannot_be_are_refused_by_name(name: str, weights: Any, card: Any, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        models.check(name, card, Options(weights=weights))


@pytest.mark.parametrize("weights", [None, "DEFAULT", "DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1"])
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
    model = models.load("torchvision.models.segmentation:lraspp_mobilenet_v3_large", STREETS, options)
    assert ("lraspp", "lraspp_mobilenet_v3_large") == (model.identity["model"], model.identity["architecture"])
    naming.check_architecture("lraspp", Known("lraspp"), model.identity)
    known = naming.resolve("fcn_resnet50", models.names())
    with pytest.raises(CheckpointError, match="holds weights of fcn_resnet101; say --model fcn_resnet101 for them"):
        naming.check_architecture("fcn_resnet50", known, {"architecture": "fcn_resnet101", "weights": "w.pth"})
    with pytest.raises(CheckpointError, match="say --model fcn for them"):
        naming.check_architecture("fcn_resnet50", known, {"architecture": "fcn_slim24", "weights": "w.pth"})


def test_a_hub_id_and_other_weights_are_one_too_many() -> None:
    with pytest.raises(UsageError, match="implies its weights: leave out --weights mine, or say --model sam"):
        models.known("facebook/sam-vit-base", Options(weights="mine"))
    assert known_names.HUB_ID.fullmatch("facebook/sam-vit-base")

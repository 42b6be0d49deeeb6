"""Well-known names of networks, files and hub ids, and the adapter that runs each: one table.

The names of the libraries are listed here, so that no command waits for torch; tests compare the lists with them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple


class Published(NamedTuple):
    """A network of torchvision: the adapter that runs it, and how the library calls its weights."""

    adapter: str
    weights: str
    member: str


TORCHVISION: Mapping[str, Published] = {
    "deeplabv3_resnet50": Published("deeplab", "DeepLabV3_ResNet50_Weights", "COCO_WITH_VOC_LABELS_V1"),
    "deeplabv3_resnet101": Published("deeplab", "DeepLabV3_ResNet101_Weights", "COCO_WITH_VOC_LABELS_V1"),
    "deeplabv3_mobilenet_v3_large": Published(
        "deeplab", "DeepLabV3_MobileNet_V3_Large_Weights", "COCO_WITH_VOC_LABELS_V1"
    ),
    "fcn_resnet50": Published("fcn", "FCN_ResNet50_Weights", "COCO_WITH_VOC_LABELS_V1"),
    "fcn_resnet101": Published("fcn", "FCN_ResNet101_Weights", "COCO_WITH_VOC_LABELS_V1"),
    "lraspp_mobilenet_v3_large": Published("lraspp", "LRASPP_MobileNet_V3_Large_Weights", "COCO_WITH_VOC_LABELS_V1"),
    "maskrcnn_resnet50_fpn": Published("maskrcnn", "MaskRCNN_ResNet50_FPN_Weights", "COCO_V1"),
    "maskrcnn_resnet50_fpn_v2": Published("maskrcnn", "MaskRCNN_ResNet50_FPN_V2_Weights", "COCO_V1"),
}
"""Names of torchvision's functions."""
VOC = (
    *("__background__", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
"""The classes of torchvision's weights for label maps."""
SMP: Mapping[str, str] = {
    "Unet": "unet",
    "FPN": "fpn",
    "PSPNet": "pspnet",
    "DeepLabV3Plus": "deeplabv3plus",
    "UPerNet": "upernet",
    "Segformer": "segformer",
}
"""Classes of segmentation_models_pytorch, and the adapter that runs each."""
SMP_OTHERS = ("UnetPlusPlus", "MAnet", "Linknet", "PAN", "DPT")
"""Classes of segmentation_models_pytorch that no adapter runs."""
NOT_RUN = (
    *("bisenet", "cascadercnn", "ccnet", "condinst", "danet", "ddrnet", "detr", "enet", "erfnet", "hrnet", "icnet"),
    *("ocrnet", "pidnet", "rfdetr", "rtdetr", "segmenter", "segnext", "setr", "solo", "yolo"),
)
"""First parts of the names of well-known networks that no adapter runs."""
ALSO: Mapping[str, str] = {
    "deeplabv3": "deeplab",
    "deeplabv3plus": "deeplabv3plus",
    "liteaspp": "lraspp",
    "literaspp": "lraspp",
    "mitb": "segformer",
    "onnxruntime": "onnx",
    "segmentanything": "sam",
    "segmentanything2": "sam2",
    "tensorflowlite": "litert",
    "tflite": "litert",
    "torchexport": "exported",
    "torchscript": "exported",
}
"""Other words for adapters, spelt as `naming` normalises them."""
HUB = ("mask2former", "maskformer", "oneformer", "sam2", "sam")
"""Adapters that run what transformers saves, in the order in which their names are looked for in hub ids."""
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
FILES: Mapping[str, str] = {
    ".onnx": "onnx",
    ".tflite": "litert",
    ".pt2": "exported",
    ".torchscript": "exported",
    ".ptl": "exported",
}
"""Endings of files that hold a whole network, and the adapter that runs them."""
WEIGHTS = (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".tar", ".pkl", ".pickle")
"""Endings of files that mostly hold weights alone."""
EXCHANGED: Mapping[str, str] = {
    "exported": "a TorchScript or torch.export file",
    "litert": "a .tflite file",
    "onnx": "an .onnx file",
}
"""Adapters of files that hold a whole network, and what these are called."""
FOREIGN = (".h5", ".hdf5", ".keras", ".pb", ".engine", ".plan", ".mlmodel", ".mlpackage", ".xml", ".pdparams", ".mnn")
"""Endings of networks of other libraries."""
TAKES: Mapping[str, str] = {
    "deeplab": "FILE (torchvision's DeepLabV3; the backbone is read from the weights)",
    "fcn": "FILE (torchvision's FCN; the backbone is read from the weights)",
    "lraspp": "FILE (torchvision's LR-ASPP)",
    "maskrcnn": "FILE (torchvision's Mask R-CNN)",
    "segnet": "FILE",
    "segformer": "FILE, a folder or a hub id, such as smp-hub/segformer-b0-512x512-ade-160k",
    **dict.fromkeys(
        ("unet", "deeplabv3plus", "pspnet", "fpn", "upernet"),
        "FILE, a folder or a hub id (segmentation_models_pytorch; the encoder is read from the weights)",
    ),
    "mask2former": "FOLDER or a hub id such as facebook/mask2former-swin-tiny-coco-panoptic",
    "maskformer": "FOLDER or a hub id such as facebook/maskformer-swin-tiny-coco",
    "oneformer": "FOLDER or a hub id such as shi-labs/oneformer_coco_swin_large",
    "sam": "FOLDER or a hub id such as facebook/sam-vit-base, facebook/sam-vit-large or facebook/sam-vit-huge",
    "sam2": "FOLDER or a hub id such as facebook/sam2.1-hiera-tiny",
    "exported": "FILE.pt or FILE.pt2 (TorchScript, torch.export)",
    "onnx": "FILE.onnx",
    "litert": "FILE.tflite",
}
"""What --weights takes for each adapter, in words."""
WRAP = "bring it as your own code, --model my_file.py:load (docs/models.md shows the forms)"

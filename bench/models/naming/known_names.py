"""Well-known names that belong to no adapter, and the forms of file names and hub ids.

The names that belong to an adapter are in its own file.
"""

from __future__ import annotations

import re

SMP_UNSUPPORTED = ("UnetPlusPlus", "MAnet", "Linknet", "PAN", "DPT")
"""Classes of segmentation_models_pytorch that no adapter runs."""
UNSUPPORTED = (
    *("bisenet", "cascadercnn", "ccnet", "condinst", "danet", "ddrnet", "detr", "enet", "erfnet"),
    *("hrnet", "icnet", "ocrnet", "pidnet", "rfdetr", "rtdetr", "segmenter", "segnext", "setr"),
    *("solo", "yolo"),
)
"""First parts of the names of well-known networks that no adapter runs."""
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
WEIGHTS_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".tar", ".pkl", ".pickle")
"""Endings of files that usually hold weights only."""
FOREIGN_SUFFIXES = (
    *(".h5", ".hdf5", ".keras", ".pb", ".engine", ".plan", ".mlmodel", ".mlpackage", ".xml"),
    *(".pdparams", ".mnn"),
)
"""Endings of networks of libraries that no adapter supports."""
OWN_CODE_HINT = "wrap it in your own code, --model my_file.py:load (docs/models.md shows the forms)"

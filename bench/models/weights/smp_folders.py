"""Weights as segmentation_models_pytorch saves them: a folder with config.json and model.safetensors, or a hub id.

They are fetched by the call that the library's own from_pretrained makes, and read without running anything in them.
This module knows no card, and no more of a network than that a configuration names its class.
"""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import blake2b
from logging import ERROR
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import CheckpointError
from bench.models import known_names

if TYPE_CHECKING:
    from bench.models.weights.checkpoints import Checkpoint

FILES = ("config.json", "model.safetensors")


def read(weights: str) -> Checkpoint | None:
    """Read a folder or a hub id; None where `weights` is neither, but a file or the name of one.

    Raises:
        CheckpointError: a folder that the library did not save, or a hub that cannot be reached.
    """
    path = Path(weights).expanduser()
    if path.is_dir():
        return _folder(path)
    return _folder(_fetched(weights)) if is_hub_id(weights) else None


def is_hub_id(weights: str) -> bool:
    """Whether `weights` is a hub id, and neither a path that exists nor the name of a file of weights."""
    path = Path(weights).expanduser()
    known = known_names.HUB_ID.fullmatch(weights) is not None and path.suffix not in known_names.WEIGHTS
    return known and not path.exists()


def checked(folder: Path) -> Path:
    """The folder, if both files that the library saves are there; needs no torch.

    Raises:
        CheckpointError: one is missing.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(
            f"{folder} is a folder without {' and '.join(missing)}: --weights takes a folder that save_pretrained of "
            "segmentation_models_pytorch wrote, or one file of weights"
        )
    return folder


def line(error: Exception) -> str:
    """The first sentence of an error, short."""
    text = str(error).strip(" \n'\"") or type(error).__name__
    return text.splitlines()[0].partition(". ")[0][:160].rstrip(".:; ")


def _fetched(hub_id: str) -> Path:
    """The folder where the hub's files lie, fetched there if they are not yet."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import logging

    before = logging.get_verbosity()
    # Each of its attempts would be told, with the address.
    logging.set_verbosity(ERROR)
    try:
        config, _ = (Path(hf_hub_download(hub_id, name)) for name in FILES)
    except Exception as error:  # noqa: BLE001 - no network, no such repository, no right to it: each a class of its own
        raise CheckpointError(
            f"{hub_id} is no folder here and cannot be fetched from the hub ({line(error)}): put its "
            f"files {' and '.join(FILES)} into a folder and name that folder with --weights"
        ) from None
    finally:
        logging.set_verbosity(before)
    return config.parent


def _folder(folder: Path) -> Checkpoint:
    from bench.models.weights import checkpoints

    config = _config(checked(folder) / FILES[0])
    checkpoint = checkpoints.read(folder / FILES[1])
    # The configuration decides what the weights compute, so it is part of what a record tells networks apart by.
    both = json.dumps(config, sort_keys=True) + checkpoint.digest
    digest = blake2b(both.encode(), digest_size=16).hexdigest()
    return replace(checkpoint, path=folder, digest=digest, config=config)


def _config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path} is no JSON: {line(error)}") from None
    if not isinstance(config, dict) or not isinstance(config.get("_model_class"), str):
        kind = config.get("model_type") if isinstance(config, dict) else None
        whose = f", but of the kind {kind!r} of transformers" if kind else ""
        raise CheckpointError(
            f"{path} is not of segmentation_models_pytorch{whose}: it names no _model_class, as save_pretrained of "
            "that library writes it"
        )
    return config

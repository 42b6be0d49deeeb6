"""Weights as segmentation_models_pytorch saves them, in a folder or at a hub id.

Such a folder has config.json and model.safetensors. It is fetched by the call that the library's
own from_pretrained makes, and read without running anything in it. This module knows no card, and
of a network only that a configuration names its class.
"""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import blake2b
from logging import ERROR
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import CheckpointError
from bench.models.naming import known_names

if TYPE_CHECKING:
    from bench.models.weights.checkpoints import Checkpoint

FILES = ("config.json", "model.safetensors")


def read(weights: str) -> Checkpoint | None:
    """Read a folder or a hub id; None if `weights` is neither (it is a file, or its name).

    Raises:
        CheckpointError: a folder that the library did not save, or a hub that cannot be reached.
    """
    path = Path(weights).expanduser()
    if path.is_dir():
        return _read_folder(path)
    if is_hub_id(weights):
        return _read_folder(_fetched(weights))
    return None


def is_hub_id(weights: str) -> bool:
    """Whether `weights` is a hub id: neither an existing path nor the name of a file of weights."""
    path = Path(weights).expanduser()
    if path.suffix in known_names.WEIGHTS_SUFFIXES or path.exists():
        return False
    return known_names.HUB_ID.fullmatch(weights) is not None


def checked(folder: Path) -> Path:
    """Check that a folder has both files that the library saves, and return it; needs no torch.

    Raises:
        CheckpointError: a file is missing.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(
            f"{folder} is a folder without {' and '.join(missing)}: --weights takes a folder that "
            "save_pretrained of segmentation_models_pytorch wrote, or one file of weights"
        )
    return folder


def first_sentence(error: Exception) -> str:
    """The first sentence of an error, shortened."""
    text = str(error).strip(" \n'\"") or type(error).__name__
    return text.splitlines()[0].partition(". ")[0][:160].rstrip(".:; ")


def _fetched(hub_id: str) -> Path:
    """The folder with the files of a hub id, fetched unless they are in the hub's own cache."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import logging

    verbosity = logging.get_verbosity()
    # The hub's client would print every attempt, with its address.
    logging.set_verbosity(ERROR)
    try:
        config, _ = (Path(hf_hub_download(hub_id, name)) for name in FILES)
    # No network, no such repository, no permission: each has its own type.
    except Exception as error:  # noqa: BLE001
        raise CheckpointError(
            f"{hub_id} is not a folder here and cannot be fetched from the hub "
            f"({first_sentence(error)}): put its files {' and '.join(FILES)} into a folder and "
            "name that folder with --weights"
        ) from None
    finally:
        logging.set_verbosity(verbosity)
    return config.parent


def _read_folder(folder: Path) -> Checkpoint:
    from bench.models.weights import checkpoints

    config = _config(checked(folder) / FILES[0])
    checkpoint = checkpoints.read(folder / FILES[1])
    # The configuration decides what the weights compute (dilation rates leave no trace in them), so
    # that two folders with equal weights may hold different networks: the digest covers both files.
    both = json.dumps(config, sort_keys=True) + checkpoint.digest
    digest = blake2b(both.encode(), digest_size=16).hexdigest()
    return replace(checkpoint, path=folder, digest=digest, config=config)


def _config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid JSON: {first_sentence(error)}") from None
    if isinstance(config, dict) and isinstance(config.get("_model_class"), str):
        return config
    model_type = config.get("model_type") if isinstance(config, dict) else None
    owner = f" but of transformers (model_type {model_type!r})" if model_type else ""
    raise CheckpointError(
        f"{path} is not a configuration of segmentation_models_pytorch{owner}: it has no "
        "_model_class, which save_pretrained of that library writes"
    )

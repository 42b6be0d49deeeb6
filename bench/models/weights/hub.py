"""Folders of weights as transformers saves them, at hand or named by a hub id: found, checked, and loaded whole.

Only safetensors are read, so that nothing in a folder can run. This module knows no card beyond its name, and no image.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bench.errors import CheckpointError
from bench.models import known_names
from bench.models.weights import digests

if TYPE_CHECKING:
    from torch import nn

WANTED = ("*.json", "*.txt", "model*.safetensors")
"""What is fetched of a hub's repository: configuration, vocabularies, and weights that hold no code."""
ADAPTERS = {"maskformer": "maskformer", "mask2former": "mask2former", "oneformer": "oneformer"} | {
    "sam": "sam",
    "sam2": "sam2",
    "sam2_video": "sam2",
}
"""Kinds of networks as config.json names them, and the adapter that runs each."""
UNNAMED = re.compile(r"LABEL_\d+")
"""What transformers calls the classes of a network whose author did not name them."""


@dataclass(frozen=True)
class Source:
    """A folder of weights: where it lies, what it is called in records, and the digest of its files."""

    folder: Path
    name: str
    digest: str


def resolve(model: str, weights: str | None, published: str | None, *, dataset: str) -> Source:
    """Find the weights of an adapter: a folder, a hub id, or what is `published` for the data set at a hub.

    Raises:
        CheckpointError: nothing published, a hub that cannot be reached, a folder that is none of transformers', or one
            that belongs to another adapter.
    """
    wanted = named(model, weights, published, dataset=dataset)
    if isinstance(wanted, Path):
        return _source(wanted, wanted.resolve().name)
    return _source(checked(model, _fetched(model, wanted)), wanted)


def named(model: str, weights: str | None, published: str | None, *, dataset: str) -> Path | str:
    """What the weights of an adapter are before anything is fetched or loaded: a folder that is fine, or a hub id.

    Raises:
        CheckpointError: as `resolve`, but for the hub.
    """
    wanted = published if weights in (None, "DEFAULT") else weights
    if wanted is None:
        raise CheckpointError(
            f"--model {model} finds no weights for {dataset} (none ship, and none are known that its authors "
            f"publish): bring some with --weights, a folder that save_pretrained wrote or a hub id"
        )
    path = Path(wanted).expanduser()
    if path.is_dir():
        return checked(model, path)
    if path.exists():
        raise CheckpointError(
            f"{path} is a file: --model {model} takes a folder that save_pretrained wrote (config.json, "
            "model.safetensors, preprocessor_config.json) or a hub id"
        )
    if not known_names.HUB_ID.fullmatch(wanted):
        raise CheckpointError(f"there is no folder {path}: --model {model} takes one that save_pretrained wrote")
    return wanted


def load(network: Any, source: Source) -> nn.Module:
    """Load a network of this class whole, on the CPU.

    Raises:
        CheckpointError: weights that are damaged, missing, or of another shape than the configuration says.
    """
    try:
        with quiet():
            loaded, told = network.from_pretrained(
                str(source.folder), local_files_only=True, use_safetensors=True, output_loading_info=True
            )
    except Exception as error:  # noqa: BLE001 - transformers and safetensors raise what they like
        raise CheckpointError(f"{source.folder} cannot be loaded: {line_of(error)}") from None
    missing, other = list(told["missing_keys"]), list(told["mismatched_keys"])
    if missing or other:
        first = missing[0] if missing else other[0][0]
        what = f"{len(missing)} weights are missing" if missing else f"{len(other)} weights have another shape"
        raise CheckpointError(
            f"{source.folder} does not fit its own config.json: {what} (the first is {first}); fetch or save it again"
        )
    from bench.models.weights import checkpoints

    checkpoints.refuse_nan(loaded.state_dict(), source.folder)
    return cast("nn.Module", loaded.eval())


def classes_of(network: Any) -> list[str] | None:
    """Names of a network's classes, None where its author did not name them."""
    told = network.config.id2label
    names = [str(told[key]) for key in sorted(told)]
    return None if all(UNNAMED.fullmatch(name) for name in names) else names


def part(make: Callable[..., Any], source: Source, needs: str, **settings: Any) -> Any:
    """Load a processor or tokenizer of the folder, which `needs` these files.

    Raises:
        CheckpointError: the files are not there or cannot be read.
    """
    try:
        with quiet():
            return make(str(source.folder), local_files_only=True, **settings)
    except Exception as error:  # noqa: BLE001 - as above
        raise CheckpointError(f"{source.folder} needs {needs}, which cannot be read: {line_of(error)}") from None


def has_preprocessor(source: Source) -> bool:
    """Whether the folder says how images are prepared."""
    names = ("preprocessor_config.json", "processor_config.json")
    return any((source.folder / name).is_file() for name in names)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from printing bars and remarks."""
    import transformers.utils.logging

    logging: Any = transformers.utils.logging  # half of it is typed
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def line_of(error: Exception) -> str:
    """The first line of an error, short."""
    return ((str(error).strip() or type(error).__name__).splitlines()[0])[:160].rstrip(".:; ")


def _fetched(model: str, hub_id: str) -> Path:
    try:
        from huggingface_hub import snapshot_download

        with quiet():
            return Path(snapshot_download(hub_id, allow_patterns=list(WANTED)))
    except Exception as error:  # noqa: BLE001 - many kinds: no network, no such repository, not allowed, a bad name
        raise CheckpointError(
            f"{hub_id} is no folder here and cannot be fetched from the hub ({line_of(error)}): bring its files "
            f"config.json, model.safetensors and preprocessor_config.json (and those of a tokenizer) into a folder, "
            f"and say --model {model} --weights FOLDER"
        ) from None


def checked(model: str, folder: Path) -> Path:
    """The folder, if it holds weights of a network that the adapter runs.

    Raises:
        CheckpointError: it does not.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{folder} holds no config.json: --weights takes a folder that save_pretrained wrote")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path} is no JSON: {line_of(error)}") from None
    kind = str(config.get("model_type")) if isinstance(config, dict) else "None"
    if ADAPTERS.get(kind) != model:
        hint = f"say --model {ADAPTERS[kind]}" if kind in ADAPTERS else f"--model {model} cannot run it"
        raise CheckpointError(f"{folder} holds a network of the kind {kind!r} (config.json), not {model!r}: {hint}")
    if not sorted(folder.glob("*.safetensors")):
        pickled = sorted(each.name for each in folder.glob("*.bin"))
        held = f" but {pickled[0]}, a pickle that could run code when read" if pickled else ""
        raise CheckpointError(
            f"{folder} holds no model.safetensors{held}: save it with save_pretrained, as safetensors"
        )
    return folder


def _source(folder: Path, name: str) -> Source:
    told = [
        *sorted(folder.glob("*.safetensors")),
        *(each for each in sorted(folder.glob("*")) if each.suffix in (".json", ".txt")),
    ]
    lines = "".join(f"{each.name} {digests.of_file(each)}\n" for each in told)
    return Source(folder, name, hashlib.blake2b(lines.encode("utf-8"), digest_size=16).hexdigest())

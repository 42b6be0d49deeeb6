"""Folders of weights as transformers saves them, on disk or at a hub: found, checked, loaded.

Only safetensors are read, so that nothing in a folder can run. This module knows no image, and of a
card only its name.
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
from bench.models.contract import catalogue
from bench.models.naming import known_names
from bench.models.weights import digests

if TYPE_CHECKING:
    from torch import nn

FETCHED = ("*.json", "*.txt", "model*.safetensors")
"""Files fetched from a hub: configuration, vocabularies, and weights that hold no code."""
UNNAMED = re.compile(r"LABEL_\d+")
"""What transformers calls the classes of a network if its author did not name them."""


@dataclass(frozen=True)
class Source:
    """A folder of weights, its name in records, and the digest of its files."""

    folder: Path
    name: str
    digest: str


def resolve(adapter: str, weights: str | None, published: str | None, *, dataset: str) -> Source:
    """Find the weights of an adapter: a folder, a hub id, or what its authors published.

    Args:
        adapter: the adapter that is to run the weights.
        weights: what follows `--weights`.
        published: the hub id that the authors publish for the data set.
        dataset: the data set, for messages.

    Raises:
        CheckpointError: nothing is published, the hub cannot be reached, the folder was not saved
            by transformers, or it belongs to another adapter.
    """
    wanted = named(adapter, weights, published, dataset=dataset)
    if isinstance(wanted, Path):
        return _source(wanted, wanted.resolve().name)
    return _source(checked(adapter, _fetched(adapter, wanted)), wanted)


def named(adapter: str, weights: str | None, published: str | None, *, dataset: str) -> Path | str:
    """The folder or hub id of the weights, before anything is fetched or loaded.

    Raises:
        CheckpointError: as `resolve`, except for the hub.
    """
    wanted = published if weights in (None, "DEFAULT") else weights
    if wanted is None:
        raise CheckpointError(
            f"--model {adapter} has no weights for {dataset} (none ship, and its authors publish "
            "none): pass a folder that save_pretrained wrote, or a hub id, with --weights"
        )
    path = Path(wanted).expanduser()
    if path.is_dir():
        return checked(adapter, path)
    if path.exists():
        raise CheckpointError(
            f"{path} is a file: --model {adapter} takes a folder that save_pretrained wrote "
            "(config.json, model.safetensors, preprocessor_config.json) or a hub id"
        )
    if not known_names.HUB_ID.fullmatch(wanted):
        raise CheckpointError(
            f"there is no folder {path}: --model {adapter} takes one that save_pretrained wrote"
        )
    return wanted


def load(network: Any, source: Source) -> nn.Module:
    """Load a network of this class, complete, onto the CPU.

    Raises:
        CheckpointError: weights that are damaged, missing, or of another shape than the
            configuration says.
    """
    try:
        with quiet():
            loaded, info = network.from_pretrained(
                str(source.folder),
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
            )
    except Exception as error:  # noqa: BLE001 - transformers and safetensors raise many types
        raise CheckpointError(f"{source.folder} cannot be loaded: {line_of(error)}") from None
    missing, mismatched = list(info["missing_keys"]), list(info["mismatched_keys"])
    if missing:
        problem, first = f"{len(missing)} weights are missing", missing[0]
    elif mismatched:
        problem, first = f"{len(mismatched)} weights have another shape", mismatched[0][0]
    if missing or mismatched:
        raise CheckpointError(
            f"{source.folder} does not fit its own config.json: {problem} (the first is {first}); "
            "fetch or save it again"
        )
    from bench.models.weights import checkpoints

    checkpoints.refuse_nan(loaded.state_dict(), source.folder)
    return cast("nn.Module", loaded.eval())


def classes_of(network: Any) -> list[str] | None:
    """Names of a network's classes; None if its author did not name them."""
    labels = network.config.id2label
    names = [str(labels[key]) for key in sorted(labels)]
    return None if all(UNNAMED.fullmatch(name) for name in names) else names


def part(make: Callable[..., Any], source: Source, needs: str, **settings: Any) -> Any:
    """Load a processor or tokenizer of the folder; `needs` names the files that it reads.

    Raises:
        CheckpointError: the files do not exist or cannot be read.
    """
    try:
        with quiet():
            return make(str(source.folder), local_files_only=True, **settings)
    except Exception as error:  # noqa: BLE001 - as above
        raise CheckpointError(
            f"{source.folder} needs {needs}, which cannot be read: {line_of(error)}"
        ) from None


def has_preprocessor(source: Source) -> bool:
    """Whether the folder has the file that describes how images are prepared."""
    names = ("preprocessor_config.json", "processor_config.json")
    return any((source.folder / name).is_file() for name in names)


def no_preprocessor(source: Source) -> tuple[str, str]:
    """The warning if a folder does not say how images are prepared."""
    message = (
        f"{source.name} has no preprocessor_config.json: images are prepared with the "
        "defaults of transformers"
    )
    return "no-preprocessor", message


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from printing progress bars and remarks."""
    import transformers.utils.logging

    logging: Any = transformers.utils.logging  # only partly typed
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def line_of(error: Exception) -> str:
    """The first line of an error, shortened."""
    return ((str(error).strip() or type(error).__name__).splitlines()[0])[:160].rstrip(".:; ")


def checked(adapter: str, folder: Path) -> Path:
    """Check that a folder holds weights of a network that the adapter runs, and return it.

    Raises:
        CheckpointError: it does not.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise CheckpointError(
            f"{folder} has no config.json: --weights takes a folder that save_pretrained wrote"
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid JSON: {line_of(error)}") from None
    model_type = str(config.get("model_type")) if isinstance(config, dict) else "None"
    owner = catalogue.of_model_type(model_type)
    if owner is None or owner.name != adapter:
        hint = f"use --model {owner.name}" if owner else f"--model {adapter} cannot run it"
        raise CheckpointError(
            f"{folder} holds a network of the type {model_type!r} (config.json), not "
            f"{adapter!r}: {hint}"
        )
    if not sorted(folder.glob("*.safetensors")):
        pickles = sorted(file.name for file in folder.glob("*.bin"))
        instead = f" but {pickles[0]}, a pickle that could run code when read" if pickles else ""
        raise CheckpointError(
            f"{folder} has no model.safetensors{instead}: save it with save_pretrained, as "
            "safetensors"
        )
    return folder


def _fetched(adapter: str, hub_id: str) -> Path:
    try:
        from huggingface_hub import snapshot_download

        with quiet():
            return Path(snapshot_download(hub_id, allow_patterns=list(FETCHED)))
    # No network, no such repository, no permission, a malformed name: each has its own type.
    except Exception as error:  # noqa: BLE001
        raise CheckpointError(
            f"{hub_id} is not a folder here and cannot be fetched from the hub ({line_of(error)}): "
            "put its files config.json, model.safetensors and preprocessor_config.json (and those "
            f"of a tokenizer) into a folder, and use --model {adapter} --weights FOLDER"
        ) from None


def _source(folder: Path, name: str) -> Source:
    texts = [file for file in sorted(folder.glob("*")) if file.suffix in (".json", ".txt")]
    files = [*sorted(folder.glob("*.safetensors")), *texts]
    lines = "".join(f"{file.name} {digests.of_file(file)}\n" for file in files)
    digest = hashlib.blake2b(lines.encode("utf-8"), digest_size=16).hexdigest()
    return Source(folder, name, digest)

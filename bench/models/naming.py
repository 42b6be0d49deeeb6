"""What the name of a model means, and what to type where it means none: `known_names` has the table.

Nothing here loads torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import CheckpointError, UsageError, did_you_mean
from bench.models.known_names import (
    ALSO,
    FILES,
    FOREIGN,
    HUB,
    HUB_ID,
    NOT_RUN,
    SMP,
    SMP_OTHERS,
    TAKES,
    TORCHVISION,
    WEIGHTS,
    WRAP,
)
from bench.models.own_code import locating

_KIND_AND_FILE = "--model takes the kind of network, --weights its file: say"


@dataclass(frozen=True)
class Known:
    """What a name of a model means: an adapter, None for a person's own code.

    `architecture` is the network that its weights must be of, where the name says so; `weights` are those that the name
    stands for, if any.
    """

    adapter: str | None
    architecture: str | None = None
    weights: str | None = None


def resolve(name: str, adapters: list[str]) -> Known:
    """What the name of a model means.

    Raises:
        UsageError: no adapter runs it by this name; the message says what to type.
    """
    if name in adapters:
        return Known(name)
    if name.startswith("baseline:"):
        raise UsageError(f"--model {name}: baselines are made from the truth: say bench eval --predictions {name}")
    if locating.is_own(name):
        return _of_library(name) or Known(None)
    if _begins_any(name, NOT_RUN) and not name.endswith(".py"):
        raise UsageError(
            f"--model {name}: no adapter runs this network: score its stored predictions with bench eval "
            f"--predictions, export it, or {WRAP}"
        )
    _refuse_file(name)
    plain = _plain(name)
    if plain in adapters or plain in ALSO:
        return Known(plain if plain in adapters else ALSO[plain])
    architecture = name.lower().replace("-", "_")
    if architecture in TORCHVISION:
        return Known(TORCHVISION[architecture].adapter, architecture, f"{TORCHVISION[architecture].weights}.DEFAULT")
    _refuse_place(name)
    hub = _of_hub(name)
    if hub is not None:
        return hub
    raise UsageError(_unknown(name, adapters))


def check_architecture(name: str, known: Known, identity: Mapping[str, Any]) -> None:
    """Refuse weights of another network than the name of the model says.

    Raises:
        CheckpointError: they are of another.
    """
    found = str(identity.get("architecture"))
    if known.architecture not in (None, found):
        other = found if found in TORCHVISION else known.adapter
        raise CheckpointError(
            f"--model {name}: {identity.get('weights')} holds weights of {found}; say --model {other} for them"
        )


def _plain(name: str) -> str:
    """A name without what spellings differ in.

    >>> _plain("DeepLabV3+"), _plain("Mask_R-CNN")
    ('deeplabv3plus', 'maskrcnn')
    """
    return re.sub(r"[-_ ]", "", name.lower().replace("+", "plus"))


def _refuse_file(name: str) -> None:
    """Refuse a file given as a name.

    Raises:
        UsageError: it is a file; the message says which adapter runs it.
    """
    path = Path(name)
    suffix = path.suffix.lower()
    absent = "" if path.expanduser().exists() else f" (and there is no file {path})"
    if suffix == ".py":
        defined = locating.defined_in(path.expanduser())
        example = f"{name}:{defined[0] if defined else 'predict'}"
        more = f"; it defines {', '.join(defined)}" if len(defined) > 1 else ""
        raise UsageError(
            f"--model {name} is a file: say which function, network or class in it, such as --model {example}"
            f"{more}{absent}"
        )
    if suffix in FILES:
        raise UsageError(f"{_KIND_AND_FILE} --model {FILES[suffix]} --weights {name}{absent}")
    if suffix in WEIGHTS:
        if _is_exported(path.expanduser()):
            raise UsageError(f"{_KIND_AND_FILE} --model exported --weights {name}")
        network = next((each for each in TAKES if path.name.lower().startswith(each)), "deeplab")
        raise UsageError(
            f"{_KIND_AND_FILE} --model {network} --weights {name}, or "
            "another network (bench list models); for TorchScript or torch.export --model exported; "
            f"for a network of your own --model my_file.py:make{absent}"
        )
    if suffix in FOREIGN:
        raise UsageError(
            f"--model {name}: no adapter runs {suffix} files: export the network to ONNX or TFLite, and say --model "
            f"onnx --weights FILE.onnx or --model litert --weights FILE.tflite{absent}"
        )


def _is_exported(path: Path) -> bool:
    from bench.models.interchange import exported_archive

    try:
        return path.is_file() and bool(exported_archive.kind_of(path))
    except CheckpointError:
        return False


def _refuse_place(name: str) -> None:
    """Refuse a folder or a module given as a name, and a dot instead of the colon.

    Raises:
        UsageError: it is one of these; the message says what to type.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        raise UsageError(
            f"--model {name} is a folder: say which network reads it, --model {_reader(path) or 'NAME'} "
            f"--weights {name}"
        )
    if not locating.is_own(name) and Path(f"{path}.py").is_file():
        word = next(iter(locating.defined_in(Path(f"{path}.py"))), "predict")
        raise UsageError(f"--model {name} is a module: say which function, network or class in it, {name}:{word}")
    module, _, word = name.rpartition(".")
    if module and "/" not in name and Path(f"{module.replace('.', '/')}.py").is_file():
        raise UsageError(f"--model {name}: module and name are separated by a colon: say --model {module}:{word}")


def _reader(folder: Path) -> str | None:
    """The adapter that reads a folder, as its config.json says."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(config, dict):
        return None
    kind = str(config.get("model_type", "")).removesuffix("_video")
    return SMP.get(str(config.get("_model_class"))) or (kind if kind in HUB else None)


def _of_library(name: str) -> Known | None:
    """A function of torchvision or a class of segmentation_models_pytorch, named with its module."""
    module, _, word = name.partition(":")
    package = module.partition(".")[0]
    if package == "torchvision" and word in TORCHVISION:
        return Known(TORCHVISION[word].adapter, word, f"{TORCHVISION[word].weights}.DEFAULT")
    if package == "segmentation_models_pytorch" and word in SMP:
        return Known(SMP[word])
    return None


def _of_hub(name: str) -> Known | None:
    """A hub id of a network that an adapter runs.

    Raises:
        UsageError: the id of another network.
    """
    if not HUB_ID.fullmatch(name) or not name[0].isalnum():
        return None
    owner, _, word = name.partition("/")
    adapter = next((each for each in HUB if _begins(word, each)), None)
    if adapter is not None:
        return Known(adapter, weights=name)
    ported = next((each for each in SMP.values() if _begins(word, each)), None)
    if owner == "smp-hub" and ported:
        return Known(ported, weights=name)
    if ported:
        raise UsageError(
            f"--model {name}: bench runs this network as segmentation_models_pytorch saves it, not as transformers "
            f"does: say --model {ported} --weights {_variant(word, ported) or TAKES[ported]}, or {WRAP}"
        )
    raise UsageError(f"--model {name}: no adapter runs this network of the hub; {WRAP}")


def _unknown(name: str, adapters: list[str]) -> str:
    others = {_plain(each): each for each in SMP_OTHERS}
    if _plain(name) in others:
        word = others[_plain(name)]
        return (
            f"--model {name}: no adapter runs {word} of segmentation_models_pytorch; {WRAP}, in which load returns "
            f"segmentation_models_pytorch.{word}(...)"
        )
    words = {**{each: each for each in adapters}, **ALSO}
    kind = next((words[each] for each in sorted(words, key=len, reverse=True) if _begins(name, each)), None)
    if kind is not None:
        said = _variant(name, kind) or TAKES[kind]
        return f"no model is called {name!r}: say --model {kind} --weights {said}"
    return (
        f"no model is called {name!r}: {did_you_mean(name, adapters)}; own code is package.module:name or file.py:name"
    )


def _variant(name: str, adapter: str) -> str | None:
    """The hub id that a name without its owner stands for."""
    size = re.match(
        r"(?:sam|segment[-_ ]anything)[-_ ]?vit[-_ ]?(b|l|h|base|large|huge)\b", re.sub("_", "-", name.lower())
    )
    if adapter == "sam" and size:
        return f"facebook/sam-vit-{ {'b': 'base', 'l': 'large', 'h': 'huge'}[size[1][0]] }"
    size = re.search(r"b([0-5])", name.lower())
    if adapter == "segformer" and size:
        side = 640 if size[1] == "5" else 512
        data = "1024x1024-city" if "cityscapes" in name.lower() else f"{side}x{side}-ade"
        return f"smp-hub/segformer-b{size[1]}-{data}-160k (or FILE: the encoder is read from the weights)"
    owner = {"mask2former": "facebook", "maskformer": "facebook", "oneformer": "shi-labs"}.get(adapter)
    return f"{owner}/{name}" if owner and len(name) > len(adapter) + 1 else None


def _begins_any(name: str, words: tuple[str, ...]) -> bool:
    pattern = re.compile(rf"({'|'.join(words)})(?![a-uw-z])")
    return any(pattern.match(text) for text in (name.lower(), _plain(name)))


def _begins(name: str, word: str) -> bool:
    """Whether a name begins with a word as a word of its own, whatever separates its letters.

    >>> _begins("mask_rcnn_R_50", "maskrcnn"), _begins("samurai", "sam"), _begins("DeepLabv3+", "deeplabv3plus")
    (True, False, True)
    """
    letters = "[-_ ]?".join(word)
    return re.match(rf"{letters}(?![a-z])", name.lower().replace("+", "plus").replace("vit", "-vit")) is not None

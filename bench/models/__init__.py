"""Adapters, one file each: `load(card, options)` returns a `Model`, whose `predict` turns images into predictions.

Models never see truth and never look for data. torch is imported by the adapters only, so that this package is light.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from bench.errors import UsageError
from bench.samples import Image, Prediction

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.models.naming import Known

Device = Literal["auto", "cpu", "cuda"]
Task = Literal["semantic", "instance", "panoptic"]


@dataclass(frozen=True)
class Options:
    """What a person can say about a model: weights, where and how it runs.

    `weights` is a file, "DEFAULT" for the library's own pretrained weights, or None for what ships with `bench`;
    `task` is the form of the answer for models that have several, None leaves it to the adapter;
    `input_size` (height, width) is what images are resized to before the network, None keeps their size;
    `window` (height, width) slides over larger images, windows sharing the fraction `overlap`; `scales` and `flip` are
    averaged over (test-time augmentation); `compile` asks for torch.compile; `confidence` for how sure the model is of
    every pixel. `score_threshold` and `detections` (per image) limit the objects of models that find objects, None
    leaves the adapter's own. `prompt` and `prompts` are kind and number per object for promptable models. `sidecar` is
    the TOML file that says what an exported network does not tell of itself.
    """

    weights: str | None = None
    task: Task | None = None
    device: Device = "auto"
    batch_size: int | None = None
    amp: bool = False
    compile: bool = False
    input_size: tuple[int, int] | None = None
    window: tuple[int, int] | None = None
    overlap: float = 1 / 3
    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    confidence: bool = False
    score_threshold: float | None = None
    detections: int | None = None
    prompt: Literal["points", "boxes"] = "points"
    prompts: int = 1
    sidecar: Path | None = None

    def __post_init__(self) -> None:
        """Refuse values that mean nothing, naming the flag.

        Raises:
            UsageError: a size, number or share out of its range, or an overlap of no windows.
        """
        for name in ("batch_size", "detections", "prompts"):
            value = getattr(self, name)
            _require(value is None or value >= 1, f"--{name.replace('_', '-')} {value}: at least 1 is needed")
        for name in ("input_size", "window"):
            size = getattr(self, name) or (1, 1)
            flag = f"--{name.replace('_', '-')} {size[0]}x{size[1]}"
            _require(len(size) == 2 and min(size) >= 1, f"{flag}: height and width are at least 1 pixel")
        _require(0 <= self.overlap < 1, f"--overlap {self.overlap:g}: a share from 0 to below 1 is needed")
        alone = self.window is None and self.overlap != Options.overlap
        _require(not alone, "--overlap is that of windows: give their size too, such as --window 512x1024")
        well = bool(self.scales) and all(0 < scale <= 8 for scale in self.scales)
        _require(well, f"--scales {','.join(map(str, self.scales))}: numbers above 0 and up to 8 are needed")
        _require(len(set(self.scales)) == len(self.scales), "--scales: a scale that is there twice counts twice")
        score = self.score_threshold
        _require(score is None or 0 <= score <= 1, f"--score-threshold {score}: a number from 0 to 1 is needed")


def refuse_unused(name: str, options: Options, allowed: Collection[str]) -> None:
    """Refuse options that are given (differ from their default) and of which the model `name` has no use.

    `allowed` are names of fields of `Options`. Weights, task, device and batch size are every model's own business.

    Raises:
        UsageError: the first option that is not allowed.
    """
    own = {"weights", "task", "device", "batch_size", *allowed}
    unused = [each.name for each in fields(Options) if each.name not in own]
    given = [each for each in unused if getattr(options, each) != getattr(Options, each)]
    if given:
        raise UsageError(f"--model {name} has no use for {flag_of(given[0])}: leave it out")


def flag_of(field: str) -> str:
    """The words on the command line that set a field of `Options`."""
    return _FLAGS.get(field, f"--{field.replace('_', '-')}")


_FLAGS = {"sidecar": "--config", "confidence": "--metrics ECE, for it does not tell how sure it is"}


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UsageError(message)


class Model(Protocol):
    """A network ready to predict."""

    identity: Mapping[str, Any]
    """What it is: name, architecture, weights file and digest, number of parameters."""
    settings: Mapping[str, Any]
    """How it runs: device, batch_size, amp, input_size; shown beside the scores."""
    task: str
    batch_size: int

    def predict(self, images: Sequence[Image]) -> list[Prediction]:
        """Predict a batch of images, each (H, W, 3) uint8 RGB; label maps come back in each image's own size."""
        ...


def names() -> list[str]:
    """Names of the adapters that ship: the files of this folder that define `TASKS` and `load`."""
    files = (path for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")
    texts = {path.stem: path.read_text(encoding="utf-8") for path in files}
    return sorted(name for name, text in texts.items() if "\nTASKS = " in text and "\ndef load(" in text)


def describe(name: str) -> dict[str, str]:
    """What `bench list models` shows of an adapter, read from its source without importing torch.

    Its docstring's first line, and its constants TASKS, EXTRA and LICENCE.
    """
    tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
    first = (ast.get_docstring(tree) or "").partition("\n")[0]
    constants = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in ("TASKS", "EXTRA", "LICENCE")
    }
    shipped = sorted((Path(__file__).parents[1] / "checkpoints").glob(f"{name}-*.safetensors"))
    # More trainings of one network, from other seeds, are called deeplab-streets-seed2 and so on.
    data_sets = dict.fromkeys(path.stem.removeprefix(f"{name}-").partition("-seed")[0] for path in shipped)
    reference = ", ".join(data_sets)
    return {
        "name": name,
        "what": first,
        "tasks": ", ".join(constants["TASKS"]),
        "ships weights for": reference or "-",
        "extra": constants["EXTRA"],
        "licence": constants["LICENCE"],
    }


def known(name: str, options: Options) -> tuple[Known, Options]:
    """What the name of a model means, and the options with the weights that the name implies.

    Raises:
        UsageError: no model has this name, or --weights contradicts it.
    """
    from bench.models import naming

    found = naming.resolve(name, names())
    if found.weights is not None and found.architecture is None and options.weights not in (None, found.weights):
        raise UsageError(
            f"--model {name} implies its weights: leave out --weights {options.weights}, or say --model {found.adapter}"
        )
    stands = found.weights is not None and options.weights in (None, "DEFAULT")
    return found, replace(options, weights=found.weights) if stands else options


def check(name: str, card: Card, options: Options) -> str | None:
    """Refuse what can be refused without torch; return the task of an adapter, None for own code.

    Raises:
        UsageError, CheckpointError: as `load`.
    """
    from bench.models.own_code import locating
    from bench.models.weights import early

    found, meant = known(name, options)
    if found.adapter is None:
        locating.check(name)
        return None
    return early.check(found, card, meant)


def load(name: str, card: Card, options: Options) -> Model:
    """Load the model of this name, or what `package.module:name` names (`own` tells the forms that it may have).

    Raises:
        UsageError: no such adapter, module or function.
        MissingExtra: torch or another package of the extra is not installed.
        OwnCodeError: a person's own code raised something.
        CheckpointError: weights that cannot be read or do not fit.
    """
    from bench.models import naming, own

    found, meant = known(name, options)
    if found.adapter is None:
        return own.named(name, card, options)
    module = import_module(f"bench.models.{found.adapter}")
    if options.task is not None and options.task not in module.TASKS:
        raise UsageError(f"--task {options.task}: --model {name} answers {' or '.join(module.TASKS)}")
    model = cast("Model", module.load(card, meant))
    naming.check_architecture(name, found, model.identity)
    return model

"""A user's own code as a model: a loader, a function from an image to labels or objects, or a torch network.

`--model package.module:name` names it; which form it has is told by what it is and by its parameters, never by trying.
This module knows the forms of models, no network and no data set.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from bench import given
from bench.errors import BenchError, CheckpointError, PredictionError, UsageError
from bench.models import Model, Options, refuse_unused
from bench.models.weights import digests
from bench.samples import Image, Prediction

if TYPE_CHECKING:
    import torch

    from bench.cards import Card

FORMS = (
    "this is no function of the form load(card, options), none of the form predict(image), and no torch.nn.Module "
    "(docs/models.md shows each)"
)


@dataclass(frozen=True, eq=False)
class OwnModel:
    """A function that is asked one image at a time, (H, W, 3) uint8 RGB; its answers are checked here."""

    name: str
    function: Callable[[Image], Any]
    card: Card
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    task: str
    batch_size: int = 1

    def predict(self, images: Sequence[Image]) -> list[Prediction]:
        """Ask the function about every image.

        Raises:
            PredictionError: it fails, or answers in another form or size, or with a class that is none.
        """
        return [self._one(image) for image in images]

    def _one(self, image: Image) -> Prediction:
        try:
            answer = self.function(image)
        except BenchError:
            raise
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(last.filename).name}, line {last.lineno}"
            raise PredictionError(f"{self.name} failed with {type(error).__name__}: {error} ({where})") from error
        size = (image.shape[0], image.shape[1])
        return given.prediction(answer, self.task, self.card.classes, where=self.name, size=size)


def named(name: str, card: Card, options: Options) -> Model:
    """Load what `package.module:name` names.

    Raises:
        UsageError: no such module or name, or one of another form.
        CheckpointError, MissingExtra: what the loader says, or weights that do not fit the network.
    """
    return adapted(_found(name), name, card, options)


def adapted(found: Any, name: str, card: Card, options: Options) -> Model:
    """The model that an object makes; `name` is what messages and records call it.

    Raises:
        UsageError: an object of no form that is known.
    """
    if _is_model(found) and not isinstance(found, type):
        return cast("Model", found)
    if _is_network(found):
        return _network(found, name, card, options)
    form = form_of(found, name)
    if form == "predict":
        return cast("Model", _predictor(found, name, card, options))
    loaded = found(card, options)
    if _is_model(loaded):
        return cast("Model", loaded)
    if _is_network(loaded):
        return _network(loaded, name, card, options)
    if callable(loaded) and form_of(loaded, name) == "predict":
        return cast("Model", _predictor(loaded, name, card, options))
    raise UsageError(
        f"--model {name} returned {type(loaded).__name__}, which is no model: it needs predict, task, identity, "
        "settings and batch_size, or to be a function of one image or a torch.nn.Module"
    )


def form_of(found: Any, name: str) -> Literal["load", "predict"]:
    """Whether a callable is a loader or a predictor: by how many arguments it can be called with, then by their names.

    Raises:
        UsageError: neither, or both and its parameters are not called card and options.
    """
    if not callable(found):
        raise UsageError(f"--model {name}: {FORMS}")
    try:
        signature = inspect.signature(found)
    except ValueError:
        # Compiled functions need not tell their form.
        raise UsageError(f"--model {name} does not tell its parameters: wrap it in def predict(image)") from None
    fits = {}
    for form, arguments in (("predict", 1), ("load", 2)):
        fits[form] = False
        with suppress(TypeError):
            signature.bind(*[None] * arguments)
            fits[form] = True
    if fits["predict"] and fits["load"]:
        if list(signature.parameters)[:2] == ["card", "options"]:
            return "load"
        raise UsageError(f"--model {name} can be called with one argument and with two: {FORMS}")
    if not any(fits.values()) or (isinstance(found, type) and not fits["load"]):
        raise UsageError(f"--model {name}: {FORMS}")
    return "load" if fits["load"] else "predict"


def _found(name: str) -> Any:
    module, _, path = name.partition(":")
    # The command `bench` does not have the working directory on its path, where people keep their own models.
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        raise UsageError(f"--model {name}: there is no module {error.name!r} on the Python path") from None
    for part in path.split("."):
        if not hasattr(found, part):
            raise UsageError(f"--model {name}: the module {module!r} has no {path!r}")
        found = getattr(found, part)
    return found


def _is_model(found: Any) -> bool:
    return all(hasattr(found, part) for part in ("predict", "task", "identity", "settings", "batch_size"))


def _is_network(found: Any) -> bool:
    if "torch" not in sys.modules:
        return False
    from torch import nn

    return isinstance(found, nn.Module) or (isinstance(found, type) and issubclass(found, nn.Module))


def _predictor(found: Callable[[Image], Any], name: str, card: Card, options: Options) -> OwnModel:
    refuse_unused(name, options, ("confidence",))
    for flag, value in (("weights", options.weights), ("batch-size", options.batch_size)):
        if value is not None:
            raise UsageError(f"--model {name} is a function of one image, which has no use for --{flag}: leave it out")
    task = options.task or getattr(found, "task", "semantic")
    if task not in given.TASKS:
        raise UsageError(f"--model {name}: its task {task!r} is none of {', '.join(given.TASKS)}")
    settings = {"device": "own code", "batch_size": 1, "amp": False, "input_size": None}
    return OwnModel(name, found, card, _identity(name, found, "function"), settings, task)


def _network(found: torch.nn.Module | type[torch.nn.Module], name: str, card: Card, options: Options) -> Model:
    """A torch network, with its own weights or those of --weights: it takes and gives what an exported one does."""
    from bench.models.interchange import exchange, torch_runtime
    from bench.models.running import inference
    from bench.models.weights import checkpoints

    refuse_unused(name, options, exchange.OPTIONS)
    try:
        network = found() if isinstance(found, type) else found
    except TypeError as error:
        raise UsageError(f"--model {name}: the network cannot be made without arguments ({error})") from None
    identity = _identity(name, found, type(network).__name__)
    if options.weights == "DEFAULT":
        raise CheckpointError(f"--model {name} has no weights of a library: --weights takes a file")
    if options.weights is not None:
        checkpoint = checkpoints.read(Path(options.weights).expanduser())
        checkpoints.fit(network, checkpoint, architecture=name)
        identity |= {"weights": checkpoint.path.name, "weights_digest": checkpoint.digest, "inside": checkpoint.inside}
    first = next(network.parameters(), None)
    # A network that is at work elsewhere, as in a training loop, stays where it is.
    stays = first is not None and options.device == "auto" and not isinstance(found, type)
    device = first.device if first is not None and stays else inference.choose_device(options.device)
    runtime = torch_runtime.of_module(network, device, model=name, path=Path(name), digest=identity["weights_digest"])
    model = exchange.assemble(runtime, card, options)
    told = {key: identity[key] for key in ("weights", "weights_digest", "inside")}
    return cast("Model", exchange.renamed(model, told))


def _identity(name: str, found: Any, architecture: str) -> dict[str, Any]:
    """Who it is: other code in its file is another model."""
    source = None
    with suppress(TypeError, OSError):
        source = inspect.getsourcefile(inspect.unwrap(found) if callable(found) else type(found))
    path = Path(source) if source else None
    return {
        "kind": "model",
        "model": name,
        "architecture": architecture,
        "weights": path.name if path else None,
        "weights_digest": digests.of_file(path) if path and path.is_file() else None,
        "inside": "",
        "outputs": None,
        "parameters": None,
        "warnings": [],
    }

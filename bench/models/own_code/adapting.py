"""The user's own code as a model: a loader, a function of one image, or a torch network.

`--model package.module:name` or `--model file.py:name` names it. Its form is read from its type and
its parameters, never found out by calling it. Its exceptions are reported as the user's own. This
module knows no network and no data set.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import inputs
from bench.errors import CheckpointError, UsageError
from bench.models.contract import supported
from bench.models.contract.model import Model
from bench.models.contract.options import Options, refuse_unsupported
from bench.models.own_code import identity, locating, recording
from bench.models.own_code.answering import GuardedModel, OwnModel
from bench.models.own_code.forms import NOT_A_FORM, describe, form_of
from bench.models.own_code.guarding import reporting_errors
from bench.samples import Image

if TYPE_CHECKING:
    import torch

    from bench.cards import Card

_MODEL_ATTRIBUTES = ("predict", "task", "identity", "settings", "batch_size")

# The options that bench itself applies, for each form that a loader may return.
_FOR_MODEL = frozenset({"confidence"})
_FOR_FUNCTION = frozenset({"task", "confidence"})
_FOR_NETWORK = frozenset(
    {"weights", "task", "device", "batch_size", "input_size", "sidecar", "confidence"}
)


def named(name: str, card: Card, options: Options) -> Model:
    """Load what `package.module:name` or `file.py:name` names.

    Raises:
        UsageError: there is no such module or name, or it has no known form.
        OwnCodeError: the user's code raised an exception.
        CheckpointError, MissingExtra: raised by the loader, or weights that do not fit the network.
    """
    thing, module = locating.find(name)
    return adapted(thing, name, card, options, defined=(module,))


def adapted(
    thing: Any, name: str, card: Card, options: Options, *, defined: Sequence[Any] = ()
) -> Model:
    """Make a model of an object.

    Args:
        thing: a function, class, network or model.
        name: what messages and records call it.
        card: the data set.
        options: the options of the model.
        defined: the objects that it was found in, which are part of its identity.

    Raises:
        UsageError: an object of no known form.
        OwnCodeError: its code raised an exception.
    """
    source = _Source(name, card, options, (*defined, thing))
    if not isinstance(thing, type) and (_is_model(thing) or _is_network(thing)):
        return source.ready(thing)
    form = form_of(thing, name)
    if form.kind == "predict":
        return source.ready(thing)
    recorded = recording.recording(options)
    with reporting_errors(name, f"called as {form.call}"):
        made = thing(*(card, recorded)[: form.arguments])
    if isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], Mapping):
        made, stated = made
        source = replace(source, stated=identity.checked(stated, name))
    passed = recorded if form.arguments == 2 else None
    return replace(source, passed=passed, made_by=form.call).ready(made)


@dataclass(frozen=True, eq=False)
class _Source:
    """The user's object, and how it becomes a model.

    Attributes:
        name: what messages and records call it.
        card: the data set.
        options: the options of the model.
        objects: the objects whose source files belong to the identity.
        passed: the options that a loader was passed, which record what it read.
        made_by: the call that made the object, "" if none did.
        stated: what a loader returned as the identity.
    """

    name: str
    card: Card
    options: Options
    objects: tuple[Any, ...]
    passed: recording.RecordingOptions | None = None
    made_by: str = ""
    stated: Mapping[str, Any] = field(default_factory=dict)

    def ready(self, thing: Any) -> Model:
        """Make the model of an object by its type.

        Raises:
            UsageError: it has no known form.
        """
        if _is_model(thing) and not isinstance(thing, type):
            return self._model(thing)
        if _is_network(thing) and not isinstance(thing, type):
            return self._network(thing)
        if self.made_by and not self._is_function(thing):
            hint = f"; {NOT_A_FORM}" if self.made_by == "make()" else ""
            raise UsageError(
                f"--model {self.name} returned {describe(thing)} when called as {self.made_by}; it "
                "may return a function of one image, a torch.nn.Module, or an object with "
                f"{', '.join(_MODEL_ATTRIBUTES)}{hint}"
            )
        return self._function(thing)

    def _is_function(self, thing: Any) -> bool:
        """Whether an object is a function of one image."""
        if not callable(thing) or isinstance(thing, type):
            return False
        return form_of(thing, self.name).kind == "predict"

    @property
    def _loads_weights(self) -> bool:
        """Whether the user's code has read --weights, and so loads the weights itself."""
        return self.passed is not None and "weights" in recording.read(self.passed)

    def _identity(self, thing: Any, architecture: str) -> dict[str, Any]:
        objects = self.objects if isinstance(thing, dict) else (*self.objects, thing)
        result = identity.of_code(self.name, objects, architecture)
        if self._loads_weights and self.options.weights is not None:
            result = identity.with_weights(result, self.options.weights)
        for component in (*self.objects, thing):
            result |= identity.stated(component, self.name)
        return {**result, **self.stated}

    def _refuse_unsupported(self, description: str, supported_options: tuple[str, ...]) -> None:
        """Refuse options that cannot reach the user's code, because no loader was passed them."""
        if self.passed is not None:
            return
        refuse_unsupported(self.name, self.options, supported_options)
        flags = {
            "--weights": self.options.weights is not None,
            "--batch-size": self.options.batch_size is not None,
            "--device": self.options.device == "cuda",
        }
        for flag, is_given in flags.items():
            if is_given:
                raise UsageError(
                    f"--model {self.name} {description}, which does not support {flag}: leave "
                    "it out, or name a loader, load(card, options)"
                )

    def _passed_settings(self, applied: frozenset[str]) -> dict[str, Any]:
        """The options passed to a loader that bench does not apply itself.

        They are settings of the record, so that another option is another run.
        """
        settings: dict[str, Any] = {}
        if self.passed is None:
            return settings
        for option in fields(Options):
            value = getattr(self.options, option.name)
            if option.name not in (*applied, "weights") and value != option.default:
                settings[option.name] = list(value) if isinstance(value, tuple) else value
        if "sidecar" in settings:
            settings["sidecar"] = str(settings["sidecar"])
        return settings

    def _model(self, model: Any) -> Model:
        """A model as adapters make them, with its own identity and settings."""
        task, applied = self.options.task, _FOR_MODEL
        if task == model.task:
            applied |= {"task"}
        elif task is not None and self.passed is None:
            raise UsageError(
                f"--model {self.name} does not support --task {task} (it supports {model.task})"
            )
        self._refuse_unsupported("is a model that is loaded already", ())
        stated = dict(model.identity) if isinstance(model.identity, Mapping) else {}
        # `checked` refuses these keys in what users state; here they are the model's own.
        reserved = {key: stated.pop(key) for key in ("kind", "warnings") if key in stated}
        identity_ = {
            "kind": "model",
            "model": self.name,
            **identity.checked(stated, self.name),
            **self.stated,
            **reserved,
        }
        settings = identity.checked(dict(model.settings), self.name)
        return GuardedModel(model, self.name, self.card, identity_, settings, self.passed, applied)

    def _function(self, function: Callable[[Image], Any]) -> Model:
        self._refuse_unsupported("is a function of one image", ("confidence",))
        task = self.options.task or getattr(function, "task", "semantic")
        if task not in inputs.TASKS:
            raise UsageError(
                f"--model {self.name}: its task must be one of {', '.join(inputs.TASKS)}, got "
                f"{task!r}"
            )
        identity_ = self._identity(function, "function")
        settings = {
            "device": "own code",
            "batch_size": 1,
            "amp": False,
            "input_size": None,
            **self._passed_settings(_FOR_FUNCTION),
        }
        model = OwnModel(self.name, function, self.card, identity_, settings, task)
        if self.passed is None:
            return model
        return GuardedModel(
            model, self.name, self.card, identity_, settings, self.passed, _FOR_FUNCTION
        )

    def _network(self, network: torch.nn.Module) -> Model:
        """A torch network, which takes and returns what an exported one does.

        It has its own weights, or those of --weights.
        """
        from bench.models.interchange import exchange, torch_runtime

        if self.passed is None:
            refuse_unsupported(self.name, self.options, supported.EXPORTED)
        applied = {key: getattr(self.options, key) for key in _FOR_NETWORK}
        options = replace(Options(), **applied)
        identity_ = self._identity(network, type(network).__name__)
        if not self._loads_weights and options.weights is not None:
            identity_ |= self._load_weights(network, options.weights, identity_)
        with reporting_errors(self.name, "when it was moved to its device"):
            runtime = torch_runtime.of_module(
                network,
                self._device(network, options),
                model=self.name,
                path=Path(self.name),
                digest=identity_["weights_digest"],
            )
        runtime = replace(runtime, run=_reporting(runtime.run, self.name))
        # `exchange` finds these out by a trial run.
        measured = ("outputs", "parameters", "warnings")
        kept = {key: value for key, value in identity_.items() if key not in measured}
        model = exchange.renamed(exchange.assemble(runtime, self.card, options), kept)
        if self.passed is None:
            return model
        settings = {**model.settings, **self._passed_settings(_FOR_NETWORK)}
        return GuardedModel(
            model, self.name, self.card, model.identity, settings, self.passed, _FOR_NETWORK
        )

    def _load_weights(
        self, network: torch.nn.Module, weights: str, identity_: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Load a file of weights into the network, and return the identity with them."""
        from bench.models.weights import checkpoints

        if weights == "DEFAULT":
            raise CheckpointError(
                f"--model {self.name} has no published weights: --weights takes a file"
            )
        checkpoint = checkpoints.read(Path(weights).expanduser())
        checkpoints.fit(network, checkpoint, architecture=self.name)
        return {
            **identity.with_weights(identity_, weights),
            "weights": checkpoint.path.name,
            "weights_digest": checkpoint.digest,
            "inside": checkpoint.inside,
        }

    def _device(self, network: torch.nn.Module, options: Options) -> torch.device:
        """The device that the network runs on.

        A network that is in use elsewhere, as in a training loop, stays where it is. A network that
        a loader made on the CPU goes to a GPU if there is one.
        """
        from bench.models.interchange import torch_runtime
        from bench.models.running import inference

        first = next(torch_runtime.parameters_of(network), None)
        if first is None or options.device != "auto":
            return inference.choose_device(options.device)
        if self.made_by and first.device.type == "cpu":
            return inference.choose_device(options.device)
        return first.device


def _reporting(
    run: Callable[[Any], Mapping[str, Any]], name: str
) -> Callable[[Any], Mapping[str, Any]]:
    """Report the exceptions of a network, with the input that it got."""

    def reporting(image: Any) -> Mapping[str, Any]:
        shape = " x ".join(str(side) for side in image.shape)
        when = (
            f"on an input of {shape}, {image.dtype}; --config FILE can set input_size, "
            "dtype and stride"
        )
        with reporting_errors(name, when):
            return run(image)

    return reporting


def _is_model(thing: Any) -> bool:
    return all(hasattr(thing, attribute) for attribute in _MODEL_ATTRIBUTES)


def _is_network(thing: Any) -> bool:
    # Without torch there is no network, and importing torch takes seconds.
    if "torch" not in sys.modules:
        return False
    from torch import nn

    if isinstance(thing, type):
        return issubclass(thing, nn.Module)
    return isinstance(thing, nn.Module)

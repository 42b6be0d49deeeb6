"""A user's own code as a model: a loader, a function from an image to labels or objects, or a torch network.

`--model package.module:name` or `--model file.py:name` names it; its form is read from its type and its
parameters, never found by trying. Its exceptions are reported as its own. This module knows no network and no data set.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bench import inputs
from bench.errors import CheckpointError, UsageError
from bench.models.contract import supported
from bench.models.contract.model import Model
from bench.models.contract.options import Options, refuse_unsupported
from bench.models.own_code import asked, identity, locating
from bench.models.own_code.answering import GuardedModel, OwnModel
from bench.models.own_code.forms import NONE, described, form_of
from bench.models.own_code.guarding import theirs
from bench.samples import Image

if TYPE_CHECKING:
    import torch

    from bench.cards import Card

_PARTS = ("predict", "task", "identity", "settings", "batch_size")


def named(name: str, card: Card, options: Options) -> Model:
    """Load what `package.module:name` or `file.py:name` names.

    Raises:
        UsageError: no such module or name, or one of another form.
        OwnCodeError: its code raised something.
        CheckpointError, MissingExtra: what the loader says, or weights that do not fit the network.
    """
    found, module = locating.found(name)
    return adapted(found, name, card, options, defined=(module,))


def adapted(found: Any, name: str, card: Card, options: Options, *, defined: Sequence[Any] = ()) -> Model:
    """The model that an object makes; `name` is what messages and records call it, `defined` where it was found.

    Raises:
        UsageError: an object of no form that is known.
        OwnCodeError: its code raised something.
    """
    source = _Source(name, card, options, (*defined, found))
    if not isinstance(found, type) and (_is_model(found) or _is_network(found)):
        return source.ready(found)
    form = form_of(found, name)
    if form.kind == "predict":
        return source.ready(found)
    handed = asked.remembering(options)
    with theirs(name, f"called as {form.call}"):
        made = found(*(card, handed)[: form.arguments])
    if isinstance(made, tuple) and len(made) == 2 and isinstance(made[1], Mapping):
        made, said = made
        source = replace(source, said=identity.checked(said, name))
    return replace(source, handed=handed if form.arguments == 2 else None, made_by=form.call).ready(made)


@dataclass(frozen=True, eq=False)
class _Source:
    """Where a person's object comes from, and how it becomes a model; `made_by` is the call that made it, if any.

    `handed` are the options that a loader was given, which remember what it read of them.
    """

    name: str
    card: Card
    options: Options
    objects: tuple[Any, ...]
    handed: asked.AskedOptions | None = None
    made_by: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)

    def ready(self, thing: Any) -> Model:
        """The model of an object, by what it is.

        Raises:
            UsageError: it is none of the forms.
        """
        if _is_model(thing) and not isinstance(thing, type):
            return self._model(thing)
        if _is_network(thing) and not isinstance(thing, type):
            return self._network(thing)
        if self.made_by and (not callable(thing) or isinstance(thing, type) or not _predicts(thing, self.name)):
            raise UsageError(
                f"--model {self.name} returned {described(thing)} when called as {self.made_by}, which is no model: it "
                f"may return a function of one image, a torch.nn.Module, or an object with {', '.join(_PARTS)}"
                + (f"; {NONE}" if self.made_by == "make()" else "")
            )
        return self._function(thing)

    @property
    def _loads_weights(self) -> bool:
        """Whether the person's code has looked at --weights, and so loads them itself."""
        return self.handed is not None and "weights" in asked.read(self.handed)

    def _identity(self, thing: Any, architecture: str) -> dict[str, Any]:
        objects = (*self.objects, *([] if isinstance(thing, dict) else [thing]))
        found = identity.of_code(self.name, objects, architecture)
        if self._loads_weights and self.options.weights is not None:
            found = identity.with_weights(found, self.options.weights)
        for each in (*self.objects, thing):
            found |= identity.stated(each, self.name)
        return {**found, **self.said}

    def _refuse_unused(self, what: str, allowed: tuple[str, ...]) -> None:
        """Refuse options that cannot reach the person's code, which was given none."""
        if self.handed is not None:
            return
        refuse_unsupported(self.name, self.options, allowed)
        others = {"weights": self.options.weights, "batch-size": self.options.batch_size}
        others["device"] = "cuda" if self.options.device == "cuda" else None
        flag = next((flag for flag, value in others.items() if value is not None), None)
        if flag:
            raise UsageError(
                f"--model {self.name} {what}, which does not support --{flag}: leave it out, or name a "
                "loader, load(card, options)"
            )

    def _given(self, honoured: frozenset[str]) -> dict[str, Any]:
        """The options that a loader was given, as settings of the record: other options are another run."""
        found: dict[str, Any] = {}
        for each in fields(Options) if self.handed is not None else ():
            value = getattr(self.options, each.name)
            if each.name not in (*honoured, "weights") and value != each.default:
                found[each.name] = list(value) if isinstance(value, tuple) else value
        return found if "sidecar" not in found else {**found, "sidecar": str(found["sidecar"])}

    def _model(self, model: Any) -> Model:
        """A model as adapters make them; its own identity and settings are kept."""
        options, honoured = self.options, _OF_A_MODEL
        if options.task == model.task:
            honoured |= {"task"}
        elif options.task is not None and self.handed is None:
            raise UsageError(f"--model {self.name} does not support --task {options.task} (it supports {model.task})")
        self._refuse_unused("is a model that is ready", ())
        own = dict(model.identity) if isinstance(model.identity, Mapping) else {}
        known = {key: own.pop(key) for key in ("kind", "warnings") if key in own}
        who = {"kind": "model", "model": self.name, **identity.checked(own, self.name), **self.said, **known}
        settings = identity.checked(dict(model.settings), self.name)
        return cast("Model", GuardedModel(model, self.name, self.card, who, settings, self.handed, honoured))

    def _function(self, function: Callable[[Image], Any]) -> Model:
        self._refuse_unused("is a function of one image", ("confidence",))
        task = self.options.task or getattr(function, "task", "semantic")
        if task not in inputs.TASKS:
            raise UsageError(f"--model {self.name}: its task is {task!r}, not one of {', '.join(inputs.TASKS)}")
        who = self._identity(function, "function")
        settings = {
            "device": "own code",
            "batch_size": 1,
            "amp": False,
            "input_size": None,
            **self._given(_OF_A_FUNCTION),
        }
        model = OwnModel(self.name, function, self.card, who, settings, task)
        if self.handed is None:
            return cast("Model", model)
        return cast("Model", GuardedModel(model, self.name, self.card, who, settings, self.handed, _OF_A_FUNCTION))

    def _network(self, network: torch.nn.Module) -> Model:
        """A torch network, with its own weights or those of --weights: it takes and gives what an exported one does."""
        from bench.models.interchange import exchange, torch_runtime
        from bench.models.running import inference
        from bench.models.weights import checkpoints

        if self.handed is None:
            refuse_unsupported(self.name, self.options, supported.EXPORTED)
        options = replace(Options(), **{key: getattr(self.options, key) for key in _OF_A_NETWORK})
        who = self._identity(network, type(network).__name__)
        weights = None if self._loads_weights else options.weights
        if weights == "DEFAULT":
            raise CheckpointError(f"--model {self.name} has no weights of a library: --weights takes a file")
        if weights is not None:
            checkpoint = checkpoints.read(Path(weights).expanduser())
            checkpoints.fit(network, checkpoint, architecture=self.name)
            found = identity.with_weights(who, weights)
            who = {**found, "weights": checkpoint.path.name, "weights_digest": checkpoint.digest}
            who["inside"] = checkpoint.inside
        first = next(torch_runtime.parameters_of(network), None)
        # A network that is at work elsewhere, as in a training loop, stays where it is.
        stays = first is not None and options.device == "auto" and not (self.made_by and first.device.type == "cpu")
        device = first.device if first is not None and stays else inference.choose_device(options.device)
        with theirs(self.name, "when it was put on its device"):
            runtime = torch_runtime.of_module(
                network, device, model=self.name, path=Path(self.name), digest=who["weights_digest"]
            )
        runtime = replace(runtime, run=_guarded(runtime.run, self.name))
        model = exchange.renamed(exchange.assemble(runtime, self.card, options), _kept(who))
        if self.handed is None:
            return cast("Model", model)
        settings = {**model.settings, **self._given(_OF_A_NETWORK)}
        return cast(
            "Model", GuardedModel(model, self.name, self.card, model.identity, settings, self.handed, _OF_A_NETWORK)
        )


_OF_A_MODEL = frozenset({"confidence"})
_OF_A_FUNCTION = frozenset({"task", "confidence"})
_OF_A_NETWORK = frozenset({"weights", "task", "device", "batch_size", "input_size", "sidecar", "confidence"})
"""Options that bench honours itself for each form that a loader may return."""


def _predicts(thing: Any, name: str) -> bool:
    return form_of(thing, name).kind == "predict"


def _kept(who: Mapping[str, Any]) -> dict[str, Any]:
    """What a network's identity says beside what was found out by running it."""
    return {key: value for key, value in who.items() if key not in ("outputs", "parameters", "warnings")}


def _guarded(run: Callable[[Any], Mapping[str, Any]], name: str) -> Callable[[Any], Mapping[str, Any]]:
    def guarded(image: Any) -> Mapping[str, Any]:
        shape = " x ".join(str(side) for side in image.shape)
        when = f"on an input of {shape}, {image.dtype}; input_size, dtype and stride can be said with --config FILE"
        with theirs(name, when):
            return run(image)

    return guarded


def _is_model(found: Any) -> bool:
    return all(hasattr(found, part) for part in _PARTS)


def _is_network(found: Any) -> bool:
    if "torch" not in sys.modules:
        return False
    from torch import nn

    return isinstance(found, nn.Module) or (isinstance(found, type) and issubclass(found, nn.Module))

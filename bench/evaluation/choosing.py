"""From the user's options to the rules of a job: which families are counted, with which settings.

Texts such as `all` or `mIoU,PQ` become `Rules`; each family knows which names select it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from bench import plugins
from bench.cards import Card
from bench.errors import OwnCodeError, UsageError, did_you_mean
from bench.evaluation import object_settings, region_options
from bench.evaluation import settings as setting_words
from bench.families import Family, shipped
from bench.families import family as load_family
from bench.families.contract.rules import Rules

_TASKS = ("semantic", "instance", "panoptic")
"""The possible tasks of the user's own model."""


def rules_for(
    card: Card,
    task: str,
    *,
    metrics: str | Sequence[str] = "default",
    regions: str = "",
    masks: bool = True,
    **settings: Any,
) -> Rules:
    """The rules for evaluating predictions of a task on a data set.

    `metrics` is `default`, `all`, or names of metrics or families, separated by commas or in a
    list. `regions` is a text such as `crops,trimap=3:5`; `all` includes the crops of the card. With
    `masks=False`, the default metrics are those of boxes. A setting that is None is ignored.

    Raises:
        UsageError: an unknown name or value, one of another task, or a setting without effect.
    """
    metrics = _joined(metrics)
    settings = {name: value for name, value in settings.items() if value is not None}
    setting_words.check({"regions": regions, **settings})
    candidates = [family for family in shipped().values() if family.task == task]
    objects = object_settings.read(settings)
    if metrics == "default":
        candidates = [
            family
            for family in candidates
            if family.counted == "default" and (masks or not family.needs_masks)
        ]
    if metrics in ("default", "all"):
        chosen = _offered(card, task, candidates)
    else:
        chosen = _named(metrics.split(","), card, task, candidates, Rules(**objects))
    if metrics == "all":
        if not regions and card.crops and task == "semantic":
            regions = "crops"
        chosen = [family for family in chosen if family.counted != "named"]
    plan = region_options.plan_for(card, regions, crop0=settings.get("crop0", "full"))
    object_settings.require_use(settings, objects, chosen)
    setting_words.require_use(settings, chosen, plan)
    settings.pop("crop0", None)
    settings.update(objects)
    if card.boundary is not None:
        settings.setdefault("boundary_ratio", card.boundary.ratio)
    return Rules(families=tuple(family.key for family in chosen), regions=plan, **settings)


def _joined(metrics: Any) -> str:
    """Names of metrics in one text, separated by commas."""
    if isinstance(metrics, str):
        return metrics
    if isinstance(metrics, Sequence) and all(isinstance(name, str) for name in metrics):
        return ",".join(metrics)
    raise UsageError(f"--metrics must be a name or a sequence of names, got {metrics!r}")


def require_rules(card: Card, task: str | None, **options: Any) -> None:
    """Refuse invalid settings before a model is loaded; `task` is None if only the model knows it.

    Raises:
        UsageError: as `rules_for`; for an unknown task, only what is invalid for every task.
    """
    errors: list[UsageError] = []
    # The tasks of the card come first, so that the error that is raised is about one of them.
    likely = sorted(_TASKS, key=lambda name: name not in card.tasks)
    for possible_task in (task,) if task else likely:
        try:
            rules_for(card, possible_task, **options)
        except UsageError as error:
            errors.append(error)
        else:
            return
    raise errors[0]


def _names_of(family: Family[Any], rules: Rules) -> tuple[str, ...]:
    """The names that select this family under these rules: those of its metrics, and its own."""
    return *family.full_names(family.options(rules)), family.key


def _offered(card: Card, task: str, candidates: list[Family[Any]]) -> list[Family[Any]]:
    """The candidates that can be counted on the data set."""
    offered = [family for family in candidates if family.suits(card)]
    if not offered:
        tasks = ", ".join(card.tasks)
        raise UsageError(
            f"{card.title} does not have metrics for the task {task!r} (its tasks: {tasks})"
        )
    return offered


def _named(
    items: Sequence[str], card: Card, task: str, candidates: list[Family[Any]], rules: Rules
) -> list[Family[Any]]:
    """The families that the names select, in their fixed order."""
    chosen = set()
    names = {item.strip() for item in items} - {""}
    if not names or names & {"all", "default"}:
        text = ",".join(items)
        raise UsageError(f"--metrics {text}: pass default, all, or names separated by commas")
    for name in sorted(names):
        if plugins.is_outside(name):
            chosen.add(_from_outside(name, card, task))
            continue
        matches = (f for f in candidates if name in _names_of(f, rules) and f.suits(card))
        match = next(matches, None)
        if match is None:
            raise _not_offered(name, card, task, candidates, rules)
        chosen.add(match)
    return sorted(chosen, key=lambda family: family.order)


def _from_outside(name: str, card: Card, task: str) -> Family[Any]:
    """The family that `package.module:Name` names, if it can be counted on this data set."""
    try:
        family = load_family(name)
    except (UsageError, OwnCodeError) as error:
        raise type(error)(f"--metrics {name}: {error}") from None
    if family.task != task:
        raise UsageError(
            f"--metrics {name}: needs {family.task} predictions, got {task} predictions"
        )
    if not family.suits(card):
        needs = family.needs or f"{task} ground truth"
        raise UsageError(f"--metrics {name}: needs {needs}, which {card.name} does not have")
    return family


def _not_offered(
    name: str, card: Card, task: str, candidates: list[Family[Any]], rules: Rules
) -> UsageError:
    """Why a name does not select any of the candidates."""
    _offered(card, task, candidates)
    every = [*candidates, *shipped().values()]
    match = next((family for family in every if name in _names_of(family, rules)), None)
    if match is None:
        return _unknown(name, {known for family in every for known in _names_of(family, rules)})
    if match.task != task:
        return UsageError(
            f"--metrics {name}: needs {match.task} predictions, got {task} predictions"
        )
    needs = match.needs or f"{task} ground truth"
    if card.layout == "lvis" and not match.needs:
        needs = "ground truth of all classes in every image"
    return UsageError(
        f"--metrics {name}: needs {needs}; {card.name} in the layout {card.layout} does not have it"
    )


def _unknown(name: str, known_names: AbstractSet[str]) -> UsageError:
    """The error for a name that selects no family, with the closest name."""
    recall = re.fullmatch(r"(?:box_|boundary_)?AR([1-9]\d*)", name)
    if recall:
        example = f"--max-detections {recall[1]}"
        return UsageError(
            f"--metrics {name}: this metric needs --max-detections, such as {example}"
        )
    hint = did_you_mean(name, known_names)
    message = hint if hint.startswith("did") else "unknown metric"
    return UsageError(f"--metrics {name}: {message} (bench list metrics shows all)")

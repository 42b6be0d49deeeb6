"""Pixels of label maps, in the full image and in regions: accuracies, IoU, Dice and their means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, final

from bench import metrics as arithmetic
from bench.families import shared
from bench.families.contract.family import Confusion, Family, Scores
from bench.families.contract.metric import fraction

if TYPE_CHECKING:
    from bench.cards import Card
    from bench.classes import Classes
    from bench.families.contract.rules import Source
    from bench.metrics.regions import Plan
    from bench.metrics.semantic import ClassesIn, SemanticScores
    from bench.notices import Notice
    from bench.samples import Array, Prediction, Sample, Table
    from bench.samples.columns import LabelPairs

MEANS = ("mean_accuracy", "mIoU", "mDice")
MOST_HELD = 0.25
"""A mean has no interval if more than this fraction of its classes are too rare to show how much
they vary."""
_LONG = "Long et al. 2015"
_VOC = "PASCAL VOC devkit, cityscapesScripts"
IOU = fraction(
    "IoU", "IoU", meaning="per class: tp / (tp + fp + fn)", reference=_VOC, per_class="IoU"
)


class Options(NamedTuple):
    """The classes of means, and the regions that are scored beside the full image."""

    classes_in: ClassesIn | None
    regions: Plan


@final
class Pixels(Family[Options]):
    """Scores of label maps by pixels."""

    name = "pixels"
    group = "semantic"
    title = "semantic"
    task = "semantic"
    counted = "default"
    order = 10
    tables = ("pixels",)
    options_type = Options
    metrics = (
        fraction(
            "pixel_accuracy",
            "pixel accuracy",
            meaning="fraction of valid pixels whose class is right",
            reference=f"{_LONG}, equation in section 5",
        ),
        fraction(
            "mean_accuracy",
            "mean accuracy",
            meaning="mean over classes of the fraction of a class's pixels that are found",
            reference=_LONG,
            per_class="accuracy",
        ),
        fraction(
            "mIoU",
            "mIoU",
            meaning="mean over classes of intersection / union over the whole set; "
            "mIoU@crop-200 in a region (crops, rings, bands, depth bins, trimaps)",
            reference=_VOC,
            per_class="IoU",
            leading=True,
        ),
        fraction(
            "fwIoU",
            "frequency-weighted IoU",
            meaning="IoU weighted by how frequent each class is in the ground truth",
            reference=_LONG,
        ),
        fraction(
            "mDice",
            "mean Dice",
            meaning="mean over classes of 2 tp / (2 tp + fp + fn)",
            reference="Dice 1945",
            per_class="Dice",
        ),
        IOU,
        fraction(
            "Dice",
            "Dice",
            meaning="per class: 2 tp / (2 tp + fp + fn)",
            reference="Dice 1945",
            per_class="Dice",
        ),
        fraction(
            "accuracy",
            "accuracy",
            meaning="per class: tp / (tp + fn)",
            reference=_LONG,
            per_class="accuracy",
        ),
    )

    def suits(self, card: Card) -> bool:
        """Every data set with a class for every pixel."""
        return "semantic" in card.tasks

    def count(
        self, card: Card, options: Options, sample: Sample, prediction: Prediction, *, position: int
    ) -> dict[str, Table]:
        """Count the pixels of every pair of classes, in every region of the options."""
        truth, predicted = sample.truth.semantic(), shared.label_maps.label_map(sample, prediction)
        tables = shared.label_maps.count(card, sample, predicted, position)
        if self.counts_pairs(options):
            return tables
        plan, classes = options.regions, card.classes
        depth = sample.read_depth() if plan.depths and sample.read_depth else None
        named = arithmetic.regions.regions_of(plan, truth, ignore=classes.ignore, depth=depth)
        areas = [area for _, area in named]
        regions = arithmetic.pixels.count_regions(
            truth, predicted, areas, classes, image=position, where=sample.id
        )
        return {**tables, "pixels": regions}

    def counts_pairs(self, options: Options) -> bool:
        """Pairs of labels are enough for the full image; regions need the place of each pixel."""
        return options.regions.regions.names == (arithmetic.regions.FULL,)

    def count_pairs(self, card: Card, pairs: LabelPairs, positions: Array) -> dict[str, Table]:
        """Count several images, whose `positions` in the data set are given."""
        return arithmetic.pixels.count_pairs(pairs, card.classes, positions)

    def rules_of(self, classes: Classes, options: Options) -> dict[str, Any]:
        """Classes, regions, and what void means."""
        return {
            "table": "pixels",
            "classes": list(classes.names),
            "regions": list(options.regions.regions.names),
            "void": "excluded in the truth",
        }

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """The pixels of every class per image and region."""
        return arithmetic.pixels.truth_rows(tables["pixels"])

    def score(
        self, tables: Mapping[str, Table], weights: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score every region."""

        def of_region(region: int) -> SemanticScores:
            return arithmetic.semantic.score(
                tables["pixels"], weights, classes, classes_in=_classes_in(options), region=region
            )

        return _regions(options, of_region)

    def leave_out(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: Options
    ) -> Scores:
        """Score every region without each cluster; means of too many rare classes are NaN."""
        import numpy as np

        def of_region(region: int) -> SemanticScores:
            scored = arithmetic.semantic.leave_out(
                tables["pixels"], clusters, classes, classes_in=_classes_in(options), region=region
            )
            if scored.fixed.sum() <= MOST_HELD * scored.scored.sum():
                return scored
            undefined = {name: np.full_like(scored[name], np.nan) for name in MEANS}
            return replace(scored, overall={**scored.overall, **undefined})

        return _regions(options, of_region)

    def per_image(
        self, tables: Mapping[str, Table], images: int, classes: Classes, options: Options
    ) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
        """The scores of every image, and its IoU of every class."""
        return shared.label_maps.per_image(tables["pixels"], images, classes, options.classes_in)

    def confusion(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> Confusion:
        """Pixels by class and predicted class."""
        return shared.label_maps.confusion(tables["pixels"], classes)

    def facts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options
    ) -> dict[str, Any]:
        """How many classes the means run over."""
        classes_in = _classes_in(options)
        scored = arithmetic.semantic.scored_classes(tables["pixels"], classes, classes_in)
        return {"classes": {"scored": int(scored.sum()), "of": len(classes), "in": classes_in}}

    def doubts(
        self, tables: Mapping[str, Table], classes: Classes, options: Options, source: Source
    ) -> list[Notice]:
        """Another label space or order of classes, and void that may be a class."""
        from bench.families.doubts import pixel_doubts

        return pixel_doubts.doubts(tables, classes, _classes_in(options), source)

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, options: Options
    ) -> list[tuple[str, str]]:
        """Classes that few or no images contain, and crops that leave nothing."""
        from bench.notices import few

        table, semantic = tables["pixels"], arithmetic.semantic
        scored = semantic.leave_out(table, clusters, classes, classes_in=_classes_in(options))
        labels = classes.names
        rare = few([f"{name} ({n})" for name, n in arithmetic.pixels.rare_classes(table, classes)])
        fixed = few([name for name, held in zip(labels, scored.fixed, strict=True) if held])
        absent = [name for name, there in zip(labels, scored.scored, strict=True) if not there]
        lacking = (
            f"{len(absent)} of {len(classes)} classes are not in the truth, and not in "
            f"the means: {few(absent)}"
        )
        unit = "images" if int(clusters.max(initial=-1)) + 1 == len(clusters) else "clusters"
        fate = "in the means they are taken to vary as the others do"
        if scored.fixed.sum() > MOST_HELD * scored.scored.sum():
            fate = "too many for an interval of the means"
        rarity = arithmetic.pixels.RARE
        notices = {
            "rare-classes": rare and f"classes carried by fewer than {rarity} images: {rare}",
            "silent-classes": fixed
            and f"fewer than {arithmetic.rates.MIN_CARRIERS} {unit} carry {fixed}: {fate}",
            "absent-classes": lacking if absent else "",
        }
        named = [(code, message) for code, message in notices.items() if message]
        return [*named, *_crops(table, len(clusters), options)]


def _classes_in(options: Options) -> ClassesIn:
    return options.classes_in or shared.label_maps.CLASSES_IN


def _crops(table: Table, images: int, options: Options) -> list[tuple[str, str]]:
    """The note on crops that are too narrow to leave anything of some or all images."""
    import numpy as np

    empty, partial, plan = [], list[str](), options.regions
    for factor in plan.cutting:
        name = arithmetic.regions.crop_name(factor)
        inside = table["region"] == plan.regions.ids[name]
        lacking = images - len(np.unique(table["image"][inside]))
        if lacking == images:
            empty.append(name)
        elif lacking:
            partial.append(
                f"{name} leaves nothing of {lacking} of {images} images and is scored on the others"
            )
    if empty:
        partial.append(f"{', '.join(empty)}: nothing is left of any image, so there is no score")
    if not partial:
        return []
    return [("crops-left-out", f"some crops cut too much from these images: {'; '.join(partial)}")]


def _regions(options: Options, scores_of: Callable[[int], SemanticScores]) -> Scores:
    """The scores of every region, named as `mIoU@crop-200`; those of the full image are plain."""
    named = arithmetic.regions.named
    overall: dict[str, Array] = {}
    per_class: dict[str, Array] = {}
    parts: dict[str, tuple[str, Array]] = {}
    for number, region in enumerate(options.regions.regions.names):
        scored = scores_of(number)
        overall |= {named(name, region): values for name, values in scored.overall.items()}
        per_class |= {named(name, region): values for name, values in scored.per_class.items()}
        for mean, (name, carriers) in scored.parts.items():
            parts[named(mean, region)] = named(name, region), carriers
    return Scores(overall, per_class, parts=parts)


FAMILY = Pixels()

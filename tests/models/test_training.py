"""The training of the reference networks: losses are their formulas, and a stopped training goes on
the same.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra models is not installed")
pytest.importorskip("torchvision", reason="the extra models is not installed")

from bench import streets  # noqa: E402

CLASSES, IGNORE = 4, 255
TOOLS = str(Path(__file__).parents[2] / "tools")
if TOOLS not in sys.path:
    sys.path.append(TOOLS)

from training import losses, objects, pixels, results, scenes  # type: ignore[import-not-found]  # noqa: E402
from training.recipes import SHIPPED, Recipe  # type: ignore[import-not-found]  # noqa: E402


@pytest.fixture
def case() -> tuple[Any, Any, Any]:
    """Logits, truth with pixels that do not count and a class that is nowhere, and weights of
    classes.
    """
    rng = np.random.default_rng(5)
    truth = rng.integers(0, CLASSES - 1, (2, 5, 7))
    truth[rng.random(truth.shape) < 0.2] = IGNORE
    logits = torch.from_numpy(rng.normal(0, 2, (2, CLASSES, 5, 7)))
    return logits, torch.from_numpy(truth), torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)


def pixel_by_pixel(logits: Any, truth: Any) -> list[tuple[int, list[float]]]:
    """The true class and all probabilities of every pixel that counts."""
    found = []
    for image, row, column in np.ndindex(*truth.shape):
        if int(truth[image, row, column]) != IGNORE:
            powers = [float(np.exp(float(logits[image, c, row, column]))) for c in range(CLASSES)]
            found.append(
                (int(truth[image, row, column]), [power / sum(powers) for power in powers])
            )
    return found


def plain(name: str, logits: Any, truth: Any, weights: Any) -> float:
    """A loss from its formula, one pixel after the other."""
    seen = pixel_by_pixel(logits, truth)
    if name == "cross-entropy":
        return sum(-np.log(p[t]) for t, p in seen) / len(seen)
    if name == "weighted":
        return sum(-float(weights[t]) * np.log(p[t]) for t, p in seen) / sum(
            float(weights[t]) for t, _ in seen
        )
    if name == "focal":
        return sum(-((1 - p[t]) ** 2) * np.log(p[t]) for t, p in seen) / len(seen)
    present = sorted({t for t, _ in seen})
    scores = [
        2
        * sum(p[c] for t, p in seen if t == c)
        / (sum(p[c] for _, p in seen) + sum(t == c for t, _ in seen))
        for c in present
    ]
    return 1 - sum(scores) / len(scores)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_every_loss_is_its_formula(name: str, case: tuple[Any, Any, Any]) -> None:
    assert pytest.approx(plain(name, *case), rel=1e-10) == float(losses.loss(name)(*case))


def test_a_plus_adds_losses(case: tuple[Any, Any, Any]) -> None:
    expected = plain("focal", *case) + plain("dice", *case)
    assert pytest.approx(expected, rel=1e-10) == float(losses.loss("focal+dice")(*case))


@pytest.mark.parametrize("name", losses.LOSSES)
def test_pixels_that_do_not_count_have_no_say(name: str, case: tuple[Any, Any, Any]) -> None:
    logits, truth, weights = case
    other = logits.clone()
    other.permute(0, 2, 3, 1)[truth == IGNORE] += 3.0 * torch.arange(CLASSES)
    assert pytest.approx(float(losses.loss(name)(logits, truth, weights)), rel=1e-12) == float(
        losses.loss(name)(other, truth, weights)
    )


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return scenes.draw("train", 2, tmp_path_factory.mktemp("scenes"), objects=True)


def test_targets_of_objects_are_the_truth_of_the_data_set(drawn: list[Any]) -> None:
    from bench import masks
    from bench.streets import dataset

    index = scenes.spread("train", 2)[1]
    truth = dataset.sample(
        scenes.CARD, "train", index, streets.draw("train", index)
    ).truth.instances()
    large = np.minimum(truth.boxes[:, 2], truth.boxes[:, 3]) >= objects.SMALLEST
    names = [scenes.CARD.classes.names[class_] for class_ in truth.classes[large]]
    target = objects.target_of(np.asarray(drawn[2][1]))
    corners = target["boxes"].numpy()
    ours = zip(
        [objects.NAMES[label - 1] for label in target["labels"].tolist()],
        np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1).tolist(),
        target["masks"].sum((1, 2)).tolist(),
        strict=True,
    )
    theirs = zip(
        names,
        truth.boxes[large].tolist(),
        masks.areas(np.array(truth.rles, object)[large].tolist()),
        strict=True,
    )
    assert sorted(theirs) == sorted(ours)


def test_a_stopped_training_goes_on_as_if_undisturbed(drawn: list[Any], tmp_path: Path) -> None:
    recipe = Recipe("fcn", "fcn_slim8", steps=4, crop=(64, 96), images=2, batch=2, coarse=0.5)
    images, labels, _ = drawn
    device = torch.device("cpu")

    def train(kept: Path) -> dict[str, Any]:
        network, _ = pixels.train(recipe, images, labels, device=device, kept=kept, init=None)
        return network.state_dict()

    class Stopped(Exception):
        pass

    def stop(recipe: Recipe, step: int, *rest: Any) -> Any:
        if step == 2:
            raise Stopped
        return batch(recipe, step, *rest)

    whole, batch = train(tmp_path / "whole.pt"), scenes.batch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("training.loop.EVERY", 1)
        patch.setattr(scenes, "batch", stop)
        with pytest.raises(Stopped):
            train(tmp_path / "kept.pt")
    resumed = train(tmp_path / "kept.pt")
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    other, _ = pixels.train(
        Recipe(**{**vars(recipe), "seed": 2}),
        images,
        labels,
        device=device,
        kept=tmp_path / "other.pt",
        init=None,
    )
    assert not all(torch.equal(value, whole[name]) for name, value in other.state_dict().items())


def test_a_checkpoint_is_finished_only_by_its_own_recipe(tmp_path: Path) -> None:
    recipe = Recipe("fcn", "fcn_slim8", steps=1)
    network: Any = torch.nn.Conv2d(1, 1, 1)
    record = {**results.record_of(recipe, 1.0, torch.device("cpu")), "val_images": 7}
    results.write(tmp_path / "fcn.safetensors", network, recipe, record)
    (tmp_path / "fcn.json").write_text(json.dumps(record))
    assert results.finished(tmp_path / "fcn.safetensors", recipe, 7)
    assert not results.finished(tmp_path / "fcn.safetensors", recipe, 8)
    assert not results.finished(
        tmp_path / "fcn.safetensors", Recipe("fcn", "fcn_slim8", steps=2), 7
    )


def test_all_of_them_have_files_of_their_own() -> None:
    files = [recipe.file for recipe in SHIPPED]
    assert len(set(files)) == len(files)
    assert 3 == sum(recipe.model == "deeplab" for recipe in SHIPPED)


def test_the_page_of_the_checkpoints_says_what_their_records_say(repository: Path) -> None:
    folder = repository / "bench" / "checkpoints"
    assert results.table(folder) in (folder / "README.md").read_text(encoding="utf-8")
    assert {path.stem for path in folder.glob("*.safetensors")} == {
        path.stem for path in folder.glob("*.json")
    }
    assert sum(path.stat().st_size for path in folder.iterdir()) < 40e6


def test_the_module_of_the_tool_is_the_repository_s() -> None:
    assert isinstance(losses, ModuleType)
    assert str(Path(str(losses.__file__)).parents[1]) == TOOLS

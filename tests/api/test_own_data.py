"""A person's own data set as truth: pairs of image and target, with the model that they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import drive_data
import numpy as np
import pytest
from PIL import Image

import bench
from bench import cli
from bench.api.pictures import picture
from bench.errors import InputError, UsageError

NAMES = ["road", "car", "sky"]
SIZE = (12, 16)


class Pairs:
    """Pictures whose red says the class, as arrays or in another form."""

    def __init__(
        self, count: int = 5, form: Callable[[Any], Any] = lambda pixels: pixels, mask: Any = None
    ) -> None:
        rng = np.random.default_rng(4)
        self.targets = rng.integers(0, 3, (count, *SIZE))
        self.form, self.mask = form, mask or (lambda labels: labels)
        self.read: list[int] = []

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, place: int) -> tuple[Any, Any]:
        self.read.append(place)
        target = self.targets[place]
        pixels = np.zeros((*SIZE, 3), np.uint8)
        pixels[..., 0] = 80 * target
        return self.form(pixels), self.mask(target)


def reads_red(image: Any) -> Any:
    """Right but for a corner."""
    labels = (np.asarray(image)[..., 0] // 80).astype(int)
    labels[:3, :4] = 0
    return labels


def expected(pairs: Pairs) -> Any:
    evaluator = bench.Evaluator(NAMES)
    for place, target in enumerate(pairs.targets):
        found = target.copy()
        found[:3, :4] = 0
        evaluator.update(truth=target, prediction=found, id=f"{place}")
    return evaluator.result()


def test_functions_are_given_what_the_data_set_gives() -> None:
    plain = expected(Pairs())
    for form in (lambda pixels: pixels, Image.fromarray):
        result = bench.evaluate(reads_red, Pairs(form=form), classes=NAMES)
        assert (plain.scores, plain.intervals) == (result.scores, result.intervals)
        assert result.run is not None
        assert ("own", "val", 5) == (
            result.run.record.dataset.name,
            result.run.record.dataset.split,
            result.run.record.dataset.images,
        )
    masks = bench.evaluate(
        reads_red,
        Pairs(mask=lambda labels: Image.fromarray(labels.astype(np.uint8))),
        classes=NAMES,
    )
    assert plain.scores == masks.scores
    pairs = Pairs()
    assert 2 == bench.evaluate(reads_red, pairs, classes=NAMES, limit=2).images
    assert {0, 1} == set(pairs.read)
    listed = [pairs[place] for place in range(5)]
    assert plain.scores == bench.evaluate(reads_red, listed, classes=NAMES).scores


def test_a_record_of_own_data_is_one_of_the_card_with_its_ids(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    drives = drive_data.write(tmp_path)
    pairs = [(sample.image(), sample.truth.semantic().labels) for sample in drives.samples]
    options = {
        "classes": drives.card,
        "ids": [sample.id for sample in drives.samples],
        "name": "mine",
    }
    result = bench.evaluate(drives.model("semantic"), pairs, out=str(tmp_path / "runs"), **options)  # type: ignore[arg-type]
    other = bench.evaluate(drives.model("semantic"), drives.card, data=drives.root)
    assert (other.scores, other.intervals) == (result.scores, result.intervals)
    assert result.run is not None
    assert other.run is not None
    assert other.run.record.tables == result.run.record.tables
    assert 0 == cli.main(["show", str(tmp_path / "runs")])
    assert "mine on Drives val: 35 images" in capsys.readouterr().out


def test_the_target_says_the_task_and_which_objects_there_are() -> None:
    masks = np.zeros((1, *SIZE), bool)
    masks[0, 2:8, 3:9] = True
    pairs = [
        (np.zeros((*SIZE, 3), np.uint8), {"boxes": [[3, 2, 9, 8]], "labels": [1], "masks": masks})
    ] * 3
    answer = {"masks": masks, "labels": [1], "scores": [0.5]}
    result = bench.evaluate(lambda _: answer, pairs, classes=NAMES)
    assert 1 == pytest.approx(result["AP"])
    boxes = [
        (image, {"boxes": target["boxes"], "labels": target["labels"]}) for image, target in pairs
    ]
    found = bench.evaluate(
        lambda _: {"boxes": [[3, 2, 9, 8]], "labels": [1], "scores": [0.5]}, boxes, classes=NAMES
    )
    assert 1 == pytest.approx(found["AP"])
    coco = [
        (image, [{"category_id": 1, "segmentation": [[3, 2, 9, 2, 9, 8, 3, 8]]}])
        for image, _ in pairs
    ]
    assert 1 == pytest.approx(bench.evaluate(lambda _: answer, coco, classes=NAMES)["AP50"])
    empty = [
        (coco[0][0] * 0 + 1, []),
        *coco,
    ]  # of images without objects COCO's list is empty, the first one too
    found = bench.evaluate(lambda image: [] if image.any() else answer, empty, classes=NAMES)
    assert (4, 1) == (found.images, pytest.approx(found["AP50"]))  # type: ignore[comparison-overlap]


def test_networks_are_given_the_tensors_of_the_data_set() -> None:
    torch = pytest.importorskip("torch", reason="the extra models is not installed")

    class Net(torch.nn.Module):  # type: ignore[name-defined,misc]
        """Scores of the class that red says, at half the size, as segmentation networks give
        them.
        """

        def __init__(self) -> None:
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(1))
            self.modes: list[bool] = []

        def forward(self, pixels: Any) -> Any:
            self.modes.append(self.training)
            classes = torch.arange(3).view(1, 3, 1, 1)
            return {"out": -(pixels[:, :1] * 2 - classes).abs() * self.scale}

    def tensor(pixels: Any) -> Any:
        return torch.from_numpy(pixels).permute(2, 0, 1).float() / 160

    network = Net().train()
    result = bench.evaluate(network, Pairs(form=tensor, mask=torch.from_numpy), classes=NAMES)
    assert 1 == result["mIoU"]
    assert network.training
    assert not any(network.modes)
    assert result.run is not None
    assert ("Net", 1) == (
        result.run.record.model["architecture"],
        result.run.record.model["parameters"],
    )
    with pytest.raises(InputError, match="one channel per class: got 3 channels for 4 classes"):
        bench.evaluate(network, Pairs(form=tensor), classes=4)
    with pytest.raises(UsageError, match="stays on its device: leave the option device out"):
        bench.evaluate(network, Pairs(form=tensor), classes=NAMES, options={"device": "cpu"})


def test_networks_of_torchvision_answer_with_objects() -> None:
    torch = pytest.importorskip("torch", reason="the extra models is not installed")

    class Detector(torch.nn.Module):  # type: ignore[name-defined,misc]
        def forward(self, images: Any) -> Any:
            boxes = torch.tensor([[3.0, 2.0, 9.0, 8.0]])
            return [
                {"boxes": boxes, "labels": torch.tensor([1]), "scores": torch.tensor([0.9])}
                for _ in images
            ]

    target = {
        "boxes": torch.tensor([[3.0, 2.0, 9.0, 8.0]]),
        "labels": torch.tensor([1]),
        "image_id": 0,
    }
    pairs = [(torch.zeros(3, *SIZE), target)] * 2
    assert 1 == pytest.approx(bench.evaluate(Detector(), pairs, classes=NAMES)["AP"])


def test_pictures_come_in_many_forms() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    for form in (
        pixels,
        Image.fromarray(pixels),
        np.moveaxis(pixels, 2, 0),
        np.moveaxis(pixels / 255, 2, 0),
    ):
        assert np.array_equal(pixels, picture(form))
    assert (*SIZE, 3) == picture(pixels[..., 0]).shape
    for wrong, message in (
        (
            np.moveaxis(pixels / 100 - 1, 2, 0),
            "must hold bytes, or numbers from 0 to 1, got -1 to 1.55",
        ),
        (np.zeros((5, *SIZE)), r"an image must have the shape \(H, W, 3\)"),
        (pixels.astype(int) * 9, "bytes from 0 to 255"),
    ):
        with pytest.raises(UsageError, match=message):
            picture(wrong)


class Loader:
    """Looks like a DataLoader."""

    dataset, batch_size = Pairs(), 4


@pytest.mark.parametrize(
    ("dataset", "options", "message"),
    [
        (Pairs(), {}, r"your own data set needs classes: classes=\[...\]"),
        (Pairs(0), {"classes": NAMES}, "the data set is empty"),
        (Loader(), {"classes": NAMES}, "dataset must not be a DataLoader, .*loader.dataset"),
        (iter([]), {"classes": NAMES}, "a data set with a length whose items are pairs"),
        ({"a": 1}, {"classes": NAMES}, "got dict"),
        (
            Pairs(),
            {"classes": NAMES, "ids": ["a"]},
            "ids must have one id per image: got 1 ids for 5 images",
        ),
        (Pairs(), {"classes": NAMES, "ids": list("aabcd")}, "the id 'a' is listed twice"),
        (Pairs(), {"classes": NAMES, "ids": "ids.txt"}, "ids must be a list with an id per image"),
        (Pairs(), {"classes": NAMES, "data": "x"}, "data= has no effect on your own data set"),
        (
            Pairs(),
            {"classes": NAMES, "overwrite": True},
            "overwrite=True has no effect without out=",
        ),
        (
            [5, 6],
            {"classes": NAMES},
            "item 0 of the data set must be a pair of image and target, got int",
        ),
        (
            [(1, 2, 3)],
            {"classes": NAMES},
            "must be a pair of image and target, got a tuple of 3",
        ),
    ],
    ids=range(12),
)
def test_what_is_no_data_set_is_refused_before_any_work(
    dataset: Any, options: dict[str, Any], message: str
) -> None:
    asked: list[Any] = []
    with pytest.raises(UsageError, match=message):
        bench.evaluate(asked.append, dataset, **options)
    assert not asked


def test_shipped_models_are_asked_too() -> None:
    pytest.importorskip("torch", reason="the extra models is not installed")
    opened = bench.open_data("streets", limit=2)
    pairs = [
        (Image.fromarray(sample.image()), sample.truth.semantic().labels)
        for sample in opened.samples
    ]
    names = [sample.id for sample in opened.samples]
    result = bench.evaluate("fcn", pairs, classes="streets", ids=names, interval="none")
    assert bench.evaluate("fcn", opened, interval="none").scores == result.scores

"""Prompts: drawn from the truth by the stated rule, answered by promptable models, scored after
each number of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import small_runs

from bench import cards, masks, prompting
from bench.errors import DataError, PredictionError, UsageError
from bench.evaluation import evaluate
from bench.evaluation.choosing import rules_for
from bench.evaluation.jobs import FromModel, Job
from bench.families import family
from bench.metrics import prompted
from bench.samples import Image, Instances, LabelMap, Prompts, Sample, Truth

Array = np.ndarray[Any, Any]


@pytest.fixture
def card() -> cards.Card:
    text = small_runs.CARD.replace('["semantic"]', '["semantic", "instance"]')
    return cards.parse_card(text.encode(), where="test")


def picture(*rows: str) -> Array:
    return np.array([[letter == "x" for letter in row] for row in rows])


BLOB = picture("........", ".xxxxx..", ".xxxxx..", ".xxxxxxx", ".xxxxx..", ".xxxxx..", "........")
BAR = picture(*["......xx"] * 3, *["........"] * 4)


def instances(*objects: tuple[int, Array], crowd: Sequence[bool] = ()) -> Instances:
    rles = [masks.encode(mask) for _, mask in objects]
    return Instances(
        size=objects[0][1].shape if objects else (7, 8),
        classes=np.array([label for label, _ in objects], dtype=np.int64),
        rles=rles,
        areas=masks.areas(rles),
        boxes=masks.boxes(rles),
        crowd=np.array(crowd or [False] * len(objects), dtype=bool),
    )


def sample(name: str, truth: Instances) -> Sample:
    image = np.zeros((*truth.size, 3), np.uint8)
    # Objects are told apart by their images, for a model sees nothing else.
    image[0, 0] = list(name.encode()[:3].ljust(3))
    return Sample(name, Truth(read_instances=lambda: truth), read_image=lambda: image)


def plain_depth(mask: Array) -> Array:
    """Distance of every pixel inside to the nearest one outside, the frame included, by plain
    loops.
    """
    framed = np.pad(mask, 1)
    outside = np.argwhere(~framed)
    depth = np.zeros(framed.shape)
    for y, x in np.argwhere(framed):
        depth[y, x] = np.sqrt(((outside - (y, x)) ** 2).sum(1).min())
    return depth[1:-1, 1:-1]


@pytest.mark.parametrize("seed", range(8))
def test_the_deepest_pixel_is_that_of_plain_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((5, 7)).repeat(3, 0).repeat(3, 1) < 0.6
    depth = plain_depth(mask)
    y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
    assert (int(x), int(y), float(depth[y, x])) == prompting.deepest_pixel(mask)


def test_the_frame_of_the_image_is_outside() -> None:
    assert (2, 2) == prompting.deepest_pixel(np.ones((5, 5), bool))[:2]


def test_the_next_point_goes_where_more_is_wrong() -> None:
    truth = picture("xxxxxx..", "xxxxxx..", "xxxxxx..")
    assert (4, 1, True) == prompting.correction(truth, picture("xxx.....", "xxx.....", "xxx....."))
    assert (6, 0, False) == prompting.correction(truth, picture(*["xxxxxxxx"] * 3))
    assert prompting.correction(truth, truth) is None
    both = picture(".xxxxxx.", ".xxxxxx.", ".xxxxxx.")
    assert True is prompting.correction(truth, both)[2], "of equally deep regions the missed one"  # type: ignore[index]


def test_prompts_of_a_sample_leave_out_crowds_and_empty_objects(card: cards.Card) -> None:
    truth = instances(
        (0, BLOB),
        (1, np.zeros((7, 8), bool)),
        (1, BAR),
        (2, BLOB),
        crowd=[False, False, False, True],
    )
    found = prompting.targets_of(sample("a", truth), "points")
    assert [0, 2] == found.indices.tolist()
    assert [[[3.0, 3.0]], [[6.0, 0.0]]] == found.prompts.points.tolist()
    assert found.prompts.inside.all()
    boxed = prompting.targets_of(sample("a", truth), "boxes").prompts
    assert boxed.boxes is not None
    assert [[1, 1, 7, 5], [6, 0, 2, 3]] == boxed.boxes.tolist()
    assert (2, 0, 2) == boxed.points.shape


def test_only_truth_with_objects_can_prompt() -> None:
    plain = Sample("a", Truth(read_semantic=lambda: LabelMap(np.zeros((2, 2), np.uint8))))
    with pytest.raises(DataError, match="no instances"):
        prompting.targets_of(plain, "points")


class Knowing:
    """A model that knows the truth of each image and answers with it, shifted by some pixels, the
    first times.
    """

    prompted = True
    task = "prompted"
    batch_size = 2
    identity: ClassVar[dict[str, Any]] = {"kind": "model", "model": "knowing"}

    def __init__(
        self,
        samples: Sequence[Sample],
        *,
        prompts: int,
        wrong: Sequence[int] = (),
        prompt: str = "points",
    ) -> None:
        self.truths = {each.image().tobytes(): each.truth.instances() for each in samples}
        self.prompt, self.prompts, self.wrong = prompt, prompts, list(wrong)
        self.settings = {"prompt": prompt, "prompts": prompts}
        self.told: list[Prompts] = []

    def predict(self, images: Sequence[Image], prompts: Sequence[Prompts]) -> list[list[Any]]:
        self.told += prompts
        answers = []
        for image, told in zip(images, prompts, strict=True):
            number = max(told.points.shape[1], 1)
            shift = self.wrong[number - 1] if number <= len(self.wrong) else 0
            truth = self.truths[image.tobytes()]
            kept = [rle for rle, crowd in zip(truth.rles, truth.crowd, strict=True) if not crowd]
            answers.append([masks.encode(np.roll(masks.decode(rle), shift, 1)) for rle in kept])
            assert len(told) == len(kept)
        return answers


def run(card: cards.Card, samples: list[Sample], model: Knowing, out: Path) -> Any:
    job = Job(
        card=card,
        split="val",
        samples=samples,
        name="knowing",
        identity=dict(model.identity),
        settings=model.settings,
        predictions=FromModel(model),  # type: ignore[arg-type]
        rules=rules_for(card, "prompted"),
        task="prompted",
    )
    return evaluate(job, out=out)


@pytest.fixture
def samples() -> list[Sample]:
    return [
        sample("a", instances((0, BLOB), (1, BAR))),
        sample("b", instances((1, BLOB.T.copy()), crowd=[False])),
        sample("c", instances((1, BAR), (2, BLOB), crowd=[True, False])),
    ]


@pytest.mark.parametrize("prompt", ["points", "boxes"])
def test_a_model_that_answers_with_the_truth_has_an_miou_of_one(
    card: cards.Card, samples: list[Sample], tmp_path: Path, prompt: str
) -> None:
    found = run(card, samples, Knowing(samples, prompts=1, prompt=prompt), tmp_path)
    group = found.record.scores["prompted"]
    assert (1.0, 1.0, 4, 1) == (
        group["mIoU"]["value"],
        group["mIoU@1"]["value"],
        group["objects"],
        group["prompts"],
    )
    assert {"prompt": prompt, "prompts": 1} == found.record.settings


def test_scores_follow_each_number_of_prompts(
    card: cards.Card, samples: list[Sample], tmp_path: Path
) -> None:
    model = Knowing(samples, prompts=3, wrong=[2, 1, 0])
    group = run(card, samples, model, tmp_path).record.scores["prompted"]
    shifted = [
        [
            np.logical_and(mask, np.roll(mask, shift, 1)).sum()
            / np.logical_or(mask, np.roll(mask, shift, 1)).sum()
            for mask in (BLOB, BAR, BLOB.T, BLOB)
        ]
        for shift in (2, 1, 0)
    ]
    expected = [float(np.mean(each)) for each in shifted]
    assert expected == pytest.approx([group[f"mIoU@{n}"]["value"] for n in (1, 2, 3)], rel=1e-12)
    assert group["mIoU"] == group["mIoU@3"]
    assert expected[0] < expected[1] < expected[2] == 1
    # Where torch is loaded, one more prediction counts operations.
    assert [1, 1, 2, 2, 3, 3, 1, 2, 3] == [told.points.shape[1] for told in model.told][:9]


def test_an_object_that_is_right_stays_as_it_is(
    card: cards.Card, samples: list[Sample], tmp_path: Path
) -> None:
    model = Knowing(samples, prompts=2, wrong=[0, 3])
    group = run(card, samples, model, tmp_path).record.scores["prompted"]
    assert 1.0 == group["mIoU@2"]["value"], "what would be worse after another point is not taken"
    again = model.told[-1]
    assert (again.points[:, 0] == again.points[:, 1]).all()
    assert again.inside.all()


def test_a_point_after_an_error_is_told_which_side_it_is_on(samples: list[Sample]) -> None:
    model = Knowing(samples, prompts=2, wrong=[8])
    whole = [masks.encode(np.ones((7, 8), bool))]

    def all_of_it(images: Sequence[Image], prompts: Sequence[Prompts]) -> list[list[Any]]:
        model.told += prompts
        return [whole * len(told) for told in prompts]

    prompting.prompted_masks(
        all_of_it, [samples[0].image()], [prompting.targets_of(samples[0], "points")], 2
    )
    assert [[True, False], [True, False]] == model.told[1].inside.tolist()
    for (x, y), mask in zip(model.told[1].points[:, 1].astype(int), (BLOB, BAR), strict=True):
        assert not mask[y, x]


def test_weights_and_leaving_out_agree_with_means_over_objects() -> None:
    rng = np.random.default_rng(3)
    images = np.sort(rng.integers(0, 6, 40)).astype(np.int32)
    union = rng.integers(1, 50, 40)
    table = {
        "image": images,
        "object": np.arange(40, dtype=np.int32),
        "class": rng.integers(0, 3, 40).astype(np.int32),
        "prompts": rng.integers(1, 3, 40).astype(np.int32),
        "last": np.ones(40, bool),
        "intersection": rng.integers(0, union + 1),
        "union": union,
    }
    weights = rng.integers(0, 4, (5, 6)).astype(float)
    found = prompted.score(table, weights, 3)
    for number in (1, 2):
        for row, drawn in enumerate(weights):
            kept = table["prompts"] == number
            repeated = np.repeat(
                (table["intersection"] / union)[kept], drawn[images[kept]].astype(int)
            )
            assert repeated.mean() == pytest.approx(found.overall[f"mIoU@{number}"][row], rel=1e-12)
    without = prompted.leave_out(table, np.arange(6), 3)
    alone = prompted.per_image(table, 6, 3).overall["mIoU@1"]
    assert alone == pytest.approx(
        prompted.score(table, np.eye(6), 3).overall["mIoU@1"], rel=1e-12, nan_ok=True
    )
    again = prompted.score(table, 1 - np.eye(6), 3)
    for name, values in again.overall.items():
        assert values == pytest.approx(without.overall[name], rel=1e-12)
    assert again.per_class["IoU"] == pytest.approx(without.per_class["IoU"], rel=1e-12, nan_ok=True)


def test_runs_with_other_numbers_of_prompts_share_truth_and_the_score_after_the_last(
    card: cards.Card, samples: list[Sample], tmp_path: Path
) -> None:
    from bench.comparison import compare

    once = run(card, samples, Knowing(samples, prompts=1, wrong=[1]), tmp_path)
    thrice = run(card, samples, Knowing(samples, prompts=3, wrong=[2, 2, 0]), tmp_path)
    assert once.record.tables["prompted"].truth == thrice.record.tables["prompted"].truth
    tables = [once.tables["prompted"], thrice.tables["prompted"]]
    found = [prompted.score(table, np.ones((1, 3)), len(card.classes)).overall for table in tables]
    assert 1.0 == found[1]["mIoU"][0] > found[0]["mIoU"][0] > found[1]["mIoU@2"][0]
    assert np.isnan(found[0]["mIoU@2"]).all()
    told = compare(once, thrice)
    assert [found[0]["mIoU"][0], 1.0] == pytest.approx(
        sorted(told.scores.ravel().tolist()), rel=1e-12
    )


def test_another_kind_of_prediction_is_refused(card: cards.Card, samples: list[Sample]) -> None:
    with pytest.raises(PredictionError, match="needs the masks that answer prompts, not LabelMap"):
        family("prompted").count(
            card, (), samples[0], LabelMap(np.zeros((7, 8), np.uint8)), position=0
        )


def test_without_objects_there_is_no_score_and_a_note(card: cards.Card, tmp_path: Path) -> None:
    empty = [sample("a", instances()), sample("b", instances((0, BLOB), crowd=[True]))]
    found = run(card, empty, Knowing(empty, prompts=2), tmp_path)
    assert found.record.scores["prompted"]["mIoU"]["value"] is None
    assert "no-objects" in [warning.code for warning in found.record.warnings]


# What follows needs transformers.


def tiny(kind: str, folder: Path) -> Path:
    transformers = pytest.importorskip("transformers", reason="the extra models is not installed")
    torch = pytest.importorskip("torch", reason="the extra models is not installed")
    torch.set_num_threads(1)
    torch.manual_seed(5)
    decoder = {"hidden_size": 8, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    decoder |= {"iou_head_hidden_dim": 8, "attention_downsample_rate": 2}
    told = {"hidden_size": 8, "image_size": 64, "mask_input_channels": 4}
    if kind == "sam":
        vision = {
            "hidden_size": 16,
            "output_channels": 8,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
        }
        vision |= {
            "image_size": 64,
            "patch_size": 8,
            "window_size": 2,
            "global_attn_indexes": [1],  # type: ignore[dict-item]
            "num_pos_feats": 4,
        }
        config = transformers.SamConfig(
            vision_config=vision,
            prompt_encoder_config={**told, "patch_size": 8},
            mask_decoder_config=decoder,
        )
        network = transformers.SamModel(config)
        processor = transformers.SamImageProcessor(
            size={"longest_edge": 64},
            pad_size={"height": 64, "width": 64},
            mask_pad_size={"height": 16, "width": 16},
        )
    else:
        hiera: dict[str, Any] = {
            "model_type": "sam2_hiera_det_model",
            "hidden_size": 8,
            "image_size": [64, 64],
        }
        hiera |= {
            "blocks_per_stage": [1, 1, 2, 1],
            "embed_dim_per_stage": [8, 16, 32, 64],
            "num_attention_heads": 1,
        }
        hiera |= {"num_attention_heads_per_stage": [1] * 4, "window_size_per_stage": [4, 2, 2, 2]}
        hiera |= {
            "global_attention_blocks": [3],
            "window_positional_embedding_background_size": [2, 2],
        }
        vision = {
            "backbone_config": hiera,  # type: ignore[dict-item]
            "backbone_channel_list": [64, 32, 16, 8],  # type: ignore[dict-item]
            "fpn_hidden_size": 8,
        }
        vision |= {"backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]]}  # type: ignore[dict-item]
        config = transformers.Sam2Config(
            vision_config=vision,
            prompt_encoder_config={**told, "patch_size": 16},
            mask_decoder_config=decoder,
        )
        network = transformers.Sam2Model(config)
        processor = transformers.Sam2ImageProcessor(size={"height": 64, "width": 64})
    network.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: tiny(kind, tmp_path_factory.mktemp(kind)) for kind in ("sam", "sam2")}


def load(kind: str, folder: Path, **options: Any) -> Any:
    from bench import models

    return models.load(
        kind,
        cards.load_card("streets"),
        models.Options(weights=str(folder), device="cpu", **options),
    )


def noise(height: int, width: int) -> Image:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", ["sam", "sam2"])
@pytest.mark.parametrize("prompt", ["one point", "two points", "boxes"])
def test_answers_are_those_of_transformers(
    folders: dict[str, Path], kind: str, prompt: str
) -> None:
    import torch
    import transformers

    image = noise(50, 90)
    points = np.array(
        [[[12.0, 30.0], [70.0, 5.0]], [[80.0, 44.0], [3.0, 3.0]], [[45.0, 20.0], [46.0, 21.0]]]
    )
    inside = np.array([[True, False], [True, True], [True, False]])
    boxes = np.array([[5.0, 6.0, 30.0, 20.0], [40.0, 10.0, 45.0, 39.0], [0.0, 0.0, 8.0, 50.0]])
    count = 1 if prompt == "one point" else 2
    boxed = prompt == "boxes"
    given = (
        Prompts(points[:, :0], inside[:, :0], boxes)
        if boxed
        else Prompts(points[:, :count], inside[:, :count])
    )
    model = load(kind, folders[kind], prompt="boxes" if boxed else "points")
    found = model.predict([image], [given])[0]

    name = {"sam": "Sam", "sam2": "Sam2"}[kind]
    images = getattr(transformers, f"{name}ImageProcessor").from_pretrained(str(folders[kind]))
    processor = getattr(transformers, f"{name}Processor")(images)
    corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
    told: dict[str, Any] = {"input_boxes": [corners.tolist()]}
    if not boxed:
        told = {
            "input_points": [points[:, :count].tolist()],
            "input_labels": [inside[:, :count].astype(int).tolist()],
        }
    inputs = processor(images=image, return_tensors="pt", **told)
    sizes = [inputs.pop("original_sizes")] + (
        [inputs.pop("reshaped_input_sizes")] if kind == "sam" else []
    )
    network = getattr(transformers, f"{name}Model").from_pretrained(str(folders[kind])).eval()
    with torch.inference_mode():
        output = network(**inputs, multimask_output=count == 1 and not boxed)
    offered = processor.image_processor.post_process_masks(output.pred_masks, *sizes)[0]
    assert (3 if prompt == "one point" else 1) == offered.shape[1]
    for position, rle in enumerate(found):
        best = int(output.iou_scores[0, position].argmax())
        assert np.array_equal(offered[position, best].numpy(), masks.decode(rle))
    assert 3 == len(found)


@pytest.mark.parametrize("kind", ["sam", "sam2"])
def test_an_image_is_looked_at_once_however_often_it_is_asked_about(
    folders: dict[str, Path], kind: str
) -> None:
    model = load(kind, folders[kind], prompts=3)
    looks: list[int] = []
    model.network.vision_encoder.register_forward_hook(lambda *_: looks.append(1))
    truth = instances((0, BLOB), (1, BAR))
    asked = prompting.targets_of(sample("a", truth), "points")
    image, other = noise(7, 8), noise(9, 8)
    found = prompting.prompted_masks(model.predict, [image], [asked], 3)[0]
    assert (1, 3, 2) == (len(looks), len(found.rounds), len(found.rounds[0]))
    model.predict([other, image.copy()], [asked.prompts] * 2)
    assert 3 == len(looks)


def test_many_objects_are_asked_for_in_parts(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.models.running import promptable

    model, image = load("sam", folders["sam"]), noise(40, 60)
    points = np.random.default_rng(2).integers(0, 40, (7, 1, 2)).astype(float)
    told = Prompts(points, np.ones((7, 1), bool))
    whole = [masks.decode(rle).tolist() for rle in model.predict([image], [told])[0]]
    monkeypatch.setattr(promptable, "OBJECTS_AT_ONCE", 3)
    assert whole == [masks.decode(rle).tolist() for rle in model.predict([image], [told])[0]]
    assert [] == model.predict([image], [Prompts(points[:0], np.ones((0, 1), bool))])[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt": "boxes", "prompts": 3}, "an object has one box"),
        ({"window": (64, 64)}, "does not support --window"),
        ({"input_size": (64, 64)}, "does not support --input-size"),
        ({"score_threshold": 0.5}, "does not support --score-threshold"),
    ],
)
def test_options_without_use_are_refused(
    folders: dict[str, Path], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load("sam", folders["sam"], **options)


def test_from_the_command_line(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench.cli import main

    words = [
        "run",
        "--model",
        "sam",
        "--weights",
        str(folders["sam"]),
        "--prompt",
        "points",
        "--prompts",
        "3",
    ]
    assert 0 == main(
        [*words, "--dataset", "streets", "--limit", "2", "--device", "cpu", "--out", str(tmp_path)]
    )
    shown = capsys.readouterr().out
    assert "mIoU" in shown
    assert "prompts" in shown

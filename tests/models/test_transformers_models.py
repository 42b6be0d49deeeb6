"""Networks of transformers from tiny configurations: what they answer is what transformers itself
answers.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra models is not installed")
transformers = pytest.importorskip("transformers", reason="the extra models is not installed")

from bench import masks, models  # noqa: E402
from bench.cards import Card, load_card  # noqa: E402
from bench.errors import CheckpointError, UsageError  # noqa: E402
from bench.models import Options  # noqa: E402
from bench.models.weights import hub  # noqa: E402
from bench.samples import Instances, LabelMap, Segments  # noqa: E402

STREETS, CAMVID = load_card("streets"), load_card("camvid")
KINDS = ("maskformer", "mask2former", "oneformer")
SIZE = {"height": 64, "width": 96}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


def tiny(kind: str, names: list[str] | None) -> Any:
    """A network of this kind with random weights, a slim Swin and few queries."""
    torch.manual_seed(11)
    stages = ["stage1", "stage2", "stage3", "stage4"]
    sizes: dict[str, Any] = {
        "embed_dim": 8,
        "depths": [1, 1, 1, 1],
        "num_heads": [1, 1, 2, 2],
        "window_size": 4,
    }
    swin = transformers.SwinConfig(image_size=64, out_features=stages, **sizes)
    given: dict[str, Any] = {
        "backbone_config": swin,
        "id2label": dict(enumerate(names or ["LABEL_0"] * 19)),
    }
    layers = {
        "encoder_layers": 1,
        "encoder_feedforward_dim": 16,
        "dim_feedforward": 16,
        "num_attention_heads": 2,
    }
    if kind == "maskformer":
        heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
        depths = {
            "encoder_layers": 1,
            "decoder_layers": 1,
            "encoder_ffn_dim": 16,
            "decoder_ffn_dim": 16,
        }
        detr = transformers.DetrConfig(d_model=16, num_queries=12, **heads, **depths)
        config = transformers.MaskFormerConfig(
            decoder_config=detr, fpn_feature_size=32, mask_feature_size=32, num_queries=12, **given
        )
        network = transformers.MaskFormerForInstanceSegmentation(config)
    elif kind == "mask2former":
        widths = {"feature_size": 32, "mask_feature_size": 32, "hidden_dim": 32}
        config = transformers.Mask2FormerConfig(
            decoder_layers=2, num_queries=12, **widths, **layers, **given
        )
        network = transformers.Mask2FormerForUniversalSegmentation(config)
    else:
        text = {
            "text_encoder_width": 32,
            "text_encoder_num_layers": 1,
            "text_encoder_vocab_size": 60,
        }
        widths = {
            "conv_dim": 32,
            "mask_dim": 32,
            "hidden_dim": 32,
            "query_dec_layers": 1,
            "task_seq_len": 24,
        }
        config = transformers.OneFormerConfig(
            decoder_layers=2, num_queries=12, **widths, **layers, **text, **given
        )
        network = transformers.OneFormerForUniversalSegmentation(config)
    return network.eval()


def save(folder: Path, kind: str, names: list[str] | None = None) -> Path:
    network = tiny(kind, list(STREETS.classes.names) if names is None else names)
    network.save_pretrained(folder)
    processor_of(kind).save_pretrained(folder)
    if kind == "oneformer":
        write_vocabulary(folder)
    return folder


def processor_of(kind: str) -> Any:
    made = {"maskformer": "MaskFormer", "mask2former": "Mask2Former", "oneformer": "OneFormer"}[
        kind
    ]
    return getattr(transformers, f"{made}ImageProcessor")(size=SIZE)


def write_vocabulary(folder: Path) -> None:
    """A vocabulary of CLIP's kind that spells words letter by letter."""
    letters = sorted(set("the task is panoptic semantic instance") - {" "})
    words = [
        *letters,
        *(f"{letter}</w>" for letter in letters),
        "th",
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    (folder / "vocab.json").write_text(
        json.dumps({word: position for position, word in enumerate(words)})
    )
    (folder / "merges.txt").write_text("#version: 0.2\nt h\n")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: save(tmp_path_factory.mktemp(kind), kind) for kind in KINDS}


def load(kind: str, folder: Path, card: Card = STREETS, **options: Any) -> Any:
    return models.load(kind, card, Options(weights=str(folder), device="cpu", **options))


def load_spread(kind: str, folder: Path, **options: Any) -> Any:
    model = load(kind, folder, **options)
    return replace(model, network=Spread(model.network))


def pictures(*sizes: tuple[int, int]) -> list[Any]:
    rng = np.random.default_rng(7)
    patches = [
        rng.integers(0, 256, (-(-h // 16), -(-w // 16), 3), dtype=np.uint8) for h, w in sizes
    ]
    found = zip(patches, sizes, strict=True)
    return [each.repeat(16, 0).repeat(16, 1)[:h, :w].copy() for each, (h, w) in found]


class Spread(torch.nn.Module):  # type: ignore[misc, name-defined]
    """A network whose queries are told apart: those of random weights all say about the same."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, **inputs: Any) -> Any:
        output = self.network(**inputs)
        logits, shapes = output.class_queries_logits, output.masks_queries_logits
        drawn = torch.Generator().manual_seed(2)
        patches = (
            torch.eye(12).reshape(1, 12, 3, 4) * 16 - 8 + torch.randn(1, 12, 3, 4, generator=drawn)
        )
        wide = torch.nn.functional.interpolate(patches, shapes.shape[-2:], mode="bilinear")
        output.masks_queries_logits = wide + (shapes - shapes.mean()) / shapes.std()
        told = torch.randn(1, *logits.shape[1:], generator=drawn)
        output.class_queries_logits = told * 8 + (logits - logits.mean()) / logits.std()
        return output


def plain_output(kind: str, folder: Path, image: Any, task: str) -> Any:
    """What transformers' own network gives for an image that its own processor prepared."""
    processor = processor_of(kind)
    if kind == "oneformer":
        tokenizer = transformers.CLIPTokenizer.from_pretrained(str(folder))
        whole = transformers.OneFormerProcessor(processor, tokenizer, task_seq_length=24)
        inputs = whole(images=[image], task_inputs=[task], return_tensors="pt")
    else:
        inputs = processor(images=[image], return_tensors="pt")
    network = Spread(tiny(kind, list(STREETS.classes.names)))
    with torch.inference_mode():
        return network(
            **{
                name: inputs[name]
                for name in inputs
                if name != "task_inputs" or kind == "oneformer"
            }
        )


@pytest.mark.parametrize("kind", KINDS)
def test_semantic_answers_are_those_of_transformers(folders: dict[str, Path], kind: str) -> None:
    sizes = [(70, 90), (48, 64), (70, 90)]
    images = pictures(*sizes)
    found = load_spread(kind, folders[kind], task="semantic").predict(images)
    assert all(isinstance(each, LabelMap) and each.labels.dtype == np.uint8 for each in found)
    for image, size, each in zip(images, sizes, found, strict=True):
        output = plain_output(kind, folders[kind], image, "semantic")
        expected = (
            processor_of(kind)
            .post_process_semantic_segmentation(output, target_sizes=[size])[0]
            .numpy()
        )
        assert np.array_equal(expected, each.labels)
    assert len(np.unique(found[0].labels)) > 1, "a map of one class shows nothing"
    assert not np.array_equal(found[0].labels, found[2].labels)


@pytest.mark.parametrize("kind", KINDS)
def test_panoptic_answers_are_those_of_transformers(folders: dict[str, Path], kind: str) -> None:
    image = pictures((70, 90))[0]
    found = load_spread(kind, folders[kind], score_threshold=0.2).predict([image])[0]
    assert isinstance(found, Segments)
    output = plain_output(kind, folders[kind], image, "panoptic")
    settings = {"threshold": 0.2, "target_sizes": [(70, 90)], "label_ids_to_fuse": set()}
    expected = processor_of(kind).post_process_panoptic_segmentation(output, **settings)[0]
    label_of = {each["id"]: each["label_id"] for each in expected["segments_info"]}
    assert len(label_of) > 1
    ids = expected["segmentation"].numpy()
    classes = np.vectorize(lambda number: label_of.get(int(number), 255))(ids)
    ours = dict(zip(found.segment_ids.tolist(), found.classes.tolist(), strict=True))
    assert np.array_equal(
        classes, np.vectorize(lambda number: ours.get(int(number), 255))(found.ids)
    )
    stuff = [label for label in ours.values() if not STREETS.classes.things[label]]
    assert sorted(set(stuff)) == sorted(stuff), "one segment for each class that is not countable"
    things = [
        each for each in expected["segments_info"] if STREETS.classes.things[each["label_id"]]
    ]
    assert len(things) == len(ours) - len(stuff)
    assert set(np.unique(found.ids).tolist()) - {0} == set(ours)


@pytest.mark.parametrize("kind", KINDS)
def test_objects_are_those_of_transformers(folders: dict[str, Path], kind: str) -> None:
    image = pictures((70, 90))[0]
    found = load_spread(
        kind, folders[kind], task="instance", score_threshold=0.05, detections=3
    ).predict([image])[0]
    assert isinstance(found, Instances)
    output = plain_output(kind, folders[kind], image, "instance")
    by_mask = processor_of("mask2former" if kind == "mask2former" else "maskformer")
    settings = {"threshold": 0.05, "target_sizes": [(70, 90)], "return_binary_maps": True}
    expected = by_mask.post_process_instance_segmentation(output, **settings)[0]
    things = [
        p for p, e in enumerate(expected["segments_info"]) if STREETS.classes.things[e["label_id"]]
    ]
    best = sorted(things, key=lambda p: -expected["segments_info"][p]["score"])[:3]
    assert best, "no object shows nothing"
    assert [expected["segments_info"][p]["label_id"] for p in best] == found.classes.tolist()
    assert [expected["segments_info"][p]["score"] for p in best] == found.scores.tolist()
    for position, rle in zip(best, found.rles, strict=True):
        assert np.array_equal(expected["segmentation"][position].numpy() > 0, masks.decode(rle))


def test_thresholds_are_those_of_the_papers(folders: dict[str, Path]) -> None:
    image = pictures((70, 90))[0]
    folder = folders["mask2former"]
    plain, same, lower = (
        load_spread("mask2former", folder, **said).predict([image])[0]
        for said in ({}, {"score_threshold": 0.8}, {"score_threshold": 0.5})
    )
    assert np.array_equal(plain.ids, same.ids)
    assert not np.array_equal(plain.ids, lower.ids)
    every, some = (
        load_spread("mask2former", folder, task="instance", **said).predict([image])[0]
        for said in ({}, {"score_threshold": 0.5})
    )
    assert len(every) > len(some)
    assert every.scores.min() < 0.5 <= some.scores.min()


def test_transformers_gives_one_number_to_two_segments_when_it_fuses() -> None:
    shares = torch.zeros(4, 2, 8)
    for query, columns in enumerate([slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8)]):
        shares[query, :, columns] = 9.0
    logits = torch.full((1, 4, 20), -9.0)
    for query, label in enumerate([0, 13, 0, 11]):  # road, car, road, person
        logits[0, query, label] = 9.0
    output = SimpleNamespace(class_queries_logits=logits, masks_queries_logits=shares[None] * 2 - 9)
    settings: dict[str, Any] = {"threshold": 0.5, "target_sizes": [(2, 8)]}
    fused = transformers.MaskFormerImageProcessor().post_process_panoptic_segmentation(
        output, label_ids_to_fuse={0}, **settings
    )[0]
    assert [1, 2, 1, 2] == [each["id"] for each in fused["segments_info"]], (
        "car and person share a number"
    )
    model = SimpleNamespace(classes=STREETS.classes)
    plain = transformers.MaskFormerImageProcessor().post_process_panoptic_segmentation(
        output, label_ids_to_fuse=set(), **settings
    )[0]
    from bench.models.running.query_model import QueryModel

    found = QueryModel._segments(model, plain)  # type: ignore[arg-type]
    assert [0, 13, 11] == found.classes.tolist()
    assert [1, 1, 2, 2, 1, 1, 3, 3] == found.ids[0].tolist()


@pytest.mark.parametrize("task", ["semantic", "instance", "panoptic"])
def test_classes_are_matched_by_name_and_others_left_out(tmp_path: Path, task: str) -> None:
    names = [*STREETS.classes.names[::-1], "boat"]
    folder, image = save(tmp_path / "odd", "maskformer", names), pictures((70, 90))[0]
    model = load("maskformer", folder, task=task)
    assert ["channels-left-out"] == [code for code, _ in model.identity["warnings"]]
    logits = torch.randn(1, 12, 21)
    folded = model._folded(
        SimpleNamespace(class_queries_logits=logits)
    ).class_queries_logits.softmax(-1)
    shares = logits.softmax(-1)
    assert torch.allclose(shares[..., :19].flip(-1), folded[..., :19])
    assert torch.allclose(shares[..., 19:].sum(-1), folded[..., 19])
    found = model.predict([image])[0]
    held = found.labels if isinstance(found, LabelMap) else found.classes
    assert all(0 <= label < 19 for label in np.unique(held))


def test_background_stands_for_all_that_the_card_lacks(tmp_path: Path) -> None:
    voc = load_card("voc2012")
    names = [*voc.classes.names[1:], "sky", "road"]
    model = load("maskformer", save(tmp_path / "voc", "maskformer", names), voc, task="semantic")
    assert ["background-of-others"] == [code for code, _ in model.identity["warnings"]]
    logits = torch.randn(1, 12, 23)
    shares, folded = (
        logits.softmax(-1),
        model._folded(SimpleNamespace(class_queries_logits=logits.clone())),
    )
    found = folded.class_queries_logits.softmax(-1)
    assert torch.allclose(shares[..., 20:22].sum(-1), found[..., 0])
    assert torch.allclose(shares[..., :20], found[..., 1:21])
    assert torch.allclose(shares[..., 22], found[..., 21])


def test_a_class_that_the_network_lacks_is_never_predicted(tmp_path: Path) -> None:
    names = [name for name in STREETS.classes.names if name != "road"]
    model = load("maskformer", save(tmp_path / "few", "maskformer", names), task="semantic")
    assert ["classes-unknown"] == [code for code, _ in model.identity["warnings"]]
    assert not (model.predict(pictures((70, 90)))[0].labels == 0).any()


def test_the_task_is_what_the_card_has(folders: dict[str, Path], tmp_path: Path) -> None:
    assert "panoptic" == load("maskformer", folders["maskformer"]).task
    camvid = save(tmp_path / "camvid", "maskformer", list(CAMVID.classes.names))
    assert "semantic" == load("maskformer", camvid, CAMVID).task


def test_oneformer_is_told_its_task(folders: dict[str, Path]) -> None:
    told = {
        task: load("oneformer", folders["oneformer"], task=task).task_inputs
        for task in ("semantic", "instance")
    }
    assert (1, 24) == tuple(told["semantic"].shape)
    assert not torch.equal(told["semantic"], told["instance"])


@pytest.mark.parametrize("kind", KINDS)
def test_input_size_is_what_the_network_sees(folders: dict[str, Path], kind: str) -> None:
    model = load(kind, folders[kind], task="semantic", input_size=(32, 64))
    seen: list[Any] = []
    model.network.register_forward_pre_hook(
        lambda _network, _args, kwargs: seen.append(tuple(kwargs["pixel_values"].shape)),
        with_kwargs=True,
    )
    found = model.predict(pictures((70, 90)))[0]
    assert [(1, 3, 32, 64)] == seen
    assert (70, 90) == found.size
    assert [32, 64] == model.settings["input_size"]


def test_settings_name_only_what_was_said(folders: dict[str, Path]) -> None:
    plain = load("maskformer", folders["maskformer"], task="instance")
    assert {"device", "batch_size", "amp", "input_size"} == set(plain.settings)
    said = load(
        "maskformer", folders["maskformer"], task="instance", score_threshold=0.3, detections=7
    )
    assert (0.3, 7) == (said.settings["score_threshold"], said.settings["detections"])
    assert "maskformer_swin" == plain.identity["architecture"]


def broken(folders: dict[str, Path], to: Path, change: str) -> Path:
    shutil.copytree(folders["maskformer"], to)
    weights, config = to / "model.safetensors", to / "config.json"
    if change == "truncated":
        weights.write_bytes(weights.read_bytes()[:4000])
    elif change == "pickle":
        weights.rename(to / "pytorch_model.bin")
    elif change == "no config":
        config.unlink()
    elif change == "no json":
        config.write_text("{")
    elif change in ("detr", "sam"):
        config.write_text(
            config.read_text().replace('"model_type": "maskformer"', f'"model_type": "{change}"')
        )
    else:
        from safetensors.torch import load_file, save_file

        state = load_file(weights)
        if change == "missing":
            del state["class_predictor.weight"]
        else:
            state["class_predictor.weight"] = torch.zeros(4, 16)
        save_file(state, weights, metadata={"format": "pt"})
    return to


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("truncated", "cannot be loaded"),
        ("pickle", r"no model\.safetensors but pytorch_model\.bin, a pickle that could run code"),
        ("no config", r"no config\.json"),
        ("no json", "is not valid JSON"),
        ("detr", "'detr'.*--model maskformer cannot run it"),
        ("sam", "'sam'.*use --model sam"),
        ("missing", r"1 weights are missing \(the first is class_predictor\.weight\)"),
        ("shape", "does not fit its own|cannot be loaded"),
    ],
)
def test_wrong_folders_get_one_sentence(
    folders: dict[str, Path], tmp_path: Path, change: str, message: str
) -> None:
    with pytest.raises(CheckpointError, match=message) as caught:
        load("maskformer", broken(folders, tmp_path / "broken", change))
    assert "\n" not in str(caught.value)


def test_a_vocabulary_is_asked_for(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(folders["oneformer"], tmp_path / "mute")
    (tmp_path / "mute" / "vocab.json").unlink()
    with pytest.raises(
        CheckpointError, match=r"lacks the tokenizer's files vocab\.json and merges\.txt"
    ):
        load("oneformer", tmp_path / "mute")


def test_without_preprocessing_the_defaults_are_taken_with_a_warning(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(folders["maskformer"], tmp_path / "bare")
    for name in ("preprocessor_config.json", "processor_config.json"):
        (tmp_path / "bare" / name).unlink(missing_ok=True)
    model = load("maskformer", tmp_path / "bare")
    assert ["no-preprocessor"] == [code for code, _ in model.identity["warnings"]]


def test_other_classes_are_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "other", "maskformer", [f"thing {n}" for n in range(19)])
    with pytest.raises(CheckpointError, match="only 0 names agree"):
        load("maskformer", folder)


def test_unnamed_classes_are_matched_by_position(tmp_path: Path) -> None:
    folder = save(tmp_path / "unnamed", "maskformer", [f"LABEL_{n}" for n in range(19)])
    assert tuple(range(19)) == load("maskformer", folder).channels


def test_a_hub_that_cannot_be_reached_says_what_to_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def unreachable(*_: object, **__: object) -> str:
        raise OSError("no route to host\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    sentence = (
        r"facebook/mask2former-swin-tiny-coco-panoptic is not a folder .*\(no route to "
        r"host\).*model\.safetensors"
    )
    with pytest.raises(CheckpointError, match=sentence) as caught:
        models.load("mask2former", load_card("coco-panoptic"), Options(weights="DEFAULT"))
    assert "\n" not in str(caught.value)
    with pytest.raises(CheckpointError, match="mask2former has no weights for camvid"):
        models.load("mask2former", CAMVID, Options())


def test_what_was_fetched_is_a_folder_like_any_other(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", lambda *_, **__: str(folders["maskformer"])
    )
    model = load("maskformer", Path("someone/maskformer"))
    assert "someone/maskformer" == model.identity["weights"]
    assert (
        hub.resolve("maskformer", str(folders["maskformer"]), None, dataset="x").digest
        == model.identity["weights_digest"]
    )


@pytest.mark.parametrize(
    ("weights", "message"),
    [("nowhere", "there is no folder nowhere"), (__file__, "is a file: --model maskformer takes")],
)
def test_paths_that_are_no_folder(weights: str, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        load("maskformer", Path(weights))


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        (
            "semantic",
            {"score_threshold": 0.5},
            "--task semantic does not support --score-threshold",
        ),
        ("panoptic", {"detections": 5}, "--task panoptic does not support --detections"),
        ("panoptic", {"flip": True}, "does not support --flip"),
    ],
)
def test_unsupported_options_are_refused(
    folders: dict[str, Path], task: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load("maskformer", folders["maskformer"], task=task, **options)


def test_half_as_many_images_go_together_when_memory_runs_out(folders: dict[str, Path]) -> None:
    model = load("maskformer", folders["maskformer"], task="semantic", batch_size=4)
    model.batches.together = True
    images = pictures(*[(40, 56)] * 4)
    whole, seen = model.network, []

    def short_of_memory(**inputs: Any) -> Any:
        seen.append(len(inputs["pixel_values"]))
        if seen[-1] > 2:
            raise torch.OutOfMemoryError("no more")
        return whole(**inputs)

    found = replace(model, network=short_of_memory).predict(images)
    assert ([4, 2, 2], 4) == (seen, len(found))
    assert ["out-of-memory"] == [code for code, _ in model.identity["warnings"]]

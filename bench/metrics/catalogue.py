"""What every metric is called, what it means, in which unit it is shown, and where its definition comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One metric as `bench list metrics` shows it."""

    name: str
    task: str
    unit: str
    meaning: str
    reference: str


_SEMANTIC = (
    ("pixel_accuracy", "share of valid pixels whose class is right", "Long et al. 2015, equation in section 5"),
    ("mean_accuracy", "mean over classes of the share of a class's pixels that are found", "Long et al. 2015"),
    ("mIoU", "mean over classes of intersection / union over the whole set", "PASCAL VOC devkit, cityscapesScripts"),
    ("fwIoU", "IoU weighted by how frequent each class is in the truth", "Long et al. 2015"),
    ("mDice", "mean over classes of 2 tp / (2 tp + fp + fn)", "Dice 1945"),
    ("IoU", "per class: tp / (tp + fp + fn)", "PASCAL VOC devkit, cityscapesScripts"),
    ("Dice", "per class: 2 tp / (2 tp + fp + fn)", "Dice 1945"),
    ("accuracy", "per class: tp / (tp + fn)", "Long et al. 2015"),
    ("iIoU", "IoU in which each object counts by its class's average size, not by its own", "cityscapesScripts"),
    ("category_IoU", "mean IoU of the classes merged into their categories", "cityscapesScripts"),
    ("category_iIoU", "iIoU of the categories whose labels are all countable", "cityscapesScripts"),
    ("boundary_IoU", "mean over classes of the IoU of the bands along their boundaries", "boundary-iou-api"),
    ("boundary_F_0.00088", "mean F-score of contours, within a tolerance of the diagonal", "GSCNN, arXiv 1907.05740"),
    ("mIoU@crop-200", "any of these in a region: crops, rings, bands, depth bins, trimaps", "GSCNN, arXiv 1907.05740"),
)

_PANOPTIC = (
    ("PQ", "panoptic quality: mean over classes of SQ x RQ", "panopticapi"),
    ("SQ", "segmentation quality: mean over classes of the mean IoU of matched segments", "panopticapi"),
    ("RQ", "recognition quality: mean over classes of tp / (tp + fp / 2 + fn / 2) of segments", "panopticapi"),
    *((f"{name}_th", f"{name} over things, the countable classes", "panopticapi") for name in ("PQ", "SQ", "RQ")),
    *((f"{name}_st", f"{name} over stuff, the other classes", "panopticapi") for name in ("PQ", "SQ", "RQ")),
    ("boundary_PQ", "PQ, SQ and RQ by the smaller of mask IoU and boundary IoU", "boundary-iou-api"),
)

_SIZES = (("s", "below 32 x 32 pixels"), ("m", "up to 96 x 96 pixels"), ("l", "above 96 x 96 pixels"))

_INSTANCE = (
    ("AP", "average precision: mean over classes, 101 recalls and ten overlaps from .50 to .95", "pycocotools"),
    ("AP50", "AP at an overlap of .50", "pycocotools"),
    ("AP75", "AP at an overlap of .75", "pycocotools"),
    *((f"AP{size}", f"AP of objects {words}", "pycocotools") for size, words in _SIZES),
    ("AR1", "average recall of the best detection of each image and class", "pycocotools"),
    ("AR10", "average recall of the best ten", "pycocotools"),
    ("AR100", "average recall of the best hundred; --max-detections 1,500 makes AR1 and AR500", "pycocotools"),
    *((f"AR{size}", f"AR100 of objects {words}", "pycocotools") for size, words in _SIZES),
)

_OTHER_OBJECTS = (
    ("box_AP", "AP and AR of COCO by boxes in place of masks", "pycocotools"),
    ("boundary_AP", "AP and AR of COCO by the smaller of mask IoU and boundary IoU", "boundary-iou-api"),
    ("cityscapes_AP", "AP and AP50 by the trapezoid rule; void and groups excuse detections", "cityscapesScripts"),
    ("cityscapes_AP100m", "AP of objects within 100 m, or 50 m: an approximation from distances", "Cityscapes"),
    ("lvis_AP", "AP and AR300 over classes of which each image tells some", "lvis"),
    ("lvis_APr", "AP of rare classes; APc of common and APf of frequent ones", "lvis"),
    (
        "voc_AP50",
        "AP^r of SDS, --voc-form 2014: area under the envelope at IoU .5; APvol over .1 to .9",
        "Hariharan et al. 2014",
    ),
    (
        "voc_AP70",
        "AP^r of SDS, --voc-form 2015: without a second choice, at IoU .7; AP50 at .5",
        "Hariharan et al. 2015",
    ),
    ("precision", "mean over classes of tp / (tp + fp) of detections from a score on, at an overlap of .50", "-"),
    ("recall", "the same of tp / (tp + fn)", "-"),
    ("F1", "the same of 2 tp / (2 tp + fp + fn); --shown-from says from which score on", "-"),
    ("best_F1", "F1, and so precision and recall, from the score on that is best for each class", "-"),
    ("object_found", "share of a class's objects that any detection takes, whatever its class", "-"),
    ("object_class_accuracy", "share of the objects found that are taken for what they are", "-"),
    ("object_real", "share of a class's detections that take an object", "-"),
    (
        "tide",
        "rise of AP50 if errors of detections were mended, kind by kind: class, location, both ...",
        "TIDE, tidecv",
    ),
)

_CALIBRATION = (
    ("ECE", "mean over pixels of the gap between confidence and share of hits, in 15 bins", "Guo et al. 2017"),
    ("MCE", "the largest of these gaps over bins", "Guo et al. 2017"),
)

_PROMPTED = (
    ("mIoU@3", "mean over objects of their IoU after 3 points, or after a box (mIoU@1)", "Kirillov et al. 2023, RITM"),
)

_TASKS = (
    ("semantic", _SEMANTIC),
    ("calibration", _CALIBRATION),
    ("panoptic", _PANOPTIC),
    ("instance", (*_INSTANCE, *_OTHER_OBJECTS)),
    ("prompted", _PROMPTED),
)

METRICS: tuple[Metric, ...] = tuple(
    Metric(name, task, "%", meaning, ref) for task, rows in _TASKS for name, meaning, ref in rows
)

"""Cityscapes' mean IoU from a confusion matrix of label ids (rows: ground truth), for peers that
only count.
"""

SCORED = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)


def mean_iou(matrix):
    """Mean over the classes in the ground truth, without pixels whose true class is not scored."""
    values = []
    for label in SCORED:
        hits = int(matrix[label][label])
        row = sum(int(value) for value in matrix[label])
        false = sum(int(matrix[other][label]) for other in SCORED if other != label)
        if row:
            values.append(hits / (row + false))
    return sum(values) / len(values)

# Types of the compiled twin: the same functions as `reference`.
from bench.kernels.reference import joint_histogram as joint_histogram
from bench.kernels.reference import map_labels as map_labels
from bench.kernels.reference import value_counts as value_counts
from bench.kernels.reference_boundaries import boundary_runs as boundary_runs
from bench.kernels.reference_contours import contour_matches as contour_matches
from bench.kernels.reference_contours import near_other_labels as near_other_labels
from bench.kernels.reference_masks import labels_under as labels_under
from bench.kernels.reference_objects import box_overlaps as box_overlaps
from bench.kernels.reference_objects import mask_overlaps as mask_overlaps
from bench.kernels.reference_objects import match as match
from bench.kernels.reference_objects import order_groups as order_groups
from bench.kernels.reference_objects import run_areas as run_areas
from bench.kernels.reference_objects import run_boxes as run_boxes
from bench.kernels.reference_png import filtered_ids as filtered_ids
from bench.kernels.reference_png import filtered_mask as filtered_mask
from bench.kernels.reference_png import filtered_pair_counts as filtered_pair_counts
from bench.kernels.reference_png import unfilter as unfilter
from bench.kernels.reference_precision import trapezoid_areas as trapezoid_areas
from bench.kernels.reference_precision import weighted_precision as weighted_precision
from bench.kernels.reference_segments import color_ids as color_ids
from bench.kernels.reference_segments import edge_map as edge_map
from bench.kernels.reference_segments import pair_counts as pair_counts
from bench.kernels.reference_segments import value_pairs as value_pairs

FORM: int

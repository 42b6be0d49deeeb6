// The extension module `bench.kernels._native`.
#include "kernels.h"

PYBIND11_MODULE(_native, module) {
    module.doc() = "The compiled twin of bench.kernels.reference.";
    module.attr("FORM") = 3;  // raise it here and in bench/kernels/__init__.py when a function takes or gives other arrays
    add_boundary_runs(module);
    add_box_overlaps(module);
    add_coco_columns(module);
    add_color_ids(module);
    add_contours(module);
    add_filtered_pairs(module);
    add_joint_histogram(module);
    add_map_labels(module);
    add_mask_codes(module);
    add_mask_overlaps(module);
    add_match(module);
    add_order_groups(module);
    add_segments(module);
    add_trapezoid_areas(module);
    add_unfilter(module);
    add_value_pairs(module);
    add_weighted_precision(module);
}

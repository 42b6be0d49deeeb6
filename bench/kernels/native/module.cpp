// The extension module `bench.kernels._native`.
#include "kernels.h"

PYBIND11_MODULE(_native, module) {
    module.doc() = "The compiled twin of bench.kernels.reference.";
    add_joint_histogram(module);
    add_map_labels(module);
    add_segments(module);
    add_unfilter(module);
}

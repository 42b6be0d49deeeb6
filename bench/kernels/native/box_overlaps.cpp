// Overlap of boxes, in the very order of operations of pycocotools' bbIou.
#include "objects.h"

#include <algorithm>

namespace {

using Rows = Contiguous<std::int64_t>;

double overlap(const double* d, const double* g, bool crowd) {
    const double width = std::min(d[2] + d[0], g[2] + g[0]) - std::max(d[0], g[0]);
    if (!(width > 0)) return 0;
    const double height = std::min(d[3] + d[1], g[3] + g[1]) - std::max(d[1], g[1]);
    if (!(height > 0)) return 0;
    const double common = width * height, area = d[2] * d[3];
    return common / (crowd ? area : area + g[2] * g[3] - common);
}

void require_boxes(const Contiguous<double>& boxes) {
    if (boxes.ndim() != 2 || boxes.shape(1) != 4) throw py::value_error("boxes have shape (objects, 4)");
}

py::array_t<double> box_overlaps(const Contiguous<double>& detections, const Contiguous<double>& truths,
                                 const Contiguous<bool>& crowd, const Rows& detection_rows, const Rows& truth_rows,
                                 const Rows& spans) {
    require_boxes(detections);
    require_boxes(truths);
    if (crowd.size() != truths.shape(0)) throw py::value_error("crowd has one entry a truth");
    require_rows(detection_rows, detections.shape(0));
    require_rows(truth_rows, truths.shape(0));
    const Span* const groups = spans_of(spans);
    const auto count = static_cast<std::size_t>(spans.shape(0));
    require_spans(groups, count, detection_rows.size(), truth_rows.size());
    py::array_t<double> result(static_cast<py::ssize_t>(pairs_of(groups, count)));
    double* into = result.mutable_data();
    {
        py::gil_scoped_release released;
        for (std::size_t k = 0; k < count; ++k) {
            for (std::int64_t i = groups[k].d0; i < groups[k].d1; ++i) {
                const double* const d = detections.data() + 4 * detection_rows.data()[i];
                for (std::int64_t j = groups[k].g0; j < groups[k].g1; ++j) {
                    const std::int64_t g = truth_rows.data()[j];
                    *into++ = overlap(d, truths.data() + 4 * g, crowd.data()[g]);
                }
            }
        }
    }
    return result;
}

}  // namespace

void add_box_overlaps(py::module_& module) {
    module.def("box_overlaps", &box_overlaps, py::arg("detections"), py::arg("truths"), py::arg("crowd"), py::kw_only(),
               py::arg("detection_rows"), py::arg("truth_rows"), py::arg("spans"),
               "Twin of bench.kernels.reference.box_overlaps.");
}

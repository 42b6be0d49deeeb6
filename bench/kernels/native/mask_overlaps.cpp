// Overlap of masks, areas and boxes of masks, all on runs. A mask becomes the intervals of its inside and a box around
// them once; pairs whose boxes, or whose areas, show that they overlap less than the floor are not walked at all.
#include "objects.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace {

using Rows = Contiguous<std::int64_t>;

struct Masks {
    Rows offsets;
    Contiguous<std::uint32_t> lengths;
    Contiguous<std::int32_t> heights;
};

struct Interval {
    std::uint64_t start, end;
};

struct Shape {
    std::vector<Interval> inside;
    std::uint64_t area = 0, left = 0, right = 0, top = 0, bottom = 0;  // right and bottom lie outside
};

Masks masks_of(const Rows& offsets, const Contiguous<std::uint32_t>& lengths, const Contiguous<std::int32_t>& heights) {
    const py::ssize_t count = heights.size();
    bool fits = offsets.size() == count + 1 && offsets.data()[0] == 0 && offsets.data()[count] == lengths.size();
    for (py::ssize_t g = 0; fits && g < count; ++g) fits = offsets.data()[g] <= offsets.data()[g + 1];
    if (!fits) throw py::value_error("offsets grow from 0 to the number of runs, one more than there are masks");
    return {offsets, lengths, heights};
}

void read(const Masks& masks, std::int64_t row, Shape& shape) {
    const std::uint32_t* const runs = masks.lengths.data();
    const auto height = static_cast<std::uint64_t>(std::max(masks.heights.data()[row], std::int32_t{1}));
    const std::int64_t first = masks.offsets.data()[row], last = masks.offsets.data()[row + 1];
    std::uint64_t at = 0, column = 0, below = height;  // `below`: where the column ends
    std::uint64_t area = 0, left = ~std::uint64_t{0}, top = left, bottom = 0;
    shape.inside.resize(static_cast<std::size_t>((last - first) / 2));
    Interval* into = shape.inside.data();
    for (std::int64_t i = first; i + 1 < last; i += 2) {
        const std::uint64_t start = at + runs[i], end = start + runs[i + 1];
        at = end;
        if (start == end) continue;
        *into++ = {start, end};
        area += end - start;
        if (start >= below + 4 * height) {
            column = start / height;
            below = (column + 1) * height;
        }
        for (; start >= below; below += height) ++column;
        left = std::min(left, column);
        const std::uint64_t above = start + height - below;
        top = end <= below ? std::min(top, above) : 0;
        bottom = end <= below ? std::max(bottom, above + (end - start)) : height;
    }
    shape.inside.resize(static_cast<std::size_t>(into - shape.inside.data()));
    const std::uint64_t right = shape.inside.empty() ? 0 : (shape.inside.back().end - 1) / height + 1;
    shape = {std::move(shape.inside), area, left, right, top, bottom};
}

double common_of_boxes(const Shape& a, const Shape& b) {
    const std::uint64_t left = std::max(a.left, b.left), right = std::min(a.right, b.right);
    const std::uint64_t top = std::max(a.top, b.top), bottom = std::min(a.bottom, b.bottom);
    return left < right && top < bottom ? static_cast<double>((right - left) * (bottom - top)) : 0.0;
}

std::uint64_t common(const std::vector<Interval>& a, const std::vector<Interval>& b) {
    const auto ends_later = [](std::uint64_t start, const Interval& i) { return start < i.end; };
    auto p = std::upper_bound(a.begin(), a.end(), b.front().start, ends_later);
    auto q = p == a.end() ? b.end() : std::upper_bound(b.begin(), b.end(), p->start, ends_later);
    std::uint64_t total = 0;
    while (p != a.end() && q != b.end()) {
        const std::uint64_t start = std::max(p->start, q->start), end = std::min(p->end, q->end);
        if (start < end) total += end - start;
        // Without branches on which ends first: runs of two masks interleave at random.
        const bool first = p->end <= q->end, second = q->end <= p->end;
        p += first;
        q += second;
    }
    return total;
}

double overlap(const Shape& d, const Shape& g, bool crowd, double floor) {
    const double largest = std::min({common_of_boxes(d, g), static_cast<double>(d.area), static_cast<double>(g.area)});
    if (largest == 0) return 0;
    const double whole = static_cast<double>(crowd ? d.area : d.area + g.area);
    if (largest / (crowd ? whole : whole - largest) < floor) return 0;
    const auto both = static_cast<double>(common(d.inside, g.inside));
    if (both == 0) return 0;
    const double result = both / (crowd ? whole : whole - both);
    return result < floor ? 0 : result;
}

struct Job {
    Masks detections, truths;
    const bool* crowd;
    const std::int64_t *detection_rows, *truth_rows;
    double floor;
};

// `truths` and `detection` are room that is kept from group to group.
void overlaps_of_group(const Job& job, Span span, std::vector<Shape>& truths, Shape& detection, double* into) {
    const auto count = static_cast<std::size_t>(span.g1 - span.g0);
    if (truths.size() < count) truths.resize(count);
    for (std::size_t g = 0; g < count; ++g) read(job.truths, job.truth_rows[span.g0 + g], truths[g]);
    for (std::int64_t d = span.d0; d < span.d1; ++d) {
        read(job.detections, job.detection_rows[d], detection);
        for (std::size_t g = 0; g < count; ++g) {
            *into++ = overlap(detection, truths[g], job.crowd[job.truth_rows[span.g0 + g]], job.floor);
        }
    }
}

Masks masks_of(const py::tuple& parts) {
    if (parts.size() != 3) throw py::value_error("masks are offsets, lengths and heights");
    return masks_of(parts[0].cast<Rows>(), parts[1].cast<Contiguous<std::uint32_t>>(),
                    parts[2].cast<Contiguous<std::int32_t>>());
}

py::array_t<double> mask_overlaps(const py::tuple& detections, const py::tuple& truths, const Contiguous<bool>& crowd,
                                  const Rows& detection_rows, const Rows& truth_rows, const Rows& spans, double floor) {
    const Job job{masks_of(detections), masks_of(truths), crowd.data(), detection_rows.data(), truth_rows.data(), floor};
    if (crowd.size() != job.truths.heights.size()) throw py::value_error("crowd has one entry a truth");
    require_rows(detection_rows, job.detections.heights.size());
    require_rows(truth_rows, job.truths.heights.size());
    const Span* const groups = spans_of(spans);
    const auto count = static_cast<std::size_t>(spans.shape(0));
    require_spans(groups, count, detection_rows.size(), truth_rows.size());
    py::array_t<double> result(static_cast<py::ssize_t>(pairs_of(groups, count)));
    double* into = result.mutable_data();
    {
        py::gil_scoped_release released;
        std::vector<Shape> shapes;
        Shape detection;
        for (std::size_t k = 0; k < count; ++k) {
            if (groups[k].pairs() == 0) continue;
            overlaps_of_group(job, groups[k], shapes, detection, into);
            into += groups[k].pairs();
        }
    }
    return result;
}

py::array_t<double> run_areas(const Rows& offsets, const Contiguous<std::uint32_t>& lengths) {
    if (offsets.size() < 1) throw py::value_error("offsets begin with 0");
    const Masks masks = masks_of(offsets, lengths, Contiguous<std::int32_t>(offsets.size() - 1));
    py::array_t<double> result(offsets.size() - 1);
    for (py::ssize_t g = 0; g + 1 < offsets.size(); ++g) {
        std::uint64_t area = 0;
        for (std::int64_t i = offsets.data()[g] + 1; i < offsets.data()[g + 1]; i += 2) area += lengths.data()[i];
        result.mutable_data()[g] = static_cast<double>(area);
    }
    return result;
}

py::array_t<double> run_boxes(const Rows& offsets, const Contiguous<std::uint32_t>& lengths,
                              const Contiguous<std::int32_t>& heights) {
    const Masks masks = masks_of(offsets, lengths, heights);
    py::array_t<double> result({heights.size(), py::ssize_t{4}});
    Shape shape;
    for (py::ssize_t g = 0; g < heights.size(); ++g) {
        double* const box = result.mutable_data() + 4 * g;
        std::fill_n(box, 4, 0.0);
        read(masks, g, shape);
        if (shape.inside.empty()) continue;
        box[0] = static_cast<double>(shape.left);
        box[1] = static_cast<double>(shape.top);
        box[2] = static_cast<double>(shape.right - shape.left);
        box[3] = static_cast<double>(shape.bottom - shape.top);
    }
    return result;
}

}  // namespace

void add_mask_overlaps(py::module_& module) {
    module.def("mask_overlaps", &mask_overlaps, py::arg("detections"), py::arg("truths"), py::arg("crowd"), py::kw_only(),
               py::arg("detection_rows"), py::arg("truth_rows"), py::arg("spans"), py::arg("floor") = 0.0,
               "Twin of bench.kernels.reference.mask_overlaps.");
    module.def("run_areas", &run_areas, py::arg("offsets"), py::arg("lengths"),
               "Twin of bench.kernels.reference.run_areas.");
    module.def("run_boxes", &run_boxes, py::arg("offsets"), py::arg("lengths"), py::arg("heights"),
               "Twin of bench.kernels.reference.run_boxes.");
}

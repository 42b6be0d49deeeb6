// What the kernels over objects share: groups of one image and class, and masks as runs. See reference_objects.py.
#pragma once

#include "kernels.h"

#include <string>

// One group: its detections lie in detection_rows[d0:d1], its truths in truth_rows[g0:g1].
struct Span {
    std::int64_t d0, d1, g0, g1;
    std::int64_t pairs() const { return (d1 - d0) * (g1 - g0); }
};

inline const Span* spans_of(const Contiguous<std::int64_t>& spans) {
    if (spans.ndim() != 2 || spans.shape(1) != 4) throw py::value_error("spans have shape (groups, 4)");
    return reinterpret_cast<const Span*>(spans.data());
}

inline void require_spans(const Span* spans, std::size_t count, py::ssize_t detections, py::ssize_t truths) {
    for (std::size_t k = 0; k < count; ++k) {
        const Span s = spans[k];
        const bool ordered = 0 <= s.d0 && s.d0 <= s.d1 && 0 <= s.g0 && s.g0 <= s.g1;
        if (!ordered || s.d1 > detections || s.g1 > truths) throw py::value_error("a span lies outside its rows");
    }
}

inline void require_rows(const Contiguous<std::int64_t>& rows, py::ssize_t count) {
    for (py::ssize_t i = 0; i < rows.size(); ++i) {
        if (rows.data()[i] < 0 || rows.data()[i] >= count) throw py::value_error("a row lies outside its columns");
    }
}

inline std::size_t pairs_of(const Span* spans, std::size_t count) {
    std::int64_t total = 0;
    for (std::size_t k = 0; k < count; ++k) total += spans[k].pairs();
    return static_cast<std::size_t>(total);
}

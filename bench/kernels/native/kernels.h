// What the native kernels share: pybind11, the words they read by, and one function per kernel that adds it to the module.
// Each kernel is the fast twin of the function of its name in reference.py, which says what it means.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace py = pybind11;

void add_boundary_runs(py::module_& module);
void add_box_overlaps(py::module_& module);
void add_coco_columns(py::module_& module);
void add_color_ids(py::module_& module);
void add_contours(py::module_& module);
void add_filtered_pairs(py::module_& module);
void add_joint_histogram(py::module_& module);
void add_map_labels(py::module_& module);
void add_mask_codes(py::module_& module);
void add_mask_overlaps(py::module_& module);
void add_match(py::module_& module);
void add_order_groups(py::module_& module);
void add_segments(py::module_& module);
void add_trapezoid_areas(py::module_& module);
void add_unfilter(py::module_& module);
void add_value_pairs(py::module_& module);
void add_weighted_precision(py::module_& module);

inline std::uint64_t load_word(const void* from) {
    std::uint64_t word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

inline void store_word(void* to, std::uint64_t word) { std::memcpy(to, &word, sizeof word); }

// `value` in every lane of a word: 8 lanes of uint8 or 4 of uint16.
template <typename T>
std::uint64_t repeat(T value) {
    constexpr std::uint64_t ones = ~std::uint64_t{0} / static_cast<T>(~T{0});
    return ones * value;
}

// A C-contiguous array of T with the values of `array`, itself where it is one already.
template <typename T>
using Contiguous = py::array_t<T, py::array::c_style | py::array::forcecast>;

inline bool holds_uint8(const py::array& array) { return array.dtype().equal(py::dtype::of<std::uint8_t>()); }

inline void require_labels(const py::array& array) {
    if (!holds_uint8(array) && !array.dtype().equal(py::dtype::of<std::uint16_t>())) {
        throw py::value_error("label maps are uint8 or uint16, not " + py::str(array.dtype()).cast<std::string>());
    }
}

// Every value of a label map replaced by its entry of a table. The table is narrowed to a full one of int32 first, so that
// the loop has one look-up a pixel and finds out about invalid values by the sign of all entries met, after each block.
// Label maps are made of long runs, so eight pixels that equal the eight before them are answered with the same eight.
#include "kernels.h"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kBlock = 1 << 14;
constexpr std::size_t kLanes = 8;

template <typename To>
To look_up(const std::int32_t* table, std::size_t label, std::int32_t* met) {
    const std::int32_t entry = table[label];
    *met |= entry;
    return static_cast<To>(entry);
}

// Returns the position of the first invalid pixel, or `size`.
template <typename From, typename To>
std::size_t map(const From* labels, std::size_t size, const std::int32_t* table, To* mapped) {
    for (std::size_t start = 0; start < size; start += kBlock) {
        const std::size_t end = std::min(start + kBlock, size);
        std::int32_t met = 0;
        std::size_t i = start;
        for (; i + kLanes <= end; i += kLanes) {
            if (i > start && std::memcmp(labels + i, labels + i - kLanes, kLanes * sizeof(From)) == 0) {
                std::memcpy(mapped + i, mapped + i - kLanes, kLanes * sizeof(To));
                continue;
            }
            for (std::size_t k = i; k < i + kLanes; ++k) mapped[k] = look_up<To>(table, labels[k], &met);
        }
        for (; i < end; ++i) mapped[i] = look_up<To>(table, labels[i], &met);
        if (met < 0) {
            std::size_t i = start;
            while (table[labels[i]] >= 0) ++i;
            return i;
        }
    }
    return size;
}

template <typename From, typename To>
py::array map_array(const py::array& given, const Contiguous<std::int32_t>& table) {
    const Contiguous<From> labels(given);
    py::array_t<To> mapped(std::vector<py::ssize_t>(given.shape(), given.shape() + given.ndim()));
    std::vector<std::int32_t> full(std::size_t{std::numeric_limits<From>::max()} + 1, -1);
    std::copy_n(table.data(), std::min(full.size(), static_cast<std::size_t>(table.size())), full.begin());
    const From* const from = labels.data();
    To* const to = mapped.mutable_data();
    const auto size = static_cast<std::size_t>(labels.size());
    std::size_t stopped;
    {
        py::gil_scoped_release released;
        stopped = map(from, size, full.data(), to);
    }
    if (stopped < size) {
        const py::object error = py::module_::import("bench.kernels.reference").attr("InvalidLabel");
        PyErr_SetObject(error.ptr(), error(py::int_(from[stopped])).ptr());
        throw py::error_already_set();
    }
    return std::move(mapped);
}

py::array map_labels(const py::array& labels, const py::array& table, const py::object& dtype) {
    require_labels(labels);
    const py::dtype wanted = py::dtype::from_args(dtype);
    const bool narrow = wanted.equal(py::dtype::of<std::uint8_t>());
    if (!narrow && !wanted.equal(py::dtype::of<std::uint16_t>())) {
        throw py::value_error("labels are mapped to uint8 or uint16, not " + py::str(wanted).cast<std::string>());
    }
    if (!table.dtype().equal(py::dtype::of<std::int32_t>()) || table.ndim() != 1) {
        throw py::value_error("the table is a row of int32, not " + py::str(table.dtype()).cast<std::string>() +
                              " of shape " + py::str(table.attr("shape")).cast<std::string>());
    }
    const Contiguous<std::int32_t> entries(table);
    const std::int32_t largest = entries.size() ? *std::max_element(entries.data(), entries.data() + entries.size()) : -1;
    if (largest > (narrow ? 255 : 65535)) {
        throw py::value_error("the table holds " + std::to_string(largest) + ", which " +
                              py::str(wanted).cast<std::string>() + " does not");
    }
    if (holds_uint8(labels)) {
        return narrow ? map_array<std::uint8_t, std::uint8_t>(labels, entries)
                      : map_array<std::uint8_t, std::uint16_t>(labels, entries);
    }
    return narrow ? map_array<std::uint16_t, std::uint8_t>(labels, entries)
                  : map_array<std::uint16_t, std::uint16_t>(labels, entries);
}

}  // namespace

void add_map_labels(py::module_& module) {
    module.def("map_labels", &map_labels, py::arg("labels"), py::arg("table"), py::arg("dtype"),
               "Twin of bench.kernels.reference.map_labels.");
}

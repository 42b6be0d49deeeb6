// PNG rows without their filters, as bytes; how a row is undone is told in filters.h.
#include "filters.h"

#include <string>
#include <vector>

const Byte* filtered_rows(const Request& request, std::int64_t height, std::int64_t stride) {
    if (height < 0 || stride < 0) {
        throw py::value_error("height and stride must not be negative: " + std::to_string(height) + " and " +
                              std::to_string(stride));
    }
    const std::int64_t wanted = height * (stride + 1);
    if (request.view.len != wanted) {
        throw py::value_error(std::to_string(height) + " rows of 1 + " + std::to_string(stride) + " bytes are " +
                              std::to_string(wanted) + " bytes, not " + std::to_string(request.view.len));
    }
    return static_cast<const Byte*>(request.view.buf);
}

const Byte* known_rows(const Request& request, std::int64_t height, std::int64_t stride) {
    const Byte* const rows = filtered_rows(request, height, stride);
    for (std::int64_t y = 0; y < height; ++y) {
        const Byte kind = rows[y * (stride + 1)];
        if (kind > 4) refuse_filter(static_cast<std::size_t>(y), kind);
    }
    return rows;
}

void refuse_filter(std::size_t row, Byte kind) {
    throw py::value_error("row " + std::to_string(row) + " has filter type " + std::to_string(kind) +
                          ", which PNG does not know (0 to 4)");
}

namespace {

// Returns the first row whose filter type PNG does not know, or `height`.
template <std::size_t Bpp>
std::size_t undo(const Byte* source, std::size_t height, std::size_t stride, Byte* result) {
    const std::vector<Byte> zeros(stride);
    const Byte* above = zeros.data();
    for (std::size_t y = 0; y < height; ++y) {
        Byte* const row = result + y * stride;
        if (!Filters<Bpp>::undo(*source, source + 1, above, row, stride)) return y;
        source += stride + 1;
        above = row;
    }
    return height;
}

using Undo = std::size_t (*)(const Byte*, std::size_t, std::size_t, Byte*);

Undo filters_for(std::int64_t bytes_per_pixel) {
    switch (bytes_per_pixel) {
        case 1: return &undo<1>;
        case 2: return &undo<2>;
        case 3: return &undo<3>;
        case 4: return &undo<4>;
        case 6: return &undo<6>;
        case 8: return &undo<8>;
        default:
            throw py::value_error("a pixel of a PNG has 1, 2, 3, 4, 6 or 8 bytes, not " + std::to_string(bytes_per_pixel));
    }
}

py::array_t<Byte> unfilter(const py::buffer& filtered, std::int64_t height, std::int64_t stride,
                           std::int64_t bytes_per_pixel) {
    const Undo rows_of = filters_for(bytes_per_pixel);
    const Request request(filtered.ptr());
    const Byte* const from = filtered_rows(request, height, stride);
    py::array_t<Byte> result({height, stride});
    Byte* const to = result.mutable_data();
    std::size_t stopped;
    {
        py::gil_scoped_release released;
        stopped = rows_of(from, static_cast<std::size_t>(height), static_cast<std::size_t>(stride), to);
    }
    if (stopped < static_cast<std::size_t>(height)) refuse_filter(stopped, from[stopped * static_cast<std::size_t>(stride + 1)]);
    return result;
}

}  // namespace

void add_unfilter(py::module_& module) {
    module.def("unfilter", &unfilter, py::arg("filtered"), py::arg("height"), py::arg("stride"),
               py::arg("bytes_per_pixel"), "Twin of bench.kernels.reference.unfilter.");
}

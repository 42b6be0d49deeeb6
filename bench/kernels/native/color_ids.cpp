// Ids from colours, three bytes a pixel: of a picture, or of the filtered rows of a PNG. Maps of segments are made of long
// runs: eight pixels of a picture are compared at a time, and each run is counted once.
#include "filtered_runs.h"
#include "pair_table.h"

#include <string>

namespace {

constexpr std::size_t kTogether = 8, kBytes = 3 * kTogether;

// Number of pixels from `colors` on, at most `size`, that have the colour of the first one.
std::size_t run_of(const Byte* colors, std::size_t size) {
    std::size_t i = 1;
    Byte eight[kBytes];
    repeat_pixel<3>(eight, colors);
    const std::uint64_t words[3] = {load_word(eight), load_word(eight + 8), load_word(eight + 16)};
    for (; i + kTogether <= size; i += kTogether) {
        for (std::size_t k = 0; k < 3; ++k) {
            const std::uint64_t difference = load_word(colors + 3 * i + 8 * k) ^ words[k];
            if (difference != 0) return i + (8 * k + equal_bytes(difference)) / 3;
        }
    }
    while (i < size && std::memcmp(colors, colors + 3 * i, 3) == 0) ++i;
    return i;
}

void join(const Byte* colors, std::size_t size, Id* ids, PairTable& table) {
    for (std::size_t i = 0; i < size;) {
        const Byte* const color = colors + 3 * i;
        const std::size_t run = run_of(color, size - i);
        const Id id = color[0] | color[1] << 8 | color[2] << 16;
        std::fill_n(ids + i, run, id);
        table.add(id, 0, static_cast<std::int64_t>(run));
        i += run;
    }
}

void join_filtered(const Byte* source, std::size_t height, std::size_t width, Id* ids, PairTable& table) {
    FilteredRuns<3> rows(source, width);
    for (std::size_t y = 0; y < height; ++y, ids += width) {
        rows.next();
        std::size_t x = 0;
        for (const Run& run : rows.runs()) {
            const Id id = static_cast<Id>(run.color);
            std::fill(ids + x, ids + run.end, id);
            table.add(id, 0, static_cast<std::int64_t>(run.end - x));
            x = run.end;
        }
    }
}

py::array_t<std::int64_t> counted(const PairTable& table) {
    const std::vector<Pair> found = table.sorted();
    py::array_t<std::int64_t> counts({found.size(), std::size_t{2}});
    std::int64_t* into = counts.mutable_data();
    for (const Pair& each : found) {
        *into++ = each[0];
        *into++ = each[2];
    }
    return counts;
}

py::tuple color_ids(const py::array& colors) {
    if (!holds_uint8(colors) || colors.ndim() != 3 || colors.shape(2) != 3) {
        throw py::value_error("colours are uint8 of shape (H, W, 3), not " + py::str(colors.dtype()).cast<std::string>() +
                              " of shape " + py::str(colors.attr("shape")).cast<std::string>());
    }
    const Contiguous<Byte> contiguous(colors);
    py::array_t<Id> ids({contiguous.shape(0), contiguous.shape(1)});
    const Byte* const from = contiguous.data();
    Id* const to = ids.mutable_data();
    const auto size = static_cast<std::size_t>(ids.size());
    PairTable table;
    {
        py::gil_scoped_release released;
        join(from, size, to, table);
    }
    return py::make_tuple(ids, counted(table));
}

py::tuple filtered_ids(const py::buffer& filtered, std::int64_t height, std::int64_t width) {
    const Request request(filtered.ptr());
    const Byte* const from = known_rows(request, height, 3 * width);
    py::array_t<Id> ids({height, width});
    Id* const to = ids.mutable_data();
    PairTable table;
    {
        py::gil_scoped_release released;
        join_filtered(from, static_cast<std::size_t>(height), static_cast<std::size_t>(width), to, table);
    }
    return py::make_tuple(ids, counted(table));
}

}  // namespace

void add_color_ids(py::module_& module) {
    module.def("color_ids", &color_ids, py::arg("colors"), "Twin of bench.kernels.reference.color_ids.");
    module.def("filtered_ids", &filtered_ids, py::arg("filtered"), py::arg("height"), py::arg("width"),
               "Twin of bench.kernels.reference.filtered_ids.");
}

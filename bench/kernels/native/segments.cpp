// Pairs of segments that share pixels, and the pixels near a segment's edge, over maps of 32-bit ids. Maps of segments are made
// of long runs: they are compared four pixels at a time and counted by run.
#include "pair_table.h"

#include <string>

namespace {

std::vector<Pair> count(const Id* truth, const Id* prediction, std::size_t size) {
    PairTable table;
    for (std::size_t i = 0; i < size;) {
        const Id first = truth[i], second = prediction[i];
        const std::uint64_t firsts = repeat(static_cast<std::uint32_t>(first)), seconds = repeat(static_cast<std::uint32_t>(second));
        const std::size_t start = i++;
        std::uint64_t difference = 0;
        for (; i + 4 <= size; i += 4) {
            difference = (load_word(truth + i) ^ firsts) | (load_word(prediction + i) ^ seconds);
            const std::uint64_t next = (load_word(truth + i + 2) ^ firsts) | (load_word(prediction + i + 2) ^ seconds);
            if ((difference | next) == 0) continue;
            i += difference != 0 ? 0 : 2;
            difference = difference != 0 ? difference : next;
            break;
        }
        if (difference != 0) {
            i += equal_bytes(difference) / sizeof(Id);
        } else {
            while (i < size && truth[i] == first && prediction[i] == second) ++i;
        }
        table.add(first, second, static_cast<std::int64_t>(i - start));
    }
    return table.sorted();
}

void require_ids(const py::array& ids) {
    if (!ids.dtype().equal(py::dtype::of<Id>())) {
        throw py::value_error("segment ids are int32, not " + py::str(ids.dtype()).cast<std::string>());
    }
}

py::array_t<std::int64_t> pair_counts(const py::array& truth, const py::array& prediction) {
    require_ids(truth);
    require_ids(prediction);
    const py::object truth_shape = truth.attr("shape"), prediction_shape = prediction.attr("shape");
    if (!truth_shape.equal(prediction_shape)) {
        throw py::value_error("truth has shape " + py::str(truth_shape).cast<std::string>() + " and prediction " +
                              py::str(prediction_shape).cast<std::string>() + ": they must be equal");
    }
    const Contiguous<Id> first(truth), second(prediction);
    const Id* const truths = first.data();
    const Id* const predictions = second.data();
    const auto size = static_cast<std::size_t>(first.size());
    std::vector<Pair> pairs;
    {
        py::gil_scoped_release released;
        pairs = count(truths, predictions, size);
    }
    return listed(pairs);
}

// `depth` counts, per column, the rows up to this one that hold the same id with `distance` equal pixels on either side;
// 2 * distance + 1 of them make the middle one a pixel whose whole square is of one id.
void empty_insides(const Id* ids, std::size_t height, std::size_t width, std::size_t distance, Id* edges) {
    std::copy_n(ids, height * width, edges);
    if (height < 2 * distance + 1 || width < 2 * distance + 1) return;
    std::vector<std::uint32_t> depth(width, 0);
    const auto needed = static_cast<std::uint32_t>(2 * distance + 1);
    for (std::size_t y = 0; y < height; ++y) {
        const Id* const row = ids + y * width;
        const Id* const above = y > 0 ? row - width : row;
        for (std::size_t start = 0, end; start < width; start = end) {
            const Id id = row[start];
            end = start + 1;
            while (end < width && row[end] == id) ++end;
            if (id == 0 || end - start < needed) {
                std::fill(depth.begin() + static_cast<std::ptrdiff_t>(start), depth.begin() + static_cast<std::ptrdiff_t>(end), 0);
                continue;
            }
            std::uint32_t* const column = depth.data();
            std::fill(column + start, column + start + distance, 0);
            for (std::size_t x = start + distance; x < end - distance; ++x) {
                column[x] = above[x] == id ? column[x] + 1 : 1;
            }
            std::fill(column + end - distance, column + end, 0);
        }
        if (y + 1 < needed) continue;
        Id* const middle = edges + (y - distance) * width;
        for (std::size_t x = 0; x < width; ++x) middle[x] = depth[x] >= needed ? -1 : middle[x];
    }
}

py::array_t<Id> edge_map(const py::array& ids, std::int64_t distance) {
    require_ids(ids);
    if (ids.ndim() != 2 || distance < 1) {
        throw py::value_error("edges are found in a map (H, W) up to a distance of 1 or more, not in shape " +
                              py::str(ids.attr("shape")).cast<std::string>() + " up to " + std::to_string(distance));
    }
    const Contiguous<Id> contiguous(ids);
    py::array_t<Id> edges({contiguous.shape(0), contiguous.shape(1)});
    const auto height = static_cast<std::size_t>(contiguous.shape(0)), width = static_cast<std::size_t>(contiguous.shape(1));
    // No square is larger than the image: a greater distance means the same and keeps the sums below small.
    const std::size_t reach = std::min(static_cast<std::size_t>(distance), height + width);
    const Id* const from = contiguous.data();
    Id* const to = edges.mutable_data();
    {
        py::gil_scoped_release released;
        empty_insides(from, height, width, reach, to);
    }
    return edges;
}

}  // namespace

void add_segments(py::module_& module) {
    module.def("pair_counts", &pair_counts, py::arg("truth"), py::arg("prediction"),
               "Twin of bench.kernels.reference.pair_counts.");
    module.def("edge_map", &edge_map, py::arg("ids"), py::arg("distance"), "Twin of bench.kernels.reference.edge_map.");
}

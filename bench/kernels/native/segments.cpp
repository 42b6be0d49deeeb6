// Ids from colours, pairs of segments that share pixels, and the pixels near a segment's edge, over maps of 32-bit ids. Maps of
// segments are made of long runs: they are compared eight pixels at a time and counted by run, in a hash table as ids are few.
#include "kernels.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace {

using Id = std::int32_t;
using Pair = std::array<std::int64_t, 3>;  // truth, prediction, pixels

constexpr std::size_t kTogether = 8;

class PairTable {
public:
    PairTable() : slots_(1024) {}

    void add(Id truth, Id prediction, std::int64_t pixels) {
        const std::uint64_t key = (std::uint64_t{static_cast<std::uint32_t>(truth)} << 32) |
                                  static_cast<std::uint32_t>(prediction);
        Slot& slot = find(slots_, key);
        if (slot.pixels == 0 && ++used_ * 2 > slots_.size()) {
            grow();
            find(slots_, key) = {key, pixels};
            return;
        }
        slot.key = key;
        slot.pixels += pixels;
    }

    std::vector<Pair> sorted() const {
        std::vector<Pair> pairs;
        for (const Slot& slot : slots_) {
            if (slot.pixels == 0) continue;
            pairs.push_back({static_cast<Id>(static_cast<std::uint32_t>(slot.key >> 32)),
                             static_cast<Id>(static_cast<std::uint32_t>(slot.key)), slot.pixels});
        }
        std::sort(pairs.begin(), pairs.end());
        return pairs;
    }

private:
    struct Slot {
        std::uint64_t key = 0;
        std::int64_t pixels = 0;  // 0 marks a free slot
    };

    static Slot& find(std::vector<Slot>& slots, std::uint64_t key) {
        const std::size_t mask = slots.size() - 1;
        std::size_t place = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ULL) >> 32) & mask;
        while (slots[place].pixels != 0 && slots[place].key != key) place = (place + 1) & mask;
        return slots[place];
    }

    void grow() {
        std::vector<Slot> larger(slots_.size() * 4);
        for (const Slot& slot : slots_) {
            if (slot.pixels != 0) find(larger, slot.key) = slot;
        }
        slots_.swap(larger);
    }

    std::vector<Slot> slots_;
    std::size_t used_ = 0;
};

std::vector<Pair> count(const Id* truth, const Id* prediction, std::size_t size) {
    PairTable table;
    for (std::size_t i = 0; i < size;) {
        const Id first = truth[i], second = prediction[i];
        const std::size_t start = i++;
        for (; i + kTogether <= size; i += kTogether) {
            Id difference = 0;
            for (std::size_t k = 0; k < kTogether; ++k) {
                difference |= (truth[i + k] ^ first) | (prediction[i + k] ^ second);
            }
            if (difference != 0) break;
        }
        while (i < size && truth[i] == first && prediction[i] == second) ++i;
        table.add(first, second, static_cast<std::int64_t>(i - start));
    }
    return table.sorted();
}

// Words that hold eight pixels of one colour, three bytes each.
std::array<std::uint64_t, 3> eight_of(const std::uint8_t* color) {
    std::array<std::uint8_t, 24> bytes;
    for (std::size_t k = 0; k < bytes.size(); ++k) bytes[k] = color[k % 3];
    return {load_word(&bytes[0]), load_word(&bytes[8]), load_word(&bytes[16])};
}

std::vector<Pair> join_colors(const std::uint8_t* colors, std::size_t size, Id* ids) {
    PairTable table;
    for (std::size_t i = 0; i < size;) {
        const std::uint8_t* const color = colors + 3 * i;
        const std::size_t start = i++;
        if (i < size && std::memcmp(color, color + 3, 3) == 0) {
            const std::array<std::uint64_t, 3> eight = eight_of(color);
            for (; i + kTogether <= size; i += kTogether) {
                const std::uint8_t* const next = colors + 3 * i;
                if (((load_word(next) ^ eight[0]) | (load_word(next + 8) ^ eight[1]) | (load_word(next + 16) ^ eight[2])) != 0) break;
            }
            while (i < size && std::memcmp(color, colors + 3 * i, 3) == 0) ++i;
        }
        const Id id = color[0] | color[1] << 8 | color[2] << 16;
        std::fill(ids + start, ids + i, id);
        table.add(id, 0, static_cast<std::int64_t>(i - start));
    }
    return table.sorted();
}

py::tuple color_ids(const py::array& colors) {
    if (!holds_uint8(colors) || colors.ndim() != 3 || colors.shape(2) != 3) {
        throw py::value_error("colours are uint8 of shape (H, W, 3), not " + py::str(colors.dtype()).cast<std::string>() +
                              " of shape " + py::str(colors.attr("shape")).cast<std::string>());
    }
    const Contiguous<std::uint8_t> contiguous(colors);
    py::array_t<Id> ids({contiguous.shape(0), contiguous.shape(1)});
    const std::uint8_t* const from = contiguous.data();
    Id* const to = ids.mutable_data();
    const auto size = static_cast<std::size_t>(ids.size());
    std::vector<Pair> found;
    {
        py::gil_scoped_release released;
        found = join_colors(from, size, to);
    }
    py::array_t<std::int64_t> counts({found.size(), std::size_t{2}});
    std::int64_t* into = counts.mutable_data();
    for (const Pair& each : found) {
        *into++ = each[0];
        *into++ = each[2];
    }
    return py::make_tuple(ids, counts);
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
    py::array_t<std::int64_t> result({pairs.size(), std::size_t{3}});
    std::int64_t* into = result.mutable_data();
    for (const Pair& pair : pairs) into = std::copy(pair.begin(), pair.end(), into);
    return result;
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
    module.def("color_ids", &color_ids, py::arg("colors"), "Twin of bench.kernels.reference.color_ids.");
    module.def("pair_counts", &pair_counts, py::arg("truth"), py::arg("prediction"),
               "Twin of bench.kernels.reference.pair_counts.");
    module.def("edge_map", &edge_map, py::arg("ids"), py::arg("distance"), "Twin of bench.kernels.reference.edge_map.");
}

// Masks in COCO's code: made from the filtered rows of a PNG, and laid over a map of labels. Of two rows one above the other
// only the pixels at which a column begins or ends are kept: they are the ends of the runs, which a mask has few of.
#include "filters.h"

#include <pybind11/stl.h>

#include <string>
#include <utility>
#include <vector>

namespace {

struct Border {
    std::uint32_t column, row;  // where a column of the mask begins or ends
};

bool all_zero(const Byte* bytes, std::size_t size) {
    std::size_t i = 0;
    for (; i + 64 <= size; i += 64) {
        std::uint64_t any = 0;
        for (std::size_t k = 0; k < 64; k += 8) any |= load_word(bytes + i + k);
        if (any != 0) return false;
    }
    while (i < size && bytes[i] == 0) ++i;
    return i == size;
}

// Calls visit(column) where exactly one of two rows is 0. Bits: 8 pixels a byte, the leftmost in the highest bit.
template <typename Visit>
void each_change(const Byte* above, const Byte* row, std::size_t width, bool bits, Visit visit) {
    const std::size_t size = bits ? (width + 7) / 8 : width;
    for (std::size_t i = 0; i < size; ++i) {
        if (i + 8 <= size && load_word(above + i) == load_word(row + i)) {
            i += 7;
            continue;
        }
        if (!bits) {
            if ((above[i] != 0) != (row[i] != 0)) visit(i);
            continue;
        }
        const int changed = above[i] ^ row[i];
        for (std::size_t k = 0; k < 8 && 8 * i + k < width; ++k) {
            if (changed >> (7 - k) & 1) visit(8 * i + k);
        }
    }
}

// Collects the borders, row by row. Returns the first row whose filter type PNG does not know, or `height`.
std::size_t read_rows(const Byte* source, std::size_t height, std::size_t width, bool bits, std::vector<Border>& borders) {
    const std::size_t stride = bits ? (width + 7) / 8 : width;
    std::vector<Byte> above(stride), row(stride);
    bool blank = true;  // what is above
    for (std::size_t y = 0; y < height; ++y, source += stride + 1) {
        const Byte kind = *source;
        if (kind > 4) return y;
        // Of a large image most rows hold nothing.
        if ((blank || kind == 2) && all_zero(source + 1, stride)) continue;
        Filters<1>::undo(kind, source + 1, above.data(), row.data(), stride);
        each_change(above.data(), row.data(), width, bits, [&](std::size_t x) {
            borders.push_back({static_cast<std::uint32_t>(x), static_cast<std::uint32_t>(y)});
        });
        above.swap(row);
        blank = all_zero(above.data(), stride);
    }
    return height;
}

// The runs, column by column, of borders that come row by row.
std::vector<std::uint32_t> runs_of(const std::vector<Border>& borders, std::size_t height, std::size_t width) {
    std::vector<std::size_t> next(width + 1);
    for (const Border& border : borders) ++next[border.column + 1];
    for (std::size_t x = 0; x < width; ++x) next[x + 1] += next[x];
    std::vector<std::uint32_t> rows(borders.size()), runs;
    for (const Border& border : borders) rows[next[border.column]++] = border.row;
    std::size_t last = 0, first = 0;
    const auto close = [&](std::size_t place) {
        // What ends at the bottom of a column may go on at the top of the next.
        if (place == last && !runs.empty()) {
            last -= runs.back();
            runs.pop_back();
        } else {
            runs.push_back(static_cast<std::uint32_t>(place - last));
            last = place;
        }
    };
    for (std::size_t x = 0; x < width; ++x) {
        for (std::size_t i = first; i < next[x]; ++i) close(x * height + rows[i]);
        if ((next[x] - first) % 2 == 1) close((x + 1) * height);
        first = next[x];
    }
    if (last < height * width || runs.empty()) runs.push_back(static_cast<std::uint32_t>(height * width - last));
    return runs;
}

std::string code_of(const std::vector<std::uint32_t>& runs) {
    std::string code;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        std::int64_t value = runs[i];
        if (i > 2) value -= runs[i - 2];
        for (bool more = true; more;) {
            const int digit = static_cast<int>(value & 31);
            value >>= 5;
            more = digit & 16 ? value != -1 : value != 0;
            code.push_back(static_cast<char>(48 + digit + (more ? 32 : 0)));
        }
    }
    return code;
}

py::tuple filtered_mask(const py::buffer& filtered, std::int64_t height, std::int64_t width, std::int64_t depth) {
    if (depth != 1 && depth != 8) throw py::value_error("a mask has 1 or 8 bits a pixel, not " + std::to_string(depth));
    if (height >= std::int64_t{1} << 31 || width >= std::int64_t{1} << 31 || height * width >= std::int64_t{1} << 32) {
        throw py::value_error("a mask has less than 2^32 pixels");
    }
    const Request request(filtered.ptr());
    const std::int64_t stride = depth == 8 ? width : (width + 7) / 8;
    const Byte* const from = filtered_rows(request, height, stride);
    const auto tall = static_cast<std::size_t>(height), wide = static_cast<std::size_t>(width);
    std::size_t stopped;
    std::string code;
    std::int64_t pixels = 0;
    {
        py::gil_scoped_release released;
        std::vector<Border> borders;
        stopped = read_rows(from, tall, wide, depth == 1, borders);
        if (stopped == tall) {
            const std::vector<std::uint32_t> runs = runs_of(borders, tall, wide);
            for (std::size_t i = 1; i < runs.size(); i += 2) pixels += runs[i];
            code = code_of(runs);
        }
    }
    if (stopped < tall) refuse_filter(stopped, from[stopped * static_cast<std::size_t>(stride + 1)]);
    return py::make_tuple(py::bytes(code), pixels);
}

// Calls visit(start, end) for every run inside; false for a damaged code.
template <typename Visit>
bool each_run(const char* code, std::size_t size, std::int64_t pixels, Visit visit) {
    std::int64_t before[2] = {0, 0}, at = 0;
    for (std::size_t place = 0, i = 0; i < size; ++place) {
        std::int64_t value = 0;
        for (int k = 0;; ++k) {
            const int digit = i < size ? code[i++] - 48 : -1;
            if (digit < 0 || digit > 63 || k >= 7) return false;
            value |= static_cast<std::int64_t>(digit & 31) << (5 * k);
            if (digit & 32) continue;
            if (digit & 16) value -= std::int64_t{1} << (5 * (k + 1));
            break;
        }
        if (place > 2) value += before[place % 2];
        before[place % 2] = value;
        if (value < 0 || value > pixels - at) return false;
        if (place % 2 == 1 && value > 0) visit(at, at + value);
        at += value;
    }
    return at == pixels;
}

template <typename T>
struct Map {
    const T* labels;
    std::int64_t height, width;
    const std::vector<std::int64_t>& columns;  // of every label of T
};

// Adds what lies under one mask to a row of counts.
template <typename T>
bool count(const Map<T>& map, const char* code, std::size_t size, std::int64_t* counts) {
    return each_run(code, size, map.height * map.width, [&](std::int64_t start, std::int64_t end) {
        std::int64_t x = start / map.height, y = start % map.height;
        while (start < end) {
            const std::int64_t stop = std::min(end, (x + 1) * map.height);
            const T* label = map.labels + y * map.width + x;
            for (; start < stop; ++start, label += map.width) ++counts[map.columns[*label]];
            ++x;
            y = 0;
        }
    });
}

template <typename T>
py::array_t<std::int64_t> under(const py::array& array, const std::vector<py::bytes>& codes,
                                const Contiguous<std::int32_t>& columns, std::int64_t wanted) {
    const Contiguous<T> labels(array);
    std::vector<std::int64_t> known(std::size_t{1} << 8 * sizeof(T), wanted);
    for (py::ssize_t i = 0; i < std::min<py::ssize_t>(columns.size(), known.size()); ++i) {
        const std::int32_t column = columns.data()[i];
        if (column >= wanted) throw py::value_error("a column lies beyond the last one");
        if (column >= 0) known[static_cast<std::size_t>(i)] = column;
    }
    py::array_t<std::int64_t> result({static_cast<py::ssize_t>(codes.size()), static_cast<py::ssize_t>(wanted)});
    std::vector<std::pair<char*, py::ssize_t>> texts(codes.size());
    for (std::size_t d = 0; d < codes.size(); ++d) PyBytes_AsStringAndSize(codes[d].ptr(), &texts[d].first, &texts[d].second);
    const Map<T> map{labels.data(), labels.shape(0), labels.shape(1), known};
    std::int64_t* const into = result.mutable_data();
    bool intact = true;
    {
        py::gil_scoped_release released;
        std::vector<std::int64_t> counts(static_cast<std::size_t>(wanted) + 1);  // the last one: of labels without a column
        for (std::size_t d = 0; d < codes.size() && intact; ++d) {
            std::fill(counts.begin(), counts.end(), 0);
            intact = count(map, texts[d].first, static_cast<std::size_t>(texts[d].second), counts.data());
            std::copy(counts.begin(), counts.end() - 1, into + static_cast<std::int64_t>(d) * wanted);
        }
    }
    if (!intact) throw py::value_error("a code is damaged, or is not of the size of the map");
    return result;
}

py::array_t<std::int64_t> labels_under(const py::array& labels, const std::vector<py::bytes>& codes,
                                       const Contiguous<std::int32_t>& columns, std::int64_t count) {
    require_labels(labels);
    if (labels.ndim() != 2 || count < 0) throw py::value_error("a map (H, W) and a number of columns are needed");
    if (holds_uint8(labels)) return under<std::uint8_t>(labels, codes, columns, count);
    return under<std::uint16_t>(labels, codes, columns, count);
}

}  // namespace

void add_mask_codes(py::module_& module) {
    module.def("filtered_mask", &filtered_mask, py::arg("filtered"), py::arg("height"), py::arg("width"), py::arg("depth"),
               "Twin of bench.kernels.reference.filtered_mask.");
    module.def("labels_under", &labels_under, py::arg("labels"), py::arg("codes"), py::arg("columns"), py::arg("count"),
               "Twin of bench.kernels.reference.labels_under.");
}

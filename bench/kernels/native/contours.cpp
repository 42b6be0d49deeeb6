// Pixels near another class, by the smallest and largest label of a window; contour pixels of every class in two label
// maps, and how many have a partner nearby. Most pixels lie in no contour and
// are passed by eight at a time; from the others the other map is searched outwards, nearest first, so that what lies
// well costs a few looks.
#include "kernels.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

struct Step {
    int square, down, across;
};

std::vector<Step> steps_within(int reach) {
    std::vector<Step> steps;
    for (int y = -reach; y <= reach; ++y) {
        for (int x = -reach; x <= reach; ++x) {
            if (y * y + x * x <= reach * reach) steps.push_back({y * y + x * x, y, x});
        }
    }
    std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.square < b.square; });
    return steps;
}

// One pixel with its right, lower and lower right neighbours; those outside the image repeat the last row or column.
template <typename T>
struct Block {
    T label[4];

    bool mixed() const { return label[0] != label[1] || label[0] != label[2] || label[0] != label[3]; }
    bool holds(T wanted) const {
        return label[0] == wanted || label[1] == wanted || label[2] == wanted || label[3] == wanted;
    }
};

template <typename T>
struct Map {
    const T* labels;
    std::ptrdiff_t height, width;

    Block<T> block(std::ptrdiff_t y, std::ptrdiff_t x) const {
        const T* row = labels + y * width;
        const T* below = y + 1 < height ? row + width : row;
        const std::ptrdiff_t right = x + 1 < width ? x + 1 : x;
        return {{row[x], row[right], below[x], below[right]}};
    }
};

// One byte a pixel: 1 where a block is mixed, so that the search reads one byte for most pixels.
template <typename T>
std::vector<std::uint8_t> mixed_blocks(const Map<T>& map) {
    std::vector<std::uint8_t> mixed(static_cast<std::size_t>(map.height * map.width));
    for (std::ptrdiff_t y = 0; y < map.height; ++y) {
        const T* row = map.labels + y * map.width;
        const T* below = y + 1 < map.height ? row + map.width : row;
        std::uint8_t* into = mixed.data() + y * map.width;
        for (std::ptrdiff_t x = 0; x + 1 < map.width; ++x) {
            into[x] = static_cast<std::uint8_t>((row[x] != row[x + 1]) | (row[x] != below[x]) | (row[x] != below[x + 1]));
        }
        into[map.width - 1] = static_cast<std::uint8_t>(row[map.width - 1] != below[map.width - 1]);
    }
    return mixed;
}

template <typename T, typename Visit>
void each_contour_pixel(const Map<T>& map, const std::vector<std::uint8_t>& mixed, std::size_t classes, Visit visit) {
    const std::size_t size = mixed.size(), width = static_cast<std::size_t>(map.width);
    for (std::size_t i = 0; i < size; ++i) {
        if (i + 8 <= size && load_word(mixed.data() + i) == 0) {
            i += 7;
            continue;
        }
        if (!mixed[i]) continue;
        const auto y = static_cast<std::ptrdiff_t>(i / width), x = static_cast<std::ptrdiff_t>(i % width);
        const Block<T> block = map.block(y, x);
        for (int k = 0; k < 4; ++k) {
            const T label = block.label[k];
            if (label >= classes || std::find(block.label, block.label + k, label) != block.label + k) continue;
            visit(label, y, x);
        }
    }
}

// Square distance to the nearest contour pixel of `label`, or -1 beyond the last step.
template <typename T>
int nearest(const Map<T>& map, const std::vector<std::uint8_t>& mixed, const std::vector<Step>& steps, T label,
            std::ptrdiff_t y, std::ptrdiff_t x) {
    for (const Step& step : steps) {
        const std::ptrdiff_t v = y + step.down, u = x + step.across;
        if (v < 0 || u < 0 || v >= map.height || u >= map.width) continue;
        if (mixed[static_cast<std::size_t>(v * map.width + u)] && map.block(v, u).holds(label)) return step.square;
    }
    return -1;
}

template <typename T>
void count(const Map<T> (&maps)[2], std::size_t classes, const std::vector<int>& radii, std::int64_t* counts) {
    if (maps[0].height == 0 || maps[0].width == 0) return;
    const std::size_t columns = 1 + radii.size();
    const std::vector<std::uint8_t> mixed[2] = {mixed_blocks(maps[0]), mixed_blocks(maps[1])};
    const auto row = [&](std::size_t label, int side) { return counts + (2 * label + side) * columns; };
    for (int side = 0; side < 2; ++side) {
        each_contour_pixel(maps[side], mixed[side], classes,
                           [&](T label, std::ptrdiff_t, std::ptrdiff_t) { ++*row(label, side); });
    }
    const std::vector<Step> steps = radii.empty() ? std::vector<Step>{} : steps_within(radii.back());
    for (int side = 0; side < 2; ++side) {
        each_contour_pixel(maps[side], mixed[side], classes, [&](T label, std::ptrdiff_t y, std::ptrdiff_t x) {
            if (*row(label, 1 - side) == 0) return;
            const int square = nearest(maps[1 - side], mixed[1 - side], steps, label, y, x);
            if (square < 0) return;
            for (std::size_t t = 0; t < radii.size(); ++t) row(label, side)[1 + t] += square <= radii[t] * radii[t];
        });
    }
}

template <typename T>
py::array_t<std::int64_t> run(const py::array& truth, const py::array& prediction, std::int64_t classes,
                              const std::vector<int>& radii) {
    const Contiguous<T> first(truth), second(prediction);
    const std::ptrdiff_t height = first.shape(0), width = first.shape(1);
    py::array_t<std::int64_t> counts(
        {static_cast<py::ssize_t>(classes), static_cast<py::ssize_t>(2), static_cast<py::ssize_t>(1 + radii.size())});
    std::int64_t* const into = counts.mutable_data();
    std::fill_n(into, counts.size(), std::int64_t{0});
    const Map<T> maps[2] = {{first.data(), height, width}, {second.data(), height, width}};
    {
        py::gil_scoped_release released;
        count(maps, static_cast<std::size_t>(classes), radii, into);
    }
    return counts;
}

py::array_t<std::int64_t> contour_matches(const py::array& truth, const py::array& prediction, std::int64_t classes,
                                          const std::vector<std::int64_t>& radii) {
    require_labels(truth);
    require_labels(prediction);
    const py::object truth_shape = truth.attr("shape"), prediction_shape = prediction.attr("shape");
    if (truth.ndim() != 2 || !truth_shape.equal(prediction_shape)) {
        throw py::value_error("truth has shape " + py::str(truth_shape).cast<std::string>() + " and prediction " +
                              py::str(prediction_shape).cast<std::string>() + ": both must be one (H, W)");
    }
    if (classes < 0 || classes > 65536) {
        throw py::value_error("classes lies in 0 ... 65536, not " + std::to_string(classes));
    }
    std::int64_t low = 0;
    for (const std::int64_t radius : radii) {
        if (radius < low || radius > 1000) {
            throw py::value_error("radii lie in 0 ... 1000 and do not fall: " +
                                  py::str(py::cast(radii)).cast<std::string>());
        }
        low = radius;
    }
    const std::vector<int> small(radii.begin(), radii.end());
    if (holds_uint8(truth) && holds_uint8(prediction)) return run<std::uint8_t>(truth, prediction, classes, small);
    return run<std::uint16_t>(truth, prediction, classes, small);
}

// Calls fold(apart, count) for every step that turns `size` entries into windows of `wanted`: of doubling length, and
// then two overlapping ones. Each time `count` entries become the combination of themselves and those `apart` further on.
template <typename Fold>
void windows(std::ptrdiff_t size, std::ptrdiff_t wanted, Fold fold) {
    std::ptrdiff_t length = 1;
    for (; 2 * length <= wanted; length *= 2) fold(length, size - 2 * length + 1);
    if (wanted > length) fold(wanted - length, size - wanted + 1);
}

#if defined(_MSC_VER)
#define APART __restrict
#else
#define APART __restrict__
#endif

template <typename T, typename Combine>
void combine_into(T* APART into, const T* first, const T* second, std::ptrdiff_t size, Combine combine) {
    for (std::ptrdiff_t i = 0; i < size; ++i) into[i] = combine(first[i], second[i]);
}

template <typename T, typename Combine>
void combine_with(T* APART into, const T* APART other, std::ptrdiff_t size, Combine combine) {
    for (std::ptrdiff_t i = 0; i < size; ++i) into[i] = combine(into[i], other[i]);
}

// Every pixel's window of 2 * width + 1 columns and rows, combined; what lies outside is `neutral`.
template <typename T, typename Combine, typename Read>
std::vector<T> windowed(std::ptrdiff_t height, std::ptrdiff_t across, std::ptrdiff_t width, T neutral, Combine combine,
                        Read read) {
    std::vector<T> result(static_cast<std::size_t>((height + 2 * width) * across), neutral);
    std::vector<T> row(static_cast<std::size_t>(across + 2 * width)), next(row.size());
    for (std::ptrdiff_t y = 0; y < height; ++y) {
        std::fill(row.begin(), row.end(), neutral);
        for (std::ptrdiff_t x = 0; x < across; ++x) row[static_cast<std::size_t>(width + x)] = read(y * across + x);
        windows(across + 2 * width, 2 * width + 1, [&](std::ptrdiff_t apart, std::ptrdiff_t count) {
            combine_into(next.data(), row.data(), row.data() + apart, count, combine);
            row.swap(next);
        });
        std::copy_n(row.data(), across, result.data() + (width + y) * across);
    }
    windows(height + 2 * width, 2 * width + 1, [&](std::ptrdiff_t apart, std::ptrdiff_t count) {
        for (std::ptrdiff_t y = 0; y < count; ++y) {
            T* const into = result.data() + y * across;
            combine_with(into, into + apart * across, across, combine);
        }
    });
    return result;
}

template <typename T>
py::array_t<bool> near(const py::array& array, T none, std::ptrdiff_t width) {
    const Contiguous<T> labels(array);
    const std::ptrdiff_t height = labels.shape(0), across = labels.shape(1), size = height * across;
    py::array_t<bool> result({height, across});
    const T* const from = labels.data();
    bool* const into = result.mutable_data();
    {
        py::gil_scoped_release released;
        const auto lowest = windowed<T>(
            height, across, width, none, [](T a, T b) { return std::min(a, b); }, [&](std::ptrdiff_t i) { return from[i]; });
        const auto highest = windowed<T>(
            height, across, width, T{0}, [](T a, T b) { return std::max(a, b); },
            [&](std::ptrdiff_t i) { return from[i] == none ? T{0} : from[i]; });
        const T *low = lowest.data(), *high = highest.data();
        for (std::ptrdiff_t i = 0; i < size; ++i) {
            into[i] = (from[i] != none) & ((low[i] != from[i]) | (high[i] != from[i]));
        }
    }
    return result;
}

py::array_t<bool> near_other_labels(const py::array& labels, std::int64_t none, std::int64_t width) {
    require_labels(labels);
    if (labels.ndim() != 2 || width < 0 || width > 10000) {
        throw py::value_error("a map (H, W) and a width in 0 ... 10000 are needed, not shape " +
                              py::str(labels.attr("shape")).cast<std::string>() + " and " + std::to_string(width));
    }
    // Beyond the image's own size a window sees no more.
    const std::int64_t enough = std::min<std::int64_t>(width, std::max(labels.shape(0), labels.shape(1)));
    if (holds_uint8(labels)) return near<std::uint8_t>(labels, static_cast<std::uint8_t>(none), enough);
    return near<std::uint16_t>(labels, static_cast<std::uint16_t>(none), enough);
}

}  // namespace

void add_contours(py::module_& module) {
    module.def("contour_matches", &contour_matches, py::arg("truth"), py::arg("prediction"), py::arg("classes"),
               py::arg("radii"), "Twin of bench.kernels.reference.contour_matches.");
    module.def("near_other_labels", &near_other_labels, py::arg("labels"), py::arg("void"), py::arg("width"),
               "Twin of bench.kernels.reference.near_other_labels.");
}

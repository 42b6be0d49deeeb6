// Pixels of every value of a label map, and of every pair of values of two. Label maps are made of long runs, so the current pair is compared with
// eight bytes of both maps at once and only run lengths are added; where a block turns out to be noise, the next ones are
// counted pixel by pixel, which is then faster.
#include "kernels.h"

#include <algorithm>
#include <string>

namespace {

constexpr std::size_t kBlock = 1 << 12;  // pixels looked at together: both maps' blocks stay in the first-level cache
constexpr std::size_t kNoisyRun = 4;     // mean run length under which runs cost more than they save
constexpr int kPlainBlocks = 31;         // blocks counted plainly before runs are tried again

template <typename T>
struct Maps {
    const T* truth;
    const T* prediction;
    std::size_t size;
};

// Number of leading lanes, in memory order, of a word that is not zero, which are zero.
template <typename T>
std::size_t equal_lanes(std::uint64_t difference) {
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return static_cast<std::size_t>(__builtin_ctzll(difference)) / (8 * sizeof(T));
#else
    T lanes[sizeof difference / sizeof(T)];
    std::memcpy(lanes, &difference, sizeof difference);
    std::size_t equal = 0;
    while (lanes[equal] == 0) ++equal;
    return equal;
#endif
}

// Returns the number of runs.
template <typename T>
std::size_t count_runs(Maps<T> maps, std::size_t columns, std::int64_t* counts) {
    constexpr std::size_t lanes = sizeof(std::uint64_t) / sizeof(T);
    std::size_t runs = 0;
    for (std::size_t i = 0; i < maps.size; ++runs) {
        const T truth = maps.truth[i], prediction = maps.prediction[i];
        const std::uint64_t truths = repeat(truth), predictions = repeat(prediction);
        const std::size_t start = i++;
        std::uint64_t difference = 0;
        while (i + lanes <= maps.size) {
            difference = (load_word(maps.truth + i) ^ truths) | (load_word(maps.prediction + i) ^ predictions);
            if (difference != 0) break;
            i += lanes;
        }
        if (difference != 0) {
            i += equal_lanes<T>(difference);
        } else {
            while (i < maps.size && maps.truth[i] == truth && maps.prediction[i] == prediction) ++i;
        }
        counts[truth * columns + prediction] += static_cast<std::int64_t>(i - start);
    }
    return runs;
}

template <typename T>
void count_values(const T* labels, std::size_t size, std::int64_t* counts) {
    constexpr std::size_t lanes = sizeof(std::uint64_t) / sizeof(T);
    for (std::size_t i = 0; i < size;) {
        const T label = labels[i];
        const std::uint64_t labels_alike = repeat(label);
        const std::size_t start = i++;
        std::uint64_t difference = 0;
        for (; i + lanes <= size; i += lanes) {
            difference = load_word(labels + i) ^ labels_alike;
            if (difference != 0) break;
        }
        if (difference != 0) {
            i += equal_lanes<T>(difference);
        } else {
            while (i < size && labels[i] == label) ++i;
        }
        counts[label] += static_cast<std::int64_t>(i - start);
    }
}

template <typename T>
py::array_t<std::int64_t> counts_of(const Contiguous<T>& labels) {
    constexpr std::size_t values = std::size_t{1} << 8 * sizeof(T);
    py::array_t<std::int64_t> counts(values);
    std::fill_n(counts.mutable_data(), values, std::int64_t{0});
    const T* const from = labels.data();
    std::int64_t* const into = counts.mutable_data();
    const auto size = static_cast<std::size_t>(labels.size());
    {
        py::gil_scoped_release released;
        count_values(from, size, into);
    }
    return counts;
}

py::array_t<std::int64_t> value_counts(const py::array& labels) {
    require_labels(labels);
    return holds_uint8(labels) ? counts_of(Contiguous<std::uint8_t>(labels)) : counts_of(Contiguous<std::uint16_t>(labels));
}

template <typename T>
void count_plainly(Maps<T> maps, std::size_t columns, std::int64_t* counts) {
    for (std::size_t i = 0; i < maps.size; ++i) ++counts[maps.truth[i] * columns + maps.prediction[i]];
}

template <typename T>
T largest(const T* values, std::size_t size) {
    T result = 0;
    for (std::size_t i = 0; i < size; ++i) result = std::max(result, values[i]);
    return result;
}

// Returns the position of the first pixel outside the rows or columns, or maps.size.
template <typename T>
std::size_t count(Maps<T> maps, std::size_t rows, std::size_t columns, std::int64_t* counts) {
    int plain = 0;
    for (std::size_t start = 0; start < maps.size; start += kBlock) {
        const Maps<T> block{maps.truth + start, maps.prediction + start, std::min(kBlock, maps.size - start)};
        if (largest(block.truth, block.size) >= rows || largest(block.prediction, block.size) >= columns) {
            std::size_t i = start;
            while (maps.truth[i] < rows && maps.prediction[i] < columns) ++i;
            return i;
        }
        if (plain > 0) {
            count_plainly(block, columns, counts);
            --plain;
        } else if (count_runs(block, columns, counts) * kNoisyRun > block.size) {
            plain = kPlainBlocks;
        }
    }
    return maps.size;
}

template <typename T>
py::array_t<std::int64_t> histogram(const Contiguous<T>& truth, const Contiguous<T>& prediction, std::size_t rows,
                                    std::size_t columns) {
    py::array_t<std::int64_t> counts({rows, columns});
    std::fill_n(counts.mutable_data(), rows * columns, std::int64_t{0});
    const Maps<T> maps{truth.data(), prediction.data(), static_cast<std::size_t>(truth.size())};
    std::int64_t* const into = counts.mutable_data();
    std::size_t stopped;
    {
        py::gil_scoped_release released;
        stopped = count(maps, rows, columns, into);
    }
    if (stopped < maps.size) {
        const bool first = maps.truth[stopped] >= rows;
        throw py::value_error(std::string(first ? "truth" : "prediction") + " holds the value " +
                              std::to_string(first ? maps.truth[stopped] : maps.prediction[stopped]) +
                              ", which is not below " + std::to_string(first ? rows : columns));
    }
    return counts;
}

py::array_t<std::int64_t> joint_histogram(const py::array& truth, const py::array& prediction, std::int64_t rows,
                                          std::int64_t columns) {
    require_labels(truth);
    require_labels(prediction);
    const py::object truth_shape = truth.attr("shape"), prediction_shape = prediction.attr("shape");
    if (!truth_shape.equal(prediction_shape)) {
        throw py::value_error("truth has shape " + py::str(truth_shape).cast<std::string>() + " and prediction " +
                              py::str(prediction_shape).cast<std::string>() + ": they must be equal");
    }
    if (rows < 0 || rows > 65536 || columns < 0 || columns > 65536) {
        throw py::value_error("rows and columns lie in 0 ... 65536, not " + std::to_string(rows) + " and " +
                              std::to_string(columns));
    }
    const auto height = static_cast<std::size_t>(rows), width = static_cast<std::size_t>(columns);
    if (holds_uint8(truth) && holds_uint8(prediction)) {
        return histogram<std::uint8_t>(Contiguous<std::uint8_t>(truth), Contiguous<std::uint8_t>(prediction), height, width);
    }
    return histogram<std::uint16_t>(Contiguous<std::uint16_t>(truth), Contiguous<std::uint16_t>(prediction), height, width);
}

}  // namespace

void add_joint_histogram(py::module_& module) {
    module.def("joint_histogram", &joint_histogram, py::arg("truth"), py::arg("prediction"), py::arg("rows"),
               py::arg("columns"), "Twin of bench.kernels.reference.joint_histogram.");
    module.def("value_counts", &value_counts, py::arg("labels"), "Twin of bench.kernels.reference.value_counts.");
}

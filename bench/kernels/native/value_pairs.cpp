// Pixels of every pair of values of two label maps, in a hash table, for values too large for a histogram. Maps are made of long
// runs: eight pixels of both are compared at a time, and each run is counted once.
#include "pair_table.h"

#include <string>

namespace {

// How many of the eight pixels from `at` on are `value`, up to the first that is not.
template <typename T>
std::size_t equal_pixels(const T* at, T value) {
    const std::uint64_t wanted = repeat(value);
    constexpr std::size_t lanes = 8 / sizeof(T);
    for (std::size_t k = 0; k < 8; k += lanes) {
        const std::uint64_t difference = load_word(at + k) ^ wanted;
        if (difference != 0) return k + equal_bytes(difference) / sizeof(T);
    }
    return 8;
}

template <typename T, typename U>
std::vector<Pair> count(const T* truth, const U* prediction, std::size_t size) {
    PairTable table;
    for (std::size_t i = 0; i < size;) {
        const T first = truth[i];
        const U second = prediction[i];
        const std::size_t start = i++;
        std::size_t equal = 8;
        for (; equal == 8 && i + 8 <= size; i += equal) {
            equal = std::min(equal_pixels(truth + i, first), equal_pixels(prediction + i, second));
        }
        while (equal == 8 && i < size && truth[i] == first && prediction[i] == second) ++i;
        table.add(first, second, static_cast<std::int64_t>(i - start));
    }
    return table.sorted();
}

template <typename T, typename U>
py::array_t<std::int64_t> pairs_of(const py::array& truth, const py::array& prediction) {
    const Contiguous<T> first(truth);
    const Contiguous<U> second(prediction);
    const T* const truths = first.data();
    const U* const predictions = second.data();
    const auto size = static_cast<std::size_t>(first.size());
    std::vector<Pair> pairs;
    {
        py::gil_scoped_release released;
        pairs = count(truths, predictions, size);
    }
    return listed(pairs);
}

py::array_t<std::int64_t> value_pairs(const py::array& truth, const py::array& prediction) {
    require_labels(truth);
    require_labels(prediction);
    const py::object truth_shape = truth.attr("shape"), prediction_shape = prediction.attr("shape");
    if (!truth_shape.equal(prediction_shape)) {
        throw py::value_error("truth has shape " + py::str(truth_shape).cast<std::string>() + " and prediction " +
                              py::str(prediction_shape).cast<std::string>() + ": they must be equal");
    }
    const bool narrow = holds_uint8(truth), narrow_too = holds_uint8(prediction);
    if (narrow && narrow_too) return pairs_of<std::uint8_t, std::uint8_t>(truth, prediction);
    if (narrow) return pairs_of<std::uint8_t, std::uint16_t>(truth, prediction);
    if (narrow_too) return pairs_of<std::uint16_t, std::uint8_t>(truth, prediction);
    return pairs_of<std::uint16_t, std::uint16_t>(truth, prediction);
}

}  // namespace

void add_value_pairs(py::module_& module) {
    module.def("value_pairs", &value_pairs, py::arg("truth"), py::arg("prediction"),
               "Twin of bench.kernels.reference.value_pairs.");
}

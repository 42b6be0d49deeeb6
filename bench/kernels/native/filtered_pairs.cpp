// Pairs of ids that share pixels, from the filtered rows of two PNGs: neither pixels nor ids are ever written.
#include "filtered_runs.h"
#include "pair_table.h"

namespace {

void add_row(const std::vector<Run>& truth, const std::vector<Run>& prediction, std::size_t width, PairTable& table) {
    const Run* first = truth.data();
    const Run* second = prediction.data();
    for (std::size_t x = 0; x < width;) {
        const std::size_t end = std::min(first->end, second->end);
        table.add(static_cast<Id>(first->color), static_cast<Id>(second->color), static_cast<std::int64_t>(end - x));
        first += first->end == end;
        second += second->end == end;
        x = end;
    }
}

py::array_t<std::int64_t> filtered_pair_counts(const py::buffer& truth, const py::buffer& prediction, std::int64_t height,
                                               std::int64_t width) {
    const Request first(truth.ptr()), second(prediction.ptr());
    FilteredRuns<3> truths(known_rows(first, height, 3 * width), static_cast<std::size_t>(width));
    FilteredRuns<3> predictions(known_rows(second, height, 3 * width), static_cast<std::size_t>(width));
    std::vector<Pair> pairs;
    {
        py::gil_scoped_release released;
        PairTable table;
        for (std::int64_t y = 0; y < height; ++y) {
            truths.next();
            predictions.next();
            add_row(truths.runs(), predictions.runs(), static_cast<std::size_t>(width), table);
        }
        pairs = table.sorted();
    }
    return listed(pairs);
}

}  // namespace

void add_filtered_pairs(py::module_& module) {
    module.def("filtered_pair_counts", &filtered_pair_counts, py::arg("truth"), py::arg("prediction"), py::arg("height"),
               py::arg("width"), "Twin of bench.kernels.reference.filtered_pair_counts.");
}

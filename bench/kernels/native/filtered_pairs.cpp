// Pairs of labels or ids that share pixels, from the filtered rows of two PNGs: neither pixels nor ids are ever written.
#include "filtered_runs.h"
#include "pair_table.h"

#include <string>

namespace {

constexpr std::size_t kRun = 8;          // pixels of a run, of both maps together, below which runs are not worth finding
constexpr std::size_t kFewRuns = 4096;   // too few to say so

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

// Rows made of noise, which has more runs than are worth finding: every pixel is written and looked at.
template <std::size_t Bpp>
class PlainRows {
public:
    PlainRows(const FilteredRuns<Bpp>& rows, std::size_t width)
        : source_(rows.rest()), width_(width), row_(Bpp * width), above_(Bpp * width) {
        rows.write(row_.data());
    }

    void next() {
        above_.swap(row_);
        Filters<Bpp>::undo(*source_, source_ + 1, above_.data(), row_.data(), Bpp * width_);
        source_ += 1 + Bpp * width_;
    }

    Id at(std::size_t x) const { return static_cast<Id>(pixel<Bpp>(row_.data() + Bpp * x)); }

private:
    const Byte* source_;
    std::size_t width_;
    std::vector<Byte> row_, above_;
};

template <std::size_t Bpp>
std::vector<Pair> count(const Byte* truth, const Byte* prediction, std::size_t height, std::size_t width) {
    PairTable table;
    FilteredRuns<Bpp> truths(truth, width), predictions(prediction, width);
    std::size_t y = 0;
    for (std::size_t runs = 0; y < height && runs <= kFewRuns + y * width / kRun; ++y) {
        truths.next();
        predictions.next();
        add_row(truths.runs(), predictions.runs(), width, table);
        runs += truths.runs().size() + predictions.runs().size();
    }
    PlainRows<Bpp> plain_truths(truths, width), plain_predictions(predictions, width);
    for (; y < height; ++y) {
        plain_truths.next();
        plain_predictions.next();
        for (std::size_t x = 0; x < width; ++x) table.add(plain_truths.at(x), plain_predictions.at(x), 1);
    }
    return table.sorted();
}

py::array_t<std::int64_t> filtered_pair_counts(const py::buffer& truth, const py::buffer& prediction, std::int64_t height,
                                               std::int64_t width, std::int64_t bytes_per_pixel) {
    if (bytes_per_pixel != 1 && bytes_per_pixel != 3) {
        throw py::value_error("pixels of labels have 1 byte and those of ids 3, not " + std::to_string(bytes_per_pixel));
    }
    const Request first(truth.ptr()), second(prediction.ptr());
    const Byte* const truths = known_rows(first, height, bytes_per_pixel * width);
    const Byte* const predictions = known_rows(second, height, bytes_per_pixel * width);
    std::vector<Pair> pairs;
    {
        py::gil_scoped_release released;
        const auto count_pairs = bytes_per_pixel == 1 ? &count<1> : &count<3>;
        pairs = count_pairs(truths, predictions, static_cast<std::size_t>(height), static_cast<std::size_t>(width));
    }
    return listed(pairs);
}

}  // namespace

void add_filtered_pairs(py::module_& module) {
    module.def("filtered_pair_counts", &filtered_pair_counts, py::arg("truth"), py::arg("prediction"), py::arg("height"),
               py::arg("width"), py::arg("bytes_per_pixel"), "Twin of bench.kernels.reference.filtered_pair_counts.");
}

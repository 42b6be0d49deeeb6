// Precision at given recalls for many rows of weights. Rows go through the detections eight at a time, so that one pass
// over the table serves eight rows; only hits, and detections that are wrong at few thresholds, cost anything per
// threshold: the others are one running sum of weights a class. Precision rises only at hits, so only these are kept.
#include "kernels.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace {

constexpr std::size_t kLanes = 8;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kTiny = std::numeric_limits<double>::epsilon();  // np.spacing(1)

struct Lanes {
    double of[kLanes];
};

// What happens at one detection: bits of thresholds.
struct Event {
    std::int32_t image;
    std::uint16_t hits, corrections;  // corrections: thresholds at which the running sum of wrong ones is not right
    double common, corrected;         // what the running sum and the corrections take of the weight: 1, 0 or -1
};

struct Kept {
    Lanes rate, reached;
    std::int64_t place;
};

struct Job {
    std::size_t images, classes, thresholds, recalls, rows;
    const double *weights, *totals, *recall_points;
    const std::int32_t* image;
    const std::int64_t* starts;
    const std::uint16_t *hits, *misses;
    double *precision, *recall, *area;
    std::int64_t* places;
};

std::size_t bits_set(unsigned bits) {
    std::size_t count = 0;
    for (; bits != 0; bits &= bits - 1) ++count;
    return count;
}

unsigned lowest_bit(unsigned bits) {
    unsigned place = 0;
    while (!(bits >> place & 1u)) ++place;
    return place;
}

Event event_of(const Job& job, std::int64_t d) {
    const unsigned all = (1u << job.thresholds) - 1, misses = job.misses[d] & all;
    const bool mostly = 2 * bits_set(misses) > job.thresholds;
    return {job.image[d], static_cast<std::uint16_t>(job.hits[d] & all),
            static_cast<std::uint16_t>(mostly ? all & ~misses : misses), mostly ? 1.0 : 0.0, mostly ? -1.0 : 1.0};
}

struct State {
    std::vector<Lanes> weights;             // (N,), of the rows at hand
    std::vector<Event> events;              // of the class at hand
    std::vector<std::vector<Kept>> kept;    // (T,), its hits
    std::vector<Lanes> right, corrections;  // (T,)
    std::int64_t first[kLanes];             // first detection with weight
};

// One pass over the detections of a class, for eight rows.
void walk(const Job& job, std::size_t k, const Lanes& totals, State& state) {
    Lanes wrong{};
    for (std::size_t t = 0; t < job.thresholds; ++t) {
        state.right[t] = state.corrections[t] = Lanes{};
        state.kept[t].clear();
    }
    std::fill_n(state.first, kLanes, std::int64_t{-1});
    for (std::size_t e = 0; e < state.events.size(); ++e) {
        const Event event = state.events[e];
        const Lanes& weight = state.weights[static_cast<std::size_t>(event.image)];
        for (std::size_t l = 0; l < kLanes; ++l) wrong.of[l] += event.common * weight.of[l];
        for (unsigned bits = event.corrections; bits != 0; bits &= bits - 1) {
            Lanes& sum = state.corrections[lowest_bit(bits)];
            for (std::size_t l = 0; l < kLanes; ++l) sum.of[l] += event.corrected * weight.of[l];
        }
        for (unsigned bits = event.hits; bits != 0; bits &= bits - 1) {
            const unsigned t = lowest_bit(bits);
            Lanes& sum = state.right[t];
            const Lanes& correction = state.corrections[t];
            state.kept[t].emplace_back();
            Kept& kept = state.kept[t].back();
            kept.place = job.starts[k] + static_cast<std::int64_t>(e);
            for (std::size_t l = 0; l < kLanes; ++l) {
                const double right = sum.of[l] += weight.of[l];
                kept.rate.of[l] = right / (wrong.of[l] + correction.of[l] + right + kTiny);
                kept.reached.of[l] = right / totals.of[l];
            }
        }
    }
}

void find_first(const Job& job, std::size_t k, State& state, std::size_t rows) {
    for (std::size_t l = 0; l < rows; ++l) {
        for (std::size_t e = 0; e < state.events.size() && state.first[l] < 0; ++e) {
            if (state.weights[static_cast<std::size_t>(state.events[e].image)].of[l] > 0) {
                state.first[l] = job.starts[k] + static_cast<std::int64_t>(e);
            }
        }
    }
}

// From the last hit to the first: the highest precision so far goes to the recalls that this hit is first to reach. What
// is left is the recall 0, which the first detection reaches, right or wrong. The eight rows go side by side.
void fill(const Job& job, const State& state, std::size_t t, std::size_t rows, double* const* precision,
          double* const* area, std::int64_t* const* places) {
    const std::vector<Kept>& kept = state.kept[t];
    std::size_t r[kLanes];
    double highest[kLanes] = {};
    for (std::size_t l = 0; l < rows; ++l) {
        const double last = kept.empty() ? 0.0 : kept.back().reached.of[l];
        for (r[l] = job.recalls; r[l] > 0 && job.recall_points[r[l] - 1] > last; --r[l]) {
            precision[l][r[l] - 1] = 0.0;
            if (places[l] != nullptr) places[l][r[l] - 1] = -1;
        }
    }
    for (std::size_t e = kept.size(); e-- > 0;) {
        const Lanes before = e > 0 ? kept[e - 1].reached : Lanes{};
        for (std::size_t l = 0; l < rows; ++l) {
            highest[l] = std::max(highest[l], kept[e].rate.of[l]);
            *area[l] += (kept[e].reached.of[l] - before.of[l]) * highest[l];
            for (; r[l] > 0 && job.recall_points[r[l] - 1] > before.of[l]; --r[l]) {
                precision[l][r[l] - 1] = highest[l];
                if (places[l] != nullptr) places[l][r[l] - 1] = kept[e].place;
            }
        }
    }
    for (std::size_t l = 0; l < rows; ++l) {
        for (; r[l] > 0; --r[l]) {
            precision[l][r[l] - 1] = highest[l];
            if (places[l] != nullptr) places[l][r[l] - 1] = state.first[l];
        }
    }
}

void write(const Job& job, std::size_t k, std::size_t row, std::size_t rows, const State& state) {
    double *precision[kLanes], *area[kLanes];
    std::int64_t* places[kLanes] = {};
    for (std::size_t t = 0; t < job.thresholds; ++t) {
        for (std::size_t l = 0; l < rows; ++l) {
            const std::size_t at = ((row + l) * job.classes + k) * job.thresholds + t;
            precision[l] = job.precision + at * job.recalls;
            if (job.places != nullptr) places[l] = job.places + at * job.recalls;
            area[l] = job.area + at;
            *area[l] = 0.0;
            job.recall[at] = state.right[t].of[l] / job.totals[(row + l) * job.classes + k];
        }
        fill(job, state, t, rows, precision, area, places);
        for (std::size_t l = 0; l < rows; ++l) {
            if (job.totals[(row + l) * job.classes + k] > 0) continue;
            std::fill_n(precision[l], job.recalls, kNaN);
            if (places[l] != nullptr) std::fill_n(places[l], job.recalls, std::int64_t{-1});
            job.recall[((row + l) * job.classes + k) * job.thresholds + t] = kNaN;
            *area[l] = kNaN;
        }
    }
}

void score_rows(const Job& job, std::size_t row, std::size_t rows, State& state) {
    for (std::size_t n = 0; n < job.images; ++n) {
        for (std::size_t l = 0; l < kLanes; ++l) {
            state.weights[n].of[l] = l < rows ? job.weights[(row + l) * job.images + n] : 0.0;
        }
    }
    for (std::size_t k = 0; k < job.classes; ++k) {
        Lanes totals{};
        for (std::size_t l = 0; l < rows; ++l) totals.of[l] = job.totals[(row + l) * job.classes + k];
        state.events.clear();
        for (std::int64_t d = job.starts[k]; d < job.starts[k + 1]; ++d) state.events.push_back(event_of(job, d));
        walk(job, k, totals, state);
        if (job.places != nullptr) find_first(job, k, state, rows);
        write(job, k, row, rows, state);
    }
}

void require(bool condition, const char* message) {
    if (!condition) throw py::value_error(message);
}

py::tuple weighted_precision(const Contiguous<double>& weights, const Contiguous<double>& totals,
                             const Contiguous<double>& recalls, const Contiguous<std::int32_t>& image,
                             const Contiguous<std::int64_t>& starts, const Contiguous<std::uint16_t>& hits,
                             const Contiguous<std::uint16_t>& misses, std::int64_t thresholds,
                             bool with_places) {
    require(weights.ndim() == 2 && totals.ndim() == 2, "weights and totals have one row for each question");
    require(starts.size() > 0 && weights.shape(0) == totals.shape(0), "weights and totals have one row for each question");
    const py::ssize_t B = weights.shape(0), K = starts.size() - 1, R = recalls.size(), T = thresholds;
    require(totals.shape(1) == K, "totals have one column a class");
    require(1 <= T && T <= 16, "there are 1 to 16 thresholds");
    require(hits.size() == image.size() && misses.size() == image.size(), "image, hits and misses need equal lengths");
    require(starts.data()[0] >= 0 && starts.data()[K] <= image.size(), "a class starts outside the detections");
    for (py::ssize_t k = 0; k < K; ++k) require(starts.data()[k] <= starts.data()[k + 1], "starts must not fall");
    for (py::ssize_t d = 0; d < image.size(); ++d) {
        require(0 <= image.data()[d] && image.data()[d] < weights.shape(1), "an image without a weight");
    }
    py::array_t<double> precision({B, K, T, R}), recall({B, K, T}), area({B, K, T});
    py::array_t<std::int64_t> places({with_places ? B : 0, K, T, R});
    const auto n = [](py::ssize_t size) { return static_cast<std::size_t>(size); };
    const Job job{n(weights.shape(1)), n(K), n(T), n(R), n(B), weights.data(), totals.data(), recalls.data(),
                  image.data(), starts.data(), hits.data(), misses.data(), precision.mutable_data(),
                  recall.mutable_data(), area.mutable_data(), with_places ? places.mutable_data() : nullptr};
    {
        py::gil_scoped_release released;
        State state;
        state.weights.resize(job.images);
        state.kept.resize(job.thresholds);
        state.right.resize(job.thresholds);
        state.corrections.resize(job.thresholds);
        for (std::size_t row = 0; row < job.rows; row += kLanes) {
            score_rows(job, row, std::min(kLanes, job.rows - row), state);
        }
    }
    return py::make_tuple(precision, recall, area, places);
}

}  // namespace

void add_weighted_precision(py::module_& module) {
    module.def("weighted_precision", &weighted_precision, py::arg("weights"), py::arg("totals"), py::arg("recalls"),
               py::kw_only(), py::arg("image"), py::arg("starts"), py::arg("hits"), py::arg("misses"),
               py::arg("thresholds"), py::arg("with_places") = false,
               "Twin of bench.kernels.reference.weighted_precision.");
}

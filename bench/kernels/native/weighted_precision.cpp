// Precision at given recalls for many rows of weights. Rows go through the detections eight at a time, so that one pass
// over the table serves eight rows. Most detections are wrong at all thresholds: one running sum of weights a class is
// theirs, and all that is done for them. Precision rises only at hits, so only these are kept.
#include "kernels.h"
#include "lanes.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kNone = -std::numeric_limits<double>::infinity();
constexpr double kTiny = std::numeric_limits<double>::epsilon();  // np.spacing(1)

// What happens at a detection that is not wrong at all thresholds: bits of these.
struct Event {
    std::int64_t place;
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

std::size_t bits_set(unsigned bits) { return bits == 0 ? 0 : 1 + bits_set(bits & (bits - 1)); }

unsigned all_thresholds(const Job& job) { return (1u << job.thresholds) - 1; }

unsigned lowest_bit(unsigned bits) {
    unsigned place = 0;
    while (!(bits >> place & 1u)) ++place;
    return place;
}

Event event_of(const Job& job, std::int64_t d) {
    const unsigned all = all_thresholds(job), misses = job.misses[d] & all;
    const bool mostly = 2 * bits_set(misses) > job.thresholds;
    return {d, static_cast<std::uint16_t>(job.hits[d] & all),
            static_cast<std::uint16_t>(mostly ? all & ~misses : misses), mostly ? 1.0 : 0.0, mostly ? -1.0 : 1.0};
}

struct State {
    std::vector<Lanes> weights;             // (N,), of the rows at hand
    std::vector<Event> events;              // of all classes
    std::vector<std::size_t> first_event;   // (K + 1,), where those of a class begin
    std::vector<std::vector<Kept>> kept;    // (T,), the hits of the class at hand
    std::vector<Lanes> right, corrections;  // (T,)
    std::int64_t first[kLanes];             // first detection with weight
};

void find_events(const Job& job, State& state) {
    const unsigned all = all_thresholds(job);
    for (std::size_t k = 0; k < job.classes; ++k) {
        state.first_event.push_back(state.events.size());
        for (std::int64_t d = job.starts[k]; d < job.starts[k + 1]; ++d) {
            const bool wrong = (job.misses[d] & all) == all && (job.hits[d] & all) == 0;
            if (!wrong) state.events.push_back(event_of(job, d));
        }
    }
    state.first_event.push_back(state.events.size());
}

// Add the weights of detections that are wrong at all thresholds.
void add_wrong(const Job& job, std::int64_t from, std::int64_t to, const State& state, Lanes& wrong) {
    Lanes sum = wrong;
    for (std::int64_t d = from; d < to; ++d) {
        sum = sum + state.weights[static_cast<std::size_t>(job.image[d])];
    }
    wrong = sum;
}

void add_hit(const Event& event, unsigned t, const Lanes& weight, const Lanes& wrong, const Lanes& totals,
             State& state) {
    const Lanes right = state.right[t] + weight;
    const Kept kept{right / (wrong + state.corrections[t] + right + all_lanes(kTiny)), right / totals, event.place};
    state.right[t] = right;
    state.kept[t].push_back(kept);
}

// One pass over the detections of a class, for eight rows.
void walk(const Job& job, std::size_t k, const Lanes& totals, State& state) {
    Lanes wrong{};
    for (std::size_t t = 0; t < job.thresholds; ++t) {
        state.right[t] = state.corrections[t] = Lanes{};
        state.kept[t].clear();
    }
    std::fill_n(state.first, kLanes, std::int64_t{-1});
    std::int64_t d = job.starts[k];
    for (std::size_t e = state.first_event[k]; e < state.first_event[k + 1]; ++e) {
        const Event& event = state.events[e];
        add_wrong(job, d, event.place, state, wrong);
        d = event.place + 1;
        const Lanes& weight = state.weights[static_cast<std::size_t>(job.image[event.place])];
        wrong = wrong + weight * all_lanes(event.common);
        for (unsigned bits = event.corrections; bits != 0; bits &= bits - 1) {
            Lanes& sum = state.corrections[lowest_bit(bits)];
            sum = sum + weight * all_lanes(event.corrected);
        }
        for (unsigned bits = event.hits; bits != 0; bits &= bits - 1) {
            add_hit(event, lowest_bit(bits), weight, wrong, totals, state);
        }
    }
}

void find_first(const Job& job, std::size_t k, State& state, std::size_t rows) {
    for (std::size_t l = 0; l < rows; ++l) {
        for (std::int64_t d = job.starts[k]; d < job.starts[k + 1] && state.first[l] < 0; ++d) {
            if (state.weights[static_cast<std::size_t>(job.image[d])][l] > 0) state.first[l] = d;
        }
    }
}

// From the last hit to the first: the highest precision so far goes to the recalls that this hit is first to reach. What
// is left is the recall 0, which the first detection reaches, right or wrong. The eight rows go side by side.
void fill(const Job& job, const State& state, std::size_t t, std::size_t rows, double* const* precision,
          double* const* area, std::int64_t* const* places) {
    const std::vector<Kept>& kept = state.kept[t];
    std::size_t r[kLanes];
    Lanes highest{};
    for (std::size_t l = 0; l < rows; ++l) {
        const double last = kept.empty() ? 0.0 : kept.back().reached[l];
        for (r[l] = job.recalls; r[l] > 0 && job.recall_points[r[l] - 1] > last; --r[l]) {
            precision[l][r[l] - 1] = 0.0;
            if (places[l] != nullptr) places[l][r[l] - 1] = -1;
        }
    }
    Lanes under{}, next = all_lanes(kNone);  // the recall that is to be reached next
    for (std::size_t l = 0; l < rows; ++l) next.set(l, r[l] > 0 ? job.recall_points[r[l] - 1] : kNone);
    for (std::size_t e = kept.size(); e-- > 0;) {
        const Lanes before = e > 0 ? kept[e - 1].reached : Lanes{};
        highest = larger(highest, kept[e].rate);
        under = under + (kept[e].reached - before) * highest;
        if (!any_above(next, before)) continue;
        for (std::size_t l = 0; l < rows; ++l) {
            for (; r[l] > 0 && job.recall_points[r[l] - 1] > before[l]; --r[l]) {
                precision[l][r[l] - 1] = highest[l];
                if (places[l] != nullptr) places[l][r[l] - 1] = kept[e].place;
            }
            next.set(l, r[l] > 0 ? job.recall_points[r[l] - 1] : kNone);
        }
    }
    for (std::size_t l = 0; l < rows; ++l) {
        for (; r[l] > 0; --r[l]) {
            precision[l][r[l] - 1] = highest[l];
            if (places[l] != nullptr) places[l][r[l] - 1] = state.first[l];
        }
        *area[l] = under[l];
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
            job.recall[at] = state.right[t][l] / job.totals[(row + l) * job.classes + k];
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
            state.weights[n].set(l, l < rows ? job.weights[(row + l) * job.images + n] : 0.0);
        }
    }
    for (std::size_t k = 0; k < job.classes; ++k) {
        Lanes totals{};
        for (std::size_t l = 0; l < rows; ++l) totals.set(l, job.totals[(row + l) * job.classes + k]);
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
    require(weights.ndim() == 2 && totals.ndim() == 2, "weights and totals need one row for each resample");
    require(starts.size() > 0 && weights.shape(0) == totals.shape(0), "weights and totals need one row for each resample");
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
        find_events(job, state);
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

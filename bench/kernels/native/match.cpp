// Matching of one group at a time. Few truths overlap a detection enough to be candidates at all, so only these are
// looked at for each area range and threshold, whose flags are bits of one word.
#include "objects.h"

#include <algorithm>
#include <vector>

namespace {

constexpr double kBelowOne = 1 - 1e-10;

struct Rules {
    std::vector<double> thresholds;
    double lowest;
    std::size_t places;           // bits in use: area ranges x thresholds
    std::uint64_t expanded[256];  // bits of area ranges -> bits of all their thresholds
};

Rules rules_of(const Contiguous<double>& thresholds, std::int64_t areas) {
    const auto T = static_cast<std::size_t>(thresholds.size());
    if (T == 0 || areas < 1 || areas > 8 || static_cast<std::size_t>(areas) * T > 64) {
        throw py::value_error("1 to 8 area ranges, and at most 64 pairs of a range and a threshold, are matched at once");
    }
    Rules rules{{}, kBelowOne, static_cast<std::size_t>(areas) * T, {}};
    for (std::size_t t = 0; t < T; ++t) {
        rules.thresholds.push_back(std::min(thresholds.data()[t], kBelowOne));
        rules.lowest = std::min(rules.lowest, rules.thresholds[t]);
    }
    for (std::size_t bits = 0; bits < 256; ++bits) {
        for (std::size_t place = 0; place < rules.places; ++place) {
            if (bits >> (place / T) & 1) rules.expanded[bits] |= std::uint64_t{1} << place;
        }
    }
    return rules;
}

struct Truths {
    const std::uint8_t* ignored;
    const bool* many;
    std::vector<std::uint64_t> taken;
};

struct Candidate {
    std::size_t truth;
    double overlap;
};

struct Result {
    std::uint64_t matched, ignored;
};

// The candidate that a detection takes in one area range at one threshold, or nullptr: those not ignored come first.
const Candidate* take(const std::vector<Candidate>& candidates, const Truths& truths, std::size_t area,
                      std::uint64_t bit, double threshold) {
    for (const unsigned ignored : {0u, 1u}) {
        const Candidate* chosen = nullptr;
        double best = threshold;
        for (const Candidate& c : candidates) {
            if ((truths.ignored[c.truth] >> area & 1u) != ignored) continue;
            if ((truths.taken[c.truth] & bit) && !truths.many[c.truth]) continue;
            if (c.overlap < best) continue;
            best = c.overlap;
            chosen = &c;
        }
        if (chosen != nullptr) return chosen;
    }
    return nullptr;
}

Result match_one(const std::vector<Candidate>& candidates, Truths& truths, const Rules& rules) {
    Result result{0, 0};
    const std::size_t T = rules.thresholds.size();
    for (std::size_t place = 0; place < rules.places; ++place) {
        const std::uint64_t bit = std::uint64_t{1} << place;
        const Candidate* const chosen = take(candidates, truths, place / T, bit, rules.thresholds[place % T]);
        if (chosen == nullptr) continue;
        result.matched |= bit;
        truths.taken[chosen->truth] |= bit;
        if (truths.ignored[chosen->truth] >> (place / T) & 1u) result.ignored |= bit;
    }
    return result;
}

void match_group(const double* overlaps, Span span, Truths& truths, const Rules& rules, const std::uint8_t* outside,
                 Result* results) {
    const auto G = static_cast<std::size_t>(span.g1 - span.g0);
    std::vector<Candidate> candidates;
    truths.taken.assign(G, 0);
    for (std::int64_t d = span.d0; d < span.d1; ++d, overlaps += G, ++results) {
        candidates.clear();
        for (std::size_t g = 0; g < G; ++g) {
            if (!(overlaps[g] < rules.lowest)) candidates.push_back({g, overlaps[g]});
        }
        *results = candidates.empty() ? Result{0, 0} : match_one(candidates, truths, rules);
        results->ignored |= rules.expanded[outside[d]] & ~results->matched;
    }
}

py::tuple match(const Contiguous<double>& overlaps, const Contiguous<std::int64_t>& spans,
                const Contiguous<double>& thresholds, std::int64_t areas, const Contiguous<std::uint8_t>& ignored,
                const Contiguous<std::uint8_t>& outside, const Contiguous<bool>& many) {
    const Span* const groups = spans_of(spans);
    const auto count = static_cast<std::size_t>(spans.shape(0));
    require_spans(groups, count, outside.size(), ignored.size());
    if (many.size() != ignored.size()) throw py::value_error("ignored and many need equal lengths");
    if (static_cast<std::size_t>(overlaps.size()) != pairs_of(groups, count)) {
        throw py::value_error("there is one overlap for each pair of the spans");
    }
    for (std::size_t k = 1; k < count; ++k) {
        if (groups[k].d0 != groups[k - 1].d1) throw py::value_error("the detections of one span follow those of the last");
    }
    const std::int64_t first = count ? groups[0].d0 : 0, total = count ? groups[count - 1].d1 - first : 0;
    py::array_t<std::uint64_t> matched(total), neither(total);
    std::uint64_t *const into = matched.mutable_data(), *const also = neither.mutable_data();
    const Rules rules = rules_of(thresholds, areas);
    {
        py::gil_scoped_release released;
        std::vector<Result> results(static_cast<std::size_t>(total));
        Truths truths{nullptr, nullptr, {}};
        const double* block = overlaps.data();
        for (std::size_t k = 0; k < count; ++k) {
            truths.ignored = ignored.data() + groups[k].g0;
            truths.many = many.data() + groups[k].g0;
            match_group(block, groups[k], truths, rules, outside.data(), results.data() + (groups[k].d0 - first));
            block += groups[k].pairs();
        }
        for (std::size_t i = 0; i < results.size(); ++i) {
            into[i] = results[i].matched;
            also[i] = results[i].ignored;
        }
    }
    return py::make_tuple(matched, neither);
}

}  // namespace

void add_match(py::module_& module) {
    module.def("match", &match, py::arg("overlaps"), py::arg("spans"), py::arg("thresholds"), py::kw_only(),
               py::arg("areas"), py::arg("ignored"), py::arg("outside"), py::arg("many"), "Twin of bench.kernels.reference.match.");
}

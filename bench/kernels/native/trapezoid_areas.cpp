// Areas under curves by the trapezoid rule for many resamples. Eight resamples go through the detections side
// by side. A curve is evaluated only where recall grows: where a detection of this score is a true positive.
#include "kernels.h"
#include "lanes.h"

#include <algorithm>
#include <limits>
#include <vector>

namespace {

struct Job {
    std::size_t images, classes, thresholds, rows;
    const double *weights, *totals;
    const std::int32_t* image;
    const std::int64_t* starts;
    const std::uint16_t *hits, *misses;
    const bool* last;
    double* areas;
};

struct Curve {
    Lanes right, wrong, reached, precision, area;
};

// The precision of each lane; 1 where no detection is shown yet.
void look(Curve& curve) {
    for (std::size_t l = 0; l < kLanes; ++l) {
        const double shown = curve.right[l] + curve.wrong[l];
        curve.precision.set(l, shown == 0 ? 1.0 : curve.right[l] / shown);
    }
}

// Add the trapezoid between the last point of the curve and the present one.
void step(Curve& curve, const Lanes& totals) {
    const Lanes before = curve.precision;
    look(curve);
    for (std::size_t l = 0; l < kLanes; ++l) {
        const double reached = totals[l] > 0 ? curve.right[l] / totals[l] : 0.0;
        const double width = reached - curve.reached[l];
        curve.area.set(l, curve.area[l] + width * (curve.precision[l] + before[l]) / 2);
        curve.reached.set(l, reached);
    }
}

void add(Lanes& sum, const Lanes& weight) { sum = sum + weight; }

// One pass over the detections of a class, for eight rows; those of equal score are one point.
void walk(const Job& job, std::size_t k, const Lanes& totals, const std::vector<Lanes>& weights,
          std::vector<Curve>& curves) {
    std::fill(curves.begin(), curves.end(), Curve{});
    for (std::int64_t d = job.starts[k], end = d; d < job.starts[k + 1]; d = end) {
        unsigned hits = 0;
        for (bool more = true; more && end < job.starts[k + 1]; ++end) {
            hits |= job.hits[end];
            more = !job.last[end];
        }
        for (std::size_t t = 0; t < job.thresholds; ++t) {
            if (hits >> t & 1u) look(curves[t]);
        }
        for (std::int64_t e = d; e < end; ++e) {
            const Lanes& weight = weights[static_cast<std::size_t>(job.image[e])];
            for (std::size_t t = 0; t < job.thresholds; ++t) {
                if (job.hits[e] >> t & 1u) add(curves[t].right, weight);
                if (job.misses[e] >> t & 1u) add(curves[t].wrong, weight);
            }
        }
        for (std::size_t t = 0; t < job.thresholds; ++t) {
            if (hits >> t & 1u) step(curves[t], totals);
        }
    }
}

void score_rows(const Job& job, std::size_t row, std::size_t rows, std::vector<Lanes>& weights,
                std::vector<Curve>& curves) {
    for (std::size_t n = 0; n < job.images; ++n) {
        for (std::size_t l = 0; l < kLanes; ++l) {
            weights[n].set(l, l < rows ? job.weights[(row + l) * job.images + n] : 0.0);
        }
    }
    for (std::size_t k = 0; k < job.classes; ++k) {
        Lanes totals{};
        for (std::size_t l = 0; l < rows; ++l) totals.set(l, job.totals[(row + l) * job.classes + k]);
        walk(job, k, totals, weights, curves);
        for (std::size_t l = 0; l < rows; ++l) {
            double* areas = job.areas + ((row + l) * job.classes + k) * job.thresholds;
            for (std::size_t t = 0; t < job.thresholds; ++t) {
                areas[t] = totals[l] > 0 ? curves[t].area[l] : std::numeric_limits<double>::quiet_NaN();
            }
        }
    }
}

void require(bool condition, const char* message) {
    if (!condition) throw py::value_error(message);
}

py::array_t<double> trapezoid_areas(const Contiguous<double>& weights, const Contiguous<double>& totals,
                                    const Contiguous<std::int32_t>& image, const Contiguous<std::int64_t>& starts,
                                    const Contiguous<std::uint16_t>& hits, const Contiguous<std::uint16_t>& misses,
                                    const Contiguous<bool>& last, std::int64_t thresholds) {
    require(weights.ndim() == 2 && totals.ndim() == 2, "weights and totals need one row for each resample");
    require(starts.size() > 0 && weights.shape(0) == totals.shape(0), "weights and totals need one row for each resample");
    const py::ssize_t B = weights.shape(0), K = starts.size() - 1, D = image.size();
    require(totals.shape(1) == K, "totals have one column a class");
    require(1 <= thresholds && thresholds <= 16, "there are 1 to 16 thresholds");
    require(hits.size() == D && misses.size() == D && last.size() == D, "the columns of detections need equal lengths");
    require(starts.data()[0] >= 0 && starts.data()[K] <= D, "a class starts outside the detections");
    for (py::ssize_t k = 0; k < K; ++k) require(starts.data()[k] <= starts.data()[k + 1], "starts must not fall");
    for (py::ssize_t d = 0; d < D; ++d) {
        require(0 <= image.data()[d] && image.data()[d] < weights.shape(1), "an image without a weight");
    }
    py::array_t<double> areas({B, K, static_cast<py::ssize_t>(thresholds)});
    const auto n = [](py::ssize_t size) { return static_cast<std::size_t>(size); };
    const Job job{n(weights.shape(1)), n(K), static_cast<std::size_t>(thresholds), n(B), weights.data(), totals.data(),
                  image.data(), starts.data(), hits.data(), misses.data(), last.data(), areas.mutable_data()};
    {
        py::gil_scoped_release released;
        std::vector<Lanes> lanes(job.images);
        std::vector<Curve> curves(job.thresholds);
        for (std::size_t row = 0; row < job.rows; row += kLanes) {
            score_rows(job, row, std::min(kLanes, job.rows - row), lanes, curves);
        }
    }
    return areas;
}

}  // namespace

void add_trapezoid_areas(py::module_& module) {
    module.def("trapezoid_areas", &trapezoid_areas, py::arg("weights"), py::arg("totals"), py::kw_only(),
               py::arg("image"), py::arg("starts"), py::arg("hits"), py::arg("misses"), py::arg("last"),
               py::arg("thresholds"), "Twin of bench.kernels.reference.trapezoid_areas.");
}

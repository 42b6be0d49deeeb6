// Objects ordered by image, class and falling score: two stable counting sorts, then one sort inside each group.
#include "kernels.h"

#include <algorithm>
#include <vector>

namespace {

using Keys = Contiguous<std::int32_t>;

void counting_sort(const std::int32_t* keys, const std::vector<std::int64_t>& from, std::vector<std::int64_t>& to) {
    std::int32_t largest = -1;
    for (std::size_t i = 0; i < from.size(); ++i) largest = std::max(largest, keys[i]);
    std::vector<std::int64_t> next(static_cast<std::size_t>(largest) + 2, 0);
    for (std::size_t i = 0; i < from.size(); ++i) ++next[static_cast<std::size_t>(keys[i]) + 1];
    for (std::size_t k = 1; k < next.size(); ++k) next[k] += next[k - 1];
    for (const std::int64_t row : from) to[static_cast<std::size_t>(next[static_cast<std::size_t>(keys[row])]++)] = row;
}

void sort_by_score(std::int64_t* begin, std::int64_t* end, const double* scores) {
    const auto higher = [scores](std::int64_t a, std::int64_t b) { return scores[a] > scores[b]; };
    if (std::is_sorted(begin, end, higher)) return;
    std::stable_sort(begin, end, higher);
}

py::array_t<std::int64_t> order_groups(const Keys& image, const Keys& classes, const py::object& scores) {
    const auto size = static_cast<std::size_t>(image.size());
    const Contiguous<double> values = scores.is_none() ? Contiguous<double>(0) : scores.cast<Contiguous<double>>();
    if (classes.size() != image.size() || (!scores.is_none() && values.size() != image.size())) {
        throw py::value_error("image, classes and scores need equal lengths");
    }
    const std::int32_t *images = image.data(), *kinds = classes.data();
    for (std::size_t i = 0; i < size; ++i) {
        if (images[i] < 0 || kinds[i] < 0) throw py::value_error("images and classes are not negative");
    }
    py::array_t<std::int64_t> result(image.size());
    std::int64_t* const into = result.mutable_data();
    const double* const by = scores.is_none() ? nullptr : values.data();
    {
        py::gil_scoped_release released;
        std::vector<std::int64_t> order(size), sorted(size);
        for (std::size_t i = 0; i < size; ++i) order[i] = static_cast<std::int64_t>(i);
        counting_sort(kinds, order, sorted);
        counting_sort(images, sorted, order);
        for (std::size_t start = 0; by != nullptr && start < size;) {
            std::size_t end = start + 1;
            while (end < size && images[order[end]] == images[order[start]] && kinds[order[end]] == kinds[order[start]]) ++end;
            sort_by_score(order.data() + start, order.data() + end, by);
            start = end;
        }
        std::copy(order.begin(), order.end(), into);
    }
    return result;
}

}  // namespace

void add_order_groups(py::module_& module) {
    module.def("order_groups", &order_groups, py::arg("image"), py::arg("classes"), py::arg("scores") = py::none(),
               "Twin of bench.kernels.reference.order_groups.");
}

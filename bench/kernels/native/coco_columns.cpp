// COCO's truth and results as columns, in one pass over the text and without an object for any entry. What is unusual in a
// file, right or wrong, gives None: bench/formats/coco/columns.py then reads it with Python, whose errors name the fault.
#include "coco_entries.h"
#include "kernels.h"
#include "polygon_runs.h"

#include <memory>
#include <unordered_map>
#include <utility>

namespace {

using namespace coco;

void add_runs(const std::vector<std::uint32_t>& lengths, Size size, Columns* columns) {
    columns->lengths.insert(columns->lengths.end(), lengths.begin(), lengths.end());
    columns->offsets.push_back(static_cast<std::int64_t>(columns->lengths.size()));
    columns->heights.push_back(static_cast<std::int32_t>(size.height));
    columns->widths.push_back(static_cast<std::int32_t>(size.width));
}

void read_results(JsonReader json, Columns* columns) {
    Mask mask;
    json.list([&] {
        read_entry(json, false, columns, &mask);
        if (!columns->with_masks) return;
        // Polygons in results are drawn in images that only the truth lists.
        if (mask.kind != Mask::runs) throw Unusual();
        add_runs(mask.lengths, mask.size, columns);
    });
    json.end();
}

// What is kept of the masks of a truth file until all images are known.
struct Drawings {
    std::vector<double> points;
    std::vector<std::size_t> ends;                  // of polygons, in numbers
    std::vector<std::size_t> polygons;              // of annotations, in polygons: how many each has; 0 for runs
    std::vector<std::uint32_t> lengths;             // of annotations that have runs
    std::vector<std::pair<std::size_t, Size>> runs; // how many, and their size
};

struct Truth {
    Columns columns;
    Drawings drawings;
    std::unordered_map<std::int64_t, Size> images;
    std::size_t images_at = 0, images_end = 0, categories_at = 0, categories_end = 0;
};

void keep(const Mask& mask, Drawings* kept) {
    if (mask.kind == Mask::runs) {
        kept->polygons.push_back(0);
        kept->lengths.insert(kept->lengths.end(), mask.lengths.begin(), mask.lengths.end());
        kept->runs.emplace_back(mask.lengths.size(), mask.size);
        return;
    }
    kept->polygons.push_back(mask.ends.size());
    const std::size_t start = kept->points.size();
    kept->points.insert(kept->points.end(), mask.points.begin(), mask.points.end());
    for (const std::size_t end : mask.ends) kept->ends.push_back(start + end);
}

void read_image(JsonReader& json, Truth* truth) {
    std::int64_t id = 0, height = 0, width = 0;
    unsigned seen = 0;
    json.object([&](std::string_view key) {
        const unsigned bit = key == "id" ? 1 : key == "height" ? 2 : key == "width" ? 4 : 0;
        if (bit == 0) return json.skip();
        if (seen & bit) throw Unusual();
        seen |= bit;
        (bit == 1 ? id : bit == 2 ? height : width) = json.integer();
    });
    if (seen != 7 || !truth->images.emplace(id, checked({height, width})).second) throw Unusual();
}

void read_truth(const char* data, std::size_t size, Truth* truth) {
    JsonReader json(data, size);
    unsigned seen = 0;
    json.object([&](std::string_view key) {
        const unsigned bit = key == "images" ? 1 : key == "annotations" ? 2 : key == "categories" ? 4 : 0;
        if (bit == 0) return json.skip();
        if (seen & bit) throw Unusual();
        seen |= bit;
        const auto start = static_cast<std::size_t>(json.position() - data);
        if (bit == 2) {
            Mask mask;
            json.list([&] {
                read_entry(json, true, &truth->columns, &mask);
                if (truth->columns.with_masks) keep(mask, &truth->drawings);
            });
        } else if (bit == 1) {
            json.list([&] { read_image(json, truth); });
            truth->images_at = start;
            truth->images_end = static_cast<std::size_t>(json.position() - data);
        } else {
            json.skip();
            truth->categories_at = start;
            truth->categories_end = static_cast<std::size_t>(json.position() - data);
        }
    });
    json.end();
    if (seen != 7) throw Unusual();
}

// Draws every polygon, now that the sizes of all images are known.
void draw(Truth* truth) {
    const Drawings& kept = truth->drawings;
    Columns& columns = truth->columns;
    PolygonRuns brush;
    std::vector<std::uint32_t> drawn, sum, next;
    std::size_t polygon = 0, run = 0, run_at = 0;
    for (std::size_t k = 0; k < columns.image_ids.size(); ++k) {
        const auto found = truth->images.find(columns.image_ids[k]);
        if (found == truth->images.end()) throw Unusual();
        if (!columns.with_masks) continue;
        const Size size = found->second;
        drawn.clear();
        if (kept.polygons[k] == 0) {
            const auto [count, own] = kept.runs[run++];
            if (!(own == size)) throw Unusual();
            const auto first = kept.lengths.begin() + static_cast<std::ptrdiff_t>(run_at);
            drawn.assign(first, first + static_cast<std::ptrdiff_t>(count));
            run_at += count;
        }
        for (std::size_t p = 0; p < kept.polygons[k]; ++p, ++polygon) {
            const std::size_t from = polygon == 0 ? 0 : kept.ends[polygon - 1], count = (kept.ends[polygon] - from) / 2;
            if (too_far(kept.points.data() + from, count, size)) throw Unusual();
            next.clear();
            brush.draw(kept.points.data() + from, count, size.height, size.width, &next);
            if (p == 0) {
                drawn.swap(next);
            } else {
                unite(drawn, next, &sum);
                drawn.swap(sum);
            }
        }
        add_runs(drawn, size, &columns);
    }
}

// An array that owns the vector.
template <typename T>
py::array give(std::vector<T>&& values, std::vector<py::ssize_t> shape = {}) {
    auto kept = std::make_unique<std::vector<T>>(std::move(values));
    if (shape.empty()) shape = {static_cast<py::ssize_t>(kept->size())};
    T* const data = kept->data();
    const py::capsule owner(kept.release(), [](void* vector) { delete static_cast<std::vector<T>*>(vector); });
    return py::array_t<T>(std::move(shape), data, owner);
}

void give_common(Columns& columns, py::dict* into) {
    const auto count = static_cast<py::ssize_t>(columns.image_ids.size());
    (*into)["boxes"] = give(std::move(columns.boxes), {count, 4});
    (*into)["image_id"] = give(std::move(columns.image_ids));
    (*into)["category_id"] = give(std::move(columns.categories));
    if (!columns.with_masks) return;
    (*into)["offsets"] = give(std::move(columns.offsets));
    (*into)["lengths"] = give(std::move(columns.lengths));
    (*into)["heights"] = give(std::move(columns.heights));
    (*into)["widths"] = give(std::move(columns.widths));
}

// Runs `work` without the GIL; false where it met something unusual, a mask that needs too much memory among it.
template <typename Work>
bool usual(Work work) {
    py::gil_scoped_release released;
    try {
        work();
    } catch (const Unusual&) {
        return false;
    }
    return true;
}

// A function that gives the arrays of what was read. Until it is called NumPy need not be loaded, which takes longer than
// to read a small file; it is called once.
template <typename Read, typename Arrays>
py::object later(std::shared_ptr<Read> read, Arrays arrays) {
    return py::cpp_function([read, arrays]() mutable {
        if (!read) throw py::value_error("the columns of a file are given once");
        py::dict result = arrays(*read);
        read.reset();
        return result;
    });
}

py::object read_coco_results(const py::bytes& data, bool with_masks) {
    const auto columns = std::make_shared<Columns>();
    columns->with_masks = with_masks;
    const std::string_view text(data);
    const bool done = usual([&] {
        if (with_masks) columns->lengths.reserve(text.size() / 2);
        read_results(JsonReader(text.data(), text.size()), columns.get());
    });
    if (!done) return py::none();
    return later(columns, [](Columns& read) {
        py::dict result;
        result["scores"] = give(std::move(read.scores));
        result["names_pictures"] = read.names_pictures;
        give_common(read, &result);
        return result;
    });
}

py::object read_coco_truth(const py::bytes& data, bool with_masks) {
    const auto truth = std::make_shared<Truth>();
    truth->columns.with_masks = with_masks;
    const std::string_view text(data);
    const bool done = usual([&] {
        read_truth(text.data(), text.size(), truth.get());
        draw(truth.get());
    });
    if (!done) return py::none();
    return later(truth, [](Truth& read) {
        py::dict result;
        result["areas"] = give(std::move(read.columns.areas));
        result["crowd"] = give(std::move(read.columns.crowd));
        result["numbers"] = give(std::move(read.columns.ids));
        result["marks"] = give(std::move(read.columns.marks));
        give_common(read.columns, &result);
        result["images"] = py::make_tuple(read.images_at, read.images_end);
        result["categories"] = py::make_tuple(read.categories_at, read.categories_end);
        return result;
    });
}

// One polygon as runs, for the test that holds the rule against pycocotools.
py::array polygon_runs(const Contiguous<double>& points, std::int64_t height, std::int64_t width) {
    if (points.size() < 6 || points.size() % 2 != 0) throw py::value_error("a polygon has at least three points");
    if (height < 1 || width < 1 || height > kMostPixels / width) throw py::value_error("an image has 1 to 2^28 pixels");
    for (py::ssize_t k = 0; k < points.size(); ++k) {
        const double value = points.data()[k];
        if (!(value < kFarAway && value > -kFarAway)) throw py::value_error("a coordinate is too far away");
    }
    std::vector<std::uint32_t> lengths;
    PolygonRuns().draw(points.data(), static_cast<std::size_t>(points.size()) / 2, height, width, &lengths);
    return give(std::move(lengths));
}

}  // namespace

void add_coco_columns(py::module_& module) {
    module.def("read_coco_results", &read_coco_results, py::arg("data"), py::arg("with_masks"),
               "Reads a results file: a function that gives its columns, or None where something is unusual.");
    module.def("read_coco_truth", &read_coco_truth, py::arg("data"), py::arg("with_masks"),
               "Reads a truth file: a function that gives its columns, or None where something is unusual.");
    module.def("polygon_runs", &polygon_runs, py::arg("points"), py::arg("height"), py::arg("width"),
               "The runs of one polygon, by the rule of pycocotools.");
}

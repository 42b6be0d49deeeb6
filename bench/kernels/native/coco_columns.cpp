// COCO's truth and results as columns, in one pass over the text and without an object for any entry. What is unusual in a
// file, right or wrong, gives None: bench/formats/coco_columns.py then reads it the slow way, which knows what to say.
#include "json_reader.h"
#include "kernels.h"
#include "polygon_runs.h"

#include <limits>
#include <memory>
#include <unordered_map>
#include <utility>

namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kFarAway = 1e7;         // coordinates beyond this do not fit the integers of the rule for polygons
constexpr std::int64_t kMostPixels = 1 << 28;

struct Size {
    std::int64_t height, width;
    bool operator==(const Size& other) const { return height == other.height && width == other.width; }
    std::int64_t pixels() const { return height * width; }
};

Size checked(Size size) {
    if (size.height < 1 || size.width < 1 || size.height > kMostPixels / size.width) throw Unusual();
    return size;
}

struct Columns {
    bool with_masks = false;
    std::vector<std::int64_t> image_ids, categories;
    std::vector<double> scores, areas, boxes;
    std::vector<std::uint8_t> crowd;
    std::vector<std::int64_t> offsets{0};
    std::vector<std::uint32_t> lengths;
    std::vector<std::int32_t> heights, widths;
};

// A mask as the file has it: runs with their size, or polygons, whose image may be listed later.
struct Mask {
    enum { none, runs, polygons } kind = none;
    Size size{0, 0};
    std::vector<std::uint32_t> lengths;
    std::vector<double> points;
    std::vector<std::size_t> ends;  // of each polygon, in numbers
};

void read_code(JsonReader& json, std::vector<std::uint32_t>* lengths) {
    json.expect('"');
    std::int64_t before[2] = {0, 0};
    for (std::size_t place = 0;; ++place) {
        int c = json.next_in_text();
        if (c < 0) return;
        std::int64_t value = 0;
        for (int k = 0;; ++k) {
            const int digit = c - 48;
            if (digit < 0 || digit > 63 || k >= 7) throw Unusual();
            value |= static_cast<std::int64_t>(digit & 31) << (5 * k);
            if ((digit & 32) == 0) {
                if (digit & 16) value -= std::int64_t{1} << (5 * (k + 1));
                break;
            }
            c = json.next_in_text();
        }
        if (place > 2) value += before[place % 2];
        before[place % 2] = value;
        if (value < 0 || value > kMostPixels) throw Unusual();
        lengths->push_back(static_cast<std::uint32_t>(value));
    }
}

void read_runs(JsonReader& json, Mask* mask) {
    bool sized = false, counted = false;
    json.object([&](std::string_view key) {
        if (key == "size" && !sized) {
            std::int64_t sides[2];
            std::size_t k = 0;
            json.list([&] {
                if (k == 2) throw Unusual();
                sides[k++] = json.integer();
            });
            if (k != 2) throw Unusual();
            mask->size = checked({sides[0], sides[1]});
            sized = true;
        } else if (key == "counts" && !counted) {
            counted = true;
            if (json.peek() == '"') return read_code(json, &mask->lengths);
            json.list([&] {
                const std::int64_t length = json.integer();
                if (length < 0 || length > kMostPixels) throw Unusual();
                mask->lengths.push_back(static_cast<std::uint32_t>(length));
            });
        } else if (key == "size" || key == "counts") {
            throw Unusual();
        } else {
            json.skip();
        }
    });
    std::int64_t total = 0;
    for (const std::uint32_t length : mask->lengths) total += length;
    if (!sized || !counted || total != mask->size.pixels()) throw Unusual();
    mask->kind = Mask::runs;
}

void read_polygons(JsonReader& json, Mask* mask) {
    json.list([&] {
        const std::size_t start = mask->points.size();
        json.list([&] {
            const double value = json.number();
            if (!(value < kFarAway && value > -kFarAway)) throw Unusual();
            mask->points.push_back(value);
        });
        const std::size_t count = mask->points.size() - start;
        if (count < 6 || count % 2 != 0) throw Unusual();
        mask->ends.push_back(mask->points.size());
    });
    if (!mask->ends.empty()) mask->kind = Mask::polygons;
}

void read_mask(JsonReader& json, Mask* mask) {
    mask->kind = Mask::none;
    mask->lengths.clear();
    mask->points.clear();
    mask->ends.clear();
    if (json.null()) return;
    if (json.peek() == '{') return read_runs(json, mask);
    read_polygons(json, mask);
}

bool read_box(JsonReader& json, double* box) {
    if (json.null()) return false;
    int k = 0;
    json.list([&] {
        if (k == 4) throw Unusual();
        box[k++] = json.number();
    });
    if (k != 4) throw Unusual();
    return true;
}

enum Key : unsigned { kImage = 1, kCategory = 2, kScore = 4, kBox = 8, kArea = 16, kCrowd = 32, kMask = 64 };

Key key_of(std::string_view key) {
    if (key == "image_id") return kImage;
    if (key == "category_id") return kCategory;
    if (key == "score") return kScore;
    if (key == "bbox") return kBox;
    if (key == "area") return kArea;
    if (key == "iscrowd") return kCrowd;
    if (key == "segmentation") return kMask;
    return static_cast<Key>(0);
}

// Reads one annotation or result into the columns; returns whether it has a box.
bool read_entry(JsonReader& json, bool truth, Columns* columns, Mask* mask) {
    unsigned seen = 0;
    std::int64_t image = 0, category = 0;
    double score = 0, area = kMissing, box[4] = {kMissing, kMissing, kMissing, kMissing};
    bool crowd = false, boxed = false;
    mask->kind = Mask::none;
    json.object([&](std::string_view name) {
        const Key key = key_of(name);
        const bool wanted = truth ? key != kScore : key != kArea && key != kCrowd;
        if (key == 0 || !wanted || (key == kMask && !columns->with_masks)) return json.skip();
        if (seen & key) throw Unusual();
        seen |= key;
        switch (key) {
            case kImage: image = json.integer(); break;
            case kCategory: category = json.integer(); break;
            case kScore: score = json.number(); break;
            case kBox: boxed = read_box(json, box); break;
            case kArea: area = json.null() ? kMissing : json.number(); break;
            case kCrowd: crowd = json.flag(); break;
            case kMask: read_mask(json, mask); break;
        }
    });
    const unsigned needed = kImage | kCategory | (truth ? 0u : unsigned{kScore});
    if ((seen & needed) != needed || (columns->with_masks ? mask->kind == Mask::none : !boxed)) throw Unusual();
    columns->image_ids.push_back(image);
    columns->categories.push_back(category);
    columns->boxes.insert(columns->boxes.end(), box, box + 4);
    if (truth) {
        columns->areas.push_back(area);
        columns->crowd.push_back(crowd);
    } else {
        columns->scores.push_back(score);
    }
    return boxed;
}

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
            const std::size_t from = polygon == 0 ? 0 : kept.ends[polygon - 1];
            next.clear();
            brush.draw(kept.points.data() + from, (kept.ends[polygon] - from) / 2, size.height, size.width, &next);
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

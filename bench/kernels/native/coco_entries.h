// One annotation or result of a COCO file, read into columns: its keys, box and mask, which is a code, runs or polygons.
#pragma once

#include "json_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace coco {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr double kFarAway = 1e7;         // coordinates beyond this do not fit the integers of the rule for polygons
constexpr std::int64_t kMostPixels = 1 << 28;
constexpr double kFarSides = 100;        // as FAR_SIDES and LONGEST of bench/masks.py: who goes beyond is told there
constexpr double kLongest = 1e7;
constexpr std::uint8_t kFromBox = 1, kPartLeftOut = 2;  // as in bench/samples/columns.py

struct Size {
    std::int64_t height, width;
    bool operator==(const Size& other) const { return height == other.height && width == other.width; }
    std::int64_t pixels() const { return height * width; }
};

inline Size checked(Size size) {
    if (size.height < 1 || size.width < 1 || size.height > kMostPixels / size.width) throw Unusual();
    return size;
}

struct Columns {
    bool with_masks = false;
    bool names_pictures = false;  // whether any entry has a file_name beside its id
    std::vector<std::int64_t> image_ids, categories, ids;
    std::vector<double> scores, areas, boxes;
    std::vector<std::uint8_t> crowd, marks;
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
    std::uint8_t marks = 0;
};

inline void read_code(JsonReader& json, std::vector<std::uint32_t>* lengths) {
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

inline void read_runs(JsonReader& json, Mask* mask) {
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

inline void read_polygons(JsonReader& json, Mask* mask) {
    json.list([&] {
        const std::size_t start = mask->points.size();
        json.list([&] {
            const double value = json.number();
            if (!(value < kFarAway && value > -kFarAway)) throw Unusual();
            mask->points.push_back(value);
        });
        const std::size_t count = mask->points.size() - start;
        // pycocotools draws nothing of less than three points, and leaves a number without its partner out.
        if (count < 6) mask->points.resize(start);
        else if (count % 2 != 0) mask->points.pop_back();
        if (count < 6 || count % 2 != 0) mask->marks |= kPartLeftOut;
        if (count >= 6) mask->ends.push_back(mask->points.size());
    });
    if (mask->ends.empty() && mask->marks != 0) throw Unusual();
    if (!mask->ends.empty()) mask->kind = Mask::polygons;
}

// Whether a polygon reaches so far, or is so long, that it is refused.
inline bool too_far(const double* xy, std::size_t count, Size size) {
    const double most = kFarSides * static_cast<double>(std::max(size.height, size.width));
    double length = 0;
    for (std::size_t k = 0; k < 2 * count; k += 2) {
        const double* const next = xy + (k + 2 == 2 * count ? 0 : k + 2);
        if (std::abs(xy[k]) > most || std::abs(xy[k + 1]) > most) return true;
        length += std::max(std::abs(next[0] - xy[k]), std::abs(next[1] - xy[k + 1]));
    }
    return length > kLongest;
}

// The outline of a box, for an object that has no mask.
inline void outline(const double* box, Mask* mask) {
    const double x = box[0], y = box[1], right = x + box[2], bottom = y + box[3];
    for (const double value : {x, y, right, bottom}) {
        if (!(value < kFarAway && value > -kFarAway)) throw Unusual();
    }
    mask->points = {x, y, x, bottom, right, bottom, right, y};
    mask->ends = {8};
    mask->kind = Mask::polygons;
    mask->marks |= kFromBox;
}

inline void read_mask(JsonReader& json, Mask* mask) {
    mask->kind = Mask::none;
    mask->lengths.clear();
    mask->points.clear();
    mask->ends.clear();
    mask->marks = 0;
    if (json.null()) return;
    if (json.peek() == '{') return read_runs(json, mask);
    read_polygons(json, mask);
}

inline bool read_box(JsonReader& json, double* box) {
    if (json.null()) return false;
    int k = 0;
    json.list([&] {
        if (k == 4) throw Unusual();
        box[k++] = json.number();
    });
    if (k != 4) throw Unusual();
    return true;
}

enum Key : unsigned { kImage = 1, kCategory = 2, kScore = 4, kBox = 8, kArea = 16, kCrowd = 32, kMask = 64, kId = 128 };

inline Key key_of(std::string_view key) {
    if (key == "image_id") return kImage;
    if (key == "category_id") return kCategory;
    if (key == "score") return kScore;
    if (key == "bbox") return kBox;
    if (key == "area") return kArea;
    if (key == "iscrowd") return kCrowd;
    if (key == "segmentation") return kMask;
    if (key == "id") return kId;
    return static_cast<Key>(0);
}

// Reads one annotation or result into the columns; returns whether it has a box.
inline bool read_entry(JsonReader& json, bool truth, Columns* columns, Mask* mask) {
    unsigned seen = 0;
    std::int64_t image = 0, category = 0, id = static_cast<std::int64_t>(columns->image_ids.size());
    double score = 0, area = kMissing, box[4] = {kMissing, kMissing, kMissing, kMissing};
    bool crowd = false, boxed = false;
    mask->kind = Mask::none;
    mask->marks = 0;
    json.object([&](std::string_view name) {
        const Key key = key_of(name);
        const bool wanted = truth ? key != kScore : key != kArea && key != kCrowd && key != kId;
        if (key == 0 && name == "file_name") columns->names_pictures = true;
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
            case kId:
                // An id that is a text says nothing here: the place stands for it.
                if (json.peek() == '"' || json.peek() == 'n') return json.skip();
                id = json.integer();
                break;
        }
    });
    const unsigned needed = kImage | kCategory | (truth ? 0u : unsigned{kScore});
    if ((seen & needed) != needed || (!boxed && !(columns->with_masks && mask->kind != Mask::none))) throw Unusual();
    if (columns->with_masks && mask->kind == Mask::none) {
        if (!truth) throw Unusual();
        outline(box, mask);
    }
    columns->image_ids.push_back(image);
    columns->categories.push_back(category);
    columns->boxes.insert(columns->boxes.end(), box, box + 4);
    if (truth) {
        columns->areas.push_back(area);
        columns->crowd.push_back(crowd);
        columns->ids.push_back(id);
        columns->marks.push_back(mask->marks);
    } else {
        columns->scores.push_back(score);
    }
    return boxed;
}

}  // namespace coco

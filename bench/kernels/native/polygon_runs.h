// Polygons as runs by the rule of pycocotools (rleFrPoly): the outline is drawn five times as fine, and a column of pixels
// changes where the outline crosses its middle. Only those crossings are computed here, not every point of the outline.
#pragma once

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdint>
#include <vector>

class PolygonRuns {
  public:
    // The runs of one polygon of `count` points, appended to `lengths`: column by column, outside first.
    void draw(const double* xy, std::size_t count, std::int64_t height, std::int64_t width, std::vector<std::uint32_t>* lengths) {
        height_ = height;
        width_ = width;
        crossings_.clear();
        first_ = true;
        for (std::size_t k = 0; k < count; ++k) {
            const double* const next = xy + 2 * (k + 1 == count ? 0 : k + 1);
            edge(fine(xy[2 * k]), fine(xy[2 * k + 1]), fine(next[0]), fine(next[1]));
        }
        std::sort(crossings_.begin(), crossings_.end());
        crossings_.push_back(static_cast<std::uint32_t>(height * width));
        std::uint32_t before = 0;
        const std::size_t start = lengths->size();
        for (std::size_t k = 0; k < crossings_.size(); ++k) {
            const std::uint32_t length = crossings_[k] - before;
            before = crossings_[k];
            if (length > 0 || k == 0) {
                lengths->push_back(length);
            } else if (++k < crossings_.size()) {
                lengths->back() += crossings_[k] - before;
                before = crossings_[k];
            }
        }
        if (lengths->size() == start) lengths->push_back(0);
    }

  private:
    static int fine(double value) { return static_cast<int>(5.0 * value + .5); }

    // The outline goes on to the point (u, v); where that enters or leaves the middle of a column, it crosses it.
    void step(int u, int v) {
        if (!first_ && u != u_) cross(u < u_ ? u : u - 1, std::min(v, v_));
        first_ = false;
        u_ = u;
        v_ = v;
    }

    void cross(int u, int v) {
        if (u < 2 || (u - 2) % 5 != 0 || (u - 2) / 5 > width_ - 1) return;
        const std::int64_t row = v <= 2 ? 0 : std::min<std::int64_t>(height_, (static_cast<std::int64_t>(v) + 2) / 5);
        crossings_.push_back(static_cast<std::uint32_t>((u - 2) / 5 * height_ + row));
    }

    void edge(int xs, int ys, int xe, int ye) {
        const int dx = std::abs(xe - xs), dy = std::abs(ye - ys);
        if (dx == 0 && dy == 0) return step(xs, INT_MIN);  // 0 / 0 as an integer, on x86
        const bool flip = dx >= dy ? xs > xe : ys > ye;
        if (flip) {
            std::swap(xs, xe);
            std::swap(ys, ye);
        }
        if (dx >= dy) {
            flat(xs, ys, static_cast<double>(ye - ys) / dx, dx, flip);
        } else {
            const double slope = static_cast<double>(xe - xs) / dy;
            for (int d = 0; d <= dy; ++d) {
                const int t = flip ? dy - d : d;
                step(static_cast<int>(xs + slope * t + .5), t + ys);
            }
        }
    }

    // An edge with a point in every fine column: only the columns next to the middle of a pixel matter.
    void flat(int xs, int ys, double slope, int dx, bool flip) {
        const auto row = [&](int t) { return static_cast<int>(ys + slope * t + .5); };
        step(flip ? xs + dx : xs, row(flip ? dx : 0));
        const int start = xs < 2 ? 2 : xs + (7 - xs % 5) % 5;
        const std::int64_t stop = std::min<std::int64_t>(std::int64_t{xs} + dx, 5 * width_);
        for (std::int64_t u = start; u < stop; u += 5) {
            const int t = static_cast<int>(u - xs);
            cross(static_cast<int>(u), std::min(row(t), row(t + 1)));
        }
        u_ = flip ? xs : xs + dx;
        v_ = row(flip ? 0 : dx);
    }

    std::vector<std::uint32_t> crossings_;
    std::int64_t height_ = 0, width_ = 0;
    int u_ = 0, v_ = 0;
    bool first_ = true;
};

// The union of two masks given as runs; runs of no length are left out but for the first.
inline void unite(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b, std::vector<std::uint32_t>* result) {
    result->clear();
    std::size_t i = 0, j = 0;
    std::uint32_t left_a = a.empty() ? 0 : a[0], left_b = b.empty() ? 0 : b[0], length = 0;
    bool in_a = false, in_b = false, inside = false;
    while (i < a.size() && j < b.size()) {
        if ((in_a || in_b) != inside) {
            result->push_back(length);
            length = 0;
            inside = !inside;
        }
        const std::uint32_t both = std::min(left_a, left_b);
        length += both;
        left_a -= both;
        left_b -= both;
        while (left_a == 0 && ++i < a.size()) left_a = a[i], in_a = !in_a;
        while (left_b == 0 && ++j < b.size()) left_b = b[j], in_b = !in_b;
    }
    result->push_back(length);
}

// Filtered rows of a PNG, straight to runs of equal pixels: no pixel is ever written. A filtered byte of zero continues the
// pixel on the left or copies the one above, so that in label maps, which are flat, only the few pixels that are not zero, and
// the ends of the runs above, need a look.
#pragma once

#include "filters.h"

#include <vector>

using Color = std::uint64_t;  // the bytes of a pixel, the first in the lowest bits

struct Run {
    std::size_t end;  // the pixel after the last one
    Color color;
};

template <std::size_t Bpp>
Color pixel(const Byte* bytes) {
    Color color = 0;
    for (std::size_t k = 0; k < Bpp; ++k) color |= Color{bytes[k]} << 8 * k;
    return color;
}

template <std::size_t Bpp>
class FilteredRuns {
public:
    // All filter types must be known, as `known_rows` makes sure.
    FilteredRuns(const Byte* filtered, std::size_t width) : source_(filtered), width_(width) {
        row_.push_back({width, 0});  // above the first row all is zero
    }

    const std::vector<Run>& runs() const { return row_; }

    // The filtered rows that are still to come.
    const Byte* rest() const { return source_; }

    // Writes the pixels of the row.
    void write(Byte* row) const {
        std::size_t x = 0;
        for (const Run& run : row_) {
            for (; x < run.end; ++x) {
                for (std::size_t k = 0; k < Bpp; ++k) row[Bpp * x + k] = static_cast<Byte>(run.color >> 8 * k);
            }
        }
    }

    // Goes on to the next row.
    void next() {
        const Byte kind = *source_++;
        above_.swap(row_);
        row_.clear();
        if (kind == 0) read<0>();
        if (kind == 1) read<1>();
        if (kind == 2) read<2>();
        if (kind == 3) read<3>();
        if (kind == 4) read<4>();
        source_ += Bpp * width_;
    }

private:
    template <int Kind>
    void read() {
        const Run* above = above_.data();
        Color left = 0, up_left = 0;
        for (std::size_t x = 0, changed = 0; x < width_;) {
            while (above->end <= x) ++above;
            if (changed <= x) changed = Kind == 0 ? x : first_change(x);
            const Color up = above->color;
            std::size_t end = x + 1;
            Color color;
            if (changed == x) {
                color = add(pixel<Bpp>(source_ + Bpp * x), predicted<Kind>(left, up, up_left));
                if (Kind == 0) end = same_until(x);
            } else if (Kind == 1) {
                color = left;
                end = changed;
            } else {
                // Paeth takes the left pixel where the two above are equal, and the one above where the two on the left are:
                // either way the rest of the run above continues what it began.
                const bool flat = Kind == 2 || (Kind == 3 && left == up) || (Kind == 4 && (up == up_left || left == up_left));
                color = Kind == 2 ? up : predicted<Kind>(left, up, up_left);
                if (flat) end = std::min(changed, above->end);
            }
            if (!row_.empty() && row_.back().color == color) {
                row_.back().end = end;
            } else {
                row_.push_back({end, color});
            }
            left = color;
            up_left = up;  // of Sub, which goes further than the run above, nobody asks it
            x = end;
        }
    }

    // The first pixel from x on with a filtered byte that is not zero, or the width.
    std::size_t first_change(std::size_t x) const {
        const std::size_t size = Bpp * width_;
        std::size_t i = Bpp * x;
        for (; i + 32 <= size; i += 32) {
            const Byte* const at = source_ + i;
            if ((load_word(at) | load_word(at + 8) | load_word(at + 16) | load_word(at + 24)) != 0) break;
        }
        while (i + 8 <= size && load_word(source_ + i) == 0) i += 8;
        while (i < size && source_[i] == 0) ++i;
        return i / Bpp;
    }

    // Where the run of unfiltered pixels ends that begins at x.
    std::size_t same_until(std::size_t x) const {
        const Byte* const first = source_ + Bpp * x;
        while (++x < width_ && std::memcmp(source_ + Bpp * x, first, Bpp) == 0) {}
        return x;
    }

    // Sums of bytes, none of which reaches the next one.
    static Color add(Color first, Color second) {
        constexpr Color low = 0x7F7F7F7F7F7F7F7F;
        return ((first & low) + (second & low)) ^ ((first ^ second) & ~low);
    }

    template <int Kind>
    static Color predicted(Color left, Color up, Color up_left) {
        if (Kind == 0) return 0;
        if (Kind == 1) return left;
        if (Kind == 2) return up;
        if (Kind == 3) return (left & up) + (((left ^ up) >> 1) & 0x7F7F7F7F7F7F7F7F);
        if (up == up_left) return left;
        if (left == up_left) return up;
        Color color = 0;
        for (std::size_t shift = 0; shift < 8 * Bpp; shift += 8) {
            const auto byte = [shift](Color from) { return static_cast<int>(from >> shift & 0xFF); };
            color |= Color{Filters<Bpp>::predict(byte(left), byte(up), byte(up_left))} << shift;
        }
        return color;
    }

    const Byte* source_;
    std::size_t width_;
    std::vector<Run> above_, row_;
};

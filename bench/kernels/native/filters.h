// The row filters of PNG, undone. Label maps are flat, so most filtered bytes are zero: they are read a group of whole
// words at a time (8 bytes, or 24 where a pixel has 3 or 6), and a group of zeros that continues its left neighbour or
// copies the row above is written at once. Everything else goes byte by byte.
#pragma once

#include "kernels.h"

#include <algorithm>
#include <cstdlib>

using Byte = std::uint8_t;

// Writes a pixel of Bpp bytes over and over, into 8 bytes, or into 24 where it has 3 or 6. By words: single bytes that are read
// as words at once make the processor wait.
template <std::size_t Bpp>
void repeat_pixel(Byte* pattern, const Byte* pixel) {
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if constexpr (Bpp == 3) {
        const std::uint64_t color = pixel[0] | pixel[1] << 8 | pixel[2] << 16;
        store_word(pattern, color | color << 24 | color << 48);
        store_word(pattern + 8, color >> 16 | color << 8 | color << 32 | color << 56);
        store_word(pattern + 16, color >> 8 | color << 16 | color << 40);
        return;
    } else if constexpr (Bpp == 1) {
        store_word(pattern, repeat(*pixel));
        return;
    } else if constexpr (Bpp == 2) {
        std::uint16_t value;
        std::memcpy(&value, pixel, sizeof value);
        store_word(pattern, repeat(value));
        return;
    }
#endif
    for (std::size_t k = 0; k < (Bpp % 3 == 0 ? 24 : 8); ++k) pattern[k] = pixel[k % Bpp];
}

// Bpp bytes a pixel; kGroup is the least number of bytes that holds whole pixels and whole words.
template <std::size_t Bpp>
struct Filters {
    static constexpr std::size_t kGroup = Bpp % 3 == 0 ? 24 : 8;

    static bool all_zero(const Byte* bytes) {
        std::uint64_t any = 0;
        for (std::size_t k = 0; k < kGroup; k += 8) any |= load_word(bytes + k);
        return any == 0;
    }

    static bool equal(const Byte* bytes, const Byte* others) { return std::memcmp(bytes, others, kGroup) == 0; }

    static void fill(Byte* pattern, const Byte* pixel) { repeat_pixel<Bpp>(pattern, pixel); }

    static void sub(const Byte* residual, Byte* row, std::size_t stride) {
        std::size_t i = std::min(Bpp, stride);
        std::memcpy(row, residual, i);
        while (i < stride) {
            if (i + kGroup <= stride && all_zero(residual + i)) {
                Byte pattern[kGroup];
                fill(pattern, row + i - Bpp);
                do {
                    std::memcpy(row + i, pattern, kGroup);
                    i += kGroup;
                } while (i + kGroup <= stride && all_zero(residual + i));
                continue;
            }
            const std::size_t end = std::min(i + kGroup, stride);
            for (; i < end; ++i) row[i] = static_cast<Byte>(residual[i] + row[i - Bpp]);
        }
    }

    static void up(const Byte* residual, const Byte* above, Byte* row, std::size_t stride) {
        for (std::size_t i = 0; i < stride; ++i) row[i] = static_cast<Byte>(residual[i] + above[i]);
    }

    static void average(const Byte* residual, const Byte* above, Byte* row, std::size_t stride) {
        std::size_t i = 0;
        for (; i < std::min(Bpp, stride); ++i) row[i] = static_cast<Byte>(residual[i] + (above[i] >> 1));
        while (i < stride) {
            if (i + kGroup <= stride && all_zero(residual + i)) {
                Byte pattern[kGroup];
                fill(pattern, row + i - Bpp);
                if (equal(above + i, pattern)) {
                    std::memcpy(row + i, pattern, kGroup);
                    i += kGroup;
                    continue;
                }
            }
            const std::size_t end = std::min(i + kGroup, stride);
            for (; i < end; ++i) row[i] = static_cast<Byte>(residual[i] + ((row[i - Bpp] + above[i]) >> 1));
        }
    }

    static Byte predict(int left, int up, int up_left) {
        const int to_left = std::abs(up - up_left), to_up = std::abs(left - up_left);
        const int to_corner = std::abs(left + up - 2 * up_left);
        if (to_left <= to_up && to_left <= to_corner) return static_cast<Byte>(left);
        return static_cast<Byte>(to_up <= to_corner ? up : up_left);
    }

    // A group of zero residuals: where all above equals the pixel up-left, Paeth repeats the left pixel; where the left
    // pixel equals the one up-left, it copies what is above. Returns false where it is neither.
    static bool skip(const Byte* above, Byte* row, std::size_t i) {
        Byte pattern[kGroup];
        if (std::memcmp(row + i - Bpp, above + i - Bpp, Bpp) == 0) {
            std::memcpy(row + i, above + i, kGroup);
            return true;
        }
        fill(pattern, above + i - Bpp);
        if (!equal(above + i, pattern)) return false;
        fill(pattern, row + i - Bpp);
        std::memcpy(row + i, pattern, kGroup);
        return true;
    }

    static void paeth(const Byte* residual, const Byte* above, Byte* row, std::size_t stride) {
        std::size_t i = 0;
        for (; i < std::min(Bpp, stride); ++i) row[i] = static_cast<Byte>(residual[i] + above[i]);
        while (i < stride) {
            if (i + kGroup <= stride && all_zero(residual + i) && skip(above, row, i)) {
                i += kGroup;
                continue;
            }
            const std::size_t end = std::min(i + kGroup, stride);
            for (; i < end; ++i) {
                row[i] = static_cast<Byte>(residual[i] + predict(row[i - Bpp], above[i], above[i - Bpp]));
            }
        }
    }

    // Undoes one row; false for a filter type that PNG does not know.
    static bool undo(Byte kind, const Byte* source, const Byte* above, Byte* row, std::size_t stride) {
        if (kind > 4) return false;
        if (stride == 0) return true;
        if (kind == 0) std::memcpy(row, source, stride);
        if (kind == 1) sub(source, row, stride);
        if (kind == 2) up(source, above, row, stride);
        if (kind == 3) average(source, above, row, stride);
        if (kind == 4) paeth(source, above, row, stride);
        return true;
    }
};

// The bytes of a bytes-like object, held for as long as this lives.
struct Request {
    explicit Request(PyObject* object) {
        if (PyObject_GetBuffer(object, &view, PyBUF_SIMPLE) != 0) throw py::error_already_set();
    }
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    ~Request() { PyBuffer_Release(&view); }
    Py_buffer view;
};

// The filtered rows of a PNG: `height` times one filter type and `stride` bytes. Throws where the bytes are not as many.
const Byte* filtered_rows(const Request& request, std::int64_t height, std::int64_t stride);

// The same, of rows whose filter types PNG knows; throws where there is another.
const Byte* known_rows(const Request& request, std::int64_t height, std::int64_t stride);

// Throws what is to be said of a row whose filter type PNG does not know.
[[noreturn]] void refuse_filter(std::size_t row, Byte kind);

// Pixels by pair of ids, in a hash table, as the segments of an image are few; and how far two words agree.
#pragma once

#include "kernels.h"

#include <algorithm>
#include <array>
#include <vector>

using Id = std::int32_t;
using Pair = std::array<std::int64_t, 3>;  // truth, prediction, pixels

class PairTable {
public:
    PairTable() : slots_(1024) {}

    void add(Id truth, Id prediction, std::int64_t pixels) {
        const std::uint64_t key = (std::uint64_t{static_cast<std::uint32_t>(truth)} << 32) |
                                  static_cast<std::uint32_t>(prediction);
        Slot& slot = find(slots_, key);
        if (slot.pixels == 0 && ++used_ * 2 > slots_.size()) {
            grow();
            find(slots_, key) = {key, pixels};
            return;
        }
        slot.key = key;
        slot.pixels += pixels;
    }

    std::vector<Pair> sorted() const {
        std::vector<Pair> pairs;
        for (const Slot& slot : slots_) {
            if (slot.pixels == 0) continue;
            pairs.push_back({static_cast<Id>(static_cast<std::uint32_t>(slot.key >> 32)),
                             static_cast<Id>(static_cast<std::uint32_t>(slot.key)), slot.pixels});
        }
        std::sort(pairs.begin(), pairs.end());
        return pairs;
    }

private:
    struct Slot {
        std::uint64_t key = 0;
        std::int64_t pixels = 0;  // 0 marks a free slot
    };

    static Slot& find(std::vector<Slot>& slots, std::uint64_t key) {
        const std::size_t mask = slots.size() - 1;
        std::size_t place = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ULL) >> 32) & mask;
        while (slots[place].pixels != 0 && slots[place].key != key) place = (place + 1) & mask;
        return slots[place];
    }

    void grow() {
        std::vector<Slot> larger(slots_.size() * 4);
        for (const Slot& slot : slots_) {
            if (slot.pixels != 0) find(larger, slot.key) = slot;
        }
        slots_.swap(larger);
    }

    std::vector<Slot> slots_;
    std::size_t used_ = 0;
};

// Pairs as rows of an array.
inline py::array_t<std::int64_t> listed(const std::vector<Pair>& pairs) {
    py::array_t<std::int64_t> rows({pairs.size(), std::size_t{3}});
    std::int64_t* into = rows.mutable_data();
    for (const Pair& pair : pairs) into = std::copy(pair.begin(), pair.end(), into);
    return rows;
}

// Number of leading bytes, in memory order, of a word that is not zero, which are zero.
inline std::size_t equal_bytes(std::uint64_t difference) {
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return static_cast<std::size_t>(__builtin_ctzll(difference)) / 8;
#else
    std::uint8_t bytes[sizeof difference];
    std::memcpy(bytes, &difference, sizeof difference);
    std::size_t equal = 0;
    while (bytes[equal] == 0) ++equal;
    return equal;
#endif
}

// Eight numbers that go side by side through one calculation: two at a time where the compiler is GCC or Clang, whose
// own loops over eight are taken apart before they are seen.
#pragma once

#include <cstddef>

#if defined(__GNUC__)
typedef double Two __attribute__((vector_size(16)));
inline Two larger(Two one, Two other) { return one < other ? other : one; }
inline bool any_above(Two one, Two other) {
    const auto above = one > other;
    return (above[0] | above[1]) != 0;
}
#else
struct Two {
    double of[2];
    double operator[](std::size_t i) const { return of[i]; }
    double& operator[](std::size_t i) { return of[i]; }
};
inline Two operator+(Two a, Two b) { return {a[0] + b[0], a[1] + b[1]}; }
inline Two operator-(Two a, Two b) { return {a[0] - b[0], a[1] - b[1]}; }
inline Two operator*(Two a, Two b) { return {a[0] * b[0], a[1] * b[1]}; }
inline Two operator/(Two a, Two b) { return {a[0] / b[0], a[1] / b[1]}; }
inline Two larger(Two one, Two other) {
    return {one[0] < other[0] ? other[0] : one[0], one[1] < other[1] ? other[1] : one[1]};
}
inline bool any_above(Two one, Two other) { return one[0] > other[0] || one[1] > other[1]; }
#endif

constexpr std::size_t kLanes = 8;

struct Lanes {
    Two pairs[kLanes / 2];

    double operator[](std::size_t l) const { return pairs[l / 2][l % 2]; }
    void set(std::size_t l, double value) { pairs[l / 2][l % 2] = value; }
};

inline Lanes all_lanes(double value) {
    const Two pair{value, value};
    return {{pair, pair, pair, pair}};
}

inline Lanes operator+(const Lanes& a, const Lanes& b) {
    return {{a.pairs[0] + b.pairs[0], a.pairs[1] + b.pairs[1], a.pairs[2] + b.pairs[2], a.pairs[3] + b.pairs[3]}};
}

inline Lanes operator-(const Lanes& a, const Lanes& b) {
    return {{a.pairs[0] - b.pairs[0], a.pairs[1] - b.pairs[1], a.pairs[2] - b.pairs[2], a.pairs[3] - b.pairs[3]}};
}

inline Lanes operator*(const Lanes& a, const Lanes& b) {
    return {{a.pairs[0] * b.pairs[0], a.pairs[1] * b.pairs[1], a.pairs[2] * b.pairs[2], a.pairs[3] * b.pairs[3]}};
}

inline Lanes operator/(const Lanes& a, const Lanes& b) {
    return {{a.pairs[0] / b.pairs[0], a.pairs[1] / b.pairs[1], a.pairs[2] / b.pairs[2], a.pairs[3] / b.pairs[3]}};
}

inline Lanes larger(const Lanes& a, const Lanes& b) {
    return {{larger(a.pairs[0], b.pairs[0]), larger(a.pairs[1], b.pairs[1]), larger(a.pairs[2], b.pairs[2]),
             larger(a.pairs[3], b.pairs[3])}};
}

inline bool any_above(const Lanes& a, const Lanes& b) {
    return any_above(a.pairs[0], b.pairs[0]) || any_above(a.pairs[1], b.pairs[1]) ||
           any_above(a.pairs[2], b.pairs[2]) || any_above(a.pairs[3], b.pairs[3]);
}

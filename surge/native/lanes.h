// Numbers of a block of candidates, one candidate in each lane, and products of matrices with them.
#pragma once
#include <cstdint>

#include "vectors.h"

namespace {

#if defined(__AVX512F__)  // rows of a product at once: their sums stay in registers, and 10 divides the usual sizes
constexpr int TILE = 10;
#else
constexpr int TILE = 4;
#endif
constexpr int L = 2 * W;

// Two vectors, as one product can wait for the other; 0 at first
struct Lanes {
    vec a, b;

    Lanes() : a{}, b{} {}
    Lanes(float x) : a(all(x)), b(all(x)) {}
    Lanes(vec one, vec other) : a(one), b(other) {}
    Lanes(const Lanes& x) : a(x.a), b(x.b) {}  // by default it is copied in pieces that are narrower than what reads it
    Lanes& operator=(const Lanes& x) { a = x.a; b = x.b; return *this; }
};

INLINE Lanes operator+(Lanes x, Lanes y) { return {x.a + y.a, x.b + y.b}; }
INLINE Lanes operator-(Lanes x, Lanes y) { return {x.a - y.a, x.b - y.b}; }
INLINE Lanes operator*(Lanes x, Lanes y) { return {x.a * y.a, x.b * y.b}; }
INLINE Lanes operator/(Lanes x, Lanes y) { return {x.a / y.a, x.b / y.b}; }
INLINE Lanes& operator+=(Lanes& x, Lanes y) { return x = x + y; }
INLINE Lanes& operator*=(Lanes& x, Lanes y) { return x = x * y; }
INLINE Lanes max(Lanes x, Lanes y) { return {max(x.a, y.a), max(x.b, y.b)}; }
INLINE Lanes exp(Lanes x) { return {exp(x.a), exp(x.b)}; }
INLINE Lanes sigmoid(Lanes x) { return 1.0f / (1.0f + exp(-1.0f * x)); }
INLINE Lanes tanh(Lanes x) { return 2.0f * sigmoid(2.0f * x) - 1.0f; }
INLINE float& lane(Lanes& x, int l) { return ((float*)&x)[l]; }

// end(o, start(o) + sum over k of w[o, k] x[k]), R rows at a time
template <int R, class Start, class End>
INLINE void rows(const float* w, int cols, const Lanes* x, int o, Start start, End end) {
    Lanes sum[R];
    for (int r = 0; r < R; r++) sum[r] = start(o + r);
    const float* row = w + (int64_t)o * cols;
    for (int k = 0; k < cols; k++) {
        const Lanes in = x[k];
        for (int r = 0; r < R; r++) sum[r] += row[r * cols + k] * in;
    }
    for (int r = 0; r < R; r++) end(o + r, sum[r]);
}
template <class Start, class End>
INLINE void dense(const float* w, int outputs, int cols, const Lanes* x, Start start, End end) {
    int o = 0;
    for (; o + TILE <= outputs; o += TILE) rows<TILE>(w, cols, x, o, start, end);
    for (; o + 4 <= outputs; o += 4) rows<4>(w, cols, x, o, start, end);
    for (; o < outputs; o++) rows<1>(w, cols, x, o, start, end);
}

}  // namespace

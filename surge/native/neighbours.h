// What one item makes of its neighbours: Eq. 8, the sum of Eq. 4-5, and Eq. 11. Training has the numbers of an item side by
// side in vectors, and one float an edge; scoring has candidates side by side, in the lanes of every number (lanes.h).
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "vectors.h"

namespace {

constexpr float SLOPE = 0.2f;  // of LeakyReLU below 0 in Eq. 6-8

// e^(x - largest) in place; their sum
template <class Number>
inline Number exponentials(Number* x, int count) {
    Number most = x[0], sum = 0;
    for (int e = 1; e < count; e++) most = max(most, x[e]);
    for (int e = 0; e < count; e++) {
        x[e] = exp(x[e] - most);
        sum += x[e];
    }
    return sum;
}
// The same of an array whose last vector may reach over its end.
__attribute__((noinline)) inline float exponentials(float* x, int count) {
    float most = -INFINITY, sum = 0;
#pragma omp simd reduction(max : most)
    for (int e = 0; e < count; e++) most = x[e] > most ? x[e] : most;
    for (int e = 0; e < count; e += W) {
        vec part;
        std::memcpy(&part, x + e, sizeof part);
        part -= most;
        part = part < -87.0f ? all(0) : exp(part);  // as far below nothing is left, and its logarithm is asked for
        std::memcpy(x + e, &part, sizeof part);
    }
#pragma omp simd reduction(+ : sum)
    for (int e = 0; e < count; e++) sum += x[e];
    return sum;
}

// Eq. 8: the attention of an item on its neighbours; `below`: the slope of LeakyReLU below 0, 1 where there is none
template <class Number>
inline void attention(const int32_t* neighbour, int count, float alpha, const Number* beta, float below, Number* weight) {
    for (int e = 0; e < count; e++) {
        const Number raw = alpha + beta[neighbour[e]];
        weight[e] = max(raw, below * raw);
    }
    const Number scale = 1.0f / exponentials(weight, count);
    for (int e = 0; e < count; e++) weight[e] *= scale;
}

// out = sum over the neighbours of weight(e) times the row of the e-th, N of its numbers at a time
template <int N, class Out, class Row, class Weight>
inline void sum_some(Out* out, const Row* rows, int stride, const int32_t* neighbour, int count, Weight weight) {
    Out sum[N] = {};
    for (int e = 0; e < count; e++) {
        const Row* row = rows + (int64_t)neighbour[e] * stride;
        const auto own = weight(e);
        for (int k = 0; k < N; k++) sum[k] += row[k] * own;
    }
    for (int k = 0; k < N; k++) out[k] = sum[k];
}
template <int N, class Out, class Row, class Weight>
inline void sum_over(Out* out, int size, const Row* rows, int stride, const int32_t* neighbour, int count, Weight weight) {
    int k = 0;
    for (; k + N <= size; k += N) sum_some<N>(out + k, rows + k, stride, neighbour, count, weight);
    for (; k < size; k++) sum_some<1>(out + k, rows + k, stride, neighbour, count, weight);
}

// Eq. 11: S_i, m numbers in `size` parts, from rows of logits
template <class Number, int N, class Part>
inline void assignment(Part* soft, int m, int size, const Part* logits, const int32_t* neighbour, int count, bool mean) {
    const float each = mean && count ? 1.0f / (float)count : 1.0f;
    sum_over<N>(soft, size, logits, size, neighbour, count, [&](int) { return each; });
    const Number scale = 1.0f / exponentials((Number*)soft, m);
    for (int k = 0; k < size; k++) soft[k] *= scale;
}

}  // namespace

// Tables of numbers as whole vectors.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "vectors.h"

namespace {

// `size` numbers an item, as whole vectors: the last one is filled up with zeros.
struct Rows {
    const int size, vectors;
    std::vector<vec> data;

    Rows(int count, int numbers) : size(numbers), vectors((numbers + W - 1) / W), data((size_t)count * vectors) {}
    vec* operator[](int64_t i) { return data.data() + i * vectors; }
    void take(const float* from, int stride) {
        for (int64_t i = 0; i * vectors < (int64_t)data.size(); i++) std::memcpy((*this)[i], from + i * stride, size * 4);
    }
    void give(float* to, int stride) {
        for (int64_t i = 0; i * vectors < (int64_t)data.size(); i++) std::memcpy(to + i * stride, (*this)[i], size * 4);
    }
    void clear() { std::fill(data.begin(), data.end(), vec{}); }
};

inline float total(vec x) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int l = 0; l < W; l++) sum += x[l];
    return sum;
}

template <int N>
inline float dot(const vec* a, const vec* b, int vectors) {
    vec sum = {};
    for (int v = 0; v < (N ? N : vectors); v++) sum += a[v] * b[v];
    return total(sum);
}

}  // namespace

// Vectors of floats as wide as the processor's, and the functions of them that the sources share.
#pragma once
#include <cstdint>

namespace {

#if defined(__AVX512F__)
constexpr int W = 16;
#elif defined(__AVX__)
constexpr int W = 8;
#else
constexpr int W = 4;
#endif

#define INLINE inline __attribute__((always_inline))  // a call would pass vectors in memory

typedef float vec __attribute__((vector_size(W * 4)));
typedef int32_t ivec __attribute__((vector_size(W * 4)));

template <int N> struct Constant { enum { value = N }; };  // a number that a function knows when it is compiled

INLINE vec all(float x) { return x - (vec){}; }
INLINE float max(float a, float b) { return a > b ? a : b; }
INLINE vec max(vec a, vec b) { return a > b ? a : b; }
INLINE vec min(vec a, vec b) { return a < b ? a : b; }

// Cephes' expf, within 2 units in the last place between -87 and 88, and held there beyond
INLINE vec exp(vec x) {
    x = min(max(x, all(-87.0f)), all(88.0f));
    vec t = x * 1.44269504088896341f + 12582912.0f;
    vec n = t - 12582912.0f;
    vec r = x - n * 0.693359375f - n * -2.12194440e-4f;
    vec p = all(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return (vec)((ivec)p + ((ivec)t << 23));
}

}  // namespace

// The k-th largest of many numbers, exactly: what Eq. 3 cuts a graph at. A radix selection reads most numbers twice, where
// putting the first k of them in order took a tenth of a training step.
#include <cstdint>
#include <cstring>
#include <vector>

namespace {

// The order of floats as an order of integers; -0 and 0 differ, but the difference is no other threshold. No NaN.
inline uint32_t ordered(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
inline float value(uint32_t order) {
    const uint32_t bits = order & 0x80000000u ? order & 0x7fffffffu : ~order;
    float x;
    std::memcpy(&x, &bits, 4);
    return x;
}

constexpr int BITS = 11, BINS = 1 << BITS;
constexpr int SHIFTS[] = {21, 10, 0};

}  // namespace

// out[r] = the k[r]-th largest (from 1) of row r of x (rows, count), 1 <= k <= count.
extern "C" void kth_largest(int64_t rows, int64_t count, const float* x, const int64_t* k, float* out) {
    std::vector<uint32_t> left;
    for (int64_t r = 0; r < rows; r++) {
        left.clear();
        int64_t rank = k[r];
        uint32_t found = 0;
        for (int pass = 0; pass < 3; pass++) {
            const int shift = SHIFTS[pass];
            int64_t held[BINS] = {};
            const int64_t size = pass ? (int64_t)left.size() : count;
            auto at = [&](int64_t i) { return pass ? left[i] : ordered(x[r * count + i]); };
            for (int64_t i = 0; i < size; i++) held[at(i) >> shift & (BINS - 1)]++;
            int bin = BINS - 1;
            for (; held[bin] < rank; bin--) rank -= held[bin];
            found |= (uint32_t)bin << shift;
            if (!pass) left.resize(held[bin] + 1);
            int64_t kept = 0;
            for (int64_t i = 0; i < size; i++) {
                const uint32_t own = at(i);
                const bool same = (own >> shift & (BINS - 1)) == (uint32_t)bin;
                if (same) left[kept++] = own;
            }
            left.resize(kept);
        }
        out[r] = value(found);
    }
}

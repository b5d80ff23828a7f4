// Eq. 4-9, 11 and 15-17 for one history and many candidates. A block of candidates is read at once, one in each vector
// lane, so that nothing is ever as large as candidates x items x items. What depends on the history alone comes in ready
// (surge/backends/kernel.py). float32 throughout.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "lanes.h"
#include "neighbours.h"
#include "team.h"

namespace {

constexpr int TURNS = 4;  // of each thread: so that one which is held up doesn't hold up all

}  // namespace

// n items of d numbers, m clusters; `first`, `second`: hidden layers of Eq. 7; by_time: clusters are read by their mean
// position; gate: 0 gamma* / max gamma*, 1 gamma*, 2 a plain GRU; linear: no sigma in Eq. 5; leaky: Eq. 7 has LeakyReLU in
// place of ReLU; printed: Eq. 8 has no LeakyReLU; readout, long_term and normalise: the inputs of Eq. 17, which has so many
// layers; item_size: of the d numbers of an item, those of its own
struct Sizes {
    int32_t item_size, n, d, m, heads, first, second, state, by_query, mean, by_time, gate, linear, leaky, printed, readout,
        long_term, normalise, layers;
};

// All contiguous, heads first. `item` and `category` are the tables of embeddings, of_item each item's category. Eq. 7's
// first layer is of_x x + of_y y + of_product (x * y) + bias1, x = W_q h_j `projected` and y = h_t; `of_x` is already that of
// the items. message = W_a h; the neighbours of item i are neighbour[begin[i]] to neighbour[begin[i + 1] - 1]. always = l,
// normalised where Eq. 17 wants that. score has Eq. 17's layers one after another, each its weights and its biases; layer k
// takes width[k] numbers and gives width[k + 1].
struct Arrays {
    const float *item, *category;
    const float *projected, *of_x, *of_product, *of_y, *bias1, *w2, *bias2, *w3, *bias3;
    const float *alpha, *message, *values, *assign, *from_input, *bias_input, *from_state, *bias_state, *always, *score;
    const int32_t *begin, *neighbour, *width;
    const int64_t *of_item;
};

namespace {

// One block of candidates: its scratch memory, and a function for each part of a reading, in the order of `read`.
// n x d, n x m and m x d arrays have an item's or a cluster's numbers side by side.
struct Block {
    const Sizes s;
    const Arrays a;
    Lanes *target, *crossed, *base, *hidden;                         // d, d, first, first
    Lanes *beta, *weight, *gamma, *fused;                            // heads x n, n, n, n x d
    Lanes *logit, *soft, *pooled, *share, *mass, *place, *readout;   // n x m, n x m, m x d, m, m, m, d
    Lanes *state, *given, *kept, *input;                             // state, 3 state, 3 state, d
    Lanes *layer, *above;                                            // the widest layer of Eq. 17, twice
    int32_t* order = nullptr;                                        // m x L: the cluster that each lane reads at a step
    Lanes* memory = nullptr;

    Block(const Sizes& sizes, const Arrays& arrays) : s(sizes), a(arrays) {
        const int64_t n = s.n, d = s.d, m = s.m, S = s.state, widest = *std::max_element(a.width, a.width + s.layers + 1);
        const struct { Lanes** place; int64_t size; } parts[] = {
            {&target, d}, {&crossed, d}, {&base, s.first}, {&hidden, s.first},
            {&beta, s.heads * n}, {&weight, n}, {&gamma, n}, {&fused, n * d},
            {&logit, n * m}, {&soft, n * m}, {&pooled, m * d}, {&share, m}, {&mass, m}, {&place, m}, {&readout, d},
            {&state, S}, {&given, 3 * S}, {&kept, 3 * S}, {&input, d},
            {&layer, widest}, {&above, widest},
        };
        int64_t need = 0;
        for (const auto& part : parts) need += part.size;
        memory = (Lanes*)std::aligned_alloc(64, ((size_t)need * sizeof(Lanes) + 63) / 64 * 64);
        order = (int32_t*)std::malloc(sizeof(int32_t) * (size_t)m * L);
        Lanes* at = memory;
        for (const auto& part : parts) { *part.place = at; at += part.size; }
    }
    ~Block() {
        std::free(order);
        std::free(memory);
    }
    Block(const Block&) = delete;

    bool ready() const { return memory && order; }

    // The candidates' rows, at most L; the last one fills the lanes that are left.
    void read(const int64_t* candidates, int count) {
        const int rest = s.d - s.item_size;
        for (int l = 0; l < L; l++) {
            const int64_t row = candidates[l < count ? l : count - 1];
            for (int k = 0; k < s.item_size; k++) lane(target[k], l) = a.item[row * s.item_size + k];
            for (int k = 0; k < rest; k++) lane(target[s.item_size + k], l) = a.category[a.of_item[row] * rest + k];
        }
        std::fill(gamma, gamma + s.n, 0.0f);
        for (int h = 0; h < s.heads; h++) {
            s.leaky ? query<true>(h) : query<false>(h);
            attend(h);
        }
        read_out();
        assign();
        pool();
        arrange();
        evolve();
        score();
    }

    // Eq. 7
    template <bool Leaky> void query(int h) {
        const int n = s.n, d = s.d, first = s.first, second = s.second;
        Lanes* const own = beta + h * n;
        if (!s.by_query) {
            std::fill(own, own + n, 0.0f);
            return;
        }
        const auto bend = [](Lanes x) { return max(x, Leaky ? SLOPE * x : 0); };
        const float *bias1 = a.bias1 + h * first, *bias2 = a.bias2 + h * second, *w3 = a.w3 + h * second;
        dense(a.of_y + (int64_t)h * first * d, first, d, target, [&](int o) { return bias1[o]; },
              [&](int o, Lanes sum) { base[o] = sum; });
        for (int j = 0; j < n; j++) {
            const float* projected = a.projected + ((int64_t)h * n + j) * d;
            const float* of_x = a.of_x + ((int64_t)h * n + j) * first;
            for (int k = 0; k < d; k++) crossed[k] = target[k] * projected[k];
            dense(a.of_product + (int64_t)h * first * d, first, d, crossed, [&](int o) { return base[o] + of_x[o]; },
                  [&](int o, Lanes sum) { hidden[o] = bend(sum); });
            Lanes total = a.bias3[h];
            dense(a.w2 + (int64_t)h * second * first, second, first, hidden, [&](int o) { return bias2[o]; },
                  [&](int o, Lanes sum) { total += w3[o] * bend(sum); });
            own[j] = total;
        }
    }

    // gamma of Eq. 9, Eq. 8 and 4-5
    void attend(int h) {
        const int n = s.n, d = s.d, slice = d / s.heads, from = h * slice;
        const Lanes* const own = beta + h * n;
        std::copy(own, own + n, weight);
        const Lanes scale = 1.0f / (exponentials(weight, n) * (float)s.heads);
        for (int j = 0; j < n; j++) gamma[j] += weight[j] * scale;
        for (int i = 0; i < n; i++) {
            attention(near(i), count(i), a.alpha[h * n + i], own, s.printed ? 1 : SLOPE, weight);
            Lanes* const out = fused + (int64_t)i * d + from;
            sum_over<TILE>(out, slice, a.message + from, d, near(i), count(i), [&](int e) { return weight[e]; });
            for (int k = 0; k < slice; k++) {
                const Lanes sum = out[k] + a.values[(int64_t)i * d + from + k];
                out[k] = s.linear ? sum : max(sum, 0.01f * sum);
            }
        }
    }
    const int32_t* near(int i) const { return a.neighbour + a.begin[i]; }
    int count(int i) const { return a.begin[i + 1] - a.begin[i]; }

    // Eq. 15
    void read_out() {
        std::fill(readout, readout + s.d, 0.0f);
        for (int i = 0; i < s.n; i++)
            for (int k = 0; k < s.d; k++) readout[k] += gamma[i] * fused[(int64_t)i * s.d + k];
    }

    // Eq. 11, and each cluster's gamma*, mass and mean position
    void assign() {
        const int n = s.n, d = s.d, m = s.m;
        for (int i = 0; i < n; i++)
            dense(a.assign, m, d, fused + (int64_t)i * d, [&](int) { return 0.0f; },
                  [&](int c, Lanes sum) { logit[(int64_t)i * m + c] = sum; });
        for (int c = 0; c < m; c++) share[c] = mass[c] = place[c] = 0.0f;
        for (int i = 0; i < n; i++) {
            Lanes* const row = soft + (int64_t)i * m;
            assignment<Lanes, TILE>(row, m, m, logit, near(i), count(i), s.mean);
            const float when = ((float)i + 0.5f) / (float)n;
            for (int c = 0; c < m; c++) {
                share[c] += row[c] * gamma[i];
                mass[c] += row[c];
                place[c] += row[c] * when;
            }
        }
        for (int c = 0; c < m; c++)
            for (int l = 0; l < L; l++) {
                float held = lane(mass[c], l), moment = lane(place[c], l);
                lane(place[c], l) = std::nearbyintf((held > 1e-12f ? moment / held : 2.0f) * 1e5f) / 1e5f;
            }
    }

    // h* of Eq. 9, two clusters and four numbers at a time
    void pool() {
        const int n = s.n, d = s.d, m = s.m;
        auto tile = [&](int c, int k, auto clusters, auto numbers) {
            constexpr int C = decltype(clusters)::value, R = decltype(numbers)::value;
            Lanes sum[C][R];
            for (int i = 0; i < n; i++)
                for (int q = 0; q < C; q++) {
                    const Lanes own = soft[(int64_t)i * m + c + q];
                    for (int r = 0; r < R; r++) sum[q][r] += own * fused[(int64_t)i * d + k + r];
                }
            for (int q = 0; q < C; q++)
                for (int r = 0; r < R; r++) pooled[(int64_t)(c + q) * d + k + r] = sum[q][r];
        };
        auto all_of = [&](int c, auto clusters) {
            int k = 0;
            for (; k + 4 <= d; k += 4) tile(c, k, clusters, Constant<4>{});
            for (; k < d; k++) tile(c, k, clusters, Constant<1>{});
            return c + decltype(clusters)::value;
        };
        for (int c = 0; c < m;) c = c + 2 <= m ? all_of(c, Constant<2>{}) : all_of(c, Constant<1>{});
    }

    // The order in which clusters are read; a tie keeps that of their slots.
    void arrange() {
        for (int l = 0; l < L; l++)
            for (int c = 0; c < s.m; c++) {
                int slot = c;
                if (s.by_time)
                    for (; slot > 0 && lane(place[order[(slot - 1) * L + l]], l) > lane(place[c], l); slot--)
                        order[slot * L + l] = order[(slot - 1) * L + l];
                order[slot * L + l] = c;
            }
    }

    // Eq. 16
    void evolve() {
        const int d = s.d, m = s.m, S = s.state;
        Lanes most = 1e-12f;
        for (int c = 0; c < m; c++) most = max(most, share[c]);
        std::fill(state, state + S, 0.0f);
        for (int step = 0; step < m; step++) {
            const int32_t* const from = order + step * L;
            Lanes scale;
            for (int l = 0; l < L; l++) {
                const float own = lane(share[from[l]], l), held = lane(mass[from[l]], l);
                lane(scale, l) = s.gate == 0 ? own / lane(most, l) : s.gate == 1 ? own : held > 0 ? 1.0f : 0.0f;
            }
            for (int k = 0; k < d; k++)
                for (int l = 0; l < L; l++) lane(input[k], l) = lane(pooled[(int64_t)from[l] * d + k], l);
            dense(a.from_input, 3 * S, d, input, [&](int o) { return a.bias_input[o]; },
                  [&](int o, Lanes sum) { given[o] = sum; });
            dense(a.from_state, 3 * S, S, state, [&](int o) { return a.bias_state[o]; },
                  [&](int o, Lanes sum) { kept[o] = sum; });
            for (int k = 0; k < S; k++) {
                const Lanes update = scale * sigmoid(given[k] + kept[k]), reset = sigmoid(given[S + k] + kept[S + k]);
                state[k] += update * (tanh(given[2 * S + k] + reset * kept[2 * S + k]) - state[k]);
            }
        }
    }

    // Eq. 17; the logit is left in layer[0]
    void score() {
        Lanes* at = layer;
        auto put = [&](const Lanes* x, int size) {
            Lanes mean = 0.0f, scale = 1.0f;
            if (s.normalise) {
                Lanes variance = 0.0f;
                for (int k = 0; k < size; k++) mean += x[k] / (float)size;
                for (int k = 0; k < size; k++) variance += (x[k] - mean) * (x[k] - mean) / (float)size;
                for (int l = 0; l < L; l++) lane(scale, l) = 1.0f / std::sqrt(lane(variance, l) + 1e-5f);
            }
            Lanes* const first = at;
            for (int k = 0; k < size; k++) *at++ = (x[k] - mean) * scale;
            return first;
        };
        put(state, s.state);
        const Lanes* const own = put(target, s.d);
        auto cross = [&](const Lanes* x) {
            for (int k = 0; k < s.d; k++) *at++ = x[k] * own[k];
        };
        if (s.readout) cross(put(readout, s.d));
        if (s.long_term) {
            const Lanes* const first = at;
            for (int k = 0; k < s.d; k++) *at++ = a.always[k];
            cross(first);
        }
        const float* weights = a.score;
        for (int k = 0; k < s.layers; k++) {
            const int cols = a.width[k], outputs = a.width[k + 1];
            const float* const bias = weights + (int64_t)outputs * cols;
            const float least = k + 1 < s.layers ? 0 : -INFINITY;
            dense(weights, outputs, cols, layer, [&](int o) { return bias[o]; },
                  [&](int o, Lanes sum) { above[o] = max(sum, least); });
            weights = bias + outputs;
            std::swap(layer, above);
        }
    }
};

}  // namespace

extern "C" int64_t block() { return L; }

// The logits (count) of candidates, by their rows; 1 without memory. Each thread takes a few blocks at a time.
extern "C" int read_candidates(const Team* team, const Sizes* s, const Arrays* a, int64_t count, const int64_t* rows,
                               float* logit) {
    const int64_t blocks = (count + L - 1) / L, few = (blocks + TURNS * team->threads - 1) / (TURNS * team->threads);
    return share(team, (blocks + few - 1) / few, [&](int64_t turn) {
        Block block(*s, *a);
        if (!block.ready()) throw std::bad_alloc();
        for (int64_t first = turn * few * L; first < count && first < (turn + 1) * few * L; first += L) {
            const int real = (int)(count - first < L ? count - first : L);
            block.read(rows + first, real);
            for (int l = 0; l < real; l++) logit[first + l] = lane(block.layer[0], l);
        }
    });
}

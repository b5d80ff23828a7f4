// Eq. 4-9, 11 and 15-17 for one history and many candidates. A block of candidates is read at once, one in each vector
// lane, so that nothing is ever as large as candidates x items x items. What depends on the history alone comes in ready
// (surge/fused/reader.py). float32 throughout.
//
// Attention: exp(LeakyReLU(x)) = max(e^x, e^0.2x), and x = alpha_i + beta_j, so two exponentials an item serve all edges;
// both are taken relative to the largest beta, so that nothing overflows. Where betas lie so far apart that an item's whole
// neighbourhood would vanish beside it, every edge has its own exponential.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <utility>

#include "team.h"
#include "vectors.h"

namespace {

#if defined(__AVX512F__)  // rows of a product at once: their sums stay in registers, and 10 divides the usual sizes
constexpr int TILE = 10;
#else
constexpr int TILE = 4;
#endif
constexpr int V = 2, L = V * W;    // a block of candidates: V vectors of W lanes
constexpr float WIDE = 60;         // e^-60 is far from the smallest float
constexpr int TURNS = 4;           // of each thread: so that one which is held up doesn't hold up all

struct Lanes { vec v[V]; };

// out[o] = start[o] + sum over k of w[o, k] x[k], R rows at a time
template <int R, class Start, class End>
inline void rows(const float* w, int stride, int cols, const Lanes* x, int o, Start start, End end) {
    Lanes acc[R];
    for (int r = 0; r < R; r++) acc[r] = start(o + r);
    const float* row = w + (int64_t)o * stride;
    for (int k = 0; k < cols; k++) {
        Lanes in = x[k];
        for (int r = 0; r < R; r++) {
            vec b = all(row[r * stride + k]);
            for (int v = 0; v < V; v++) acc[r].v[v] += b * in.v[v];
        }
    }
    for (int r = 0; r < R; r++) end(o + r, acc[r]);
}
template <class Start, class End>
inline void dense(const float* w, int outputs, int cols, const Lanes* x, Start start, End end) {
    int o = 0;
    for (; o + TILE <= outputs; o += TILE) rows<TILE>(w, cols, cols, x, o, start, end);
    for (; o + 4 <= outputs; o += 4) rows<4>(w, cols, cols, x, o, start, end);
    for (; o < outputs; o++) rows<1>(w, cols, cols, x, o, start, end);
}
inline Lanes same(float x) { Lanes l; for (int v = 0; v < V; v++) l.v[v] = all(x); return l; }
inline float& lane(Lanes& x, int l) { return ((float*)&x)[l]; }

}  // namespace

// n items of d numbers, m clusters; `first`, `second`: hidden layers of Eq. 7; by_time: clusters are read by their mean
// position; gate: 0 gamma* / max gamma*, 1 gamma*, 2 a plain GRU; linear: no sigma in Eq. 5; readout, long_term and
// normalise: the inputs of Eq. 17, which has so many layers; item_size: of the d numbers of an item, those of its own
struct Sizes {
    int32_t item_size, n, d, m, heads, first, second, state, by_query, mean, by_time, gate, linear, readout, long_term, normalise,
        layers;
};

// All contiguous, heads first. `item` and `category` are the tables of embeddings, of_item each item's category. Eq. 7's first layer is of_x x + of_y y + of_product (x * y) + bias1, x = W_q h_j `projected`
// and y = h_t; `of_x` is already that of the items. message = W_a h; the neighbours of item i are neighbour[begin[i]] to
// neighbour[begin[i + 1] - 1]. always = l, normalised where Eq. 17 wants that. score has Eq. 17's layers one after another,
// each its weights and its biases; layer k takes width[k] numbers and gives width[k + 1].
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
    Lanes *beta, *e1, *e2, *weight, *gamma, *fused;                  // heads x n, n, n, n, n, n x d
    Lanes *logit, *soft, *pooled, *share, *mass, *place, *readout;   // n x m, n x m, m x d, m, m, m, d
    Lanes *state, *next, *given, *kept, *input;                      // state, state, 3 state, 3 state, d
    Lanes *layer, *above;                                            // the widest layer of Eq. 17, twice
    int32_t* order = nullptr;                                        // m x L: the cluster that each lane reads at a step
    Lanes* memory = nullptr;

    Block(const Sizes& sizes, const Arrays& arrays) : s(sizes), a(arrays) {
        const int64_t n = s.n, d = s.d, m = s.m, S = s.state, widest = *std::max_element(a.width, a.width + s.layers + 1);
        const struct { Lanes** place; int64_t size; } parts[] = {
            {&target, d}, {&crossed, d}, {&base, s.first}, {&hidden, s.first},
            {&beta, s.heads * n}, {&e1, n}, {&e2, n}, {&weight, n}, {&gamma, n}, {&fused, n * d},
            {&logit, n * m}, {&soft, n * m}, {&pooled, m * d}, {&share, m}, {&mass, m}, {&place, m}, {&readout, d},
            {&state, S}, {&next, S}, {&given, 3 * S}, {&kept, 3 * S}, {&input, d},
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
        for (int j = 0; j < s.n; j++) gamma[j] = same(0);
        for (int h = 0; h < s.heads; h++) {
            query(h);
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
    void query(int h) {
        const int n = s.n, d = s.d, first = s.first, second = s.second;
        Lanes* const own = beta + h * n;
        if (!s.by_query) {
            for (int j = 0; j < n; j++) own[j] = same(0);
            return;
        }
        const float *bias1 = a.bias1 + h * first, *bias2 = a.bias2 + h * second, *w3 = a.w3 + h * second;
        dense(a.of_y + (int64_t)h * first * d, first, d, target, [&](int o) { return same(bias1[o]); },
              [&](int o, Lanes& acc) { base[o] = acc; });
        for (int j = 0; j < n; j++) {
            const float* projected = a.projected + ((int64_t)h * n + j) * d;
            const float* of_x = a.of_x + ((int64_t)h * n + j) * first;
            for (int k = 0; k < d; k++)
                for (int v = 0; v < V; v++) crossed[k].v[v] = target[k].v[v] * projected[k];
            dense(a.of_product + (int64_t)h * first * d, first, d, crossed,
                  [&](int o) { Lanes l = base[o]; for (int v = 0; v < V; v++) l.v[v] += of_x[o]; return l; },
                  [&](int o, Lanes& acc) { for (int v = 0; v < V; v++) hidden[o].v[v] = max(acc.v[v], all(0)); });
            Lanes total = same(a.bias3[h]);
            dense(a.w2 + (int64_t)h * second * first, second, first, hidden, [&](int o) { return same(bias2[o]); },
                  [&](int o, Lanes& acc) { for (int v = 0; v < V; v++) total.v[v] += w3[o] * max(acc.v[v], all(0)); });
            own[j] = total;
        }
    }

    // gamma of Eq. 9, Eq. 8 and 4-5
    void attend(int h) {
        const int n = s.n;
        const Lanes* const own = beta + h * n;
        Lanes top = own[0], bottom = own[0], sum = same(0);
        for (int j = 1; j < n; j++)
            for (int v = 0; v < V; v++) {
                top.v[v] = max(top.v[v], own[j].v[v]);
                bottom.v[v] = min(bottom.v[v], own[j].v[v]);
            }
        bool wide = false;
        for (int l = 0; l < L; l++) wide |= !(lane(top, l) - lane(bottom, l) < WIDE);
        for (int j = 0; j < n; j++)
            for (int v = 0; v < V; v++) {
                vec below = own[j].v[v] - top.v[v];
                e1[j].v[v] = exp(below);
                e2[j].v[v] = exp(0.2f * below);
                sum.v[v] += e1[j].v[v];
            }
        for (int j = 0; j < n; j++)
            for (int v = 0; v < V; v++) gamma[j].v[v] += e1[j].v[v] / (sum.v[v] * (float)s.heads);
        for (int i = 0; i < n; i++) {
            const Lanes total = wide ? weigh_apart(h, i) : weigh(h, i, top);
            fuse(h, i, total);
        }
    }

    // The weights of i's edges before their sum is 1, and that sum.
    Lanes weigh(int h, int i, const Lanes& top) {
        const int32_t from = a.begin[i], to = a.begin[i + 1];
        Lanes c1, c2, total = same(0);
        for (int v = 0; v < V; v++) {
            vec raw = a.alpha[h * s.n + i] + top.v[v];
            vec size = exp(-0.8f * max(raw, -raw));
            c1.v[v] = raw > 0 ? all(1) : size;
            c2.v[v] = raw > 0 ? size : all(1);
        }
        for (int32_t e = from; e < to; e++) {
            const int j = a.neighbour[e];
            for (int v = 0; v < V; v++) {
                vec w = max(c1.v[v] * e1[j].v[v], c2.v[v] * e2[j].v[v]);
                weight[e - from].v[v] = w;
                total.v[v] += w;
            }
        }
        return total;
    }
    Lanes weigh_apart(int h, int i) {
        const Lanes* const own = beta + h * s.n;
        const int32_t from = a.begin[i], to = a.begin[i + 1];
        const float alpha = a.alpha[h * s.n + i];
        Lanes nearest = same(-INFINITY), total = same(0);
        for (int32_t e = from; e < to; e++)
            for (int v = 0; v < V; v++) nearest.v[v] = max(nearest.v[v], own[a.neighbour[e]].v[v]);
        for (int32_t e = from; e < to; e++)
            for (int v = 0; v < V; v++) {
                vec w = exp(leaky(alpha + own[a.neighbour[e]].v[v]) - leaky(alpha + nearest.v[v]));
                weight[e - from].v[v] = w;
                total.v[v] += w;
            }
        return total;
    }

    // h'_i, the part of head h
    void fuse(int h, int i, const Lanes& total) {
        const int d = s.d, slice = d / s.heads;
        const int32_t from = a.begin[i], to = a.begin[i + 1];
        Lanes scale;
        for (int v = 0; v < V; v++) scale.v[v] = 1.0f / total.v[v];
        auto tile = [&](int k, auto constant) {
            constexpr int R = decltype(constant)::value;
            Lanes acc[R];
            for (int r = 0; r < R; r++) acc[r] = same(0);
            for (int32_t e = from; e < to; e++) {
                const float* message = a.message + (int64_t)a.neighbour[e] * d + k;
                Lanes w = weight[e - from];
                for (int r = 0; r < R; r++)
                    for (int v = 0; v < V; v++) acc[r].v[v] += message[r] * w.v[v];
            }
            for (int r = 0; r < R; r++)
                for (int v = 0; v < V; v++) {
                    vec f = acc[r].v[v] * scale.v[v] + a.values[(int64_t)i * d + k + r];
                    fused[(int64_t)i * d + k + r].v[v] = s.linear ? f : max(f, 0.01f * f);
                }
            return k + R;
        };
        for (int k = h * slice; k < (h + 1) * slice;)
            k = k + TILE <= (h + 1) * slice ? tile(k, Constant<TILE>{}) : tile(k, Constant<1>{});
    }

    // Eq. 15
    void read_out() {
        for (int k = 0; k < s.d; k++) readout[k] = same(0);
        for (int i = 0; i < s.n; i++)
            for (int k = 0; k < s.d; k++)
                for (int v = 0; v < V; v++) readout[k].v[v] += gamma[i].v[v] * fused[(int64_t)i * s.d + k].v[v];
    }

    // Eq. 11, and each cluster's gamma*, mass and mean position
    void assign() {
        const int n = s.n, d = s.d, m = s.m;
        for (int i = 0; i < n; i++)
            dense(a.assign, m, d, fused + (int64_t)i * d, [&](int) { return same(0); },
                  [&](int c, Lanes& acc) { logit[(int64_t)i * m + c] = acc; });
        for (int c = 0; c < m; c++) share[c] = mass[c] = place[c] = same(0);
        for (int i = 0; i < n; i++) {
            const int32_t from = a.begin[i], to = a.begin[i + 1];
            const float scale = s.mean ? 1.0f / (float)(to - from) : 1.0f;
            Lanes* const row = soft + (int64_t)i * m;
            Lanes top = same(-INFINITY), sum = same(0);
            for (int c = 0; c < m; c++) {
                Lanes acc = same(0);
                for (int32_t e = from; e < to; e++)
                    for (int v = 0; v < V; v++) acc.v[v] += logit[(int64_t)a.neighbour[e] * m + c].v[v];
                for (int v = 0; v < V; v++) {
                    row[c].v[v] = acc.v[v] * scale;
                    top.v[v] = max(top.v[v], row[c].v[v]);
                }
            }
            for (int c = 0; c < m; c++)
                for (int v = 0; v < V; v++) {
                    row[c].v[v] = exp(row[c].v[v] - top.v[v]);
                    sum.v[v] += row[c].v[v];
                }
            for (int v = 0; v < V; v++) sum.v[v] = 1.0f / sum.v[v];
            const float when = ((float)i + 0.5f) / (float)n;
            for (int c = 0; c < m; c++)
                for (int v = 0; v < V; v++) {
                    vec own = row[c].v[v] * sum.v[v];
                    row[c].v[v] = own;
                    share[c].v[v] += own * gamma[i].v[v];
                    mass[c].v[v] += own;
                    place[c].v[v] += own * when;
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
            Lanes acc[C][R];
            for (int q = 0; q < C; q++)
                for (int r = 0; r < R; r++) acc[q][r] = same(0);
            for (int i = 0; i < n; i++)
                for (int q = 0; q < C; q++) {
                    Lanes w = soft[(int64_t)i * m + c + q];
                    for (int r = 0; r < R; r++)
                        for (int v = 0; v < V; v++) acc[q][r].v[v] += w.v[v] * fused[(int64_t)i * d + k + r].v[v];
                }
            for (int q = 0; q < C; q++)
                for (int r = 0; r < R; r++) pooled[(int64_t)(c + q) * d + k + r] = acc[q][r];
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
        Lanes most = same(1e-12f);
        for (int c = 0; c < m; c++)
            for (int v = 0; v < V; v++) most.v[v] = max(most.v[v], share[c].v[v]);
        for (int k = 0; k < S; k++) state[k] = same(0);
        for (int step = 0; step < m; step++) {
            const int32_t* const from = order + step * L;
            Lanes scale;
            for (int l = 0; l < L; l++) {
                const float own = lane(share[from[l]], l), held = lane(mass[from[l]], l);
                lane(scale, l) = s.gate == 0 ? own / lane(most, l) : s.gate == 1 ? own : held > 0 ? 1.0f : 0.0f;
            }
            for (int k = 0; k < d; k++)
                for (int l = 0; l < L; l++) lane(input[k], l) = lane(pooled[(int64_t)from[l] * d + k], l);
            dense(a.from_input, 3 * S, d, input, [&](int o) { return same(a.bias_input[o]); },
                  [&](int o, Lanes& acc) { given[o] = acc; });
            dense(a.from_state, 3 * S, S, state, [&](int o) { return same(a.bias_state[o]); },
                  [&](int o, Lanes& acc) { kept[o] = acc; });
            for (int k = 0; k < S; k++)
                for (int v = 0; v < V; v++) {
                    vec update = scale.v[v] * sigmoid(given[k].v[v] + kept[k].v[v]);
                    vec reset = sigmoid(given[S + k].v[v] + kept[S + k].v[v]);
                    vec fresh = tanh(given[2 * S + k].v[v] + reset * kept[2 * S + k].v[v]);
                    next[k].v[v] = state[k].v[v] + update * (fresh - state[k].v[v]);
                }
            std::swap(state, next);
        }
    }

    // Eq. 17; the logit is left in layer[0]
    void score() {
        Lanes* at = layer;
        auto put = [&](const Lanes* x, int size) {
            Lanes mean = same(0), scale = same(s.normalise ? 0 : 1);
            if (s.normalise) {
                for (int k = 0; k < size; k++)
                    for (int v = 0; v < V; v++) mean.v[v] += x[k].v[v] / (float)size;
                for (int k = 0; k < size; k++)
                    for (int v = 0; v < V; v++)
                        scale.v[v] += (x[k].v[v] - mean.v[v]) * (x[k].v[v] - mean.v[v]) / (float)size;
                for (int l = 0; l < L; l++) lane(scale, l) = 1.0f / std::sqrt(lane(scale, l) + 1e-5f);
            }
            Lanes* const first = at;
            for (int k = 0; k < size; k++, at++)
                for (int v = 0; v < V; v++) at->v[v] = (x[k].v[v] - mean.v[v]) * scale.v[v];
            return first;
        };
        put(state, s.state);
        const Lanes* const own = put(target, s.d);
        auto cross = [&](const Lanes* x) {
            for (int k = 0; k < s.d; k++, at++)
                for (int v = 0; v < V; v++) at->v[v] = x[k].v[v] * own[k].v[v];
        };
        if (s.readout) cross(put(readout, s.d));
        if (s.long_term) {
            const Lanes* const first = at;
            for (int k = 0; k < s.d; k++) *at++ = same(a.always[k]);
            cross(first);
        }
        const float* weights = a.score;
        for (int k = 0; k < s.layers; k++) {
            const int cols = a.width[k], outputs = a.width[k + 1];
            const float* const bias = weights + (int64_t)outputs * cols;
            const float least = k + 1 < s.layers ? 0 : -INFINITY;
            dense(weights, outputs, cols, layer, [&](int o) { return same(bias[o]); },
                  [&](int o, Lanes& acc) { for (int v = 0; v < V; v++) above[o].v[v] = max(acc.v[v], all(least)); });
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

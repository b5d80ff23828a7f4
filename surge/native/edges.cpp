// Eq. 8 with the sum of Eq. 4-5, and Eq. 11, along the edges that a graph has: forward and backward, for training. Dense
// tensors of candidates x items x items cost most of a step on long histories, and at epsilon = 0.1 nine tenths of each
// are zeros. A_ij is 0 or 1; its gradient is that of the kept entries alone, as torch's is (see surge/native/edges.py).
// float32. Threads share no graph of the batch, so every number is the same however many they are. Functions return 1 where
// memory ran out.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "neighbours.h"
#include "rows.h"
#include "team.h"

// A batch of graphs of n items with T candidates each; messages and outputs have `width` numbers an item, `heads` equal
// slices of them; `linear`: Eq. 8 without its LeakyReLU
struct EdgeSizes {
    int32_t batch, candidates, heads, n, width, mean, linear;
};

namespace {

// The neighbours of item i are neighbour[begin[i]] to neighbour[begin[i + 1] - 1].
struct Graph {
    std::vector<int32_t> begin, neighbour;
    int longest = 0;

    Graph(const float* adjacency, int n) : begin(n + 1, 0), neighbour((size_t)n * n + 1) {
        int32_t count = 0;
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {  // without a branch: which entries are kept can't be foreseen
                neighbour[count] = j;
                count += adjacency[(int64_t)i * n + j] > 0;
            }
            begin[i + 1] = count;
            longest = std::max(longest, count - begin[i]);
        }
    }
};

// Calls f with the number of vectors as a constant, so that sums stay in registers; 0 where there are too many.
template <class F>
inline void with_vectors(int vectors, F f) {
    switch (vectors) {
        case 1: return f(Constant<1>{});
        case 2: return f(Constant<2>{});
        case 3: return f(Constant<3>{});
        case 4: return f(Constant<4>{});
        case 5: return f(Constant<5>{});
        case 6: return f(Constant<6>{});
        case 7: return f(Constant<7>{});
        default: return f(Constant<0>{});
    }
}

template <int N>
inline void add(vec* out, const vec* x, float scale, int vectors) {
    for (int v = 0; v < (N ? N : vectors); v++) out[v] += x[v] * scale;
}

// The slope of Eq. 8's LeakyReLU below 0.
inline float slope(const EdgeSizes* s) { return s->linear ? 1 : SLOPE; }

}  // namespace

// out_i = sum over j in N_i of E_ij message_j, each head its slice: alpha (B, heads, n), beta (B, T, heads, n),
// adjacency (B, n, n), message and out (B, n, width) and (B, T, n, width). An item without neighbours (padding) passes
// its own message on.
extern "C" int attend(const Team* team, const EdgeSizes* s, const float* alpha, const float* beta,
                      const float* adjacency, const float* message, float* out) {
    const int n = s->n, width = s->width, slice = width / s->heads;
    return share(team, s->batch, [&](int64_t b) {
        Rows given(n, slice), result(n, slice);
        const Graph graph(adjacency + b * n * n, n);
        std::vector<float> weight(graph.longest + W);
        for (int h = 0; h < s->heads; h++) {
            given.take(message + b * n * width + h * slice, width);
            for (int64_t t = b * s->candidates; t < (b + 1) * s->candidates; t++) {
                with_vectors(given.vectors, [&](auto constant) {
                    constexpr int N = decltype(constant)::value;
                    for (int i = 0; i < n; i++) {
                        const int32_t* near = graph.neighbour.data() + graph.begin[i];
                        const int count = graph.begin[i + 1] - graph.begin[i];
                        attention(near, count, alpha[(b * s->heads + h) * n + i], beta + (t * s->heads + h) * n,
                                  slope(s), weight.data());
                        sum_over<N ? N : 4>(result[i], N ? N : given.vectors, given[0], N ? N : given.vectors, near, count,
                                            [&](int e) { return weight[e]; });
                        if (!count) add<N>(result[i], given[i], 1, given.vectors);
                    }
                });
                result.give(out + t * n * width + h * slice, width);
            }
        }
    });
}

// The gradients of all four inputs from that of `out`; d_alpha, d_beta and d_adjacency come in as zeros.
extern "C" int attend_backward(const Team* team, const EdgeSizes* s, const float* alpha, const float* beta,
                               const float* adjacency, const float* message, const float* grad, float* d_alpha,
                               float* d_beta, float* d_adjacency, float* d_message) {
    const int n = s->n, width = s->width, slice = width / s->heads;
    return share(team, s->batch, [&](int64_t b) {
        Rows given(n, slice), d_given(n, slice), d_out(n, slice);
        const Graph graph(adjacency + b * n * n, n);
        std::vector<float> weight(graph.longest + W), d_weight(graph.longest);
        for (int h = 0; h < s->heads; h++) {
            given.take(message + b * n * width + h * slice, width);
            d_given.clear();
            for (int64_t t = b * s->candidates; t < (b + 1) * s->candidates; t++) {
                d_out.take(grad + t * n * width + h * slice, width);
                const float* beta_t = beta + (t * s->heads + h) * n;
                float* d_beta_t = d_beta + (t * s->heads + h) * n;
                with_vectors(given.vectors, [&](auto constant) {
                    constexpr int N = decltype(constant)::value;
                    for (int i = 0; i < n; i++) {
                        const int32_t* near = graph.neighbour.data() + graph.begin[i];
                        const int count = graph.begin[i + 1] - graph.begin[i];
                        const float alpha_i = alpha[(b * s->heads + h) * n + i];
                        const vec* own = d_out[i];
                        if (!count) add<N>(d_given[i], own, 1, given.vectors);
                        attention(near, count, alpha_i, beta_t, slope(s), weight.data());
                        float mean = 0, d_alpha_i = 0;
                        for (int e = 0; e < count; e++) {
                            add<N>(d_given[near[e]], own, weight[e], given.vectors);
                            d_weight[e] = dot<N>(given[near[e]], own, given.vectors);
                            mean += d_weight[e] * weight[e];
                        }
                        for (int e = 0; e < count; e++) {
                            const int j = near[e];
                            const float d_logit = weight[e] * (d_weight[e] - mean);
                            const float d_raw = alpha_i + beta_t[j] > 0 ? d_logit : slope(s) * d_logit;
                            d_adjacency[(b * n + i) * n + j] += d_logit;
                            d_beta_t[j] += d_raw;
                            d_alpha_i += d_raw;
                        }
                        if (!s->linear) d_alpha[(b * s->heads + h) * n + i] += d_alpha_i;  // else alpha_i cancels
                    }
                });
            }
            d_given.give(d_message + b * n * width + h * slice, width);
        }
    });
}

// S_i = softmax of the mean (or the sum) over j in N_i of logit_j: logit and out (B, T, n, width), adjacency (B, n, n).
// An item without neighbours (padding) belongs to all alike.
extern "C" int assign(const Team* team, const EdgeSizes* s, const float* logit, const float* adjacency, float* out) {
    const int n = s->n, m = s->width;
    return share(team, s->batch, [&](int64_t b) {
        Rows given(n, m), result(n, m);
        const Graph graph(adjacency + b * n * n, n);
        for (int64_t t = b * s->candidates; t < (b + 1) * s->candidates; t++) {
            given.take(logit + t * n * m, m);
            with_vectors(given.vectors, [&](auto constant) {
                constexpr int N = decltype(constant)::value;
                for (int i = 0; i < n; i++) {
                    const int32_t* near = graph.neighbour.data() + graph.begin[i];
                    const int count = graph.begin[i + 1] - graph.begin[i];
                    assignment<float, N ? N : 4>(result[i], m, N ? N : given.vectors, given[0], near, count, s->mean);
                }
            });
            result.give(out + t * n * m, m);
        }
    });
}

// The gradients of logit and adjacency (which comes in as zeros) from S and its gradient. A mean depends on A through the
// number of neighbours, too: what an edge's logit adds is counted from the mean of them.
extern "C" int assign_backward(const Team* team, const EdgeSizes* s, const float* logit, const float* adjacency,
                               const float* soft, const float* grad, float* d_logit, float* d_adjacency) {
    const int n = s->n, m = s->width;
    return share(team, s->batch, [&](int64_t b) {
        Rows given(n, m), d_given(n, m), own(n, m), d_own(n, m);
        const Graph graph(adjacency + b * n * n, n);
        std::vector<float> along(graph.longest);
        for (int64_t t = b * s->candidates; t < (b + 1) * s->candidates; t++) {
            given.take(logit + t * n * m, m);
            own.take(soft + t * n * m, m);
            d_own.take(grad + t * n * m, m);
            d_given.clear();
            with_vectors(given.vectors, [&](auto constant) {
                constexpr int N = decltype(constant)::value;
                for (int i = 0; i < n; i++) {
                    const int32_t* near = graph.neighbour.data() + graph.begin[i];
                    const int count = graph.begin[i + 1] - graph.begin[i];
                    const float inner = dot<N>(own[i], d_own[i], given.vectors);
                    const float each = s->mean && count ? 1.0f / (float)count : 1.0f;
                    vec* row = d_own[i];
                    for (int v = 0; v < given.vectors; v++) row[v] = own[i][v] * (row[v] - inner) * each;
                    float mean = 0;
                    for (int e = 0; e < count; e++) {
                        add<N>(d_given[near[e]], row, 1, given.vectors);
                        along[e] = dot<N>(given[near[e]], row, given.vectors);
                        mean += along[e];
                    }
                    mean = s->mean && count ? mean / (float)count : 0;
                    for (int e = 0; e < count; e++) d_adjacency[(b * n + i) * n + near[e]] += along[e] - mean;
                }
            });
            d_given.give(d_logit + t * n * m, m);
        }
    });
}

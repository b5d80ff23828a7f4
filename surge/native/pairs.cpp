// FFN(W x, y, W x * y) of every item with every candidate (Eq. 7), forward and backward, for training: the part of its first
// layer that is of the pair, and the two layers after it. What is of an item or of a candidate alone comes in ready. Nothing
// as large as items x candidates x hidden numbers is ever written: backward, the hidden layers are computed once more.
// float32. Threads share no history of the batch, and sums over the batch are left to the caller, so every number is the
// same however many they are. Functions return 1 where memory ran out.
#include "rows.h"
#include "team.h"

// n items, T candidates a history; d numbers each; `first` and `second` hidden ones
struct PairSizes {
    int32_t batch, candidates, n, d, first, second;
};

namespace {

constexpr int WIDE = W == 16 ? 4 : 2, TALL = 6;  // vectors x rows of sums that stay in registers

// out_r += sum over s of a[r * along + s * across] w_s, for R rows and N vectors from v on
template <int R, int N>
inline void tile(Rows& out, int r, int terms, const float* a, int along, int across, Rows& w, int v) {
    vec sum[R][N];
    for (int i = 0; i < R; i++)
        for (int k = 0; k < N; k++) sum[i][k] = out[r + i][v + k];
    a += (int64_t)r * along;
    for (int s = 0; s < terms; s++) {
        const vec* row = w[s] + v;
        for (int i = 0; i < R; i++)
            for (int k = 0; k < N; k++) sum[i][k] += row[k] * a[(int64_t)i * along + (int64_t)s * across];
    }
    for (int i = 0; i < R; i++)
        for (int k = 0; k < N; k++) out[r + i][v + k] = sum[i][k];
}
template <int N>
inline void columns(Rows& out, int rows, int terms, const float* a, int along, int across, Rows& w, int v) {
    int r = 0;
    for (; r + TALL <= rows; r += TALL) tile<TALL, N>(out, r, terms, a, along, across, w, v);
    for (; r < rows; r++) tile<1, N>(out, r, terms, a, along, across, w, v);
}
void multiply(Rows& out, int rows, int terms, const float* a, int along, int across, Rows& w) {
    int v = 0;
    for (; v + WIDE <= out.vectors; v += WIDE) columns<WIDE>(out, rows, terms, a, along, across, w, v);
    for (; v < out.vectors; v++) columns<1>(out, rows, terms, a, along, across, w, v);
}

inline void scale(Rows& out, Rows& of, int row, float by) {
    for (int v = 0; v < out.vectors; v++) out[row][v] = of[row][v] * by;
}
inline const float* numbers(Rows& rows) { return (const float*)rows[0]; }
inline int stride(const Rows& rows) { return rows.vectors * W; }

// The weights as they are multiplied with: `product` (first x d), `second` (second x first), each and transposed.
struct Weights {
    Rows product, across, second, above;  // of the d, first, first and second numbers, `across` and `above` transposed

    Weights(const PairSizes& s, const float* p, const float* w2)
        : product(s.first, s.d), across(s.d, s.first), second(s.second, s.first), above(s.first, s.second) {
        product.take(p, s.d);
        second.take(w2, s.first);
        for (int o = 0; o < s.first; o++)
            for (int k = 0; k < s.d; k++) ((float*)across[k])[o] = p[(int64_t)o * s.d + k];
        for (int o = 0; o < s.second; o++)
            for (int k = 0; k < s.first; k++) ((float*)above[k])[o] = w2[(int64_t)o * s.first + k];
    }
};

// The hidden layers of one history with one candidate y: hidden1 = relu(of_x + of_y + product (x * y)), hidden2.
struct Hidden {
    Rows times_y, hidden1, hidden2;

    explicit Hidden(const PairSizes& s) : times_y(s.d, s.first), hidden1(s.n, s.first), hidden2(s.n, s.second) {}

    void read(const PairSizes& s, Weights& w, const float* x, const float* y, Rows& of_x, const float* of_y,
              const float* bias2) {
        for (int k = 0; k < s.d; k++) scale(times_y, w.across, k, y[k]);
        Rows base1(1, s.first), base2(1, s.second);
        base1.take(of_y, s.first);
        base2.take(bias2, s.second);
        for (int i = 0; i < s.n; i++) {
            for (int v = 0; v < hidden1.vectors; v++) hidden1[i][v] = of_x[i][v] + base1[0][v];
            for (int v = 0; v < hidden2.vectors; v++) hidden2[i][v] = base2[0][v];
        }
        multiply(hidden1, s.n, s.d, x, s.d, 1, times_y);
        for (vec& part : hidden1.data) part = max(part, all(0));
        multiply(hidden2, s.n, s.first, numbers(hidden1), stride(hidden1), 1, w.above);
        for (vec& part : hidden2.data) part = max(part, all(0));
    }
};

}  // namespace

// x = W_q h (B, n, d), y = h_t (B, T, d); of_x (B, n, first) and of_y (B, T, first), with the bias: the first layer of either
// alone; product (first, d), w2 (second, first), bias2, w3 and bias3: the other weights. out (B, T, n).
extern "C" int score_pairs(const Team* team, const PairSizes* s, const float* x, const float* y, const float* of_x,
                           const float* of_y, const float* product, const float* w2, const float* bias2, const float* w3,
                           const float* bias3, float* out) {
    return share(team, s->batch, [&](int64_t b) {
        Weights weights(*s, product, w2);
        Hidden hidden(*s);
        Rows base(s->n, s->first), last(1, s->second);
        base.take(of_x + b * s->n * s->first, s->first);
        last.take(w3, s->second);
        for (int64_t t = b * s->candidates; t < (b + 1) * s->candidates; t++) {
            hidden.read(*s, weights, x + b * s->n * s->d, y + t * s->d, base, of_y + t * s->first, bias2);
            for (int i = 0; i < s->n; i++)
                out[t * s->n + i] = dot<0>(hidden.hidden2[i], last[0], last.vectors) + bias3[0];
        }
    });
}

// The gradients of all inputs from that of `out`; those of the weights for each history: d_product (B, first, d), d_w2
// (B, second, first), d_bias2 and d_w3 (B, second), d_bias3 (B).
extern "C" int score_pairs_backward(const Team* team, const PairSizes* s, const float* x, const float* y,
                                    const float* of_x, const float* of_y, const float* product, const float* w2,
                                    const float* bias2, const float* w3, const float* bias3, const float* grad,
                                    float* d_x, float* d_y, float* d_of_x, float* d_of_y, float* d_product, float* d_w2,
                                    float* d_bias2, float* d_w3, float* d_bias3) {
    (void)bias3;
    const int n = s->n, d = s->d, first = s->first, second = s->second;
    return share(team, s->batch, [&](int64_t b) {
        Weights weights(*s, product, w2);
        Hidden hidden(*s);
        Rows base(n, first), last(1, second), y_product(first, d);
        Rows d_hidden1(n, first), d_hidden2(n, second), d_times_y(d, first), sum1(1, first);
        Rows d_own(n, d), d_base(n, first), d_across(d, first), d_above(first, second), d_last(1, second), sum2(1, second);
        base.take(of_x + b * n * first, first);
        last.take(w3, second);
        float d_score = 0;
        for (int64_t t = b * s->candidates; t < (b + 1) * s->candidates; t++) {
            hidden.read(*s, weights, x + b * n * d, y + t * d, base, of_y + t * first, bias2);
            for (int i = 0; i < n; i++) {
                const float own = grad[t * n + i];
                d_score += own;
                for (int v = 0; v < last.vectors; v++) {
                    const vec above = hidden.hidden2[i][v];
                    const vec open = above > 0.0f ? last[0][v] * own : all(0);
                    d_last[0][v] += above * own;
                    d_hidden2[i][v] = open;
                    sum2[0][v] += open;
                }
            }
            multiply(d_above, first, n, numbers(hidden.hidden1), 1, stride(hidden.hidden1), d_hidden2);
            d_hidden1.clear();
            multiply(d_hidden1, n, second, numbers(d_hidden2), stride(d_hidden2), 1, weights.second);
            sum1.clear();
            for (int i = 0; i < n; i++)
                for (int v = 0; v < d_hidden1.vectors; v++) {
                    const vec open = hidden.hidden1[i][v] > 0.0f ? d_hidden1[i][v] : all(0);
                    d_hidden1[i][v] = open;
                    d_base[i][v] += open;
                    sum1[0][v] += open;
                }
            sum1.give(d_of_y + t * first, first);
            d_times_y.clear();
            multiply(d_times_y, d, n, x + b * n * d, 1, d, d_hidden1);
            for (int k = 0; k < d; k++) {
                vec along = {};
                for (int v = 0; v < d_times_y.vectors; v++) {
                    along += d_times_y[k][v] * weights.across[k][v];
                    d_across[k][v] += d_times_y[k][v] * y[t * d + k];
                }
                d_y[t * d + k] = total(along);
            }
            Rows whole(1, d);
            whole.take(y + t * d, d);
            for (int o = 0; o < first; o++)
                for (int v = 0; v < y_product.vectors; v++) y_product[o][v] = weights.product[o][v] * whole[0][v];
            multiply(d_own, n, first, numbers(d_hidden1), stride(d_hidden1), 1, y_product);
        }
        d_own.give(d_x + b * n * d, d);
        d_base.give(d_of_x + b * n * first, first);
        sum2.give(d_bias2 + b * second, second);
        d_last.give(d_w3 + b * second, second);
        d_bias3[b] = d_score;
        for (int o = 0; o < first; o++)
            for (int k = 0; k < d; k++) d_product[(b * first + o) * d + k] = ((const float*)d_across[k])[o];
        for (int o = 0; o < second; o++)
            for (int k = 0; k < first; k++) d_w2[(b * second + o) * first + k] = ((const float*)d_above[k])[o];
    });
}

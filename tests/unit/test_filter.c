/* SPDX-License-Identifier: MIT
 * media/filter: the same transfer functions as scipy's. */
#include "media/filter.h"

#include "test.h"

/* numpy 2, scipy: the response of
 *   sosfilt(butter(5, [lo / (rate / 2), hi / (rate / 2)], 'band',
 *           output='sos'), x)      (5, lo / (rate / 2), 'high'; 5, hi, 'low')
 * to x = zeros(20000); x[0] = 1; x[100:200] = 0.5, at the samples below. */
static const int filter_at[6] = {0, 1, 10, 150, 1000, 19999};

static const struct filter_truth {
    double rate_hz, fmin_hz, fmax_hz;
    double y[6];
} filter_truths[] = {
    {48000, 0, 15000,
     {0.12754748942402788, 0.48056142148872916, -0.033934278426373754,
      0.50000007150046222, 1.8209739922453029e-103, 0}},
    {48000, 150, 0,
     {0.96872873073948174, -0.061552779775191802, -0.045265525794680093,
      -0.17889488580691901, -0.0016689425846544903, 6.8793058446128594e-54}},
    {48000, 150, 15000,
     {0.12252126746287167, 0.4556047955159036, -0.081775320278372754,
      -0.17763627825877698, -0.0018645742423567943, 1.1971451331317126e-52}},
    {48000, 1, 15000,
     {0.12751344890279695, 0.48039157367916779, -0.034361283477186262,
      0.48917716047783838, -0.017916910509671487, 0.0017492080070497101}},
    {32000, 20, 14000,
     {0.52360290504760665, 0.65770888420293883, -0.06373220873675764,
      0.22502858759664343, 0.00044826689336530633, -5.004079859906585e-12}},
    {48000, 20, 100,
     {3.8694944057314513e-12, 3.8563153925772753e-11, 5.127578538533912e-08,
      0.00087181097158079118, 0.1010648240184393, 1.3268407033101579e-06}},
    {22050, 0, 100,
     {5.6082691326762357e-10, 5.5565544968498762e-09, 6.7581662229220644e-06,
      0.020858546151674432, 0.00048905678087822794, 8.8265939111003146e-77}},
    {48000, 5, 0,
     {0.99894155975085375, -0.0021157597493690616, -0.0020956456268685529,
      0.44613720669765683, -0.034687874550019177, 5.7990916952901276e-05}},
    {96000, 10000, 11000,
     {3.3819453141559483e-08, 2.5602822965656814e-07, 3.754195754968196e-05,
      -0.013234544233722941, -5.3692190535277724e-06, 6.5167027344086433e-86}},
    {48000, 0, 23999,
     {0.99978822227403519, 0.0004235105984958798, -0.00042270371217386233,
      0.49948495477377669, -0.00033759526316281781, -3.3262805831715329e-05}},
    {48000, 23000, 0,
     {9.7854766567221195e-07, -9.3710494623738285e-06, 0.0065304479939767603,
      -0.0012118325989235288, -1.295644420526068e-16, 0}},
};

static void filter_equals_scipy(void)
{
    static float x[20000];
    size_t n = sizeof filter_truths / sizeof *filter_truths;
    for (size_t k = 0; k < n; k++) {
        const struct filter_truth *t = &filter_truths[k];
        filter f = filter_design(t->fmin_hz, t->fmax_hz, t->rate_hz);
        CHECK_EQ_INT(f.n_sections, t->fmin_hz > 0 && t->fmax_hz > 0 ? 5 : 3);
        memset(x, 0, sizeof x);
        x[0] = 1;
        for (int i = 100; i < 200; i++) x[i] = 0.5f;
        filter_run(&f, x, 20000);
        for (int i = 0; i < 6; i++) /* float32, and what low edges round */
            CHECK_NEAR(x[filter_at[i]], t->y[i], 1e-7 + 1e-6 * fabs(t->y[i]));
    }
}

/* The magnitude is 1 in the band, 1/sqrt(2) at both edges. */
static void filter_has_its_edges(void)
{
    static const double edges[][3] = {
        {48000, 150, 15000}, {48000, 1, 100}, {32000, 0, 5000},
        {32000, 500, 0},     {8000, 10, 3999}, {384000, 0.5, 100000}};
    for (size_t k = 0; k < sizeof edges / sizeof *edges; k++) {
        filter f = filter_design(edges[k][1], edges[k][2], edges[k][0]);
        for (int e = 1; e <= 2; e++) {
            if (edges[k][e] <= 0) continue;
            double w = 2 * acos(-1.0) * edges[k][e] / edges[k][0];
            double gain = 1;
            for (size_t s = 0; s < f.n_sections; s++) {
                const filter_section *q = &f.sections[s];
                double nr = q->b0 + q->b1 * cos(w) + q->b2 * cos(2 * w);
                double ni = -q->b1 * sin(w) - q->b2 * sin(2 * w);
                double dr = 1 + q->a1 * cos(w) + q->a2 * cos(2 * w);
                double di = -q->a1 * sin(w) - q->a2 * sin(2 * w);
                gain *= hypot(nr, ni) / hypot(dr, di);
            }
            CHECK_NEAR(gain, sqrt(0.5), 1e-4);
        }
    }
}

static void filter_off_lets_pass(void)
{
    float x[3] = {0.1f, -0.2f, 0.3f};
    filter none = filter_design(0, 0, 48000);
    filter at = filter_design(0, 24000, 48000);
    CHECK_EQ_INT(none.n_sections, 0);
    CHECK_EQ_INT(at.n_sections, 0);
    filter_run(&none, x, 3);
    CHECK(x[0] == 0.1f && x[1] == -0.2f && x[2] == 0.3f);
}

const test_case test_filter_cases[] = {
    {"filter/equals_scipy", filter_equals_scipy},
    {"filter/has_its_edges", filter_has_its_edges},
    {"filter/off_lets_pass", filter_off_lets_pass},
    {NULL, NULL},
};

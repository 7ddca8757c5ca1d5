/* SPDX-License-Identifier: MIT
 * Times FAISS's graph and its exact search (Debian: libfaiss-dev) as
 * peer_bench.h says. */
#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <omp.h>

#include "peer_bench.h"

static const int m = 16, ef_construction = 200;

static peer::Built build(const peer::Job &job, faiss::Index &index,
                         const char *engine, const char *params)
{
    size_t before = peer::resident_bytes();
    omp_set_num_threads(job.threads);
    double start = peer::now_s();
    index.add((faiss::Index::idx_t)job.base.rows, job.base.values.data());
    double seconds = peer::now_s() - start;
    omp_set_num_threads(1);
    return {engine, params, seconds, peer::resident_bytes() - before};
}

static peer::Search searcher(const faiss::Index &index)
{
    return [&index](const float *query, size_t k, int64_t *ids) {
        std::vector<float> distances(k);
        index.search(1, query, (faiss::Index::idx_t)k, distances.data(), ids);
    };
}

static void bench_graph(const peer::Job &job, faiss::MetricType metric)
{
    faiss::IndexHNSWFlat graph((int)job.base.cols, m, metric);
    graph.hnsw.efConstruction = ef_construction;
    peer::Built built = build(job, graph, "faiss-hnsw", "M=16,efc=200");
    peer::sweep(
        job, built, [&](int ef) { graph.hnsw.efSearch = ef; },
        searcher(graph));
}

/* One pass: it takes a hundred times as long as a graph, and varies less. */
static void bench_flat(const peer::Job &job, faiss::MetricType metric)
{
    faiss::IndexFlat flat((faiss::Index::idx_t)job.base.cols, metric);
    peer::Built built = build(job, flat, "faiss-flat", "exact");
    peer::measure(job, built, searcher(flat), 1);
}

static void bench(const peer::Job &job)
{
    faiss::MetricType metric =
        job.is_l2sq() ? faiss::METRIC_L2 : faiss::METRIC_INNER_PRODUCT;
    bench_graph(job, metric);
    bench_flat(job, metric);
}

int main(int argc, char **argv)
{
    return peer::run(argc, argv, bench);
}

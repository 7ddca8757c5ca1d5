/* SPDX-License-Identifier: MIT
 * Times hnswlib's graph (Debian: libhnswlib-dev) as peer_bench.h says. */
#include <atomic>
#include <memory>
#include <thread>

#include <hnswlib/hnswlib.h>

#include "peer_bench.h"

static const size_t m = 16, ef_construction = 200;

using Graph = hnswlib::HierarchicalNSW<float>;

static void add_rows(Graph &graph, const peer::Job &job)
{
    std::atomic<size_t> next(0);
    auto work = [&] {
        for (size_t i; (i = next++) < job.base.rows;)
            graph.addPoint(job.base.row(i), i);
    };
    std::vector<std::thread> threads;
    for (int i = 1; i < job.threads; i++) threads.emplace_back(work);
    work();
    for (std::thread &t : threads) t.join();
}

static void search(Graph &graph, const float *query, size_t k, int64_t *ids)
{
    auto nearest = graph.searchKnn(query, k);
    for (size_t i = nearest.size(); i-- > 0; nearest.pop())
        ids[i] = (int64_t)nearest.top().second;
}

static void bench(const peer::Job &job)
{
    std::unique_ptr<hnswlib::SpaceInterface<float>> space;
    if (job.is_l2sq()) space.reset(new hnswlib::L2Space(job.base.cols));
    else space.reset(new hnswlib::InnerProductSpace(job.base.cols));
    size_t before = peer::resident_bytes();
    double start = peer::now_s();
    Graph graph(space.get(), job.base.rows, m, ef_construction);
    add_rows(graph, job);
    double seconds = peer::now_s() - start;
    peer::Built built = {"hnswlib", "M=16,efc=200", seconds,
                         peer::resident_bytes() - before};
    peer::sweep(
        job, built, [&](int ef) { graph.setEf((size_t)ef); },
        [&](const float *query, size_t k, int64_t *ids) {
            search(graph, query, k, ids);
        });
}

int main(int argc, char **argv)
{
    return peer::run(argc, argv, bench);
}

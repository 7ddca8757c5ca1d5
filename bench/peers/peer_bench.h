/* SPDX-License-Identifier: MIT
 * What the benches of other vector indexes share: .npy files, the sweep over
 * efforts, and the line of JSON each effort ends in.
 *
 * usage: PEER --base B.npy --queries Q.npy --truth T.npy
 *             --metric l2sq|cosine|dot [--threads N] [--k 10]
 *
 * Every peer is asked one query at a time from one thread, as someone who
 * types a query is. A figure is that of the median of five passes over all
 * queries: the best of them would hide what a machine at work does to it. */
#ifndef PEER_BENCH_H
#define PEER_BENCH_H

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include <malloc.h>
#include <unistd.h>

namespace peer
{

const int efforts[] = {10, 12, 14, 16,  20,  24,  28,  32,  40,  48,
                       64, 80, 96, 128, 160, 200, 256, 320, 400, 512};

template <class T> struct Matrix {
    size_t rows = 0, cols = 0;
    std::vector<T> values;
    const T *row(size_t i) const { return values.data() + i * cols; }
    T *row(size_t i) { return values.data() + i * cols; }
};

struct Job {
    Matrix<float> base, queries;
    Matrix<int32_t> truth;
    std::string metric;
    int threads = 1;
    size_t k = 10;
    bool is_l2sq() const { return metric == "l2sq"; }
};

/* Searches for the k nearest of one query; ids it does not fill stay -1. */
using Search = std::function<void(const float *query, size_t k, int64_t *ids)>;

struct Built {
    std::string engine, params;
    double seconds;
    size_t bytes;
};

inline double now_s()
{
    using namespace std::chrono;
    return duration<double>(steady_clock::now().time_since_epoch()).count();
}

/* Memory of this process that is in RAM, after giving back what is free. */
inline size_t resident_bytes()
{
    malloc_trim(0);
    size_t total = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* The text of a version 1 or 2 header, which leaves the file at its data. */
inline std::string npy_header(std::ifstream &file)
{
    unsigned char start[12] = {0};
    file.read((char *)start, 10);
    if (memcmp(start, "\x93NUMPY", 6) != 0 || start[6] > 2)
        throw std::runtime_error("not an npy file of version 1 or 2");
    size_t size = start[8] | start[9] << 8;
    if (start[6] == 2) {
        file.read((char *)start + 10, 2);
        size |= (size_t)start[10] << 16 | (size_t)start[11] << 24;
    }
    std::string text(size, '\0');
    file.read(&text[0], (std::streamsize)size);
    return text;
}

/* Reads a two-dimensional array of T, row-major. */
template <class T> Matrix<T> read_npy(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read '" + path + "'");
    std::string text = npy_header(file);
    const char *type = std::is_same<T, float>::value ? "'<f4'" : "'<i4'";
    if (text.find(type) == std::string::npos ||
        text.find("'fortran_order': False") == std::string::npos)
        throw std::runtime_error("'" + path + "' is not row-major " + type);
    Matrix<T> m;
    size_t at = text.find('(');
    if (at == std::string::npos ||
        sscanf(text.c_str() + at, "(%zu, %zu)", &m.rows, &m.cols) != 2)
        throw std::runtime_error("'" + path + "' has not two dimensions");
    m.values.resize(m.rows * m.cols);
    file.read((char *)m.values.data(),
              (std::streamsize)(m.values.size() * sizeof(T)));
    if (!file) throw std::runtime_error("'" + path + "' is cut short");
    return m;
}

inline void normalise(Matrix<float> &m)
{
    for (size_t i = 0; i < m.rows; i++) {
        float *x = m.row(i);
        double square = 0;
        for (size_t j = 0; j < m.cols; j++) square += (double)x[j] * x[j];
        float scale = square > 0 ? (float)(1 / std::sqrt(square)) : 0;
        for (size_t j = 0; j < m.cols; j++) x[j] *= scale;
    }
}

/* Reads the arguments and files; for cosine all vectors get length 1. */
inline Job read_job(int argc, char **argv)
{
    Job job;
    for (int i = 1; i < argc; i += 2) {
        std::string name = argv[i], value = i + 1 < argc ? argv[i + 1] : "";
        if (name == "--base") job.base = read_npy<float>(value);
        else if (name == "--queries") job.queries = read_npy<float>(value);
        else if (name == "--truth") job.truth = read_npy<int32_t>(value);
        else if (name == "--metric") job.metric = value;
        else if (name == "--threads") job.threads = std::stoi(value);
        else if (name == "--k") job.k = std::stoul(value);
        else throw std::runtime_error("unknown option '" + name + "'");
    }
    if (job.metric != "l2sq" && job.metric != "cosine" && job.metric != "dot")
        throw std::runtime_error("--metric is l2sq, cosine or dot");
    if (!job.base.rows || job.base.cols != job.queries.cols ||
        job.queries.rows != job.truth.rows || job.truth.cols < job.k)
        throw std::runtime_error("base, queries and truth do not match");
    if (job.metric == "cosine") {
        normalise(job.base);
        normalise(job.queries);
    }
    return job;
}

/* Share of the first k true ids that are among the k found. */
inline double recall(const Job &job, const std::vector<int64_t> &found)
{
    size_t hits = 0;
    for (size_t i = 0; i < job.truth.rows; i++) {
        const int64_t *ids = found.data() + i * job.k;
        for (size_t j = 0; j < job.k; j++)
            hits += std::find(ids, ids + job.k, job.truth.row(i)[j]) !=
                    ids + job.k;
    }
    return (double)hits / (double)found.size();
}

inline double percentile(const std::vector<double> &sorted, double share)
{
    return sorted[(size_t)(share * (double)(sorted.size() - 1) + 0.5)];
}

/* Times the searches, in an odd number of passes, and prints their line. */
inline void measure(const Job &job, const Built &built, const Search &search,
                    int n_passes = 5)
{
    size_t n = job.queries.rows;
    std::vector<int64_t> found(n * job.k);
    std::vector<std::pair<double, std::vector<double>>> passes;
    for (int pass = 0; pass < n_passes; pass++) {
        std::vector<double> took(n);
        std::fill(found.begin(), found.end(), -1);
        double start = now_s(), last = start;
        for (size_t i = 0; i < n; i++) {
            search(job.queries.row(i), job.k, &found[i * job.k]);
            double now = now_s();
            took[i] = now - last;
            last = now;
        }
        passes.emplace_back(last - start, std::move(took));
    }
    std::sort(passes.begin(), passes.end());
    double seconds = passes[passes.size() / 2].first;
    std::vector<double> &took = passes[passes.size() / 2].second;
    std::sort(took.begin(), took.end());
    printf("{\"engine\":\"%s\",\"params\":\"%s\",\"build_s\":%.3f,"
           "\"threads\":%d,\"bytes\":%zu,\"recall10\":%.4f,\"qps\":%.1f,"
           "\"p50_us\":%.2f,\"p99_us\":%.2f}\n",
           built.engine.c_str(), built.params.c_str(), built.seconds,
           job.threads, built.bytes, recall(job, found), (double)n / seconds,
           percentile(took, .5) * 1e6, percentile(took, .99) * 1e6);
    fflush(stdout);
}

/* Measures every effort; `set` gives the index the next one. */
inline void sweep(const Job &job, const Built &built,
                  const std::function<void(int)> &set, const Search &search)
{
    for (int effort : efforts) {
        Built at = built;
        at.params += ",ef=" + std::to_string(effort);
        set(effort);
        measure(job, at, search);
    }
}

/* Runs a bench; a failure is one line on stderr and exit status 1. */
inline int run(int argc, char **argv, void (*bench)(const Job &))
{
    try {
        bench(read_job(argc, argv));
        return 0;
    } catch (const std::exception &e) {
        fprintf(stderr, "%s: %s\n", argv[0], e.what());
        return 1;
    }
}

} // namespace peer

#endif

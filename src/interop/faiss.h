/* SPDX-License-Identifier: MIT
 * FAISS index files: Flat, SQ8, IVF (Flat, SQ8) and HNSW (Flat), by L2 or
 * inner product, behind IDMap, IDMap2 or L2norm: read, validate, write. */
#ifndef INTEROP_FAISS_H
#define INTEROP_FAISS_H

#include "index/vecs.h"

/* Reads a whole file and checks every number in it. AKIN_ENOTFOUND,
 * AKIN_ECORRUPT (with what is wrong and where), AKIN_EUNSUPPORTED (another
 * kind of index, metric or transform, named), AKIN_ELIMIT. Bytes behind the
 * index are let be, as FAISS does. */
akin_status faiss_load(const char *path, vecs **out, akin_error *err)
    AKIN_NODISCARD;

/* Writes by write + fsync + rename. FAISS opens it, and writes the same bytes
 * again; a file of FAISS that was loaded comes out the same but for a direct
 * map, which is left out. */
akin_status faiss_save(const char *path, const vecs *v, akin_error *err)
    AKIN_NODISCARD;

#endif

/* SPDX-License-Identifier: MIT
 * Values of an Arrow column. Nothing is checked here: arrow_batch.c did that
 * for all rows before anybody got hold of a view. */
#include "interop/arrow_int.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/half.h"

const arrow_view *arrow_view_child(const arrow_view *v, size_t i)
{
    assert(i < v->field->n_children);
    return &v->children[i];
}

const arrow_field *arrow_view_field(const arrow_view *v) { return v->field; }

size_t arrow_view_rows(const arrow_view *v) { return v->n; }

static int64_t load_int(const unsigned char *values, arrow_type type,
                        size_t row)
{
    const unsigned char *p = values + row * arrow_number_bytes(type);
    int64_t value;
    switch (type) {
    case ARROW_INT8: return (int8_t)*p;
    case ARROW_UINT8: return *p;
    case ARROW_INT16: return arrow_load(p, 2);
    case ARROW_UINT16: return (uint16_t)arrow_load(p, 2);
    case ARROW_INT32: return arrow_load(p, 4);
    case ARROW_UINT32: return (uint32_t)arrow_load(p, 4);
    default: memcpy(&value, p, sizeof value); return value;
    }
}

uint64_t arrow_index_at(const arrow_view *v, size_t row)
{
    return (uint64_t)load_int(v->values, v->index, row);
}

/* Which dictionary has the row's word, and as which of its rows. */
static const arrow_view *find_word(const arrow_view *v, size_t row,
                                   size_t *word)
{
    const arrow_dictionary *all = v->reader->dictionaries, *d = &all[v->words];
    uint64_t index = arrow_index_at(v, row);
    while (index >= d->view.n) {
        index -= d->view.n;
        d = &all[d->next];
    }
    *word = (size_t)index;
    return &d->view;
}

bool arrow_view_is_null(const arrow_view *v, size_t row)
{
    assert(row < v->n);
    if (v->valid && !arrow_bit(v->valid, row)) return true;
    if (!v->is_dictionary) return false;
    size_t word;
    const arrow_view *words = find_word(v, row, &word);
    return words->valid && !arrow_bit(words->valid, word);
}

int64_t arrow_view_int(const arrow_view *v, size_t row)
{
    arrow_type type = v->field->type;
    assert(row < v->n && (type <= ARROW_UINT64 || type == ARROW_TIMESTAMP));
    if (type == ARROW_BOOL) return arrow_bit(v->values, row);
    return load_int(v->values, type, row);
}

double arrow_view_number(const arrow_view *v, size_t row)
{
    const unsigned char *p = v->values;
    float narrow;
    double wide;
    assert(row < v->n);
    switch (v->field->type) {
    case ARROW_FLOAT16: return half_to_float(p + 2 * row);
    case ARROW_FLOAT32:
        memcpy(&narrow, p + 4 * row, sizeof narrow);
        return narrow;
    case ARROW_FLOAT64:
        memcpy(&wide, p + 8 * row, sizeof wide);
        return wide;
    case ARROW_UINT64: return (double)(uint64_t)arrow_view_int(v, row);
    default: return (double)arrow_view_int(v, row);
    }
}

arrow_text arrow_view_text(const arrow_view *v, size_t row)
{
    assert(row < v->n && v->field->type == ARROW_UTF8);
    if (arrow_view_is_null(v, row)) return (arrow_text){"", 0};
    if (v->is_dictionary) v = find_word(v, row, &row);
    int64_t from = arrow_offset_at(v, row), to = arrow_offset_at(v, row + 1);
    return (arrow_text){(const char *)v->values + from, (size_t)(to - from)};
}

arrow_range arrow_view_items(const arrow_view *v, size_t row)
{
    assert(row < v->n);
    if (v->field->type == ARROW_FIXED_SIZE_LIST)
        return (arrow_range){row * v->field->size, v->field->size};
    assert(v->field->type == ARROW_LIST);
    int64_t from = arrow_offset_at(v, row), to = arrow_offset_at(v, row + 1);
    return (arrow_range){(size_t)from, (size_t)(to - from)};
}

void arrow_view_floats(const arrow_view *v, size_t row, float *out)
{
    arrow_range items = arrow_view_items(v, row);
    const arrow_view *child = &v->children[0];
    if (child->field->type == ARROW_FLOAT32 && items.n > 0)
        memcpy(out, child->values + 4 * items.first, 4 * items.n);
    else
        for (size_t i = 0; i < items.n; i++)
            out[i] = (float)arrow_view_number(child, items.first + i);
    for (size_t i = 0; child->valid && i < items.n; i++)
        if (!arrow_bit(child->valid, items.first + i)) out[i] = NAN;
}

_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "IEEE floats");
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "numbers are copied as they are, which needs little-endian"
#endif

/* SPDX-License-Identifier: MIT
 * Bytes to floats by tables: 256 values a channel, so that each is rounded as
 * the usual pipelines round it, whatever the layout. */
#include "media/image_tensor.h"

/* (x / 255 - mean) / std in float32, operation by operation as numpy and torch
 * do it. */
static void tensor_table(float mean, float std, float table[256])
{
    for (int i = 0; i < 256; i++) table[i] = ((float)i / 255.0f - mean) / std;
}

size_t image_tensor_size(const image *im)
{
    return (size_t)im->width * im->height * 3;
}

void image_tensor_write(const image *im, const image_tensor_spec *spec,
                        float *out)
{
    bool planar = spec->layout == IMAGE_TENSOR_CHW;
    size_t n = (size_t)im->width * im->height, step = planar ? 1 : 3;
    for (size_t c = 0; c < 3; c++) {
        float table[256];
        const uint8_t *in = im->rgb + c;
        size_t place = spec->bgr ? 2 - c : c;
        float *to = out + (planar ? place * n : place);
        tensor_table(spec->mean[c], spec->std[c], table);
        for (size_t i = 0; i < n; i++) to[i * step] = table[in[3 * i]];
    }
}

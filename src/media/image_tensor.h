/* SPDX-License-Identifier: MIT
 * RGB bytes to a model's float input: x / 255, minus mean, over deviation. */
#ifndef MEDIA_IMAGE_TENSOR_H
#define MEDIA_IMAGE_TENSOR_H

#include "media/image.h"

typedef enum image_tensor_layout {
    IMAGE_TENSOR_CHW,
    IMAGE_TENSOR_HWC,
} image_tensor_layout;

/* All-zero is not a default: std must be positive. {0,0,0}, {1,1,1} leaves
 * x / 255. */
typedef struct image_tensor_spec {
    float mean[3], std[3]; /* red, green, blue; of values in [0, 1] */
    image_tensor_layout layout;
    bool bgr; /* channels in the order blue, green, red */
} image_tensor_spec;

/* Floats that image_tensor_write writes: 3 * width * height. */
size_t image_tensor_size(const image *im);

/* Fills out[3, height, width] or out[height, width, 3]. */
void image_tensor_write(const image *im, const image_tensor_spec *spec,
                        float *out);

#endif

/* SPDX-License-Identifier: MIT
 * The constants of the built-in image model, as tools/fit_tint.py wrote them.
 */
    .section .rodata
    .balign 64
    .global builtin_tint_data
    .hidden builtin_tint_data
    .type builtin_tint_data, %object
builtin_tint_data:
    .incbin "tint/tint.bin"
builtin_tint_data_end:
    .size builtin_tint_data, builtin_tint_data_end - builtin_tint_data
    .balign 8
    .global builtin_tint_data_bytes
    .hidden builtin_tint_data_bytes
    .type builtin_tint_data_bytes, %object
builtin_tint_data_bytes:
    .quad builtin_tint_data_end - builtin_tint_data
    .size builtin_tint_data_bytes, 8
    .section .note.GNU-stack,"",%progbits

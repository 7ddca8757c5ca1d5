/* SPDX-License-Identifier: MIT
 * The constants of the built-in sound model, as tools/fit_mel.py wrote them. */
    .section .rodata
    .balign 64
    .global builtin_mel_data
    .hidden builtin_mel_data
    .type builtin_mel_data, %object
builtin_mel_data:
    .incbin "mel/mel.bin"
builtin_mel_data_end:
    .size builtin_mel_data, builtin_mel_data_end - builtin_mel_data
    .balign 8
    .global builtin_mel_data_bytes
    .hidden builtin_mel_data_bytes
    .type builtin_mel_data_bytes, %object
builtin_mel_data_bytes:
    .quad builtin_mel_data_end - builtin_mel_data
    .size builtin_mel_data_bytes, 8
    .section .note.GNU-stack,"",%progbits

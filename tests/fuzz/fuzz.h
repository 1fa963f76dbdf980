/* fuzz.h — what a harness is. One file fuzz_NAME.c with LLVMFuzzerTestOneInput, one line in meson.build, inputs in
 * corpus/NAME: that is all. Under clang with -Dfuzz=true it is a libFuzzer program; in every other build replay.c runs
 * it over the kept corpus, as a test. docs/TESTING.md says how to fuzz. */
#ifndef JPKI_TESTS_FUZZ_H
#define JPKI_TESTS_FUZZ_H

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One input; 0. A harness keeps nothing from one input to the next. What must hold is said with FUZZ_CHECK. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Before the first; a harness may leave it out. 0. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define FUZZ_CHECK(holds)                                                                                              \
    do {                                                                                                               \
        if (!(holds)) {                                                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);                                 \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* An input as a row of small decisions. Behind its end everything is zero. */
struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

static inline unsigned fuzz_u8(struct fuzz_input *input)
{
    if (!input->left)
        return 0;
    input->left--;
    return *input->at++;
}

static inline unsigned fuzz_u16(struct fuzz_input *input)
{
    unsigned high = fuzz_u8(input);
    return high << 8 | fuzz_u8(input);
}

/* At most len bytes, fewer at the end; borrowed. */
static inline struct bytes fuzz_bytes(struct fuzz_input *input, size_t len)
{
    struct bytes taken = {input->at, len < input->left ? len : input->left};
    input->at += taken.len;
    input->left -= taken.len;
    return taken;
}

#endif

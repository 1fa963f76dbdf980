/* pool.h — the pool of 住民票コード that a municipality draws from. Pure.
 *
 * The ten-digit numbers are dealt to the municipalities once (住基法30条の2) and mixed by a fixed permutation, so that
 * no two municipalities can ever give the same code and a code tells nothing. The permutation is of this project and
 * for synthetic people: it is no secret. */
#ifndef JPKI_REGISTRY_POOL_H
#define JPKI_REGISTRY_POOL_H

#include "base/rc.h"

#include <stdint.h>

/* How many codes the municipality (6 digits) has. 0 when the code is no municipality's. */
int64_t pool_size(const char *municipality);

/* The code that is drawn as number `index` (from 0), in an order that the seed chooses, with its check digit. Different
 * indices give different codes. RC_RANGE when the pool is empty. */
enum rc pool_draw(const char *municipality, uint64_t seed, int64_t index, char code[12]) MUST_CHECK;

/* A 個人番号 for a synthetic person that has a code already: different codes give different numbers, with check digit.
 * The national node makes its own (registry/designate.h) and passes over these. */
void pool_number(const char *code, char number[13]);

#endif

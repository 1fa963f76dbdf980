/* pool.c — dealing and drawing codes. */
#include "registry/pool.h"

#include "registry/code.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL 10000000000u          /* ten digits */
#define ALL_NUMBERS 100000000000u /* eleven */

/* Each prefecture has 200 places for cities and wards (numbers below 300) and 400 for towns and villages; each place is
 * larger than the largest of its kind. 47 prefectures fit into ten digits. */
#define CITY_SIZE 950000
#define TOWN_SIZE 56000
#define PREFECTURE_SIZE (200 * CITY_SIZE + 400 * TOWN_SIZE)

static int64_t pool_place(const char *municipality, int64_t *first)
{
    if (strlen(municipality) != 6 || strspn(municipality, "0123456789") != 6)
        return 0;
    int number = atoi(municipality) / 10, prefecture = number / 1000, local = number % 1000;
    if (prefecture < 1 || prefecture > 47 || local < 100 || local >= 700)
        return 0;
    bool city = local < 300;
    *first =
        (int64_t)(prefecture - 1) * PREFECTURE_SIZE +
        (city ? (int64_t)(local - 100) * CITY_SIZE : 200 * (int64_t)CITY_SIZE + (int64_t)(local - 300) * TOWN_SIZE);
    return city ? CITY_SIZE : TOWN_SIZE;
}

int64_t pool_size(const char *municipality)
{
    int64_t first;
    return pool_place(municipality, &first);
}

static uint64_t pool_mix(uint64_t x) /* the finaliser of splitmix64 */
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

/* A permutation of the numbers below a limit: a Feistel network over twice so many bits, walked until it comes back
 * into range. */
static uint64_t pool_permute(uint64_t x, unsigned half, uint64_t limit)
{
    uint64_t mask = ((uint64_t)1 << half) - 1;
    do {
        uint64_t left = x >> half, right = x & mask;
        for (uint64_t round = 0; round < 6; round++) {
            uint64_t next = left ^ (pool_mix(right << 8 | round) & mask);
            left = right;
            right = next;
        }
        x = left << half | right;
    } while (x >= limit);
    return x;
}

static uint64_t pool_common_divisor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

enum rc pool_draw(const char *municipality, uint64_t seed, int64_t index, char code[12])
{
    int64_t first, size = pool_place(municipality, &first);
    if (index < 0 || index >= size)
        return RC_RANGE;
    uint64_t step = pool_mix(seed) % (uint64_t)size | 1;
    while (pool_common_divisor(step, (uint64_t)size) != 1)
        step += 2;
    uint64_t at = ((uint64_t)index * step + pool_mix(~seed) % (uint64_t)size) % (uint64_t)size;
    char digits[24];
    snprintf(digits, sizeof digits, "%010llu", (unsigned long long)pool_permute((uint64_t)first + at, 17, ALL));
    digits[10] = '\0';
    snprintf(code, 12, "%.10s%c", digits, code_check_digit(digits));
    return RC_OK;
}

void pool_number(const char *code, char number[13])
{
    char digits[24];
    snprintf(digits, sizeof digits, "%011llu",
             (unsigned long long)pool_permute(strtoull(code, NULL, 10) % ALL_NUMBERS, 19, ALL_NUMBERS));
    snprintf(number, 13, "%.11s%c", digits, code_check_digit(digits));
}

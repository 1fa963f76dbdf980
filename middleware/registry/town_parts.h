/* town_parts.h — what the rooms of a synthetic town share: towndraw.c draws, town.c makes persons and
 * households, townsfolk.c their records, townpast.c what happened to them. */
#ifndef JPKI_REGISTRY_TOWN_PARTS_H
#define JPKI_REGISTRY_TOWN_PARTS_H

#include "pki/municipality.h"
#include "registry/town.h"
#include "registry/towndata.h"

#define TOWN_YEAR 2026 /* ages are counted to the first of April */

struct person {
    uint32_t household;
    uint8_t age, rank; /* rank: the how-manyth of the household */
    bool woman;
};

struct home {
    uint32_t mother; /* the woman of a couple, or TOWN_NOBODY */
    uint8_t members, at_home;
};
#define TOWN_NOBODY UINT32_MAX

struct town {
    const struct municipality *place;
    const struct town_place *data;
    uint64_t seed;
    enum town_cases cases;
    uint32_t count, households;
    struct person *people;
    struct home *homes;
};

/* Every choice is a hash of seed, what is chosen and a number, so that no order of calls changes it. */
enum {
    HASH_AGE = 1,
    HASH_SEX,
    HASH_WIFE,
    HASH_MOTHER,
    HASH_HOME,
    HASH_SURNAME,
    HASH_GIVEN,
    HASH_BIRTH,
    HASH_ADDRESS,
    HASH_BUILDING,
    HASH_FOREIGN,
    HASH_ALIAS,
    HASH_FORMER,
    HASH_FURIGANA,
    HASH_LIFE
};
uint64_t town_hash(uint64_t seed, uint64_t what, uint64_t number);
uint64_t town_pick(const struct town *town, uint64_t what, uint64_t number, uint64_t among);

/* Whether resident i is that edge case, and how many residents at the front are some. */
bool town_is(const struct town *town, uint32_t i, enum town_edge edge);
uint32_t town_edges(const struct town *town);

/* The code that is drawn as number `spare` beyond the residents': of the two before the last of EDGE_CODE_TWICE, of who
 * is in the register no more, and those of town_live. RC_RANGE. */
enum { SPARE_FIRST_CODE, SPARE_SECOND_CODE, SPARE_GONE, SPARES };
enum rc town_spare(const struct town *town, int64_t spare, char code[12], struct err *err) MUST_CHECK;

/* 世帯番号 of the how-manyth household. */
void town_household_number(uint32_t home, char number[11]);

/* A child of a resident, born on a day: the name of the family, the household and the address. */
enum rc town_child(const struct town *town, uint32_t parent, uint64_t number, const char *date, struct resident *child,
                   struct err *err) MUST_CHECK;

#endif

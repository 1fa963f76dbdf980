/* town.c — making people. First everybody's sex and age by the shares of the country; then households out of them:
 * couples, children to mothers of a fitting age, grown children at home, the rest alone; then names and addresses by
 * household. All choices are hashes of seed and number, so that no order of calls changes them. */
#include "registry/town.h"

#include "base/clock.h"
#include "pki/municipality.h"
#include "registry/characters.h"
#include "registry/code.h"
#include "registry/pool.h"
#include "registry/towndata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OLDEST 105
#define NOBODY UINT32_MAX
#define REFERENCE_YEAR 2026 /* ages are counted to the first of April */
#define AT_HOME_MAX 6       /* children of one household */

enum edge { EDGE_LEAP_DAY, EDGE_LONG_ADDRESS, EDGE_SUBSTITUTE, EDGE_FOREIGN, EDGE_TWIN, EDGE_OTHER_TWIN, EDGE_NO_DAY };

struct person {
    uint32_t household;
    uint8_t age, rank; /* rank: the how-manyth of the household */
    bool woman;
};

struct home {
    uint32_t mother; /* the woman of a couple, or NOBODY */
    uint8_t members, at_home;
};

struct town {
    const struct municipality *place;
    char municipality[7];
    uint64_t seed;
    uint32_t count, households;
    struct person *people;
    struct home *homes;
};

static uint64_t town_hash(uint64_t seed, uint64_t what, uint64_t number)
{
    uint64_t x = seed * 0x9E3779B97F4A7C15u + what * 0xD6E8FEB86659FD93u + number + 0x632BE59BD9B4E019u;
    for (int i = 0; i < 2; i++) {
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
        x = (x ^ x >> 27) * 0x94D049BB133111EBu;
        x ^= x >> 31;
    }
    return x;
}

enum { HASH_AGE = 1, HASH_SEX, HASH_WIFE, HASH_MOTHER, HASH_HOME, HASH_SURNAME, HASH_GIVEN, HASH_BIRTH, HASH_ADDRESS,
       HASH_BUILDING, HASH_FOREIGN };

static uint64_t town_pick(const struct town *town, uint64_t what, uint64_t number, uint64_t among)
{
    return town_hash(town->seed, what, number) % among;
}

static void town_make_person(struct town *town, uint32_t i)
{
    unsigned total = 0;
    for (unsigned b = 0; b < TOWN_BANDS; b++)
        total += town_ages[b];
    unsigned at = (unsigned)town_pick(town, HASH_AGE, i, total), band = 0;
    while (at >= town_ages[band])
        at -= town_ages[band++];
    struct person *person = &town->people[i];
    unsigned width = band == TOWN_BANDS - 1 ? OLDEST - 95 : 5;
    person->age = (uint8_t)(band * 5 + town_pick(town, HASH_AGE + 100, i, width));
    person->woman = town_pick(town, HASH_SEX, i, 1000) < town_women_of_1000[band];
    person->household = NOBODY;
    if (i == EDGE_TWIN || i == EDGE_OTHER_TWIN)
        person->age = 8;
    else if (i <= EDGE_NO_DAY && person->age < 30)
        person->age = (uint8_t)(person->age + 40);
}

/* Lists of people by age: the first of each, and the next of each person. */
struct by_age {
    uint32_t first[OLDEST + 1], *next;
};

static void town_list(struct by_age *list, unsigned age, uint32_t who)
{
    list->next[who] = list->first[age];
    list->first[age] = who;
}

static uint32_t town_unlist(struct by_age *list, int age)
{
    if (age < 0 || age > OLDEST || list->first[age] == NOBODY)
        return NOBODY;
    uint32_t who = list->first[age];
    list->first[age] = list->next[who];
    return who;
}

static void town_join(struct town *town, uint32_t who, uint32_t home)
{
    town->people[who].household = home;
    town->people[who].rank = town->homes[home].members++;
}

static uint32_t town_found(struct town *town, uint32_t who)
{
    uint32_t home = town->households++;
    town->homes[home] = (struct home) { .mother = NOBODY };
    town_join(town, who, home);
    return home;
}

/* Two of three men from 35 on and two of five from 25 on are married, to a woman between 8 years younger and 4 older. */
static void town_marry(struct town *town, struct by_age *women, struct by_age *mothers)
{
    for (uint32_t i = EDGE_NO_DAY + 1; i < town->count; i++) {
        struct person *man = &town->people[i];
        uint64_t lot = town_pick(town, HASH_WIFE, i, 100);
        if (man->woman || man->age < 25 || lot >= (man->age < 35 ? 40u : 66u))
            continue;
        int wish = man->age - 2;
        uint32_t wife = NOBODY;
        for (int off = 0; wife == NOBODY && off <= 6; off++) {
            wife = town_unlist(women, wish - off);
            if (wife == NOBODY)
                wife = town_unlist(women, wish + off);
        }
        if (wife == NOBODY)
            continue;
        uint32_t home = town_found(town, i);
        town_join(town, wife, home);
        town->homes[home].mother = wife;
        town_list(mothers, town->people[wife].age, wife);
    }
}

/* A mother 22 to 41 years older: tried from a random age on. The list is turned, so that children spread. */
static uint32_t town_mother(struct town *town, struct by_age *mothers, uint32_t child)
{
    unsigned start = (unsigned)town_pick(town, HASH_MOTHER, child, 20);
    for (unsigned off = 0; off < 20; off++) {
        int age = town->people[child].age + 22 + (int)((start + off) % 20);
        uint32_t who = town_unlist(mothers, age);
        if (who == NOBODY)
            continue;
        struct home *home = &town->homes[town->people[who].household];
        if (++home->at_home < AT_HOME_MAX)
            town_list(mothers, (unsigned)age, who);
        return who;
    }
    return NOBODY;
}

static void town_house(struct town *town, struct by_age *mothers)
{
    for (uint32_t i = 0; i < town->count; i++) {
        struct person *person = &town->people[i];
        if (person->household != NOBODY)
            continue;
        if (i == EDGE_OTHER_TWIN) {
            town_join(town, i, town->people[EDGE_TWIN].household);
            continue;
        }
        bool child = person->age < 18;
        bool stays = person->age < 30 && town_pick(town, HASH_HOME, i, 100) < 45;
        uint32_t mother = child || stays ? town_mother(town, mothers, i) : NOBODY;
        if (mother != NOBODY)
            town_join(town, i, town->people[mother].household);
        else if (child && town->households) /* a small town may lack a mother of that age: with relatives */
            town_join(town, i, (uint32_t)town_pick(town, HASH_HOME, i, town->households));
        else
            (void)town_found(town, i);
    }
}

static enum rc town_settle(struct town *town, struct err *err)
{
    struct by_age women, mothers;
    women.next = malloc(town->count * sizeof *women.next);
    mothers.next = malloc(town->count * sizeof *mothers.next);
    enum rc rc = women.next && mothers.next ? RC_OK : err_set(err, RC_NOMEM, "town");
    for (unsigned age = 0; age <= OLDEST; age++)
        women.first[age] = mothers.first[age] = NOBODY;
    if (!rc) {
        for (uint32_t i = 0; i < town->count; i++)
            town_make_person(town, i);
        for (uint32_t i = EDGE_NO_DAY + 1; i < town->count; i++)
            if (town->people[i].woman && town->people[i].age >= 22)
                town_list(&women, town->people[i].age, i);
        town_marry(town, &women, &mothers);
        town_house(town, &mothers);
    }
    free(women.next);
    free(mothers.next);
    return rc;
}

enum rc town_new(const char *municipality, int64_t residents, uint64_t seed, struct town **out, struct err *err)
{
    const struct municipality *place;
    enum rc rc = municipality_find(municipality, &place);
    if (rc)
        return err_set(err, rc, "municipality %s: %s", municipality, rc == RC_FORMAT ? "wrong check digit" : "not known");
    if (residents < 1 || residents > pool_size(place->code))
        return err_set(err, RC_RANGE, "residents: 1 to %lld, as many as the municipality has codes",
                       (long long)pool_size(place->code));
    struct town *town = calloc(1, sizeof *town);
    if (!town)
        return err_set(err, RC_NOMEM, "town");
    town->place = place;
    snprintf(town->municipality, sizeof town->municipality, "%s", place->code);
    town->seed = town_hash(seed, 0, (uint64_t)atoi(place->code));
    town->count = (uint32_t)residents;
    town->people = calloc(town->count, sizeof *town->people);
    town->homes = calloc(town->count, sizeof *town->homes);
    rc = town->people && town->homes ? town_settle(town, err) : err_set(err, RC_NOMEM, "town");
    if (rc)
        town_free(town);
    else
        *out = town;
    return rc;
}

void town_free(struct town *town)
{
    if (!town)
        return;
    free(town->people);
    free(town->homes);
    free(town);
}

/* Full-width digits, as the register writes them. */
static void town_number(char *out, size_t size, unsigned number)
{
    char digits[12];
    snprintf(digits, sizeof digits, "%u", number);
    size_t used = strlen(out);
    for (const char *d = digits; *d && used + 4 <= size; d++, used += 3) {
        memcpy(out + used, "\xEF\xBC\x90", 3);
        out[used + 2] = (char)(out[used + 2] + (*d - '0'));
        out[used + 3] = '\0';
    }
}

static void town_text(char *out, size_t size, const char *text)
{
    size_t used = strlen(out);
    snprintf(out + used, size - used, "%s", text);
}

static void town_surname(const struct town *town, uint32_t home, char *out, size_t size)
{
    unsigned lot = (unsigned)town_pick(town, HASH_SURNAME, home, 10000);
    for (unsigned i = 0; i < TOWN_SURNAMES; i++) {
        if (lot < town_surnames[i].of_10000) {
            town_text(out, size, town_surnames[i].name);
            return;
        }
        lot -= town_surnames[i].of_10000;
    }
    town_text(out, size, town_surname_heads[town_pick(town, HASH_SURNAME + 100, home, TOWN_PARTS)]);
    town_text(out, size, town_surname_tails[town_pick(town, HASH_SURNAME + 200, home, TOWN_PARTS)]);
}

static bool town_is_foreign(const struct town *town, uint32_t i)
{
    return i == EDGE_FOREIGN || (i > EDGE_NO_DAY && town_pick(town, HASH_FOREIGN, i, 1000) < 20);
}

/* Members of one household, sex and generation get different names: their ranks differ. */
static void town_name(const struct town *town, uint32_t i, int year, struct attributes *a)
{
    const struct person *person = &town->people[i];
    size_t size = sizeof a->name;
    if (town_is_foreign(town, i)) {
        town_text(a->name, size, town_foreign_names[town_pick(town, HASH_FOREIGN + 100, i, TOWN_FOREIGN)]);
        return;
    }
    if (i == EDGE_SUBSTITUTE)
        town_text(a->name, size, "高橋"); /* the register has 髙 (U+9AD9), which certificates cannot hold */
    else
        town_surname(town, person->household, a->name, size);
    unsigned generation = year < 1960 ? 0 : year < 1990 ? 1 : 2;
    unsigned given = (unsigned)((town_pick(town, HASH_GIVEN, person->household, TOWN_NAMES) + person->rank) % TOWN_NAMES);
    town_text(a->name, size, "\xE3\x80\x80");
    town_text(a->name, size, person->woman ? town_women[generation][given] : town_men[generation][given]);
}

static void town_birth(const struct town *town, uint32_t i, struct attributes *a, int *year)
{
    const struct person *person = &town->people[i];
    uint32_t who = i == EDGE_OTHER_TWIN ? EDGE_TWIN : i; /* twins share the day */
    int64_t day = clock_from_date(REFERENCE_YEAR - person->age, 4, 1) -
                  86400 * (int64_t)(1 + town_pick(town, HASH_BIRTH, who, 365));
    char text[CLOCK_TEXT_SIZE];
    clock_format(day, text);
    int month = atoi(text + 5), date = atoi(text + 8);
    *year = atoi(text);
    if (i == EDGE_LEAP_DAY) {
        *year -= *year % 4; /* 1924 to 2024: every fourth is a leap year */
        month = 2;
        date = 29;
    }
    char era = attributes_era(*year, month, date);
    snprintf(a->birth, sizeof a->birth, "%c%04u%02u%02u", era, (unsigned)*year % 10000, (unsigned)month % 100,
             i == EDGE_NO_DAY ? 0 : (unsigned)date % 100);
}

static void town_address(const struct town *town, uint32_t i, struct attributes *a)
{
    uint32_t home = town->people[i].household;
    size_t size = sizeof a->address;
    bool kagoshima = strcmp(town->municipality, "462012") == 0;
    town_text(a->address, size, town->place->prefecture);
    town_text(a->address, size, town->place->name);
    town_text(a->address, size, kagoshima ? town_places_kagoshima[town_pick(town, HASH_ADDRESS, home, TOWN_PLACES_KAGOSHIMA)]
                                          : town_places_anywhere[town_pick(town, HASH_ADDRESS, home, TOWN_PLACES_ANYWHERE)]);
    town_number(a->address, size, (unsigned)(1 + town_pick(town, HASH_ADDRESS + 100, home, 60)));
    town_text(a->address, size, "番");
    town_number(a->address, size, (unsigned)(1 + town_pick(town, HASH_ADDRESS + 200, home, 40)));
    town_text(a->address, size, "号");
    bool flat = town_pick(town, HASH_BUILDING, home, 100) < 45;
    if (flat || i == EDGE_LONG_ADDRESS) {
        const char *building = town_buildings[town_pick(town, HASH_BUILDING + 100, home, TOWN_BUILDINGS)];
        if (i == EDGE_LONG_ADDRESS) /* to the 200 characters of a certificate, less what a number takes */
            for (int k = 0; k < 14; k++)
                town_text(a->address, size, "国際交流会館研究者宿舎別館");
        else
            town_text(a->address, size, building);
        unsigned floor = (unsigned)(1 + town_pick(town, HASH_BUILDING + 200, home, 9));
        town_number(a->address, size, floor * 100 + 1 + (unsigned)town_pick(town, HASH_BUILDING + 300, home, 8));
        town_text(a->address, size, "号");
    }
}

/* 世帯番号, 続柄 and the order of members. Every tenth number or its neighbour has a check digit. */
static void town_household(const struct town *town, uint32_t i, struct household *h)
{
    const struct person *person = &town->people[i];
    char digits[24];
    char check = '\0';
    for (unsigned k = 0; !check; k++) {
        snprintf(digits, sizeof digits, "%09u", 10 * (person->household + 1) % 1000000000 + k);
        check = code_household_digit(digits);
    }
    snprintf(h->number, sizeof h->number, "%.9s%c", digits, check);
    snprintf(h->position, sizeof h->position, "%02u", (person->rank + 1u) % 100);
    const char *relation = person->rank == 0 ? RELATION_HEAD
                           : town->homes[person->household].mother == i ? "妻"
                           : town->homes[person->household].mother != NOBODY || i == EDGE_OTHER_TWIN ? "子" : "同居人";
    snprintf(h->relation, sizeof h->relation, "%s", relation);
    memcpy(h->foreign, town_is_foreign(town, i) ? "1" : "", town_is_foreign(town, i) ? 2 : 1);
}

/* At most 200 characters: the long address is cut there. */
static void town_cut(char *text, unsigned characters)
{
    for (; *text; text++)
        if (((unsigned char)*text & 0xC0) != 0x80 && characters-- == 0) {
            *text = '\0';
            return;
        }
}

enum rc town_resident(const struct town *town, int64_t index, struct resident *out, struct err *err)
{
    if (index < 0 || index >= town->count)
        return err_set(err, RC_RANGE, "the town has no resident %lld", (long long)index);
    uint32_t i = (uint32_t)index;
    struct resident resident = { 0 };
    memcpy(resident.municipality, town->municipality, sizeof resident.municipality);
    enum rc rc = pool_draw(town->municipality, town->seed, index, resident.code);
    if (rc)
        return err_set(err, rc, "no code left");
    struct attributes *a = &resident.attributes;
    int year;
    town_birth(town, i, a, &year);
    town_name(town, i, year, a);
    town_address(town, i, a);
    town_cut(a->address, 200);
    memcpy(a->sex, town->people[i].woman ? "2" : "1", 2);
    attributes_no_substitutes(a);
    if (i == EDGE_SUBSTITUTE) { /* 高橋 in the certificate, 髙橋 in the register */
        char original[400];
        snprintf(original, sizeof original, "髙%.300s", a->name + strlen("高"));
        rc = characters_write_name(&resident, original, err);
        if (rc)
            return rc;
    }
    town_household(town, i, &resident.household);
    pool_number(resident.code, resident.particulars.personal_number);
    rc = record_check(&resident, false, err);
    if (!rc)
        *out = resident;
    return rc;
}

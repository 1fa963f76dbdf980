/* townsfolk.c — the record of a synthetic resident: name and reading, day of birth, address and household. */
#include "base/clock.h"
#include "registry/characters.h"
#include "registry/code.h"
#include "registry/pool.h"
#include "registry/town_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANK "\xE3\x80\x80" /* U+3000 */
#define NAME_MAX_CHARACTERS 100
#define ADDRESS_MAX_CHARACTERS 200

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

static void town_cut(char *text, unsigned characters)
{
    for (; *text; text++)
        if (((unsigned char)*text & 0xC0) != 0x80 && characters-- == 0) {
            *text = '\0';
            return;
        }
}

/* Whose data a resident has: the second of the two with the same attributes is drawn as the first. */
static uint32_t town_model(const struct town *town, uint32_t i)
{
    return town_is(town, i, EDGE_OTHER_SAME) ? EDGE_SAME : i;
}

static struct town_word town_surname(const struct town *town, uint64_t what, uint64_t number)
{
    uint64_t lot = town_pick(town, what, number, town_surnames[town_surname_count - 1].until);
    size_t low = 0, high = town_surname_count - 1; /* the first whose until is above the lot */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (town_surnames[middle].until > lot)
            high = middle;
        else
            low = middle + 1;
    }
    return (struct town_word){town_surnames[low].name, town_surnames[low].reading};
}

/* Half of the people have a name that was given often. Members of one household, sex and generation get different ones,
 * as far as the often given go: their ranks differ. */
static struct town_word town_given_name(const struct town *town, uint32_t i, int year)
{
    const struct person *person = &town->people[i];
    const struct town_group *group = &town_groups[person->woman][year < 1960 ? 0 : year < 1990 ? 1 : 2];
    bool often = town_pick(town, HASH_GIVEN + 100, i, 2);
    uint64_t among = often ? group->often : group->count - group->often;
    uint64_t at = (town_pick(town, HASH_GIVEN, person->household, among) + person->rank) % among;
    return town_given[group->first + (often ? 0 : group->often) + at];
}

static bool town_is_foreign(const struct town *town, uint32_t i)
{
    if (i < town_edges(town))
        return i == EDGE_FOREIGN || i == EDGE_ALIAS || i == EDGE_LONG_NAME;
    return town_pick(town, HASH_FOREIGN, i, 10000) < 266; /* 2.66 % on 2024-01-01 */
}

static void town_name_japanese(char *name, char *reading, size_t size, struct town_word surname, struct town_word given)
{
    const char *const texts[] = {town_names + surname.name, town_names + surname.reading, town_names + given.name,
                                 town_names + given.reading};
    town_text(name, size, texts[0]);
    town_text(name, size, BLANK);
    town_text(name, size, texts[2]);
    town_text(reading, size, texts[1]);
    town_text(reading, size, BLANK);
    town_text(reading, size, texts[3]);
}

/* One of four has an alias. */
static void town_name_foreign(const struct town *town, uint32_t i, int year, struct resident *resident)
{
    struct attributes *a = &resident->attributes;
    const struct person *person = &town->people[i];
    size_t nation = town_pick(town, HASH_FOREIGN + 100, i, TOWN_NATIONS);
    town_text(a->name, sizeof a->name,
              town_foreign_families[nation][town_pick(town, HASH_FOREIGN + 200, i, TOWN_FOREIGN)]);
    size_t givens = town_is(town, i, EDGE_LONG_NAME) ? TOWN_FOREIGN : 1;
    for (size_t k = 0; k < givens; k++) {
        town_text(a->name, sizeof a->name, BLANK);
        town_text(a->name, sizeof a->name,
                  town_foreign_givens[nation][person->woman]
                                     [(town_pick(town, HASH_FOREIGN + 300, i, TOWN_FOREIGN) + k) % TOWN_FOREIGN]);
    }
    for (size_t k = 0; givens > 1 && k < NAME_MAX_CHARACTERS; k++) /* to the full length */
        town_text(a->name, sizeof a->name, "A");
    town_cut(a->name, NAME_MAX_CHARACTERS);
    bool alias = i < town_edges(town) ? i == EDGE_ALIAS : town_pick(town, HASH_ALIAS, i, 4) == 0;
    char reading[301] = "";
    if (alias)
        town_name_japanese(resident->particulars.alias, reading, sizeof reading,
                           town_surname(town, HASH_ALIAS + 100, i), town_given_name(town, i, year));
}

static void town_name(const struct town *town, uint32_t i, int year, struct resident *resident)
{
    const struct person *person = &town->people[i];
    struct particulars *p = &resident->particulars;
    struct attributes *a = &resident->attributes;
    if (town_is_foreign(town, i)) {
        town_name_foreign(town, i, year, resident);
        return;
    }
    struct town_word surname = town_surname(town, HASH_SURNAME, person->household);
    town_name_japanese(a->name, p->furigana, sizeof p->furigana, surname, town_given_name(town, i, year));
    bool edge = i < town_edges(town);
    if (edge ? i == EDGE_NO_FURIGANA : town_pick(town, HASH_FURIGANA, i, 200) == 0)
        p->furigana[0] = '\0';
    if (edge ? i == EDGE_FORMER_NAME
             : person->woman && person->age >= 20 && town_pick(town, HASH_FORMER, i, 1000) < 2) {
        struct town_word former = town_surname(town, HASH_FORMER + 100, i);
        town_text(p->former_name, sizeof p->former_name, town_names + former.name);
        town_text(p->former_furigana, sizeof p->former_furigana, town_names + former.reading);
    }
}

/* 高橋 in the certificate, 髙橋 in the register. */
static enum rc town_substitute(const struct town *town, uint32_t i, int year, struct resident *resident,
                               struct err *err)
{
    struct town_word given = town_given_name(town, i, year);
    char name[400];
    snprintf(name, sizeof name, "髙橋" BLANK "%s", town_names + given.name);
    snprintf(resident->particulars.furigana, sizeof resident->particulars.furigana, "タカハシ" BLANK "%s",
             town_names + given.reading);
    return characters_write_name(resident, name, err);
}

static void town_birth(const struct town *town, uint32_t i, struct attributes *a, int *year)
{
    const struct person *person = &town->people[i];
    uint32_t who = town_is(town, i, EDGE_OTHER_TWIN) ? EDGE_TWIN : i; /* twins share the day */
    int64_t day =
        clock_from_date(TOWN_YEAR - person->age, 4, 1) - 86400 * (int64_t)(1 + town_pick(town, HASH_BIRTH, who, 365));
    char text[CLOCK_TEXT_SIZE];
    clock_format(day, text);
    unsigned month = (unsigned)atoi(text + 5) % 100, date = (unsigned)atoi(text + 8) % 100;
    *year = atoi(text);
    if (town_is(town, i, EDGE_LEAP_DAY)) {
        *year -= *year % 4; /* every fourth is a leap year */
        month = 2;
        date = 29;
    }
    char era = attributes_era(*year, (int)month, (int)date);
    bool no_month = town_is(town, i, EDGE_NO_MONTH);
    snprintf(a->birth, sizeof a->birth, "%c%04u%02u%02u", era, (unsigned)*year % 10000, no_month ? 0 : month,
             no_month || town_is(town, i, EDGE_NO_DAY) ? 0 : date);
}

static void town_building(const struct town *town, uint32_t i, uint32_t home, char *address, size_t size)
{
    bool long_one = town_is(town, i, EDGE_LONG_ADDRESS);
    for (int k = 0; long_one && k < 14; k++) /* to the 200 characters of a certificate, less what a number takes */
        town_text(address, size, "国際交流会館研究者宿舎別館");
    if (town_is(town, i, EDGE_SUBSTITUTE_PLACE))
        town_text(address, size, "髙橋荘");
    else if (!long_one)
        town_text(address, size, town_buildings[town_pick(town, HASH_BUILDING + 100, home, TOWN_BUILDINGS)]);
    unsigned floor = (unsigned)(1 + town_pick(town, HASH_BUILDING + 200, home, 9));
    town_number(address, size, floor * 100 + 1 + (unsigned)town_pick(town, HASH_BUILDING + 300, home, 8));
    town_text(address, size, "号");
}

static void town_address(const struct town *town, uint32_t i, char *address, size_t size)
{
    uint32_t home = town->people[i].household;
    const struct town_place *data = town->data;
    town_text(address, size, town->place->prefecture);
    town_text(address, size, town->place->name);
    town_text(address, size, town_towns + town_town_at[data->first + town_pick(town, HASH_ADDRESS, home, data->towns)]);
    town_number(address, size, (unsigned)(1 + town_pick(town, HASH_ADDRESS + 100, home, 60)));
    town_text(address, size, "番");
    town_number(address, size, (unsigned)(1 + town_pick(town, HASH_ADDRESS + 200, home, 40)));
    town_text(address, size, "号");
    if (town_is(town, i, EDGE_LONG_ADDRESS) || town_is(town, i, EDGE_SUBSTITUTE_PLACE) ||
        town_pick(town, HASH_BUILDING, home, 100) < 45)
        town_building(town, i, home, address, size);
    town_cut(address, ADDRESS_MAX_CHARACTERS);
}

/* Every tenth number or its neighbour has a check digit. */
void town_household_number(uint32_t home, char number[11])
{
    char digits[24];
    char check = '\0';
    for (unsigned k = 0; !check; k++) {
        snprintf(digits, sizeof digits, "%09u", 10 * (home + 1) % 1000000000 + k);
        check = code_household_digit(digits);
    }
    snprintf(number, 11, "%.9s%c", digits, check);
}

/* 世帯番号, 続柄 and the order of members. */
static void town_household(const struct town *town, uint32_t i, struct household *h)
{
    const struct person *person = &town->people[i];
    town_household_number(person->household, h->number);
    snprintf(h->position, sizeof h->position, "%02u", (person->rank + 1u) % 100);
    bool child = town->homes[person->household].mother != TOWN_NOBODY || town_is(town, i, EDGE_OTHER_TWIN);
    const char *relation = person->rank == 0                            ? RELATION_HEAD
                           : town->homes[person->household].mother == i ? "妻"
                           : child                                      ? "子"
                                                                        : "同居人";
    snprintf(h->relation, sizeof h->relation, "%s", relation);
    memcpy(h->foreign, town_is_foreign(town, i) ? "1" : "", town_is_foreign(town, i) ? 2 : 1);
}

enum rc town_resident(const struct town *town, int64_t index, struct resident *out, struct err *err)
{
    if (index < 0 || index >= town->count)
        return err_set(err, RC_RANGE, "the town has no resident %lld", (long long)index);
    uint32_t i = (uint32_t)index, model = town_model(town, i);
    struct resident resident = {0};
    struct attributes *a = &resident.attributes;
    memcpy(resident.municipality, town->place->code, sizeof resident.municipality);
    enum rc rc = pool_draw(town->place->code, town->seed, index, resident.code);
    if (rc)
        return err_set(err, rc, "no code left");
    int year;
    char address[801] = "";
    town_birth(town, model, a, &year);
    town_name(town, model, year, &resident);
    town_address(town, model, address, sizeof address);
    memcpy(a->sex, town->people[i].woman ? "2" : "1", 2);
    attributes_no_substitutes(a);
    rc = town_is(town, i, EDGE_SUBSTITUTE) ? town_substitute(town, i, year, &resident, err) : RC_OK;
    if (!rc)
        rc = characters_write_address(&resident, address, err);
    if (rc)
        return rc;
    town_household(town, i, &resident.household);
    pool_number(resident.code, resident.particulars.personal_number);
    rc = record_check(&resident, false, err);
    if (!rc)
        *out = resident;
    return rc;
}

enum rc town_child(const struct town *town, uint32_t parent, uint64_t number, const char *date, struct resident *out,
                   struct err *err)
{
    struct resident child;
    enum rc rc = town_resident(town, parent, &child, err);
    if (rc)
        return rc;
    const struct person *mother = &town->people[parent];
    bool girl = town_pick(town, HASH_LIFE + 50, number, 2);
    const struct town_group *group = &town_groups[girl][TOWN_GENERATIONS - 1];
    const struct town_word given = town_given[group->first + town_pick(town, HASH_LIFE + 51, number, group->count)];
    struct particulars p = {0};
    memset(child.attributes.name, 0, sizeof child.attributes.name);
    memcpy(child.attributes.sex, girl ? "2" : "1", 2);
    town_name_japanese(child.attributes.name, p.furigana, sizeof p.furigana,
                       town_surname(town, HASH_SURNAME, mother->household), given);
    snprintf(p.original_address, sizeof p.original_address, "%s", child.particulars.original_address);
    child.particulars = p;
    snprintf(child.attributes.birth, sizeof child.attributes.birth, "5%.4s%.2s%.2s", date, date + 5, date + 8);
    attributes_no_substitutes(&child.attributes);
    snprintf(child.household.position, sizeof child.household.position, "%02u",
             (town->homes[mother->household].members + 1u) % 100);
    snprintf(child.household.relation, sizeof child.household.relation, "子");
    *out = child;
    return RC_OK;
}

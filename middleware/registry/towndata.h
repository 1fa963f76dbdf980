/* towndata.h — what the synthetic people are made of, as tables: those of towndata.c, and those that the build makes
 * out of names.tsv and places.tsv (scripts/names.py, scripts/places.py; the sources and their licences stand in their
 * first lines). */
#ifndef JPKI_REGISTRY_TOWNDATA_H
#define JPKI_REGISTRY_TOWNDATA_H

#include <stddef.h>
#include <stdint.h>

enum {
    TOWN_BANDS = 19,      /* five years of age each, the last from 90 on */
    TOWN_GENERATIONS = 3, /* born before 1960, before 1990, since */
    TOWN_BUILDINGS = 12,
    TOWN_NATIONS = 6,
    TOWN_FOREIGN = 10,
};

/* Persons of the country by sex (men first) and age. */
extern const uint32_t town_ages[2][TOWN_BANDS];

/* A name and its reading: places in town_names. */
struct town_word {
    uint32_t name, reading;
};
extern const char town_names[];

/* Surnames, the frequent first: until counts persons of about a million up to and with this name. */
struct town_surname {
    uint32_t name, reading, until;
};
extern const struct town_surname town_surnames[];
extern const size_t town_surname_count;

/* Given names of a sex and a generation: those in town_given from first on, of which the first `often` were given
 * often. */
struct town_group {
    uint32_t first, often, count;
};
extern const struct town_word town_given[];
extern const struct town_group town_groups[2][TOWN_GENERATIONS];

/* A municipality's population and towns (町字): places in town_town_at, which are places in town_towns. In code order,
 * the rows of municipality_rows. */
struct town_place {
    char code[7];
    uint32_t population, first, towns;
};
extern const struct town_place town_places[];
extern const size_t town_place_count;
extern const uint32_t town_town_at[];
extern const char town_towns[];

extern const char *const town_foreign_families[TOWN_NATIONS][TOWN_FOREIGN];
extern const char *const town_foreign_givens[TOWN_NATIONS][2][TOWN_FOREIGN]; /* men first */
extern const char *const town_buildings[TOWN_BUILDINGS];

#endif

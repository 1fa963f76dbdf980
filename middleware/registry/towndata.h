/* towndata.h — the tables of towndata.c. */
#ifndef JPKI_REGISTRY_TOWNDATA_H
#define JPKI_REGISTRY_TOWNDATA_H

enum {
    TOWN_SURNAMES = 100,
    TOWN_PARTS = 30,
    TOWN_GENERATIONS = 3,
    TOWN_NAMES = 30,
    TOWN_FOREIGN = 10,
    TOWN_BANDS = 20,
    TOWN_PLACES_KAGOSHIMA = 60,
    TOWN_PLACES_ANYWHERE = 30,
    TOWN_BUILDINGS = 12,
};

struct town_surname {
    const char *name;
    unsigned of_10000;
};

extern const struct town_surname town_surnames[TOWN_SURNAMES];
extern const char *const town_surname_heads[TOWN_PARTS], *const town_surname_tails[TOWN_PARTS];
extern const char *const town_men[TOWN_GENERATIONS][TOWN_NAMES], *const town_women[TOWN_GENERATIONS][TOWN_NAMES];
extern const char *const town_foreign_names[TOWN_FOREIGN];
extern const unsigned town_ages[TOWN_BANDS], town_women_of_1000[TOWN_BANDS];
extern const char *const town_places_kagoshima[TOWN_PLACES_KAGOSHIMA];
extern const char *const town_places_anywhere[TOWN_PLACES_ANYWHERE];
extern const char *const town_buildings[TOWN_BUILDINGS];

#endif

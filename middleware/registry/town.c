/* town.c — making people. First everybody's sex and age by the shares of the census; then households out of them:
 * couples, children to mothers of a fitting age, grown children at home, the rest alone. */
#include "registry/town.h"

#include "registry/pool.h"
#include "registry/town_parts.h"

#include <stdlib.h>
#include <string.h>

#define OLDEST 110
#define AT_HOME_MAX 6 /* children of one household */
#define LAST_BAND_FROM 90
#define LASTS_OF_100 72 /* a year longer, from there on: about 80,000 of the country are a hundred or older */

static unsigned town_oldest_age(const struct town *town, uint32_t i)
{
    unsigned age = LAST_BAND_FROM;
    while (age < OLDEST && town_pick(town, HASH_AGE + 100 + age, i, 100) < LASTS_OF_100)
        age++;
    return age;
}

/* Those that a household, a day of birth or a row of names needs at a fitting age. */
static void town_make_edge(const struct town *town, uint32_t i, struct person *person)
{
    if (i == EDGE_TWIN || i == EDGE_OTHER_TWIN)
        person->age = 8;
    else if (i == EDGE_OLD)
        person->age = 104;
    else if (i == EDGE_OTHER_SAME)
        person->woman = town->people[EDGE_SAME].woman;
    if (i == EDGE_FORMER_NAME)
        person->woman = true;
    if (person->age < 30 && i != EDGE_TWIN && i != EDGE_OTHER_TWIN)
        person->age = (uint8_t)(person->age + 40);
    if (i == EDGE_OTHER_SAME)
        person->age = town->people[EDGE_SAME].age;
}

static void town_make_person(struct town *town, uint32_t i)
{
    uint64_t total[2] = {0};
    for (unsigned sex = 0; sex < 2; sex++)
        for (unsigned b = 0; b < TOWN_BANDS; b++)
            total[sex] += town_ages[sex][b];
    struct person *person = &town->people[i];
    person->woman = town_pick(town, HASH_SEX, i, total[0] + total[1]) >= total[0];
    uint64_t at = town_pick(town, HASH_AGE, i, total[person->woman]);
    unsigned band = 0;
    while (at >= town_ages[person->woman][band])
        at -= town_ages[person->woman][band++];
    person->age =
        (uint8_t)(band == TOWN_BANDS - 1 ? town_oldest_age(town, i) : band * 5 + town_pick(town, HASH_AGE + 100, i, 5));
    person->household = TOWN_NOBODY;
    if (i < town_edges(town))
        town_make_edge(town, i, person);
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
    if (age < 0 || age > OLDEST || list->first[age] == TOWN_NOBODY)
        return TOWN_NOBODY;
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
    town->homes[home] = (struct home){.mother = TOWN_NOBODY};
    town_join(town, who, home);
    return home;
}

/* Two of three men from 35 on and two of five from 25 on are married, to a woman between 8 years younger and 4 older.
 */
static void town_marry(struct town *town, struct by_age *women, struct by_age *mothers)
{
    for (uint32_t i = town_edges(town); i < town->count; i++) {
        struct person *man = &town->people[i];
        uint64_t lot = town_pick(town, HASH_WIFE, i, 100);
        if (man->woman || man->age < 25 || lot >= (man->age < 35 ? 40u : 66u))
            continue;
        int wish = man->age - 2;
        uint32_t wife = TOWN_NOBODY;
        for (int off = 0; wife == TOWN_NOBODY && off <= 6; off++) {
            wife = town_unlist(women, wish - off);
            if (wife == TOWN_NOBODY)
                wife = town_unlist(women, wish + off);
        }
        if (wife == TOWN_NOBODY)
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
        if (who == TOWN_NOBODY)
            continue;
        struct home *home = &town->homes[town->people[who].household];
        if (++home->at_home < AT_HOME_MAX)
            town_list(mothers, (unsigned)age, who);
        return who;
    }
    return TOWN_NOBODY;
}

static void town_house(struct town *town, struct by_age *mothers)
{
    for (uint32_t i = 0; i < town->count; i++) {
        struct person *person = &town->people[i];
        if (person->household != TOWN_NOBODY)
            continue;
        if (town_is(town, i, EDGE_OTHER_TWIN)) {
            town_join(town, i, town->people[EDGE_TWIN].household);
            continue;
        }
        if (i < town_edges(town) && i != EDGE_TWIN) { /* no child of somebody's; the crowd is one household */
            bool crowd = i > EDGE_CROWD && i <= EDGE_CROWD_LAST;
            if (crowd)
                town_join(town, i, town->people[EDGE_CROWD].household);
            else
                (void)town_found(town, i);
            continue;
        }
        bool child = person->age < 18;
        bool stays = person->age < 30 && town_pick(town, HASH_HOME, i, 100) < 45;
        uint32_t mother = child || stays ? town_mother(town, mothers, i) : TOWN_NOBODY;
        if (mother != TOWN_NOBODY)
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
        women.first[age] = mothers.first[age] = TOWN_NOBODY;
    if (!rc) {
        for (uint32_t i = 0; i < town->count; i++)
            town_make_person(town, i);
        for (uint32_t i = town_edges(town); i < town->count; i++)
            if (town->people[i].woman && town->people[i].age >= 22)
                town_list(&women, town->people[i].age, i);
        town_marry(town, &women, &mothers);
        town_house(town, &mothers);
    }
    free(women.next);
    free(mothers.next);
    return rc;
}

/* NULL: the places know every municipality, so there is none. */
static const struct town_place *town_find_place(const char *code)
{
    size_t low = 0, high = town_place_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(town_places[middle].code, code);
        if (order == 0)
            return &town_places[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* Every municipality has a seed of its own. */
static uint64_t town_seed(const char *municipality, uint64_t seed)
{
    return town_hash(seed, 0, (uint64_t)atoi(municipality));
}

enum rc town_code(const char *municipality, uint64_t seed, int64_t index, char code[12], struct err *err)
{
    enum rc rc = pool_draw(municipality, town_seed(municipality, seed), index, code);
    return rc ? err_set(err, rc, "no code left") : RC_OK;
}

enum rc town_new(const char *municipality, int64_t residents, uint64_t seed, enum town_cases cases, struct town **out,
                 struct err *err)
{
    const struct municipality *place;
    enum rc rc = municipality_find(municipality, &place);
    if (rc)
        return err_set(err, rc, "municipality %s: %s", municipality,
                       rc == RC_FORMAT ? "wrong check digit" : "not known");
    const struct town_place *data = town_find_place(place->code);
    if (!data)
        return err_set(err, RC_BUG, "municipality %s: no data of its place", municipality);
    int64_t room = pool_size(place->code) - (town_deeds(residents, cases) - residents);
    int least = cases == TOWN_WITH_PAST ? TOWN_EDGES : 1;
    if (residents < least || residents > room)
        return err_set(err, RC_RANGE, "residents: %d to %lld, as many as the municipality has codes", least,
                       (long long)room);
    struct town *town = calloc(1, sizeof *town);
    if (!town)
        return err_set(err, RC_NOMEM, "town");
    town->place = place;
    town->data = data;
    town->seed = town_seed(place->code, seed);
    town->cases = cases;
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

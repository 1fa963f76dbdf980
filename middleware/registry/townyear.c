/* townyear.c — days of a synthetic town: births, deaths, arrivals, departures and moves within, as often as in the
 * country. */
#include "registry/day.h"
#include "registry/pool.h"
#include "registry/town_parts.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2023, Japanese: 729,367 births, 1,579,727 deaths, 4,831,852 arrivals, 4,874,448 departures
 * (住民基本台帳に基づく人口動態) of 121.6 million. How many move within their municipality is not published: an
 * estimate. */
const unsigned town_yearly[TOWN_EVENTS] = {60, 130, 397, 401, 350};

int64_t town_events(enum town_event event, int64_t residents, int64_t days)
{
    return town_yearly[event] * residents * days / (10000 * 365);
}

struct life {
    const struct town *town;
    struct town *newcomers;
    uint8_t *left; /* 1: gone; 2: moved, so that the record of town_resident is no more theirs */
    int64_t spare; /* the next code beyond the residents' */
    uint64_t lots; /* how many choices were made */
    uint32_t arrived;
    town_write_fn write;
    void *context;
};

static uint64_t life_pick(struct life *life, uint64_t among)
{
    return town_pick(life->town, HASH_LIFE, life->lots++, among);
}

/* Somebody who is there and no edge case. RC_NOT_FOUND: nobody was found. */
static enum rc life_somebody(struct life *life, bool mother, uint32_t *who)
{
    const struct town *town = life->town;
    uint32_t first = town_edges(town);
    for (int tries = 0; town->count > first && tries < 10000; tries++) {
        uint32_t i = first + (uint32_t)life_pick(life, town->count - first);
        const struct person *person = &town->people[i];
        bool fits = !mother || (person->woman && person->age >= 20 && person->age < 45 && !life->left[i]);
        if (life->left[i] != 1 && fits) {
            *who = i;
            return RC_OK;
        }
    }
    return RC_NOT_FOUND;
}

/* The address of another household of the town, as nobody's who moved before. */
static enum rc life_move(struct life *life, uint32_t who, struct town_deed *deed, struct err *err)
{
    struct resident other;
    uint32_t at = who;
    enum rc rc = town_resident(life->town, who, &deed->resident, err);
    for (int tries = 0; !rc && tries < 1000 && life->town->people[at].household == life->town->people[who].household;
         tries++)
        at = (uint32_t)life_pick(life, life->town->count);
    if (!rc)
        rc = town_resident(life->town, at, &other, err);
    if (rc)
        return rc;
    struct attributes *a = &deed->resident.attributes;
    memcpy(a->address, other.attributes.address, sizeof a->address);
    memcpy(a->address_substitutes, other.attributes.address_substitutes, sizeof a->address_substitutes);
    memcpy(deed->resident.particulars.original_address, other.particulars.original_address,
           sizeof other.particulars.original_address);
    life->left[who] = 2;
    return RC_OK;
}

static enum rc life_newcomer(struct life *life, struct town_deed *deed, struct err *err)
{
    uint32_t home = life->town->households + life->newcomers->people[life->arrived].household;
    enum rc rc = town_resident(life->newcomers, life->arrived++, &deed->resident, err);
    if (!rc)
        town_household_number(home, deed->resident.household.number);
    return rc;
}

static enum rc life_new_code(struct life *life, struct resident *resident, struct err *err)
{
    enum rc rc = town_spare(life->town, life->spare++, resident->code, err);
    if (!rc)
        pool_number(resident->code, resident->particulars.personal_number);
    return rc;
}

/* One event. A town in which nobody fits has none. */
static enum rc life_event(struct life *life, enum town_event event, struct town_deed *deed, struct err *err)
{
    static const enum reason reasons[TOWN_EVENTS] = {REASON_BIRTH, REASON_DEATH, REASON_MOVE_IN, REASON_MOVE_OUT,
                                                     REASON_MOVE};
    uint32_t who = 0;
    char date[11];
    enum rc rc = event == TOWN_ARRIVAL ? RC_OK : life_somebody(life, event == TOWN_BIRTH, &who);
    if (rc)
        return RC_OK;
    day_of(clock_now() - deed->days_ago * 86400, date);
    if (event == TOWN_BIRTH)
        rc = town_child(life->town, who, life->lots, date, &deed->resident, err);
    else if (event == TOWN_ARRIVAL)
        rc = life_newcomer(life, deed, err);
    else if (event == TOWN_MOVE)
        rc = life_move(life, who, deed, err);
    else
        rc = town_resident(life->town, who, &deed->resident, err);
    if (!rc && (event == TOWN_BIRTH || event == TOWN_ARRIVAL))
        rc = life_new_code(life, &deed->resident, err);
    if (event == TOWN_DEATH || event == TOWN_DEPARTURE)
        life->left[who] = 1;
    deed->reason = reasons[event];
    return rc ? rc : life->write(life->context, deed, err);
}

static int64_t life_times(void *context, enum town_event event, int64_t day)
{
    const struct town *town = context;
    return town_events(event, town->count, day) - town_events(event, town->count, day - 1);
}

enum rc town_live(const struct town *town, int64_t days, town_times_fn times, void *share, town_write_fn write, void *context,
                  struct err *err)
{
    struct town whole = *town;
    struct life life = {.town = town, .write = write, .context = context, .spare = SPARES};
    int64_t arrivals = 0;
    if (!times) {
        times = life_times;
        share = &whole;
    }
    for (int64_t day = 1; day <= days; day++)
        arrivals += times(share, TOWN_ARRIVAL, day);
    life.left = calloc(town->count, 1);
    enum rc rc = life.left ? RC_OK : err_set(err, RC_NOMEM, "town");
    if (!rc)
        rc = town_new(town->place->code, arrivals ? arrivals : 1, town->seed + 1, TOWN_PLAIN, &life.newcomers, err);
    for (int64_t day = 1; !rc && day <= days; day++)
        for (int event = 0; !rc && event < TOWN_EVENTS; event++) {
            enum town_event kind = (enum town_event)event;
            for (int64_t k = times(share, kind, day); !rc && k > 0; k--) {
                struct town_deed deed = {.days_ago = days - day};
                rc = life_event(&life, kind, &deed, err);
            }
        }
    free(life.left);
    town_free(life.newcomers);
    return rc;
}

/* town.h — a synthetic town: households with ages by the census' shares, names with readings by frequency, addresses in
 * the municipality's own towns, and the cases that break programs. Deterministic: the same municipality, size and seed
 * give the same people. Nobody real. */
#ifndef JPKI_REGISTRY_TOWN_H
#define JPKI_REGISTRY_TOWN_H

#include "registry/reason.h"
#include "registry/registry_client.h"

struct town;

/* Which edge cases a town has. */
enum town_cases {
    TOWN_PLAIN,
    TOWN_EDGE_CASES, /* those that a record holds, as far as the town is large enough */
    TOWN_WITH_PAST,  /* and those with a past: a town of TOWN_EDGES residents or more */
};
#define TOWN_PAST_FROM 2000 /* residents: populate makes pasts from here on */

/* The edge cases: the first residents of the town. */
enum town_edge {
    EDGE_LEAP_DAY,     /* born on 29 February */
    EDGE_LONG_ADDRESS, /* 200 characters, with a long 方書 */
    EDGE_SUBSTITUTE,   /* 外字: a surname with a character that a certificate cannot hold */
    EDGE_FOREIGN,      /* a name in the alphabet */
    EDGE_TWIN,
    EDGE_OTHER_TWIN,       /* of the same household and day */
    EDGE_NO_DAY,           /* an unknown day of birth */
    EDGE_ALIAS,            /* a foreign resident with a 通称 */
    EDGE_FORMER_NAME,      /* 旧氏, with its reading */
    EDGE_LONG_NAME,        /* 100 characters */
    EDGE_OLD,              /* over a hundred */
    EDGE_NO_FURIGANA,      /* no reading of the name yet */
    EDGE_NO_MONTH,         /* unknown month and day of birth */
    EDGE_SAME,             /* the same four attributes … */
    EDGE_OTHER_SAME,       /* … as somebody of another household */
    EDGE_SUBSTITUTE_PLACE, /* 外字 in the address */
    EDGE_CROWD,            /* the first of a household of twelve */
    EDGE_CROWD_LAST = EDGE_CROWD + 11,
    /* with a past */
    EDGE_WITHHELD,   /* 支援措置 (in the municipality's own store) */
    EDGE_CODE_TWICE, /* the code changed twice */
    EDGE_RETURNED,   /* 再転入: left, and came back */
    TOWN_EDGES,
    EDGE_GONE = TOWN_EDGES, /* 消除: in the register no more; beyond the residents */
};

/* Ages are counted to 2026-04-01. RC_NOT_FOUND no such municipality, RC_FORMAT a wrong check digit,
 * RC_RANGE more residents than its codes, or too few for a past. */
enum rc town_new(const char *municipality, int64_t residents, uint64_t seed, enum town_cases cases, struct town **town,
                 struct err *err) MUST_CHECK;
void town_free(struct town *town);

/* Resident number index, from 0, as the record is at last. */
enum rc town_resident(const struct town *town, int64_t index, struct resident *resident, struct err *err) MUST_CHECK;

/* The first filling of a register, change by change, inside the caller's transaction: everybody's entry, then what
 * happened to those with a past. Writes each by the function: previous is the code before a change of code, or NULL.
 * Stops at the first error. */
struct town_deed {
    struct resident resident;
    enum reason reason;
    const char *previous;
    int64_t days_ago; /* of town_live: before the last day */
};
typedef enum rc (*town_write_fn)(void *context, const struct town_deed *deed, struct err *err);
enum rc town_enter(const struct town *town, town_write_fn write, void *context, struct err *err) MUST_CHECK;

/* Days after the filling, lived in the numbers of the country (2023: town_yearly), inside the caller's transaction and
 * in the order of the days. Who dies or leaves is a resident no more; the edge cases stay as they are. times: how many of an
 * event there are on a day (1 …), less when nobody is there to whom it happens; NULL: as many as in the country. RC_RANGE: no
 * code left. */
enum town_event { TOWN_BIRTH, TOWN_DEATH, TOWN_ARRIVAL, TOWN_DEPARTURE, TOWN_MOVE, TOWN_EVENTS };
extern const unsigned town_yearly[TOWN_EVENTS]; /* of 10,000 people in 365 days */
typedef int64_t (*town_times_fn)(void *context, enum town_event event, int64_t day);
enum rc town_live(const struct town *town, int64_t days, town_times_fn times, void *share, town_write_fn write, void *context,
                  struct err *err) MUST_CHECK;

/* How many of an event come with so many residents and days. */
int64_t town_events(enum town_event event, int64_t residents, int64_t days);

/* How many deeds town_enter writes. */
int64_t town_deeds(int64_t residents, enum town_cases cases);

/* The code of resident number index, without the town. RC_RANGE: the municipality has none. */
enum rc town_code(const char *municipality, uint64_t seed, int64_t index, char code[12], struct err *err) MUST_CHECK;

/* The code of an edge case, for who has one after town_enter; "" when the town has none. */
void town_edge_code(const struct town *town, enum town_edge edge, char code[12]);

#endif

/* townpast.c — the first filling of a synthetic town's register: entries, and what happened to those with a past. */
#include "registry/pool.h"
#include "registry/town_parts.h"

#include <stdio.h>
#include <string.h>

enum { DEEDS_MORE = 6 }; /* two changes of code, leaving and coming back, an entry and a death */

int64_t town_deeds(int64_t residents, enum town_cases cases)
{
    return residents + (cases == TOWN_WITH_PAST ? DEEDS_MORE : 0);
}

void town_edge_code(const struct town *town, enum town_edge edge, char code[12])
{
    int64_t index = edge == EDGE_GONE ? (int64_t)town->count + SPARE_GONE : (int64_t)edge;
    bool there = edge >= EDGE_WITHHELD ? town->cases == TOWN_WITH_PAST : index < town_edges(town);
    if (!there || pool_draw(town->place->code, town->seed, index, code))
        code[0] = '\0';
}

enum rc town_spare(const struct town *town, int64_t spare, char code[12], struct err *err)
{
    enum rc rc = pool_draw(town->place->code, town->seed, town->count + spare, code);
    return rc ? err_set(err, rc, "no code left") : RC_OK;
}

static enum rc town_write(town_write_fn write, void *context, struct town_deed *deed, enum reason reason,
                          struct err *err)
{
    deed->reason = reason;
    return write(context, deed, err);
}

/* The number goes with the person; synthetic ones are made of the last code. */
static enum rc town_change_codes(const struct town *town, town_write_fn write, void *context, struct err *err)
{
    struct town_deed deed = {0};
    char first[12], second[12], last[12];
    enum rc rc = town_resident(town, EDGE_CODE_TWICE, &deed.resident, err);
    memcpy(last, deed.resident.code, sizeof last);
    if (!rc && !(rc = town_spare(town, SPARE_FIRST_CODE, first, err)) &&
        !(rc = town_spare(town, SPARE_SECOND_CODE, second, err))) {
        memcpy(deed.resident.code, first, sizeof first);
        rc = town_write(write, context, &deed, REASON_FIRST, err);
        memcpy(deed.resident.code, second, sizeof second);
        deed.previous = first;
        rc = rc ? rc : town_write(write, context, &deed, REASON_CODE_REQUESTED, err);
        memcpy(deed.resident.code, last, sizeof last);
        deed.previous = second;
        rc = rc ? rc : town_write(write, context, &deed, REASON_CODE_REQUESTED, err);
    }
    return rc;
}

static enum rc town_leave_and_return(const struct town *town, town_write_fn write, void *context, struct err *err)
{
    struct town_deed deed = {0};
    enum rc rc = town_resident(town, EDGE_RETURNED, &deed.resident, err);
    rc = rc ? rc : town_write(write, context, &deed, REASON_FIRST, err);
    rc = rc ? rc : town_write(write, context, &deed, REASON_MOVE_OUT, err);
    return rc ? rc : town_write(write, context, &deed, REASON_MOVE_IN, err);
}

/* Somebody of the oldest's name and age. */
static enum rc town_die(const struct town *town, town_write_fn write, void *context, struct err *err)
{
    struct town_deed deed = {0};
    enum rc rc = town_resident(town, EDGE_OLD, &deed.resident, err);
    rc = rc ? rc : town_spare(town, SPARE_GONE, deed.resident.code, err);
    if (rc)
        return rc;
    memset(&deed.resident.household, 0, sizeof deed.resident.household);
    deed.resident.attributes.sex[0] = deed.resident.attributes.sex[0] == '1' ? '2' : '1';
    pool_number(deed.resident.code, deed.resident.particulars.personal_number);
    rc = town_write(write, context, &deed, REASON_FIRST, err);
    return rc ? rc : town_write(write, context, &deed, REASON_DEATH, err);
}

enum rc town_enter(const struct town *town, town_write_fn write, void *context, struct err *err)
{
    bool past = town->cases == TOWN_WITH_PAST;
    enum rc rc = RC_OK;
    for (int64_t i = 0; !rc && i < town->count; i++) {
        struct town_deed deed = {0};
        if (past && (i == EDGE_CODE_TWICE || i == EDGE_RETURNED))
            continue;
        rc = town_resident(town, i, &deed.resident, err);
        rc = rc ? rc : town_write(write, context, &deed, REASON_FIRST, err);
    }
    if (!rc && past)
        rc = town_change_codes(town, write, context, err);
    if (!rc && past)
        rc = town_leave_and_return(town, write, context, err);
    return rc || !past ? rc : town_die(town, write, context, err);
}

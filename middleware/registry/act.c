/* act.c — the acts as rows, and what they have in common. */
#include "registry/act.h"

#include "base/fault.h"
#include "base/random.h"
#include "registry/code.h"
#include "registry/pool.h"

#include <stdio.h>
#include <string.h>

enum { CODE = 1, NAME = 2, BIRTH = 4, SEX = 8, ADDRESS = 16 };
#define ABROAD_CONTINUED_FROM "2024-05-27" /* 公的個人認証法・番号法の改正の施行 */
#define DRAWS_MAX 1000

static const struct act {
    const char *name;
    enum reason reason;
    unsigned needs, may;
} acts[] = {
    { "birth", REASON_BIRTH, NAME | BIRTH | SEX | ADDRESS, 0 },
    { "death", REASON_DEATH, CODE, 0 },
    { "leave", REASON_MOVE_OUT, CODE, 0 },
    { "abroad", REASON_ABROAD, CODE, 0 },
    { "abroad-continued", REASON_ABROAD_CONTINUED, CODE, 0 },
    { "strike", REASON_EX_OFFICIO_OUT, CODE, 0 },
    { "correct", REASON_EX_OFFICIO, CODE, NAME | BIRTH | SEX | ADDRESS },
    { "rename", REASON_EX_OFFICIO, CODE | NAME, 0 }, /* after a 戸籍の届出: the register follows it ex officio */
    { "minor", REASON_MINOR, CODE, NAME | ADDRESS },
};
enum { ACTS = sizeof acts / sizeof acts[0] };

const char *act_names(void)
{
    return "birth, death, leave, abroad, abroad-continued, strike, correct, rename, minor";
}

/* The texts of a request by their bits, in the order of the enum. */
static const char *act_text(const struct act_request *request, unsigned bit)
{
    switch (bit) {
    case CODE: return request->code;
    case NAME: return request->name;
    case BIRTH: return request->birth;
    case SEX: return request->sex;
    case ADDRESS: return request->address;
    default: return NULL;
    }
}

static const char *const member_names[] = { "code", "name", "birth", "sex", "address" };

static enum rc act_check(const struct act *act, const char *municipality, const struct act_request *request,
                         struct err *err)
{
    for (unsigned i = 0; i < 5; i++) {
        bool given = act_text(request, 1u << i) != NULL;
        if (!given && act->needs & 1u << i)
            return err_set(err, RC_FORMAT, "%s: missing for '%s'", member_names[i], act->name);
        if (given && !((act->needs | act->may) & 1u << i))
            return err_set(err, RC_FORMAT, "%s: does not belong to '%s'", member_names[i], act->name);
    }
    if (request->code && code_check(request->code))
        return err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    enum rc rc = municipal_check_form(request->date, request->request, err);
    if (!rc && request->address)
        rc = municipal_check_address(municipality, request->address, err);
    if (!rc && act->reason == REASON_ABROAD_CONTINUED && strcmp(request->date, ABROAD_CONTINUED_FROM) < 0)
        rc = err_set(err, RC_RANGE, "date: there is no continued use abroad before " ABROAD_CONTINUED_FROM);
    return rc;
}

/* Writes what was given over the attributes; false when a text is too long to be one. */
static bool act_overwrite(struct attributes *a, const struct act_request *request)
{
    struct {
        const char *from;
        char *to;
        size_t size;
    } rows[] = { { request->name, a->name, sizeof a->name }, { request->birth, a->birth, sizeof a->birth },
                 { request->sex, a->sex, sizeof a->sex }, { request->address, a->address, sizeof a->address } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = rows[i].from ? strlen(rows[i].from) : 0;
        if (len >= rows[i].size)
            return false;
        if (rows[i].from)
            memcpy(rows[i].to, rows[i].from, len + 1);
    }
    struct attributes plain = *a; /* a changed text has no substituted characters known of it */
    attributes_no_substitutes(&plain);
    if (request->name)
        memcpy(a->name_substitutes, plain.name_substitutes, sizeof a->name_substitutes);
    if (request->address)
        memcpy(a->address_substitutes, plain.address_substitutes, sizeof a->address_substitutes);
    return true;
}

/* A request that was recorded: RC_OK when it is the same one, RC_CONFLICT, or RC_NOT_FOUND when the name is new. */
static enum rc act_known(struct store *store, const struct act *act, const struct act_request *request,
                         struct act_result *result, struct err *err)
{
    struct municipal_record then;
    enum rc rc = municipal_recall(store, request->request, &then, err);
    if (rc)
        return rc;
    struct attributes asked = then.resident.attributes;
    bool same = then.reason == act->reason && strcmp(then.date, request->date) == 0 &&
                (!request->code || strcmp(then.resident.code, request->code) == 0) && act_overwrite(&asked, request) &&
                attributes_equal(&asked, &then.resident.attributes);
    if (!same)
        return err_set(err, RC_CONFLICT, "request: this name was used for another request");
    memcpy(result->code, then.resident.code, sizeof result->code);
    result->notice = then.notice;
    return RC_OK;
}

/* A code that nobody has had: at random out of the municipality's own pool (施行規則9条). Codes are never struck out of the
 * table, so that what is there was given once. */
static enum rc act_draw(struct store *store, const char *municipality, char code[12], struct err *err)
{
    int64_t size = pool_size(municipality);
    for (int i = 0; size > 0 && i < DRAWS_MAX; i++) {
        uint64_t chance[2];
        struct ledger_row row;
        enum rc rc = random_bytes(chance, sizeof chance);
        if (!rc)
            rc = pool_draw(municipality, chance[0], (int64_t)(chance[1] % (uint64_t)size), code);
        if (!rc)
            rc = ledger_find_code(store, code, &row, err);
        if (rc)
            return rc == RC_NOT_FOUND ? RC_OK : rc;
    }
    return err_set(err, RC_RANGE, "code: the pool of %s is used up", municipality);
}

/* The record as it shall be. */
static enum rc act_prepare(struct store *store, const struct act *act, const char *municipality,
                           const struct act_request *request, struct resident *resident, struct err *err)
{
    struct ledger_row row = { 0 };
    enum rc rc;
    if (request->code)
        rc = ledger_find_code(store, request->code, &row, err);
    else
        rc = act_draw(store, municipality, row.resident.code, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such resident") : rc;
    *resident = row.resident;
    snprintf(resident->municipality, sizeof resident->municipality, "%s", municipality);
    if (reason_get(act->reason)->change == CHANGE_REMOVAL)
        return RC_OK;
    if (!act_overwrite(&resident->attributes, request))
        return err_set(err, RC_FORMAT, "a text is too long");
    if (request->code && record_same(resident, &row.resident))
        return err_set(err, RC_RANGE, "nothing changes");
    return record_check(resident, false, err);
}

enum rc act_record(struct store *store, const char *municipality, const struct act_request *request,
                   struct act_result *result, struct err *err)
{
    const struct act *act = NULL;
    struct resident resident = { 0 };
    struct act_result made = { 0 };
    for (size_t i = 0; i < ACTS; i++)
        if (strcmp(acts[i].name, request->act) == 0)
            act = &acts[i];
    if (!act)
        return err_set(err, RC_FORMAT, "act: one of %s", act_names());
    enum rc rc = act_check(act, municipality, request, err);
    fault_point("registry.before_act");
    if (!rc)
        rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = act_known(store, act, request, &made, err);
    if (rc == RC_NOT_FOUND) {
        rc = act_prepare(store, act, municipality, request, &resident, err);
        memcpy(made.code, resident.code, sizeof made.code);
        if (!rc)
            rc = municipal_apply(store, &resident, act->reason, request->date, request->request, &made.notice, err);
        if (!rc)
            rc = store_commit(store, err);
    }
    store_rollback(store);
    fault_point("registry.after_act");
    if (!rc)
        *result = made;
    explicit_bzero(&resident, sizeof resident);
    return rc;
}

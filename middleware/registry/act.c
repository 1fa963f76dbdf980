/* act.c — the acts as rows, and what they have in common. */
#include "registry/act.h"

#include "base/clock.h"
#include "base/fault.h"
#include "registry/cards.h"
#include "registry/characters.h"
#include "registry/code.h"
#include "registry/gate.h"
#include "registry/outbox.h"
#include "registry/posted.h"
#include "registry/spare.h"
#include "registry/wanted.h"

#include <stdio.h>
#include <string.h>

/* The fields of a record as bits, in the order of record_fields; then what is no field. */
enum {
    NAME = 1 << 0,
    NAME_SUBSTITUTES = 1 << 1,
    BIRTH = 1 << 2,
    SEX = 1 << 3,
    ADDRESS = 1 << 4,
    ADDRESS_SUBSTITUTES = 1 << 5,
    FURIGANA = 1 << 6,
    FORMER_NAME = 1 << 7,
    FORMER_FURIGANA = 1 << 8,
    ALIAS = 1 << 9,
    HOUSEHOLD = 1 << 11,
    POSITION = 1 << 12,
    RELATION = 1 << 13,
    FOREIGN = 1 << 14,
    ROMAJI = 1 << 15,
    RESIDENT_SINCE = 1 << 16,
    ADDRESS_SINCE = 1 << 17,
    NOTIFIED = 1 << 18,
    FORMER_ADDRESS = 1 << 19, ORIGINAL_NAME = 1 << 20, ORIGINAL_ADDRESS = 1 << 21,
    CODE = 1 << 24,
    WHY = 1 << 25,
};
#define FLAGS (NAME_SUBSTITUTES | ADDRESS_SUBSTITUTES | ORIGINAL_NAME | ORIGINAL_ADDRESS)
#define PERSON (NAME | BIRTH | SEX | ADDRESS)
#define HOME (HOUSEHOLD | POSITION | RELATION)
#define SIDE (FLAGS | FURIGANA | HOME | FOREIGN | ROMAJI | RESIDENT_SINCE | ADDRESS_SINCE | NOTIFIED | FORMER_ADDRESS)
#define WHY_MAX 200

static const struct act {
    const char *name;
    enum reason reason;
    unsigned needs, may;
} acts[] = {
    {"birth", REASON_BIRTH, PERSON, SIDE | ALIAS},
    {"enter", REASON_EX_OFFICIO_IN, PERSON, CODE | SIDE | ALIAS},
    {"from-abroad", REASON_FROM_ABROAD, PERSON, CODE | SIDE | ALIAS},
    {"naturalised-in", REASON_NATURALISED_IN, CODE | PERSON, SIDE},
    {"nationality-in", REASON_NATIONALITY_IN, CODE | PERSON, SIDE | ALIAS},
    {"death", REASON_DEATH, CODE, 0},
    {"leave", REASON_MOVE_OUT, CODE, 0},
    {"abroad", REASON_ABROAD, CODE, 0},
    {"abroad-continued", REASON_ABROAD_CONTINUED, CODE, 0},
    {"strike", REASON_EX_OFFICIO_OUT, CODE, 0},
    {"naturalised-out", REASON_NATURALISED_OUT, CODE, 0},
    {"nationality-out", REASON_NATIONALITY_OUT, CODE, 0},
    {"correct", REASON_EX_OFFICIO, CODE, PERSON | SIDE},
    {"rename", REASON_EX_OFFICIO, CODE | NAME,
     NAME_SUBSTITUTES | FURIGANA}, /* after a 戸籍の届出: the register follows it ex officio */
    {"minor", REASON_MINOR, CODE, NAME | ADDRESS | FLAGS},
    {"furigana", REASON_FURIGANA, CODE | FURIGANA, 0},
    {"former-name", REASON_FORMER_NAME, CODE | FORMER_NAME, FORMER_FURIGANA},
    {"alias", REASON_ALIAS, CODE | ALIAS, 0},
    {"slip", REASON_SLIP, CODE, PERSON | SIDE | FORMER_NAME | FORMER_FURIGANA | ALIAS},
    {"household-split", REASON_HOUSEHOLD_SPLIT, CODE, HOME},
    {"household-join", REASON_HOUSEHOLD_JOIN, CODE | HOUSEHOLD, POSITION | RELATION},
    {"household-change", REASON_HOUSEHOLD_CHANGE, CODE, HOME},
    {"head-change", REASON_HEAD_CHANGE, CODE | RELATION, POSITION},
    {"remake", REASON_REMADE, CODE, 0},
    {"undo-entry", REASON_UNDO_ENTRY, CODE, 0},
    {"undo-removal", REASON_UNDO_REMOVAL, CODE, 0},
    {"undo-correction", REASON_UNDO_CORRECTION, CODE, PERSON | SIDE | FORMER_NAME | FORMER_FURIGANA | ALIAS},
    {"code-change", REASON_CODE_REQUESTED, CODE, 0},
    {"code-correct", REASON_CODE_ENTERED, CODE, 0},
    {"number-change", REASON_NUMBER_REQUESTED, CODE | WHY, 0},
    {"number-correct", REASON_NUMBER_CORRECTED, CODE | WHY, 0},
};
enum { ACTS = sizeof acts / sizeof acts[0] };

const char *act_names(void)
{
    return "birth, enter, from-abroad, naturalised-in, nationality-in, death, leave, abroad, abroad-continued, strike, "
           "naturalised-out, nationality-out, correct, rename, minor, furigana, former-name, alias, slip, "
           "household-split, "
           "household-join, household-change, head-change, remake, undo-entry, undo-removal, undo-correction, "
           "code-change, "
           "code-correct, number-change, number-correct";
}

static enum rc act_check_member(const struct act *act, const char *member, bool given, unsigned bit, struct err *err)
{
    if (!given && act->needs & bit)
        return err_set(err, RC_FORMAT, "%s: missing for '%s'", member, act->name);
    if (given && !((act->needs | act->may) & bit))
        return err_set(err, RC_FORMAT, "%s: does not belong to '%s'", member, act->name);
    return RC_OK;
}

/* The reason as the law of that day calls it; RC_RANGE when it had no such thing. */
static enum rc act_reason(struct store *store, enum reason today, const char *date, enum reason *reason,
                          struct err *err)
{
    const struct reason_row *row = reason_get(today);
    size_t gate = 0;
    bool open = true;
    *reason = today;
    if (!row->from)
        return RC_OK;
    while (strcmp(gate_rows[gate].name, row->from) != 0)
        gate++;
    enum rc rc = gate_open(store, (enum gate)gate, date, &open, err);
    if (rc || open)
        return rc;
    *reason = reason_other_era(today);
    return *reason != today ? RC_OK : gate_want(store, (enum gate)gate, date, row->name, err);
}

static enum rc act_check(struct store *store, const struct act *act, const char *municipality,
                         const struct act_request *request, struct err *err)
{
    enum rc rc = act_check_member(act, "code", request->code != NULL, CODE, err);
    if (!rc)
        rc = act_check_member(act, "why", request->why != NULL, WHY, err);
    for (unsigned i = 0; !rc && i < RECORD_FIELDS; i++)
        rc = act_check_member(act, record_fields[i].name, request->fields[i] != NULL, 1u << i, err);
    if (rc)
        return rc;
    if (request->code && code_check(request->code))
        return err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    if (request->why && (!request->why[0] || strlen(request->why) > WHY_MAX))
        return err_set(err, RC_FORMAT, "why: 1 to %d bytes", WHY_MAX);
    rc = municipal_check_form(request->date, request->request, err);
    if (!rc && request->address)
        rc = municipal_check_address(municipality, request->address, err);
    if (!rc && request->furigana && request->furigana[0])
        rc = gate_want(store, GATE_FURIGANA, request->date, "振り仮名", err);
    if (!rc && request->foreign_resident && request->foreign_resident[0])
        rc = gate_want(store, GATE_FOREIGN_RESIDENTS, request->date, "住民票コード of foreign residents", err);
    return rc;
}

/* Writes what was given over the record. A name or address without flags of its own is substituted where it must be. */
static enum rc act_overwrite(struct resident *resident, const struct act_request *request, struct err *err)
{
    for (unsigned i = 0; i < RECORD_FIELDS; i++) {
        size_t len = request->fields[i] ? strlen(request->fields[i]) : 0;
        if (len >= record_fields[i].size)
            return err_set(err, RC_FORMAT, "%s: too long", record_fields[i].name);
        if (request->fields[i])
            memcpy(record_text(resident, &record_fields[i]), request->fields[i], len + 1);
    }
    enum rc rc = RC_OK;
    if (request->name && !request->name_substitutes)
        rc = characters_write_name(resident, request->name, err);
    if (!rc && request->address && !request->address_substitutes)
        rc = characters_write_address(resident, request->address, err);
    return rc;
}

/* A request that was recorded: RC_OK when it is the same one, RC_CONFLICT, or RC_NOT_FOUND when the name is new. */
static enum rc act_known(struct store *store, enum reason reason, const struct act_request *request,
                         struct act_result *result, struct err *err)
{
    struct municipal_record then;
    enum rc rc = municipal_recall(store, request->request, &then, err);
    if (rc)
        return rc;
    struct resident asked = then.resident;
    const char *code = then.previous_code[0] ? then.previous_code : then.resident.code;
    bool same = then.reason == reason && strcmp(then.date, request->date) == 0 &&
                (!request->code || strcmp(code, request->code) == 0) && act_overwrite(&asked, request, NULL) == RC_OK &&
                record_same(&asked, &then.resident);
    if (!same)
        return err_set(err, RC_CONFLICT, "request: this name was used for another request");
    memcpy(result->code, then.resident.code, sizeof result->code);
    result->notice = then.notice;
    return RC_OK;
}

/* An entry under a code that was known: the record goes on from the last one there was. */
static enum rc act_begin(struct store *store, const struct act *act, const struct act_request *request,
                         struct ledger_row *row, struct err *err)
{
    if (!request->code)
        return spare_draw(store, row->resident.code, err);
    enum rc rc = ledger_find_code(store, request->code, row, err);
    if (rc != RC_NOT_FOUND)
        return rc;
    if (reason_get(act->reason)->change != CHANGE_ENTRY || act->reason == REASON_UNDO_REMOVAL)
        return err_set(err, rc, "no such resident");
    memcpy(row->resident.code, request->code, sizeof row->resident.code); /* last registered elsewhere */
    return RC_OK;
}

/* The record as it shall be. */
static enum rc act_prepare(struct store *store, const struct act *act, const char *municipality,
                           const struct act_request *request, struct resident *resident, struct err *err)
{
    struct ledger_row row = {0};
    enum change change = reason_get(act->reason)->change;
    enum rc rc = act_begin(store, act, request, &row, err);
    if (rc)
        return rc;
    *resident = row.resident;
    snprintf(resident->municipality, sizeof resident->municipality, "%s", municipality);
    if (change == CHANGE_REMOVAL)
        return RC_OK;
    rc = act_overwrite(resident, request, err);
    if (rc)
        return rc;
    if (act->reason == REASON_HOUSEHOLD_SPLIT && !request->household)
        rc = municipal_new_household(store, resident->household.number, err);
    if (!rc && change == CHANGE_CORRECTION && act->reason != REASON_REMADE && record_same(resident, &row.resident))
        return err_set(err, RC_RANGE, "nothing changes");
    if (!rc && change == CHANGE_CODE)
        rc = spare_draw(store, resident->code, err);
    return rc ? rc : record_check(resident, false, err);
}

/* The new code in place of the old one. */
static enum rc act_recode(struct store *store, const struct act_request *request, enum reason reason,
                          const struct resident *resident, int64_t *notice, struct err *err)
{
    struct ledger_change change;
    int64_t now = clock_now();
    enum rc rc = ledger_recode(store, request->code, resident, reason, request->date, now, &change, err);
    if (!rc)
        rc = wanted_recode(store, request->code, resident->code, err);
    if (!rc)
        rc = outbox_add_notice(store, NOTICE_RECORD, resident->code, change.revision, request->date, now, notice, err);
    if (!rc)
        rc = municipal_remember(store, request->request, resident->code, change.revision, *notice, err);
    if (!rc)
        rc = cards_follow(store, resident->code, reason, request->date, err);
    return rc ? rc : posted_add(store, POSTED_CODE_CHANGED, resident->code, change.revision, request->date, err);
}

/* What follows an entry: the letter with a new code, and a 個人番号 for who has none. */
static enum rc act_after_entry(struct store *store, const struct act_request *request, const struct resident *resident,
                               struct err *err)
{
    struct ledger_row row;
    bool numbers = false;
    enum rc rc = ledger_find_code(store, resident->code, &row, err);
    if (!rc && !request->code)
        rc = posted_add(store, POSTED_CODE, resident->code, row.revision, request->date, err);
    char today[11];
    municipal_today(today);
    if (!rc)
        rc = gate_open(store, GATE_PERSONAL_NUMBERS, today, &numbers, err);
    if (!rc && numbers && !resident->particulars.personal_number[0])
        rc = wanted_first(store, resident->code, request->date, err);
    return rc;
}

static enum rc act_apply(struct store *store, const struct act *act, enum reason reason, const char *municipality,
                         const struct act_request *request, struct act_result *made, struct err *err)
{
    struct resident resident = {0};
    enum change change = reason_get(reason)->change;
    enum rc rc = act_prepare(store, act, municipality, request, &resident, err);
    memcpy(made->code, resident.code, sizeof made->code);
    if (!rc)
        rc = change == CHANGE_CODE
                 ? act_recode(store, request, reason, &resident, &made->notice, err)
                 : municipal_apply(store, &resident, reason, request->date, request->request, &made->notice, err);
    if (!rc && change == CHANGE_ENTRY)
        rc = act_after_entry(store, request, &resident, err);
    explicit_bzero(&resident, sizeof resident);
    return rc;
}

/* Another 個人番号 is the national node's to make: the request waits for it. */
static enum rc act_want_number(struct store *store, const struct act_request *request, enum reason reason,
                               const char *municipality, struct act_result *made, struct err *err)
{
    const struct wanted wanted = {request->request, request->code, request->date, request->why, reason};
    struct ledger_row row;
    bool known;
    enum rc rc = wanted_change(store, &wanted, &known, err);
    if (!rc && !known)
        rc = ledger_find_code(store, request->code, &row, err);
    if (!rc && !known && strcmp(row.resident.municipality, municipality) != 0)
        rc = err_set(err, RC_DENIED, "the record is another municipality's");
    memcpy(made->code, request->code, sizeof made->code);
    return rc;
}

enum rc act_record(struct store *store, const char *municipality, const struct act_request *request,
                   struct act_result *result, struct err *err)
{
    const struct act *act = NULL;
    struct act_result made = {0};
    enum reason reason = REASON_NONE;
    for (size_t i = 0; i < ACTS; i++)
        if (strcmp(acts[i].name, request->act) == 0)
            act = &acts[i];
    if (!act)
        return err_set(err, RC_FORMAT, "act: one of %s", act_names());
    enum rc rc = act_check(store, act, municipality, request, err);
    fault_point("registry.before_act");
    if (!rc)
        rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = act_reason(store, act->reason, request->date, &reason, err);
    if (!rc)
        rc = act_known(store, reason, request, &made, err);
    if (rc == RC_NOT_FOUND) {
        rc = act->needs & WHY ? act_want_number(store, request, reason, municipality, &made, err)
                              : act_apply(store, act, reason, municipality, request, &made, err);
        if (!rc)
            rc = store_commit(store, err);
    }
    store_rollback(store);
    fault_point("registry.after_act");
    if (!rc)
        *result = made;
    return rc;
}

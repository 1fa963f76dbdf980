/* copies.c — who may have a copy, and its items. */
#include "registry/copies.h"

#include "net/json.h"
#include "registry/cards.h"
#include "registry/code.h"
#include "registry/municipal.h"

#include <string.h>

#define MEMBERS_MAX 30

enum rc copies_read(const json_t *body, struct copies_wish *out, struct err *err)
{
    struct copies_wish wish = {0};
    json_t *members;
    enum rc rc;
    if (json_object_get(body, "agent"))
        return err_set(err, RC_DENIED, "agent: nobody can stand in for the requester");
    if ((rc = json_want_text(body, "code", 64, &wish.code, err)) ||
        (rc = json_want_text(body, "name", 399, &wish.name, err)) ||
        (rc = json_want_text(body, "card", 64, &wish.card, err)) ||
        (rc = json_want_array(body, "members", &members, err)) ||
        (rc = json_want_bool(body, "relation", &wish.relation, err)) ||
        (rc = json_want_bool(body, "number", &wish.number, err)) ||
        (rc = json_want_bool(body, "show_code", &wish.show_code, err)))
        return rc;
    if (code_check(wish.code))
        return err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    if (card_check(wish.card))
        return err_set(err, RC_FORMAT, "card: not 16 digits or capital letters");
    if (json_array_size(members) > MEMBERS_MAX)
        return err_set(err, RC_RANGE, "members: at most %d", MEMBERS_MAX);
    for (size_t i = 0; i < json_array_size(members); i++)
        if (!json_is_string(json_array_get(members, i)))
            return err_set(err, RC_FORMAT, "members: names");
    wish.members = members;
    *out = wish;
    return RC_OK;
}

/* --- who ------------------------------------------------------------------------------------------------------------
 */

struct collection {
    struct store *store;
    const struct peer *peer;
    const char *action;
    const struct copies_wish *wish;
    struct resident head; /* 世帯主; an empty code: unknown */
    json_t *items;
};

static enum rc copies_check_withheld(struct store *store, const char *code, struct err *err)
{
    struct statement *s = NULL;
    char today[11];
    municipal_today(today);
    enum rc rc = store_row(store, "SELECT until FROM withheld WHERE code = ?1 AND until >= ?2",
                           BINDS(BIND_TEXT(code), BIND_TEXT(today)), &s, err);
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc ? rc : err_set(err, RC_DENIED, "no copy of this record is given out");
}

static enum rc copies_requester(const struct collection *c, struct ledger_row *row, struct err *err)
{
    struct card_row card;
    struct resident holder;
    enum rc rc = ledger_find_code(c->store, c->wish->code, row, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such resident") : rc;
    if (row->removed)
        return err_set(err, RC_STATE, "the requester has been removed from the register");
    if (strcmp(row->resident.attributes.name, c->wish->name) != 0)
        return err_set(err, RC_CONFLICT, "name: it is not the one of this code");
    rc = c->wish->card ? cards_judge(c->store, c->wish->card, c->wish->code, false, &card, &holder, err) : RC_OK;
    return rc;
}

static bool copies_wants(const struct copies_wish *wish, const struct resident *member)
{
    if (json_array_size(wish->members) == 0)
        return strcmp(member->code, wish->code) == 0;
    for (size_t i = 0; i < json_array_size(wish->members); i++)
        if (strcmp(json_string_value(json_array_get(wish->members, i)), member->attributes.name) == 0)
            return true;
    return false;
}

/* --- what ------------------------------------------------------------------------------------------------------------
 */

/* The items of 7条1–3, 6–8号, and of 4, 8の2 and 13号 when they are asked for; members that are empty stay out. */
static json_t *copies_item(const struct collection *c, const struct resident *r)
{
    const struct copies_wish *wish = c->wish;
    const struct {
        const char *member, *text;
        bool wanted;
    } rows[] = {
        {"name", r->attributes.name, true},
        {"furigana", r->particulars.furigana, true},
        {"former_name", r->particulars.former_name, true},
        {"former_furigana", r->particulars.former_furigana, true},
        {"alias", r->particulars.alias, true},
        {"birth", r->attributes.birth, true},
        {"sex", r->attributes.sex, true},
        {"resident_since", r->household.resident_since, true},
        {"address", r->attributes.address, true},
        {"address_since", r->household.address_since, true},
        {"notified", r->household.notified, true},
        {"former_address", r->household.former_address, true},
        {"head", c->head.attributes.name, wish->relation},
        {"relation", r->household.relation, wish->relation},
        {"personal_number", r->particulars.personal_number, wish->number},
        {"code", r->code, wish->show_code},
    };
    json_t *item = json_object();
    for (size_t i = 0; item && i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].wanted && rows[i].text[0] && json_object_set_new(item, rows[i].member, json_string(rows[i].text))) {
            json_decref(item);
            return NULL;
        }
    return item;
}

static enum rc copies_take_member(struct collection *c, const struct resident *member, struct err *err)
{
    enum rc found = copies_check_withheld(c->store, member->code, err);
    enum rc rc = usage_write(c->store, c->peer, c->action, member->code, rc_name(found), err);
    if (!rc && !found && json_array_append_new(c->items, copies_item(c, member)))
        rc = err_set(err, RC_NOMEM, "copy");
    return rc ? rc : found;
}

/* The codes of the household, in its order; the requester alone when the record names no household. */
static enum rc copies_household(struct store *store, const struct resident *of, char codes[][12], size_t *count,
                                struct err *err)
{
    struct statement *s = NULL;
    *count = 0;
    if (!of->household.number[0]) {
        memcpy(codes[(*count)++], of->code, 12);
        return RC_OK;
    }
    enum rc rc = store_query(store,
                             "SELECT code FROM resident WHERE household = ?1 AND municipality = ?2 AND removed = 0 "
                             "ORDER BY position, code LIMIT ?3",
                             BINDS(BIND_TEXT(of->household.number), BIND_TEXT(of->municipality),
                                   BIND_INTEGER(MEMBERS_MAX)), &s, err);
    if (rc)
        return rc;
    while (!(rc = statement_step(s, err)))
        column_copy(s, 0, codes[(*count)++], 12);
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc copies_members(struct collection *c, const struct resident *requester, struct err *err)
{
    char codes[MEMBERS_MAX][12];
    size_t count;
    struct ledger_row row;
    enum rc rc = copies_household(c->store, requester, codes, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
        rc = ledger_find_code(c->store, codes[i], &row, err);
        if (!rc && strcmp(row.resident.household.relation, RELATION_HEAD) == 0)
            c->head = row.resident;
    }
    for (size_t i = 0; !rc && i < count; i++) {
        rc = ledger_find_code(c->store, codes[i], &row, err);
        if (!rc && copies_wants(c->wish, &row.resident))
            rc = copies_take_member(c, &row.resident, err);
    }
    size_t wanted = json_array_size(c->wish->members);
    if (!rc && json_array_size(c->items) < (wanted ? wanted : 1))
        rc = err_set(err, RC_DENIED, "members: somebody is not of the requester's household");
    explicit_bzero(&row, sizeof row);
    return rc;
}

enum rc copies_collect(struct store *store, const struct peer *peer, const char *action, const struct copies_wish *wish,
                       json_t **items, struct err *err)
{
    struct collection c = {.store = store, .peer = peer, .action = action, .wish = wish, .items = json_array()};
    struct ledger_row requester;
    if (!c.items)
        return RC_NOMEM;
    enum rc rc = store_begin(store, err);
    if (rc) {
        json_decref(c.items);
        return rc;
    }
    enum rc found = copies_requester(&c, &requester, err);
    if (found)
        rc = usage_write(store, peer, action, wish->code, rc_name(found), err);
    else
        found = copies_members(&c, &requester.resident, err);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    explicit_bzero(&c.head, sizeof c.head);
    explicit_bzero(&requester, sizeof requester);
    if (!rc && !found)
        *items = c.items;
    else
        json_decref(c.items);
    return rc ? rc : found;
}

/* --- 支援措置
 * --------------------------------------------------------------------------------------------------------- */

enum rc copies_withhold(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    (void)context;
    const char *code, *until;
    struct ledger_row row;
    enum rc rc;
    if ((rc = json_want_text(body, "code", 64, &code, err)) || (rc = json_want_text(body, "until", 10, &until, err)))
        return rc;
    if (code_check(code))
        return err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    if (until[0] && date_check(until))
        return err_set(err, RC_FORMAT, "until: a date YYYY-MM-DD, or nothing");
    rc = ledger_find_code(store, code, &row, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such resident") : rc;
    rc = store_run(store,
                   "INSERT INTO withheld (code, until) VALUES (?1, ?2) "
                   "ON CONFLICT (code) DO UPDATE SET until = ?2",
                   BINDS(BIND_TEXT(code), BIND_TEXT(until)), NULL, err);
    *answer = rc ? NULL : json_pack("{s:s, s:s}", "code", code, "until", until);
    return rc || *answer ? rc : RC_NOMEM;
}

/* provide_look.c — whom a key means: present states first, then former ones. */
#include "registry/provide_parts.h"

#include "net/json.h"
#include "registry/code.h"
#include "registry/location.h"
#include "registry/task.h"

#include <stdio.h>
#include <string.h>

#define CODES_MAX 8   /* former states looked at */
#define SUCCESSORS 64 /* changes of a code that are followed */

enum rc provide_key_read(const json_t *json, struct provide_key *key, struct err *err)
{
    const struct {
        const char *member;
        char *to;
        size_t size;
    } members[] = {
        {"code", key->code, sizeof key->code}, {"personal_number", key->number, sizeof key->number},
        {"name", key->name, sizeof key->name}, {"birth", key->birth, sizeof key->birth},
        {"sex", key->sex, sizeof key->sex},    {"address", key->address, sizeof key->address},
    };
    enum { MEMBERS = sizeof members / sizeof members[0] };
    *key = (struct provide_key){0};
    if (!json_is_object(json))
        return err_set(err, RC_FORMAT, "key: not an object");
    size_t known = 0;
    for (size_t i = 0; i < MEMBERS; i++) {
        const char *text;
        if (!json_object_get(json, members[i].member))
            continue;
        enum rc rc = json_want_text(json, members[i].member, members[i].size - 1, &text, err);
        if (!rc && !*text)
            rc = err_set(err, RC_FORMAT, "%s: empty", members[i].member);
        if (rc)
            return rc;
        snprintf(members[i].to, members[i].size, "%s", text);
        known++;
    }
    if (known != json_object_size(json))
        return err_set(err, RC_FORMAT, "key: a member that no key has");
    if (key->code[0] && code_check(key->code))
        return err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    if (key->number[0] && code_check_personal(key->number))
        return err_set(err, RC_FORMAT, "personal_number: not 12 digits with a right check digit");
    if (key->code[0] && key->number[0])
        return err_set(err, RC_FORMAT, "key: code or personal_number, not both");
    if (!key->code[0] && !key->number[0] && (!key->birth[0] || known < 2))
        return err_set(err, RC_FORMAT, "key: birth and at least one of name, sex and address");
    return RC_OK;
}

/* Who has the number: of several records of a person the registered one, else the one that was struck out last. */
static enum rc look_holder(struct store *store, const char *number, struct ledger_row *row, struct err *err)
{
    struct location locations[LOCATIONS_MAX];
    size_t count = 0;
    bool found = false;
    enum rc rc = location_of_number(store, number, locations, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
        struct ledger_row next;
        rc = ledger_find_in(store, locations[i].code, locations[i].municipality, &next, err);
        if (!rc && (!found || (row->removed && (!next.removed || next.removed > row->removed)))) {
            *row = next;
            found = true;
        }
    }
    return rc || found ? rc : RC_NOT_FOUND;
}

/* Whose number it once was. */
static enum rc look_former_holder(struct store *store, const char *number, char code[12], struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store,
                           "SELECT code FROM history WHERE previous_number = ?1 AND previous_number <> '' "
                           "ORDER BY recorded DESC LIMIT 1",
                           BINDS(BIND_TEXT(number)), &s, err);
    if (!rc)
        snprintf(code, 12, "%s", column_text(s, 0));
    statement_done(s);
    return rc;
}

/* The record that this one's code became. *moved: it was another one. */
static enum rc look_succeed(struct store *store, struct ledger_row *row, bool *moved, struct err *err)
{
    enum rc rc = RC_OK;
    for (int i = 0; !rc && row->successor[0] && i < SUCCESSORS; i++) {
        char next[12];
        memcpy(next, row->successor, sizeof next);
        *moved = true;
        rc = ledger_find_code(store, next, row, err);
    }
    return rc;
}

static enum rc look_follow(struct store *store, const char *code, struct ledger_row *row, bool *moved, struct err *err)
{
    enum rc rc = ledger_find_code(store, code, row, err);
    return rc ? rc : look_succeed(store, row, moved, err);
}

#define LOOK_REST " AND (?4 = '' OR sex = ?4) AND (?5 = '' OR address = ?5)"
/* The ends of names are compared by their length, which is in characters in both engines, and of 32 bits in PostgreSQL. */
#define LOOK_GIVEN(name) "substr(" name ", length(" name ") - CAST(?10 AS INT) + 1) = ?9"
#define LOOK_NAMED                                                                                                     \
    "birth = ?1 AND (name IN (?2, ?3) OR (alias <> '' AND alias = ?6) OR (furigana <> '' AND furigana = ?7) OR "      \
    "(former_name <> '' AND former_name = ?8 AND " LOOK_GIVEN("name") ") OR "                                         \
    "(former_furigana <> '' AND former_furigana = ?11 AND " LOOK_GIVEN("furigana") "))" LOOK_REST
#define LOOK_UNNAMED "birth = ?1 AND ?2 = ?3" LOOK_REST

/* A name in two: the family's, and the blank with the given one. */
struct look_name {
    char folded[404], family[404];
    const char *given; /* inside folded; "" when there is no blank */
};

static void look_split(const struct provide_key *key, struct look_name *name)
{
    static const char blank[] = "\xE3\x80\x80";
    ledger_fold_name(key->name, name->folded, sizeof name->folded);
    const char *at = strstr(name->folded, blank);
    name->given = at ? at : "";
    snprintf(name->family, sizeof name->family, "%.*s", at ? (int)(at - name->folded) : 0, name->folded);
}

static bool look_ends(const char *text, const char *end)
{
    size_t len = strlen(text), want = strlen(end);
    return want > 0 && len >= want && strcmp(text + len - want, end) == 0;
}

/* What the key's name is in a state of the record; PROVIDE_BY_NO_NAME: none of what it may be. */
static enum provide_match look_matches(const struct provide_key *key, unsigned names, const struct resident *r)
{
    struct look_name name;
    const struct particulars *p = &r->particulars;
    look_split(key, &name);
    if (strcmp(key->name, r->attributes.name) == 0 || strcmp(name.folded, r->attributes.name) == 0)
        return PROVIDE_BY_NAME;
    if (names & TASK_ALIAS && p->alias[0] && strcmp(name.folded, p->alias) == 0)
        return PROVIDE_BY_ALIAS;
    if (names & TASK_FORMER_NAME && p->former_name[0] && strcmp(name.family, p->former_name) == 0 &&
        look_ends(r->attributes.name, name.given))
        return PROVIDE_BY_FORMER_NAME;
    if (names & TASK_FURIGANA && p->furigana[0] && strcmp(name.folded, p->furigana) == 0)
        return PROVIDE_BY_FURIGANA;
    if (names & TASK_FORMER_FURIGANA && p->former_furigana[0] && strcmp(name.family, p->former_furigana) == 0 &&
        look_ends(p->furigana, name.given))
        return PROVIDE_BY_FORMER_FURIGANA;
    return PROVIDE_BY_NO_NAME;
}

static int64_t look_characters(const char *text)
{
    int64_t count = 0;
    for (; *text; text++)
        count += (*text & 0xC0) != 0x80;
    return count;
}

/* What the key says of the attributes, between a text's beginning and its end. place: the municipality whose partition is asked;
 * "": all of them. */
static enum rc look_bind(struct store *store, const struct provide_key *key, unsigned names, const char *place, const char *begin,
                         const char *end, struct statement **s, struct err *err)
{
    char sql[1000];
    struct look_name name;
    look_split(key, &name);
    snprintf(sql, sizeof sql, "%s WHERE %s%s%s", begin, key->name[0] ? LOOK_NAMED : LOOK_UNNAMED,
             place[0] ? " AND municipality = ?12" : "", end);
    enum rc rc = store_prepare(store, sql, s, err);
    if (rc)
        return rc;
    for (int i = 6; place[0] && !key->name[0] && i < 12; i++)
        bind_text(*s, i, ""); /* in between, and not in the text */
    if (place[0])
        bind_text(*s, 12, place);
    bind_text(*s, 1, key->birth);
    bind_text(*s, 2, name.folded);
    bind_text(*s, 3, key->name);
    bind_text(*s, 4, key->sex);
    bind_text(*s, 5, key->address);
    if (!key->name[0])
        return RC_OK;
    bind_text(*s, 6, names & TASK_ALIAS ? name.folded : "");
    bind_text(*s, 7, names & TASK_FURIGANA ? name.folded : "");
    bind_text(*s, 8, names & TASK_FORMER_NAME && name.given[0] ? name.family : "");
    bind_text(*s, 9, name.given);
    bind_integer(*s, 10, look_characters(name.given));
    bind_text(*s, 11, names & TASK_FORMER_FURIGANA && name.given[0] ? name.family : "");
    return RC_OK;
}

static enum rc look_present(struct store *store, const struct provide_key *key, unsigned names, const char *place,
                            enum provide_result *result, struct location *found, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = look_bind(store, key, names, place, "SELECT code, removed, municipality FROM resident",
                           " AND successor = '' ORDER BY CASE WHEN removed = 0 THEN 0 ELSE 1 END, removed DESC LIMIT 2", &s, err);
    if (!rc)
        rc = statement_step(s, err);
    if (!rc) {
        bool removed = column_integer(s, 1) != 0;
        snprintf(found->code, sizeof found->code, "%s", column_text(s, 0));
        snprintf(found->municipality, sizeof found->municipality, "%s", column_text(s, 2));
        *result = removed ? PROVIDE_REMOVED : PROVIDE_ONE;
        rc = statement_step(s, err);
        if (!rc && (removed || column_integer(s, 1) == 0))
            *result = PROVIDE_MANY;
        if (rc == RC_NOT_FOUND)
            rc = RC_OK;
    }
    statement_done(s);
    return rc;
}

static enum rc look_former(struct store *store, const struct provide_key *key, unsigned names, const char *place,
                           enum provide_result *result, struct ledger_row *row, struct err *err)
{
    struct statement *s = NULL;
    char codes[CODES_MAX][12];
    size_t count = 0;
    enum rc rc = look_bind(store, key, names, place, "SELECT DISTINCT code FROM history", " ORDER BY code LIMIT 8", &s, err);
    while (!rc && count < CODES_MAX && !(rc = statement_step(s, err)))
        snprintf(codes[count++], sizeof codes[0], "%s", column_text(s, 0));
    statement_done(s);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    *result = PROVIDE_NONE;
    for (size_t i = 0; i < count; i++) {
        struct ledger_row next;
        bool moved = false;
        rc = look_follow(store, codes[i], &next, &moved, err);
        if (rc)
            return rc;
        if (*result != PROVIDE_NONE && strcmp(next.resident.code, row->resident.code) != 0) {
            *result = PROVIDE_MANY;
            return RC_OK;
        }
        *row = next;
        *result = row->removed ? PROVIDE_REMOVED : PROVIDE_CHANGED;
    }
    return RC_OK;
}

static bool look_same(const char *said, const char *is)
{
    return !said[0] || strcmp(said, is) == 0;
}

bool provide_agrees(const struct provide_key *key, unsigned names, const struct resident *r)
{
    const struct attributes *a = &r->attributes;
    return (!key->name[0] || look_matches(key, names, r) != PROVIDE_BY_NO_NAME) && look_same(key->birth, a->birth) &&
           look_same(key->sex, a->sex) && look_same(key->address, a->address);
}

enum provide_match provide_matched(const struct provide_key *key, unsigned names, const struct resident *r)
{
    if (!key->name[0])
        return PROVIDE_BY_NO_NAME;
    enum provide_match match = look_matches(key, names, r);
    return match == PROVIDE_BY_NO_NAME ? PROVIDE_BY_FORMER_STATE : match;
}

/* The number is the person's; are the attributes, or were they? */
static enum rc look_compare(struct store *store, const struct provide_key *key, unsigned names, const struct ledger_row *row,
                            enum provide_result *result, struct err *err)
{
    if (provide_agrees(key, names, &row->resident))
        return RC_OK;
    bool was = false;
    for (int64_t revision = row->revision - 1; !was && revision > 0; revision--) {
        struct ledger_past past;
        enum rc rc = ledger_history(store, row->resident.code, revision, &past, err);
        if (rc == RC_NOT_FOUND)
            continue; /* its time of retention was over */
        if (rc)
            return rc;
        was = provide_agrees(key, names, &past.resident);
    }
    if (!was)
        *result = PROVIDE_NONE;
    else if (*result == PROVIDE_ONE)
        *result = PROVIDE_CHANGED;
    return RC_OK;
}

static enum rc look_number(struct store *store, const struct provide_key *key, unsigned names, enum provide_result *result,
                           struct ledger_row *row, struct err *err)
{
    char code[12];
    bool former = false;
    enum rc rc = key->code[0] ? ledger_find_code(store, key->code, row, err) : look_holder(store, key->number, row, err);
    if (!rc)
        rc = look_succeed(store, row, &former, err);
    if (rc == RC_NOT_FOUND && !key->code[0]) {
        former = true;
        rc = look_former_holder(store, key->number, code, err);
        if (!rc)
            rc = look_follow(store, code, row, &former, err);
    }
    if (rc == RC_NOT_FOUND) {
        *result = PROVIDE_NONE;
        return RC_OK;
    }
    if (rc)
        return rc;
    *result = row->removed ? PROVIDE_REMOVED : former ? PROVIDE_CHANGED : PROVIDE_ONE;
    return look_compare(store, key, names, row, result, err);
}

/* By attributes, in one partition (place) or in all (""). */
static enum rc look_attributes(struct store *store, const struct provide_key *key, unsigned names, const char *place,
                               enum provide_result *result, struct ledger_row *row, struct err *err)
{
    struct location found;
    enum rc rc = look_present(store, key, names, place, result, &found, err);
    if (rc == RC_NOT_FOUND)
        return look_former(store, key, names, place, result, row, err);
    if (!rc && *result != PROVIDE_MANY)
        rc = ledger_find_in(store, found.code, found.municipality, row, err);
    return rc;
}

enum rc provide_look(struct store *store, const struct provide_key *key, unsigned names, enum provide_result *result,
                     struct ledger_row *row, enum provide_match *match, struct err *err)
{
    char place[7];
    enum rc rc;
    if (key->code[0] || key->number[0]) {
        rc = look_number(store, key, names, result, row, err);
    } else {
        location_of_address(key->address, place); /* who has or had the address is recorded there */
        rc = look_attributes(store, key, names, place, result, row, err);
        if (!rc && *result == PROVIDE_NONE && place[0])
            rc = look_attributes(store, key, names, "", result, row, err);
    }
    if (!rc && *result != PROVIDE_MANY && *result != PROVIDE_NONE)
        *match = provide_matched(key, names, &row->resident);
    return rc;
}

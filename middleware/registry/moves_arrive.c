/* moves_arrive.c — arriving: the record taken over from the municipality that let the person go. */
#include "registry/moves_parts.h"

#include "base/clock.h"
#include "base/fault.h"
#include "net/json.h"
#include "registry/characters.h"
#include "registry/code.h"
#include "registry/gate.h"
#include "registry/mailbox.h"
#include "registry/wanted.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What came for a code and was not used yet, the newest. Caller decrefs *record; from is who sent it. */
static enum rc moves_expected(struct store *store, const char *code, char from[7], char request[64], json_t **letter,
                              struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store,
                           "SELECT origin, letter, sequence FROM incoming WHERE code = ?1 AND revision = 0 "
                           "ORDER BY recorded DESC, sequence DESC LIMIT 1",
                           BINDS(BIND_TEXT(code)), &s, err);
    if (!rc) {
        const char *text = column_text(s, 1);
        column_copy(s, 0, from, 7);
        snprintf(request, 64, "%lld", (long long)column_integer(s, 2));
        rc = json_read(bytes_of(text, strlen(text)), letter, err);
    }
    statement_done(s);
    return rc;
}

/* Asks the other municipality, once: a letter that waits already is enough. */
static enum rc moves_ask(struct store *store, const char *municipality, const struct moves_arrive *arrive,
                         struct err *err)
{
    char other[7], request[80];
    int64_t waiting = 0;
    enum rc rc = moves_other(arrive->from, municipality, other, err);
    if (rc)
        return rc;
    json_t *body = json_pack("{s:s}", "code", arrive->code);
    snprintf(request, sizeof request, "{\"code\":\"%.11s\"}", arrive->code);
    rc = body ? store_integer(store,
                              "SELECT count(*) FROM letter WHERE municipality = ?1 AND kind = '" MAIL_WANTED "' AND "
                              "body = ?2 AND sent = 0",
                              BINDS(BIND_TEXT(other), BIND_TEXT(request)), &waiting, err)
              : RC_NOMEM;
    if (!rc && waiting == 0)
        rc = mailbox_put(store, other, MAIL_WANTED, body, err);
    json_decref(body);
    if (!rc)
        rc = store_commit(store, err);
    return rc ? rc
              : err_set(err, RC_STATE, "the 転出証明書情報 of %s is not here yet; it has been asked for: come again",
                        other);
}

/* The record as it stands from now on in this municipality. */
static enum rc moves_take_over(struct store *store, const char *municipality, const struct moves_arrive *arrive,
                               const json_t *letter, struct resident *resident, struct err *err)
{
    char today[11];
    municipal_today(today);
    enum rc rc = resident_from_json(json_object_get(letter, "record"), municipality, resident, err);
    if (rc)
        return rc;
    struct attributes *a = &resident->attributes;
    struct household *h = &resident->household;
    snprintf(h->former_address, sizeof h->former_address, "%s", a->address);
    rc = characters_write_address(resident, arrive->address, err);
    if (rc)
        return rc;
    memcpy(h->address_since, arrive->date, sizeof h->address_since);
    memcpy(h->resident_since, arrive->date, sizeof h->resident_since);
    memcpy(h->notified, today, sizeof h->notified);
    snprintf(h->relation, sizeof h->relation, "%s", arrive->relation ? arrive->relation : RELATION_HEAD);
    snprintf(h->position, sizeof h->position, "%s", arrive->position ? arrive->position : "01");
    if (arrive->household)
        snprintf(h->number, sizeof h->number, "%s", arrive->household);
    else
        rc = municipal_new_household(store, h->number, err);
    return rc ? rc : record_check(resident, false, err);
}

static enum rc moves_mark_arrived(struct store *store, const char *code, const char *from, const char *sequence,
                                  int64_t revision, struct err *err)
{
    return store_run(store, "UPDATE incoming SET revision = ?4 WHERE origin = ?1 AND sequence = ?2 AND code = ?3",
                     BINDS(BIND_TEXT(from), BIND_INTEGER(strtoll(sequence, NULL, 10)), BIND_TEXT(code),
                           BIND_INTEGER(revision)), NULL, err);
}

/* Entry, letter back, and the arrival closed. */
static enum rc moves_enter(struct store *store, const struct moves_arrive *arrive, const struct resident *resident,
                           const char *from, const char *sequence, int64_t *notice, struct err *err)
{
    struct ledger_row row;
    enum reason reason;
    json_t *body = NULL;
    enum rc rc = moves_reason(store, REASON_MOVE_IN, arrive->date, &reason, err);
    if (!rc)
        rc = municipal_apply(store, resident, reason, arrive->date, arrive->request, notice, err);
    if (!rc)
        rc = ledger_find_code(store, resident->code, &row, err);
    if (!rc)
        rc = moves_mark_arrived(store, resident->code, from, sequence, row.revision, err);
    if (!rc && !(body = json_pack("{s:s, s:s, s:s}", "code", resident->code, "date", arrive->date, "address",
                                  arrive->address)))
        rc = RC_NOMEM;
    if (!rc)
        rc = mailbox_put(store, from, MAIL_ARRIVED, body, err);
    json_decref(body);
    bool numbers = false;
    char today[11];
    municipal_today(today);
    if (!rc && !resident->particulars.personal_number[0])
        rc = gate_open(store, GATE_PERSONAL_NUMBERS, today, &numbers, err);
    return rc || !numbers ? rc : wanted_first(store, resident->code, arrive->date, err);
}

static bool moves_same_address(const struct resident *resident, const char *address)
{
    struct resident asked = {0};
    return characters_write_address(&asked, address, NULL) == RC_OK &&
           strcmp(asked.attributes.address, resident->attributes.address) == 0;
}

/* RC_OK the same request, RC_CONFLICT, RC_NOT_FOUND a new one. */
static enum rc moves_known(struct store *store, const struct moves_arrive *arrive, int64_t *notice, struct err *err)
{
    struct municipal_record then;
    enum rc rc = municipal_recall(store, arrive->request, &then, err);
    if (rc)
        return rc;
    if ((then.reason != REASON_MOVE_IN && then.reason != REASON_MOVE_IN_2002) || strcmp(then.date, arrive->date) != 0 ||
        strcmp(then.resident.code, arrive->code) != 0 || !moves_same_address(&then.resident, arrive->address))
        return err_set(err, RC_CONFLICT, "request: this name was used for another request");
    *notice = then.notice;
    return RC_OK;
}

enum rc moves_arrive(struct store *store, const char *municipality, const struct moves_arrive *arrive, int64_t *notice,
                     struct err *err)
{
    struct resident resident = {0};
    char from[7], sequence[64];
    json_t *letter = NULL;
    int64_t number = 0;
    enum rc rc =
        code_check(arrive->code) ? err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit") : RC_OK;
    if (!rc)
        rc = municipal_check_form(arrive->date, arrive->request, err);
    if (!rc)
        rc = municipal_check_address(municipality, arrive->address, err);
    fault_point("registry.before_arrive");
    if (!rc)
        rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = moves_known(store, arrive, &number, err);
    if (rc != RC_NOT_FOUND)
        goto out;
    rc = moves_expected(store, arrive->code, from, sequence, &letter, err);
    if (rc == RC_NOT_FOUND) {
        rc = arrive->from ? moves_ask(store, municipality, arrive, err)
                          : err_set(err, rc, "no 転出証明書情報 for this code is here");
        goto out;
    }
    if (!rc)
        rc = moves_take_over(store, municipality, arrive, letter, &resident, err);
    if (!rc)
        rc = moves_enter(store, arrive, &resident, from, sequence, &number, err);
    if (!rc)
        rc = store_commit(store, err);
out:
    store_rollback(store);
    fault_point("registry.after_arrive");
    json_decref(letter);
    explicit_bzero(&resident, sizeof resident);
    if (!rc)
        *notice = number;
    return rc;
}

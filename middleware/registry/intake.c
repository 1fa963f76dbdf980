/* intake.c — notices become records. */
#include "registry/intake.h"

#include "base/clock.h"
#include "base/log.h"
#include "net/json.h"
#include "registry/cardintake.h"
#include "registry/certlink.h"
#include "registry/designate.h"
#include "registry/outbox.h"
#include "registry/release.h"
#include "registry/restated.h"
#include "registry/sealed.h"

#include <stdio.h>
#include <string.h>

enum rc intake_position(struct store *store, const char *municipality, int64_t *acknowledged, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT acknowledged FROM intake WHERE municipality = ?1",
                           BINDS(BIND_TEXT(municipality)), &s, err);
    if (rc == RC_OK)
        *acknowledged = column_integer(s, 0);
    else if (rc == RC_NOT_FOUND)
        *acknowledged = 0;
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc intake_advance(struct store *store, const char *municipality, int64_t acknowledged, struct err *err)
{
    return store_run(store,
                     "INSERT INTO intake (municipality, acknowledged) VALUES (?1, ?2) "
                     "ON CONFLICT (municipality) DO UPDATE SET acknowledged = ?2",
                     BINDS(BIND_TEXT(municipality), BIND_INTEGER(acknowledged)), NULL, err);
}

/* Whose notice it is, and the row of history that it made: what its time of keeping goes by. */
struct intake_kept {
    char code[12];
    int64_t revision, recorded;
};

/* What the change means for certificates: to the authorities, and to those who ask. */
static enum rc intake_effect(struct store *store, const struct notice *notice, const struct ledger_change *change, struct err *err)
{
    if (notice->reason == REASON_RESTATED && change->effect == EFFECT_CHANGED)
        return restated_tell(store, &notice->resident, change->revision, notice->recorded, err);
    enum rc rc = outbox_add_event(store, notice->resident.code, change->effect, notice->recorded, err);
    return rc ? rc : certlink_mark(store, notice->resident.code, change->effect, notice->recorded, err);
}

static enum rc intake_record(struct store *store, const struct notice *notice, struct intake_kept *kept, struct err *err)
{
    struct ledger_change change = { 0 };
    enum rc rc = notice->previous_code[0]
        ? ledger_recode(store, notice->previous_code, &notice->resident, notice->reason, notice->date, notice->recorded,
                        &change, err)
        : ledger_put(store, &notice->resident, notice->reason, notice->date, notice->recorded, &change, err);
    if (!rc && notice->previous_code[0])
        rc = designate_recode(store, notice->previous_code, notice->resident.code, err);
    if (!rc)
        rc = intake_effect(store, notice, &change, err);
    kept->revision = change.revision;
    return rc;
}

static enum rc intake_link(struct store *store, const struct notice *notice, const struct ledger_row *row, size_t i,
                           struct err *err)
{
    struct certlink link;
    const struct certificate *certificate = &notice->certificates[i];
    enum rc rc = certlink_find(store, certificate->authority, certificate->serial, &link, err);
    if (!rc)
        return strcmp(link.code, row->resident.code) == 0
                   ? RC_OK : err_set(err, RC_CONFLICT, "a certificate is linked to another resident");
    if (rc != RC_NOT_FOUND)
        return rc;
    link = (struct certlink) { .certificate = *certificate, .revision = row->revision, .recorded = notice->recorded,
                               .notice = notice->sequence };
    memcpy(link.code, row->resident.code, sizeof link.code);
    return certlink_add(store, &link, err);
}

/* Whether certificates say what the register says: as the record stands here or, should that be damaged, as it was told last. */
static enum rc intake_agrees(struct store *store, const struct ledger_row *row, const struct notice *notice, bool *agrees,
                             struct err *err)
{
    struct ledger_past told;
    const struct attributes *said = &notice->resident.attributes;
    *agrees = attributes_equal(&row->resident.attributes, said);
    if (*agrees)
        return RC_OK;
    enum rc rc = ledger_last(store, row, &told, err);
    *agrees = !rc && attributes_equal(&told.resident.attributes, said);
    if (*agrees)
        log_warning("a record of %s is not as it was told: it should be compared (jpki-registry reconcile)", row->resident.municipality);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc intake_certificates(struct store *store, const struct notice *notice, bool late, struct err *err)
{
    struct ledger_row row;
    bool agrees = true;
    enum rc rc = ledger_find_code(store, notice->resident.code, &row, err);
    if (rc)
        return err_set(err, rc, "certificates: no such resident");
    if (strcmp(row.resident.municipality, notice->resident.municipality) != 0 && !late)
        return err_set(err, RC_DENIED, "certificates: the resident is another municipality's");
    if (row.removed && !late)
        return err_set(err, RC_STATE, "certificates: the resident has been removed from the register");
    for (size_t i = 0; i < notice->count; i++)
        if ((rc = intake_link(store, notice, &row, i, err)))
            return rc;
    /* A municipal node links only what equals its record, and its notices come in order. Should one differ all the same,
     * the certificate does not say what the register says: treated as changed, never as current. */
    rc = intake_agrees(store, &row, notice, &agrees, err);
    if (!rc && !agrees) {
        rc = outbox_add_event(store, row.resident.code, EFFECT_CHANGED, notice->recorded, err);
        if (!rc)
            rc = certlink_mark(store, row.resident.code, EFFECT_CHANGED, notice->recorded, err);
    }
    return rc;
}

/* What the notice says. A late one of a person who has moved on changes no record; its certificates are the person's all
 * the same. */
static enum rc intake_apply(struct store *store, const char *municipality, const json_t *json, struct intake_kept *kept,
                            struct err *err)
{
    struct notice notice;
    bool late = false;
    enum rc rc = notice_from_json(json, municipality, &notice, err);
    if (!rc)
        rc = release_late(store, &notice, &late, err);
    if (rc)
        return rc;
    memcpy(kept->code, notice.resident.code, sizeof kept->code);
    kept->recorded = notice.recorded;
    if (notice.kind == NOTICE_CARD)
        return cardintake_take(store, &notice, late, err);
    if (notice.kind == NOTICE_CERTIFICATES_KIND)
        return intake_certificates(store, &notice, late, err);
    if (late)
        return RC_OK;
    rc = release_use(store, &notice, json, err);
    return rc ? rc : intake_record(store, &notice, kept, err);
}

/* The notice as it was signed, for whoever asks later who wrote what. */
static enum rc intake_keep(struct store *store, const char *municipality, int64_t sequence, const struct intake_kept *kept,
                           const json_t *json, struct err *err)
{
    struct buf text = { 0 };
    const char *signature = json_string_value(json_object_get(json, "signature"));
    const char *signer = json_string_value(json_object_get(json, "signer"));
    if (!signature) /* not from a node: no receiver lets one through */
        return RC_OK;
    enum rc rc = sealed_text(json, &text);
    if (!rc)
        rc = store_run(store,
                       "INSERT INTO received (municipality, sequence, body, signature, signer, code, revision, recorded) "
                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                       BINDS(BIND_TEXT(municipality), BIND_INTEGER(sequence), BIND_TEXT(buf_string(&text)),
                             BIND_TEXT(signature), BIND_TEXT(signer ? signer : ""), BIND_TEXT(kept->code),
                             BIND_INTEGER(kept->revision), BIND_INTEGER(kept->recorded)), NULL, err);
    buf_wipe(&text);
    return rc;
}

static enum rc intake_one(struct store *store, const char *municipality, const json_t *json, int64_t *acknowledged,
                          int64_t *expected, struct err *err)
{
    int64_t sequence;
    struct intake_kept kept = { .recorded = clock_now() };
    enum rc rc = json_want_integer(json, "sequence", &sequence, err);
    if (rc || sequence <= *acknowledged)
        return rc;
    if (sequence != *acknowledged + 1) {
        *expected = *acknowledged + 1;
        return err_set(err, RC_CONFLICT, "notice %lld came where %lld was expected", (long long)sequence,
                       (long long)*expected);
    }
    rc = notice_void_check(json, err);
    if (rc == RC_NOT_FOUND)
        rc = intake_apply(store, municipality, json, &kept, err);
    if (!rc)
        rc = intake_keep(store, municipality, sequence, &kept, json, err);
    if (!rc)
        *acknowledged = sequence;
    return rc;
}

enum rc intake_keep_signer(struct store *store, const char *certificate, const json_t *notices, struct err *err)
{
    struct statement *s = NULL;
    const char *serial = json_string_value(json_object_get(json_array_get(notices, 0), "signer"));
    if (!serial)
        return RC_OK;
    enum rc rc = store_row(store, "SELECT 1 FROM signer WHERE serial = ?1", BINDS(BIND_TEXT(serial)), &s, err);
    statement_done(s);
    if (rc != RC_NOT_FOUND)
        return rc;
    return store_run(store, "INSERT INTO signer (serial, certificate) VALUES (?1, ?2) ON CONFLICT (serial) DO NOTHING",
                     BINDS(BIND_TEXT(serial), BIND_TEXT(certificate)), NULL, err);
}

enum rc intake_take(struct store *store, const char *municipality, const json_t *notices, int64_t *acknowledged,
                    int64_t *expected, struct err *err)
{
    int64_t before = 0, position = 0;
    *expected = 0;
    if (json_array_size(notices) > NOTICE_BATCH)
        return err_set(err, RC_RANGE, "notices: at most %d in one request", NOTICE_BATCH);
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = intake_position(store, municipality, &before, err);
    position = before;
    for (size_t i = 0; !rc && i < json_array_size(notices); i++)
        rc = intake_one(store, municipality, json_array_get(notices, i), &position, expected, err);
    if (!rc && position != before)
        rc = intake_advance(store, municipality, position, err);
    if (!rc && position != before)
        rc = store_commit(store, err);
    store_rollback(store);
    if (!rc)
        *acknowledged = position;
    return rc;
}

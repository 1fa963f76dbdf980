/* received.c — kept notices, looked at and judged. */
#include "registry/received.h"

#include "base/clock.h"
#include "net/json.h"

#include <string.h>

static enum rc received_row(struct store *store, const char *municipality, int64_t sequence, struct statement **s,
                            struct err *err)
{
    enum rc rc = store_row(store,
                           "SELECT r.body, r.signature, g.certificate, r.code, r.recorded FROM received r "
                           "LEFT JOIN signer g ON g.serial = r.signer WHERE r.municipality = ?1 AND r.sequence = ?2",
                           BINDS(BIND_TEXT(municipality), BIND_INTEGER(sequence)), s, err);
    return rc == RC_NOT_FOUND
               ? err_set(err, rc, "no such notice is kept: it was not received, or its time of keeping is over")
               : rc;
}

enum rc received_code(struct store *store, const char *municipality, int64_t sequence, char code[12], struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = received_row(store, municipality, sequence, &s, err);
    if (rc)
        return rc;
    column_copy(s, 3, code, 12);
    statement_done(s);
    return RC_OK;
}

/* The signature by the bytes that were kept, as of the time that they speak of. */
static enum rc received_judge(struct statement *s, struct opseal *seal, const char *municipality, const json_t *notice,
                              struct peer *signer, struct err *why)
{
    const char *text = column_text(s, 0), *certificate = column_text(s, 2);
    const char *recorded = json_string_value(json_object_get(notice, "recorded"));
    int64_t when = column_integer(s, 4);
    if (recorded && clock_parse(recorded, &when))
        return err_set(why, RC_FORMAT, "recorded: not a time");
    if (!certificate[0])
        return err_set(why, RC_NOT_FOUND, "the signer's certificate is not kept");
    enum rc rc = opseal_check_at(seal, when, certificate, bytes_of(text, strlen(text)), column_text(s, 1), signer, why);
    if (!rc && (signer->role != ROLE_NODE_MUNICIPAL || strcmp(signer->municipality, municipality) != 0))
        rc = err_set(why, RC_DENIED, "not signed by the node of %s", municipality);
    return rc;
}

enum rc received_show(struct store *store, struct opseal *seal, const char *municipality, int64_t sequence,
                      json_t **out, bool *valid, struct err *why, struct err *err)
{
    struct statement *s = NULL;
    struct peer signer = {.role = ROLE_NONE};
    json_t *notice = NULL;
    enum rc rc = received_row(store, municipality, sequence, &s, err);
    if (rc)
        return rc;
    const char *text = column_text(s, 0);
    rc = json_read(bytes_of(text, strlen(text)), &notice, err);
    if (!rc) {
        *valid = received_judge(s, seal, municipality, notice, &signer, why) == RC_OK;
        *out = json_pack("{s:s, s:I, s:O, s:s, s:{s:s, s:s, s:s, s:s}}", "municipality", municipality, "sequence",
                         (json_int_t)sequence, "notice", notice, "signature", column_text(s, 1), "signer", "role",
                         role_name(signer.role), "municipality", signer.municipality, "name", signer.name, "serial",
                         signer.serial);
        rc = *out ? RC_OK : RC_NOMEM;
    }
    json_decref(notice);
    statement_done(s);
    return rc;
}

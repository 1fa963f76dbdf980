/* notice.c — records and notices as JSON. */
#include "registry/notice.h"

#include "base/clock.h"
#include "net/json.h"
#include "registry/cardreport.h"
#include "registry/code.h"

#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = { [NOTICE_RECORD] = "record", [NOTICE_CERTIFICATES_KIND] = "certificates",
                                          [NOTICE_CARD] = "card" };

const char *notice_kind_name(enum notice_kind kind)
{
    return kind_names[kind];
}

enum rc notice_kind_parse(const char *name, enum notice_kind *kind)
{
    for (unsigned i = 0; i < sizeof kind_names / sizeof kind_names[0]; i++)
        if (strcmp(kind_names[i], name) == 0) {
            *kind = (enum notice_kind)i;
            return RC_OK;
        }
    return RC_NOT_FOUND;
}

static json_t *notice_resident(const struct resident *resident, bool told_only)
{
    json_t *json = json_pack("{s:s, s:s}", "code", resident->code, "municipality", resident->municipality);
    for (size_t i = 0; json && i < RECORD_FIELDS; i++) {
        const struct record_field *field = &record_fields[i];
        const char *text = record_text_of(resident, field);
        if ((told_only && !field->told) || (i >= RECORD_WANTED && !text[0]))
            continue;
        if (json_object_set_new(json, field->name, json_string(text))) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

json_t *resident_to_json(const struct resident *resident)
{
    return notice_resident(resident, false);
}

static enum rc notice_read_resident(const json_t *json, const char *municipality, bool told_only, struct resident *out,
                                    struct err *err)
{
    struct resident resident = { 0 };
    const char *text;
    enum rc rc = json_want_text(json, "code", sizeof resident.code - 1, &text, err);
    if (rc)
        return rc;
    if (code_check(text))
        return err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    memcpy(resident.code, text, strlen(text) + 1);
    for (size_t i = 0; i < RECORD_FIELDS; i++) {
        const struct record_field *field = &record_fields[i];
        if ((told_only && !field->told) || (i >= RECORD_WANTED && !json_object_get(json, field->name)))
            continue;
        rc = json_want_text(json, field->name, field->size - 1, &text, err);
        if (rc)
            return rc;
        memcpy(record_text(&resident, field), text, strlen(text) + 1);
    }
    rc = record_check(&resident, told_only, err);
    if (rc)
        return rc;
    snprintf(resident.municipality, sizeof resident.municipality, "%s", municipality);
    *out = resident;
    return RC_OK;
}

enum rc resident_from_json(const json_t *json, const char *municipality, struct resident *resident, struct err *err)
{
    return notice_read_resident(json, municipality, false, resident, err);
}

enum rc certificate_name(const char *authority, const char *serial, struct certificate *out, struct err *err)
{
    struct certificate certificate = { 0 };
    if (authority_parse(authority, &certificate.authority) ||
        (certificate.authority != AUTHORITY_SIGN && certificate.authority != AUTHORITY_AUTH))
        return err_set(err, RC_FORMAT, "authority: neither 'sign' nor 'auth'");
    size_t len = strlen(serial);
    if (len == 0 || len % 2 || len >= sizeof certificate.serial || strspn(serial, "0123456789ABCDEF") != len ||
        (len > 2 && serial[0] == '0' && serial[1] == '0'))
        return err_set(err, RC_FORMAT, "serial: not upper-case hex of at most 20 bytes without leading zero bytes");
    memcpy(certificate.serial, serial, len + 1);
    *out = certificate;
    return RC_OK;
}

json_t *certificates_to_json(const struct certificate *certificates, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < count; i++) {
        char not_after[CLOCK_TEXT_SIZE];
        clock_format(certificates[i].not_after, not_after);
        if (json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "authority",
                                                   authority_name(certificates[i].authority), "serial",
                                                   certificates[i].serial, "not_after", not_after))) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

enum rc certificates_from_json(const json_t *object, struct certificate *certificates, size_t *count, struct err *err)
{
    json_t *array;
    enum rc rc = json_want_array(object, "certificates", &array, err);
    if (rc)
        return rc;
    size_t len = json_array_size(array);
    if (len == 0 || len > NOTICE_CERTIFICATES)
        return err_set(err, RC_FORMAT, "certificates: 1 to %d", NOTICE_CERTIFICATES);
    for (size_t i = 0; i < len; i++) {
        const json_t *row = json_array_get(array, i);
        const char *authority, *serial, *not_after;
        if ((rc = json_want_text(row, "authority", 8, &authority, err)) ||
            (rc = json_want_text(row, "serial", 40, &serial, err)) ||
            (rc = json_want_text(row, "not_after", CLOCK_TEXT_SIZE, &not_after, err)) ||
            (rc = certificate_name(authority, serial, &certificates[i], err)))
            return rc;
        if (clock_parse(not_after, &certificates[i].not_after))
            return err_set(err, RC_FORMAT, "not_after: not a time");
        for (size_t k = 0; k < i; k++)
            if (certificates[k].authority == certificates[i].authority &&
                strcmp(certificates[k].serial, certificates[i].serial) == 0)
                return err_set(err, RC_FORMAT, "certificates: one is named twice");
    }
    *count = len;
    return RC_OK;
}

json_t *notice_to_json(const struct notice *notice)
{
    char recorded[CLOCK_TEXT_SIZE];
    clock_format(notice->recorded, recorded);
    json_t *resident = notice_resident(&notice->resident, true);
    if (notice->kind == NOTICE_RECORD)
        return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s*, s:o}", "sequence", (json_int_t)notice->sequence, "kind", "record",
                         "reason", reason_get(notice->reason)->name, "date", notice->date, "recorded", recorded,
                         "previous_code", notice->previous_code[0] ? notice->previous_code : NULL, "resident", resident);
    json_t *json = json_pack("{s:I, s:s, s:s, s:s, s:o, s:o}", "sequence", (json_int_t)notice->sequence, "kind",
                             notice_kind_name(notice->kind), "date", notice->date, "recorded", recorded, "resident", resident,
                             "certificates", certificates_to_json(notice->certificates, notice->count));
    if (json && notice->kind == NOTICE_CARD && json_object_set_new(json, "card", card_report_to_json(&notice->card))) {
        json_decref(json);
        json = NULL;
    }
    return json;
}

/* A card has certificates or none; the other kind that names them has at least one. */
static enum rc notice_read_card(const json_t *json, struct notice *notice, struct err *err)
{
    const json_t *card = json_object_get(json, "card");
    if (!json_is_object(card))
        return err_set(err, RC_FORMAT, "card: missing");
    enum rc rc = card_report_from_json(card, &notice->card, err);
    json_t *array;
    if (!rc)
        rc = json_want_array(json, "certificates", &array, err);
    if (!rc && json_array_size(array) > 0)
        rc = certificates_from_json(json, notice->certificates, &notice->count, err);
    return rc;
}

json_t *notice_void_to_json(int64_t sequence, const char *date, int64_t recorded, const char *why)
{
    char time[CLOCK_TEXT_SIZE];
    clock_format(recorded, time);
    return json_pack("{s:I, s:s, s:s, s:s, s:s}", "sequence", (json_int_t)sequence, "kind", "void", "date", date, "recorded", time,
                     "why", why);
}

enum rc notice_void_check(const json_t *json, struct err *err)
{
    const char *kind, *why;
    enum rc rc = json_want_text(json, "kind", 16, &kind, err);
    if (rc)
        return rc;
    if (strcmp(kind, "void") != 0)
        return RC_NOT_FOUND;
    rc = json_want_text(json, "why", 400, &why, err);
    return !rc && !*why ? err_set(err, RC_FORMAT, "why: empty") : rc;
}

/* A change of code names the code before it, nothing else does. */
static enum rc notice_read_previous(const json_t *json, struct notice *notice, struct err *err)
{
    const char *text;
    bool wanted = reason_get(notice->reason)->change == CHANGE_CODE;
    if (wanted != (json_object_get(json, "previous_code") != NULL))
        return err_set(err, RC_FORMAT, "previous_code: %s", wanted ? "missing" : "does not belong to this reason");
    enum rc rc = wanted ? json_want_text(json, "previous_code", CODE_LEN, &text, err) : RC_NOT_FOUND;
    if (rc)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    if (code_check(text))
        return err_set(err, RC_FORMAT, "previous_code: not 11 digits with a right check digit");
    snprintf(notice->previous_code, sizeof notice->previous_code, "%s", text);
    return RC_OK;
}

enum rc notice_from_json(const json_t *json, const char *municipality, struct notice *out, struct err *err)
{
    struct notice notice = { 0 };
    const char *kind, *text;
    enum rc rc;
    if ((rc = json_want_integer(json, "sequence", &notice.sequence, err)) ||
        (rc = json_want_text(json, "kind", 16, &kind, err)) || (rc = json_want_text(json, "date", 10, &text, err)))
        return rc;
    if (notice.sequence < 1)
        return err_set(err, RC_FORMAT, "sequence: starts at 1");
    if (date_check(text))
        return err_set(err, RC_FORMAT, "date: not a date YYYY-MM-DD");
    memcpy(notice.date, text, strlen(text) + 1);
    if ((rc = json_want_text(json, "recorded", CLOCK_TEXT_SIZE, &text, err)))
        return rc;
    if (clock_parse(text, &notice.recorded))
        return err_set(err, RC_FORMAT, "recorded: not a time");
    const json_t *resident = json_object_get(json, "resident");
    if (!json_is_object(resident))
        return err_set(err, RC_FORMAT, "resident: missing");
    if ((rc = notice_read_resident(resident, municipality, true, &notice.resident, err)))
        return rc;
    if (notice_kind_parse(kind, &notice.kind))
        return err_set(err, RC_FORMAT, "kind: not a known one");
    if (notice.kind == NOTICE_RECORD) {
        if ((rc = json_want_text(json, "reason", 60, &text, err)))
            return rc;
        if (reason_parse(text, &notice.reason))
            return err_set(err, RC_FORMAT, "reason: not a known one");
        if ((rc = notice_read_previous(json, &notice, err)))
            return rc;
    } else {
        rc = notice.kind == NOTICE_CARD ? notice_read_card(json, &notice, err)
                                        : certificates_from_json(json, notice.certificates, &notice.count, err);
        if (rc)
            return rc;
    }
    *out = notice;
    return RC_OK;
}

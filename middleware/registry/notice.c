/* notice.c — records and notices as JSON. */
#include "registry/notice.h"

#include "base/clock.h"
#include "net/json.h"
#include "registry/code.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The texts of a record: where they stand in the struct and what the message calls them. */
static const struct {
    const char *member;
    size_t offset, size;
} texts[] = {
    { "name", offsetof(struct attributes, name), sizeof(((struct attributes *)0)->name) },
    { "name_substitutes", offsetof(struct attributes, name_substitutes),
      sizeof(((struct attributes *)0)->name_substitutes) },
    { "birth", offsetof(struct attributes, birth), sizeof(((struct attributes *)0)->birth) },
    { "sex", offsetof(struct attributes, sex), sizeof(((struct attributes *)0)->sex) },
    { "address", offsetof(struct attributes, address), sizeof(((struct attributes *)0)->address) },
    { "address_substitutes", offsetof(struct attributes, address_substitutes),
      sizeof(((struct attributes *)0)->address_substitutes) },
};

json_t *resident_to_json(const struct resident *resident)
{
    const struct attributes *a = &resident->attributes;
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "code", resident->code, "municipality",
                     resident->municipality, "name", a->name, "name_substitutes", a->name_substitutes, "birth", a->birth,
                     "sex", a->sex, "address", a->address, "address_substitutes", a->address_substitutes);
}

enum rc resident_from_json(const json_t *json, const char *municipality, struct resident *out, struct err *err)
{
    struct resident resident = { 0 };
    const char *text;
    enum rc rc = json_want_text(json, "code", sizeof resident.code - 1, &text, err);
    if (rc)
        return rc;
    if (code_check(text))
        return err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    memcpy(resident.code, text, strlen(text) + 1);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        rc = json_want_text(json, texts[i].member, texts[i].size - 1, &text, err);
        if (rc)
            return rc;
        memcpy((char *)&resident.attributes + texts[i].offset, text, strlen(text) + 1);
    }
    rc = attributes_check(&resident.attributes, err);
    if (rc)
        return rc;
    snprintf(resident.municipality, sizeof resident.municipality, "%s", municipality);
    *out = resident;
    return RC_OK;
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
    json_t *resident = resident_to_json(&notice->resident);
    if (notice->kind == NOTICE_RECORD)
        return json_pack("{s:I, s:s, s:s, s:s, s:s, s:o}", "sequence", (json_int_t)notice->sequence, "kind", "record",
                         "reason", reason_get(notice->reason)->name, "date", notice->date, "recorded", recorded,
                         "resident", resident);
    return json_pack("{s:I, s:s, s:s, s:s, s:o, s:o}", "sequence", (json_int_t)notice->sequence, "kind", "certificates",
                     "date", notice->date, "recorded", recorded, "resident", resident, "certificates",
                     certificates_to_json(notice->certificates, notice->count));
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
    if ((rc = resident_from_json(resident, municipality, &notice.resident, err)))
        return rc;
    if (strcmp(kind, "record") == 0) {
        notice.kind = NOTICE_RECORD;
        if ((rc = json_want_text(json, "reason", 60, &text, err)))
            return rc;
        if (reason_parse(text, &notice.reason))
            return err_set(err, RC_FORMAT, "reason: not a known one");
    } else if (strcmp(kind, "certificates") == 0) {
        notice.kind = NOTICE_CERTIFICATES_KIND;
        if ((rc = certificates_from_json(json, notice.certificates, &notice.count, err)))
            return rc;
    } else {
        return err_set(err, RC_FORMAT, "kind: neither 'record' nor 'certificates'");
    }
    *out = notice;
    return RC_OK;
}

enum rc date_check(const char *date)
{
    static const char shape[] = "dddd-dd-dd";
    for (size_t i = 0; i < sizeof shape; i++)
        if (shape[i] == 'd' ? date[i] < '0' || date[i] > '9' : date[i] != shape[i])
            return RC_FORMAT;
    char back[CLOCK_TEXT_SIZE]; /* a date that does not exist comes back as another one */
    int month = atoi(date + 5), day = atoi(date + 8);
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return RC_FORMAT;
    clock_format(clock_from_date(atoi(date), month, day), back);
    return strncmp(back, date, 10) == 0 ? RC_OK : RC_FORMAT;
}

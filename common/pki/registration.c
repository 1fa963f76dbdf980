/* registration.c — the registration extension, encoded and read back. What it says is only a claim of the desk; the
 * authority holds it against the officer's certificate. */
#include "pki/registration.h"

#include "base/clock.h"
#include "pki/cert.h"
#include "pki/der.h"

#include <string.h>

enum {
    REGISTRATION_UTF8 = 0x0C,
    REGISTRATION_PRINTABLE = 0x13,
    REGISTRATION_TIME = 0x18,
    REGISTRATION_AUTH_END = 0xA0,
    REGISTRATION_WARD = 0xA1,
    REGISTRATION_SEQUENCE = 0x30
};

static const uint8_t registration_true[] = {0x01, 0x01, 0xFF};

/* The desk's own name of a request: visible ASCII. */
static bool registration_is_request(const char *text)
{
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at > '~')
            return false;
    return *text != 0;
}

static bool registration_is_municipality(const char *text)
{
    return strlen(text) == 6 && strspn(text, "0123456789") == 6;
}

static bool registration_is_card(const char *text)
{
    return strlen(text) == 16 && strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == 16;
}

static bool registration_is_sound(const struct registration *registration)
{
    return memchr(registration->request, 0, sizeof registration->request) &&
           registration_is_request(registration->request) &&
           memchr(registration->municipality, 0, sizeof registration->municipality) &&
           registration_is_municipality(registration->municipality) &&
           memchr(registration->card, 0, sizeof registration->card) && registration_is_card(registration->card) &&
           registration->card_expiry > 0 && registration->auth_not_after >= 0;
}

static enum rc registration_append_text(struct buf *out, unsigned tag, const char *text)
{
    return der_append(out, tag, bytes_of(text, strlen(text)));
}

static enum rc registration_append_time(struct buf *out, int64_t time)
{
    ASN1_GENERALIZEDTIME *encoded = ASN1_GENERALIZEDTIME_set(NULL, (time_t)time);
    if (!encoded)
        return RC_RANGE;
    enum rc rc = der_append(out, REGISTRATION_TIME,
                            bytes_of(ASN1_STRING_get0_data(encoded), (size_t)ASN1_STRING_length(encoded)));
    ASN1_GENERALIZEDTIME_free(encoded);
    return rc;
}

static enum rc registration_encode(const struct registration *registration, struct buf *out)
{
    struct buf body = {0}, end = {0};
    enum rc rc = registration_append_text(&body, REGISTRATION_UTF8, registration->request);
    if (rc == RC_OK)
        rc = registration_append_text(&body, REGISTRATION_PRINTABLE, registration->municipality);
    if (rc == RC_OK)
        rc = registration_append_text(&body, REGISTRATION_PRINTABLE, registration->card);
    if (rc == RC_OK)
        rc = registration_append_time(&body, registration->card_expiry);
    if (rc == RC_OK && registration->auth_not_after)
        rc = registration_append_time(&end, registration->auth_not_after);
    if (rc == RC_OK && end.len)
        rc = der_append(&body, REGISTRATION_AUTH_END, buf_bytes(&end));
    if (rc == RC_OK && registration->ward)
        rc = der_append(&body, REGISTRATION_WARD, bytes_of(registration_true, sizeof registration_true));
    if (rc == RC_OK)
        rc = der_append(out, REGISTRATION_SEQUENCE, buf_bytes(&body));
    buf_wipe(&end);
    buf_wipe(&body);
    return rc;
}

enum rc registration_to_extension(const struct registration *registration, X509_EXTENSION **extension)
{
    if (!registration_is_sound(registration))
        return RC_FORMAT;
    struct buf der = {0};
    ASN1_OBJECT *oid = OBJ_txt2obj(REGISTRATION_OID, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *made = NULL;
    enum rc rc = registration_encode(registration, &der);
    if (rc)
        goto out;
    rc = RC_NOMEM;
    if (!oid || !value || !ASN1_OCTET_STRING_set(value, der.data, (int)der.len))
        goto out;
    made = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
    if (!made)
        goto out;
    *extension = made;
    rc = RC_OK;
out:
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
    buf_wipe(&der);
    return rc;
}

static enum rc registration_take_text(struct bytes *in, unsigned tag, char *to, size_t size)
{
    struct bytes content;
    if (der_expect(in, tag, &content, NULL) || content.len >= size ||
        (content.len && memchr(content.data, 0, content.len)))
        return RC_FORMAT;
    if (content.len)
        memcpy(to, content.data, content.len);
    to[content.len] = 0;
    return RC_OK;
}

/* YYYYMMDDHHMMSSZ: the one form of DER (X.690 §11.7) without fractions. */
static enum rc registration_take_time(struct bytes *in, int64_t *time)
{
    struct bytes content;
    if (der_expect(in, REGISTRATION_TIME, &content, NULL) || content.len != 15 || content.data[14] != 'Z')
        return RC_FORMAT;
    ASN1_STRING *text = ASN1_STRING_type_new(V_ASN1_GENERALIZEDTIME);
    if (!text)
        return RC_NOMEM;
    enum rc rc = ASN1_STRING_set(text, content.data, (int)content.len) ? cert_time(text, time) : RC_NOMEM;
    ASN1_STRING_free(text);
    return rc;
}

static enum rc registration_decode(struct bytes der, struct registration *registration)
{
    struct bytes body, end;
    struct registration read = {0};
    if (der_expect(&der, REGISTRATION_SEQUENCE, &body, NULL) || der.len)
        return RC_FORMAT;
    enum rc rc = registration_take_text(&body, REGISTRATION_UTF8, read.request, sizeof read.request);
    if (rc == RC_OK)
        rc = registration_take_text(&body, REGISTRATION_PRINTABLE, read.municipality, sizeof read.municipality);
    if (rc == RC_OK)
        rc = registration_take_text(&body, REGISTRATION_PRINTABLE, read.card, sizeof read.card);
    if (rc == RC_OK)
        rc = registration_take_time(&body, &read.card_expiry);
    if (rc == RC_OK && body.len && body.data[0] == REGISTRATION_AUTH_END) {
        rc = der_expect(&body, REGISTRATION_AUTH_END, &end, NULL);
        if (rc == RC_OK)
            rc = registration_take_time(&end, &read.auth_not_after);
        if (rc == RC_OK && (end.len || read.auth_not_after <= 0))
            rc = RC_FORMAT;
    }
    if (rc == RC_OK && body.len) {
        read.ward = true; /* FALSE is left out (X.690 §11.5) */
        rc = der_expect(&body, REGISTRATION_WARD, &end, NULL);
        if (rc == RC_OK && !bytes_equal(end, bytes_of(registration_true, sizeof registration_true)))
            rc = RC_FORMAT;
    }
    if (rc)
        return rc;
    if (body.len || !registration_is_sound(&read))
        return RC_FORMAT;
    *registration = read;
    return RC_OK;
}

enum rc registration_from_extensions(const X509_EXTENSIONS *extensions, struct registration *registration,
                                     struct err *err)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(REGISTRATION_OID, 1);
    if (!oid)
        return RC_NOMEM;
    int at = X509v3_get_ext_by_OBJ(extensions, oid, -1);
    int again = at < 0 ? -1 : X509v3_get_ext_by_OBJ(extensions, oid, at);
    ASN1_OBJECT_free(oid);
    if (at < 0)
        return err_set(err, RC_NOT_FOUND, "the request holds no registration");
    if (again >= 0)
        return err_set(err, RC_FORMAT, "the request holds two registrations");
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509v3_get_ext(extensions, at));
    enum rc rc =
        registration_decode(bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)), registration);
    if (rc)
        return err_set(err, rc, "the registration of the request: %s", rc_text(rc));
    return RC_OK;
}

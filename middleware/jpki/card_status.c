/* card_status.c — jpki card status: everything about a card that needs no PIN, in words or in JSON. Collects first, then
 * prints; spends no try, and never reads the signature certificate, which says who the holder is. */
#include "jpki/card_command.h"

#include "base/clock.h"
#include "base/opt.h"
#include "jpki/holder.h"
#include "pki/cert.h"

#include <jansson.h>
#include <openssl/bio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct status_pin {
    enum rc rc;
    unsigned tries; /* when RC_OK */
};

struct status_cert {
    enum rc rc; /* RC_OK: the text below is filled; RC_NOT_FOUND: there is none */
    char *subject;
    char *serial;
    char not_before[CLOCK_TEXT_SIZE], not_after[CLOCK_TEXT_SIZE];
};

struct status {
    const char *reader;
    struct card_token_info info;
    struct status_pin auth_pin, sign_pin;
    enum rc presence_rc;
    struct card_presence presence;
    struct status_cert auth, auth_ca, sign_ca;
};

/* A name as text, control characters escaped; freed with free. NULL when out of memory. */
static char *status_name(const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL, *copy = NULL;
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
        copy = strndup(BIO_get_mem_data(bio, &text) > 0 ? text : "", (size_t)BIO_get_mem_data(bio, &text));
    BIO_free(bio);
    return copy;
}

static enum rc status_fill_cert(X509 *cert, struct status_cert *out)
{
    struct buf serial = { 0 };
    enum rc rc = cert_serial(cert, &serial);
    const char *text = rc ? NULL : buf_string(&serial);
    out->serial = text ? strdup(text) : NULL;
    out->subject = status_name(X509_get_subject_name(cert));
    clock_format(cert_not_before(cert), out->not_before);
    clock_format(cert_not_after(cert), out->not_after);
    buf_wipe(&serial);
    if (rc)
        return rc;
    return out->serial && out->subject ? RC_OK : RC_NOMEM;
}

/* A missing, protected or broken certificate is part of the status; only what ends the conversation is a failure. */
static enum rc status_read_cert(struct card *card, enum card_cert which, struct status_cert *out, struct err *err)
{
    struct buf der = { 0 };
    struct err detail = { 0 };
    X509 *cert = NULL;
    enum rc rc = card_read_cert(card, which, &der, &detail);
    if (!rc)
        rc = cert_parse(buf_bytes(&der), &cert);
    if (!rc)
        rc = status_fill_cert(cert, out);
    X509_free(cert);
    buf_wipe(&der);
    out->rc = rc;
    if (rc == RC_OK || rc == RC_NOT_FOUND || rc == RC_PIN_NEEDED || rc == RC_FORMAT || rc == RC_STATE)
        return RC_OK;
    return err_set(err, rc, "%s", err_text(&detail, rc));
}

static enum rc status_read_pin(struct card *card, enum card_pin which, struct status_pin *out, struct err *err)
{
    struct err detail = { 0 };
    out->rc = card_pin_tries(card, which, &out->tries, &detail);
    if (out->rc == RC_OK || out->rc == RC_NOT_FOUND || out->rc == RC_STATE || out->rc == RC_CARD_REFUSED)
        return RC_OK;
    return err_set(err, out->rc, "%s", err_text(&detail, out->rc));
}

static enum rc status_collect(struct card *card, struct status *status, struct err *err)
{
    struct err detail = { 0 };
    status->reader = card_reader(card);
    enum rc rc = card_read_token_info(card, &status->info, err);
    if (!rc)
        rc = status_read_pin(card, CARD_PIN_AUTH, &status->auth_pin, err);
    if (!rc)
        rc = status_read_pin(card, CARD_PIN_SIGN, &status->sign_pin, err);
    if (rc)
        return rc;
    status->presence_rc = card_read_presence(card, &status->presence, &detail);
    rc = status_read_cert(card, CARD_CERT_AUTH, &status->auth, err);
    if (!rc)
        rc = status_read_cert(card, CARD_CERT_AUTH_CA, &status->auth_ca, err);
    if (!rc)
        rc = status_read_cert(card, CARD_CERT_SIGN_CA, &status->sign_ca, err);
    return rc;
}

static void status_wipe(struct status *status)
{
    struct status_cert *certs[] = { &status->auth, &status->auth_ca, &status->sign_ca };
    for (size_t i = 0; i < sizeof certs / sizeof *certs; i++) {
        free(certs[i]->subject);
        free(certs[i]->serial);
    }
}

static void status_print_pin(const char *what, const struct status_pin *pin, enum card_pin which)
{
    if (pin->rc)
        printf("%-28s not usable: %s\n", what, rc_text(pin->rc));
    else if (pin->tries == 0)
        printf("%-28s BLOCKED\n", what);
    else
        printf("%-28s %u of %u tries left\n", what, pin->tries, card_pin_tries_max(which));
}

static void status_print_cert(const char *what, const struct status_cert *cert)
{
    if (cert->rc == RC_NOT_FOUND)
        printf("%-28s none\n", what);
    else if (cert->rc)
        printf("%-28s not readable: %s\n", what, rc_text(cert->rc));
    else
        printf("%-28s %s\n%-28s serial %s, valid %s to %s\n", what, cert->subject, "", cert->serial, cert->not_before,
               cert->not_after);
}

static void status_print(const struct status *status)
{
    printf("%-28s %s\n", "reader", status->reader);
    printf("%-28s %s (%s)\n", "card", card_kind_name(status->info.kind), status->info.label);
    printf("%-28s %s\n", "serial number", status->info.serial);
    status_print_pin("authentication PIN", &status->auth_pin, CARD_PIN_AUTH);
    status_print_pin("signature PIN", &status->sign_pin, CARD_PIN_SIGN);
    status_print_cert("authentication certificate", &status->auth);
    printf("%-28s %s\n", "signature certificate",
           status->presence_rc        ? "not known"
           : status->presence.sign ? "present; reading it needs the signature PIN"
                                   : "none");
    status_print_cert("authentication CA", &status->auth_ca);
    status_print_cert("signature CA", &status->sign_ca);
}

static json_t *status_pin_json(const struct status_pin *pin, enum card_pin which)
{
    if (pin->rc)
        return json_pack("{s:s}", "error", rc_name(pin->rc));
    return json_pack("{s:i,s:i,s:b}", "tries_left", (int)pin->tries, "tries", (int)card_pin_tries_max(which), "blocked",
                     pin->tries == 0);
}

static json_t *status_cert_json(const struct status_cert *cert)
{
    if (cert->rc == RC_NOT_FOUND)
        return json_pack("{s:b}", "present", 0);
    if (cert->rc)
        return json_pack("{s:b,s:s}", "present", 1, "error", rc_name(cert->rc));
    return json_pack("{s:b,s:s,s:s,s:s,s:s}", "present", 1, "subject", cert->subject, "serial", cert->serial, "not_before",
                     cert->not_before, "not_after", cert->not_after);
}

static enum rc status_print_json(const struct status *status)
{
    json_t *sign = status->presence_rc ? json_pack("{s:s}", "error", rc_name(status->presence_rc))
                                       : json_pack("{s:b}", "present", status->presence.sign);
    json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:{s:o,s:o},s:{s:o,s:o,s:o,s:o}}", "reader", status->reader, "card",
                             card_kind_name(status->info.kind), "label", status->info.label, "serial", status->info.serial,
                             "pins", "auth", status_pin_json(&status->auth_pin, CARD_PIN_AUTH), "sign",
                             status_pin_json(&status->sign_pin, CARD_PIN_SIGN), "certificates", "auth",
                             status_cert_json(&status->auth), "sign", sign, "auth-ca", status_cert_json(&status->auth_ca),
                             "sign-ca", status_cert_json(&status->sign_ca));
    enum rc rc = json && json_dumpf(json, stdout, JSON_INDENT(2) | JSON_SORT_KEYS) == 0 ? RC_OK : RC_NOMEM;
    if (!rc)
        putchar('\n');
    json_decref(json);
    return rc;
}

int card_command_status(int argc, char **argv)
{
    const char *reader = NULL;
    bool json = false;
    const struct opt opts[] = {
        CARD_COMMAND_READER_OPT(&reader),
        { "--json", NULL, "for programs", OPT_FLAG, &json, false },
        { 0 },
    };
    int exit_status;
    if (opt_only("jpki card status [OPTIONS]",
                 "Tells what the card holds and how many tries its PINs have left. Asks for no PIN and spends no try.", opts,
                 argc, argv, &exit_status))
        return exit_status;
    struct err err = { 0 };
    struct holder holder;
    struct status status = { 0 };
    enum rc rc = holder_open(&holder, reader, &err);
    if (!rc)
        rc = status_collect(holder.card, &status, &err);
    if (!rc && json)
        rc = status_print_json(&status);
    else if (!rc)
        status_print(&status);
    status_wipe(&status);
    holder_close(&holder);
    return rc ? card_command_failed(&err, rc) : EXIT_DONE;
}

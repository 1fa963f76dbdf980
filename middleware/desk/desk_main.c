/* desk_main.c — jpki-desk: the counter's command line. */
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/proc.h"
#include "card/card.h"
#include "card/reader.h"
#include "desk/abandon.h"
#include "desk/live.h"
#include "desk/question.h"
#include "desk/steps.h"
#include "pki/cert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DAY_END (14 * 3600 + 59 * 60 + 59) /* 23:59:59 in Japan, in seconds after midnight UTC of the same date */

/* "2035-02-17" to the last second of that day in Japan. */
static enum rc desk_parse_date(const char *text, int64_t *end)
{
    char canonical[CLOCK_TEXT_SIZE], wanted[CLOCK_TEXT_SIZE];
    int year, month, day, used = 0;
    if (strlen(text) != 10 || sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || used != 10 || month < 1
        || month > 12 || day < 1 || day > 31)
        return RC_FORMAT;
    int64_t time = clock_from_date(year, month, day);
    clock_format(time, canonical);
    snprintf(wanted, sizeof wanted, "%sT00:00:00Z", text);
    if (strcmp(canonical, wanted) != 0)
        return RC_FORMAT;
    *end = time + DAY_END;
    return RC_OK;
}

/* The issuer's master key in a file of mode 0600: 32 hexadecimal digits, or the 16 bytes themselves. */
static enum rc desk_read_master(const char *path, struct secret *master, struct err *err)
{
    struct secret text = { 0 };
    struct buf key = { .max = APPLET_ISSUER_KEY_LEN };
    char hex[2 * APPLET_ISSUER_KEY_LEN + 1] = "";
    enum rc rc = secret_read_file(&text, path);
    if (rc)
        return err_set(err, rc, "%s: %s", path, rc == RC_DENIED ? "others may read the key" : rc_text(rc));
    if (text.len == sizeof hex - 1)
        memcpy(hex, text.data, text.len);
    rc = text.len == APPLET_ISSUER_KEY_LEN ? buf_append_bytes(&key, secret_bytes(&text)) : hex_decode(hex, &key);
    if (rc == RC_OK && key.len != APPLET_ISSUER_KEY_LEN)
        rc = RC_FORMAT;
    if (rc == RC_OK)
        rc = secret_dup(master, key.data, key.len);
    else
        err_set(err, rc, "%s: not a key of 32 hexadecimal digits", path);
    explicit_bzero(hex, sizeof hex);
    buf_wipe(&key);
    secret_wipe(&text);
    return rc;
}

static enum rc desk_read_publication(const char *folder, enum authority authority, struct buf *der, struct err *err)
{
    X509 *cert = NULL;
    char *path = NULL;
    if (asprintf(&path, "%s/%s/ca.cer", folder, authority_name(authority)) < 0)
        return RC_NOMEM;
    enum rc rc = cert_read(path, &cert, err);
    if (rc == RC_OK)
        rc = cert_encode(cert, der);
    X509_free(cert);
    free(path);
    return rc;
}

struct desk_options {
    const char *identity, *registry, *ca, *issuer_key, *state, *code, *reader, *expiry, *publication;
    long pins_fd;
    bool yes, ward, without_sign;
    int64_t card_expiry;
};

static enum rc desk_enrol(const struct desk_options *options, struct err *err)
{
    struct enrolment_book *book = NULL;
    struct transport *transport = NULL;
    struct card *card = NULL;
    struct live live = { .pins_fd = -1 };
    struct secret master = { 0 };
    struct buf ca[2] = { { 0 }, { 0 } };
    enum rc rc = live_open(options->identity, options->registry, options->ca, (int)options->pins_fd, &live, err);
    live.yes = options->yes;
    if (rc == RC_OK)
        rc = desk_read_master(options->issuer_key, &master, err);
    for (unsigned i = 0; rc == RC_OK && options->publication && i < 2; i++)
        rc = desk_read_publication(options->publication, (enum authority)i, &ca[i], err);
    if (rc == RC_OK)
        rc = enrolment_open(options->state, &book, err);
    if (rc == RC_OK)
        rc = enrolment_lock(book, err);
    if (rc == RC_OK)
        rc = reader_open(options->reader, &transport, err);
    if (rc == RC_OK)
        rc = card_find(transport, &card, err);
    if (rc == RC_OK) {
        struct peers peers = live_peers(&live);
        struct steps_settings settings = { .code = options->code,
                                           .master = &master,
                                           .card_expiry = options->card_expiry,
                                           .ward = options->ward,
                                           .without_sign = options->without_sign,
                                           .ca = { buf_bytes(&ca[0]), buf_bytes(&ca[1]) } };
        rc = steps_run(book, card, &peers, &settings, err);
    }
    card_close(card, TRANSPORT_UNPOWER);
    transport_close(transport);
    enrolment_close(book);
    live_close(&live);
    secret_wipe(&master);
    buf_wipe(&ca[0]);
    buf_wipe(&ca[1]);
    return rc;
}

static int desk_run_enrol(int argc, char **argv)
{
    struct desk_options o = { .pins_fd = -1 };
    const struct opt opts[] = {
        { "--identity", "FOLDER", "the officer's key.pem, cert.pem and ca.pem", OPT_TEXT, &o.identity, true },
        { "--registry", "URL", "the municipal node", OPT_TEXT, &o.registry, true },
        { "--ca", "URL", "the authorities' server", OPT_TEXT, &o.ca, true },
        { "--issuer-key", "FILE", "the card issuer's master key, 32 hex digits, mode 0600", OPT_TEXT, &o.issuer_key, true },
        { "--state", "DIR", "the desk's own record of enrolments", OPT_TEXT, &o.state, true },
        { "--code", "CODE", "the resident's code, 11 digits", OPT_TEXT, &o.code, true },
        { "--card-expiry", "DATE", "the last day of the card, YYYY-MM-DD", OPT_TEXT, &o.expiry, true },
        { "--reader", "READER", "pcsc:NAME or sim:PATH; default $JPKI_READER", OPT_TEXT, &o.reader, false },
        { "--publication", "DIR", "folder with sign/ca.cer and auth/ca.cer; default: as the authority sends them", OPT_TEXT,
          &o.publication, false },
        { "--pins-fd", "N", "read the PINs from here, authentication first, a line each; default: ask", OPT_NUMBER,
          &o.pins_fd, false },
        { "--ward", NULL, "the person is an adult ward (成年被後見人): the authority is told, and gives no signature certificate", OPT_FLAG,
          &o.ward, false },
        { "--without-sign", NULL, "the authentication certificate alone; a torn enrolment can go on so", OPT_FLAG, &o.without_sign,
          false },
        { "--yes", NULL, "the person was compared with the register already: do not ask", OPT_FLAG, &o.yes, false },
        { 0 },
    };
    int status;
    if (opt_only("jpki-desk enrol [OPTIONS]",
                 "Puts both certificates of a resident onto a card, step by step: RSA as today, or P-384 on the next card, as the\n"
                 "authorities' keys must be too. Run it again with the same card and code\n"
                 "after an interruption: it goes on where it stopped, and nothing is issued twice.",
                 opts, argc, argv, &status))
        return status;
    if (desk_parse_date(o.expiry, &o.card_expiry))
        return opt_misuse("--card-expiry takes a date as YYYY-MM-DD, not '%s'", o.expiry);
    if (o.card_expiry <= clock_now())
        return opt_misuse("--card-expiry %s is past", o.expiry);
    if (strlen(o.code) != 11 || strspn(o.code, "0123456789") != 11)
        return opt_misuse("--code takes 11 digits");
    if (o.pins_fd < -1 || o.pins_fd > 1023)
        return opt_misuse("--pins-fd takes a file descriptor");
    struct err err = { 0 };
    enum rc rc = desk_enrol(&o, &err);
    if (rc)
        return opt_fail("%s", err_text(&err, rc));
    return EXIT_DONE;
}

/* The question names no person: the record of a torn enrolment is not there to be read. */
static enum rc desk_ask_abandon(const char *card, struct err *err)
{
    char words[160];
    snprintf(words, sizeof words, "Give up the enrolment with the card %s?\nThe card will be of no use to anybody.", card);
    return question_ask(words, err);
}

static enum rc desk_abandon(const struct desk_options *options, const char *card, struct err *err)
{
    struct enrolment_book *book = NULL;
    struct live live = { .pins_fd = -1 };
    enum rc rc = live_open(options->identity, NULL, options->ca, -1, &live, err);
    if (rc == RC_OK)
        rc = enrolment_open(options->state, &book, err);
    if (rc == RC_OK)
        rc = enrolment_lock(book, err);
    if (rc == RC_OK && !options->yes)
        rc = desk_ask_abandon(card, err);
    if (rc == RC_OK) {
        struct peers peers = live_peers(&live);
        rc = abandon_run(book, &peers, card, live.officer.municipality, err);
    }
    enrolment_close(book);
    live_close(&live);
    return rc;
}

static int desk_run_abandon(int argc, char **argv)
{
    struct desk_options o = { .pins_fd = -1 };
    const struct opt opts[] = {
        { "--identity", "FOLDER", "the officer's key.pem, cert.pem and ca.pem", OPT_TEXT, &o.identity, true },
        { "--ca", "URL", "the authorities' server", OPT_TEXT, &o.ca, true },
        { "--state", "DIR", "the desk's own record of enrolments", OPT_TEXT, &o.state, true },
        { "--yes", NULL, "do not ask", OPT_FLAG, &o.yes, false },
        { 0 },
    };
    int rest, status;
    if (opt_parse("jpki-desk abandon [OPTIONS] CARD",
                  "Gives up the unfinished enrolment with a card: what is pending at the authorities is rejected, and the person\n"
                  "can be enrolled with another card. Certificates that are active are not touched.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest + 1 != argc)
        return opt_misuse("one card's number is wanted");
    if (strlen(argv[rest]) > 16)
        return opt_misuse("a card's number has 16 digits");
    struct err err = { 0 };
    enum rc rc = desk_abandon(&o, argv[rest], &err);
    return opt_end(rc, &err);
}

static void desk_print_time(const char *label, int64_t time)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(time, text);
    printf("%s: %s\n", label, text);
}

static enum rc desk_print_row(void *context, const struct enrolment *enrolment)
{
    (void)context;
    char changed[CLOCK_TEXT_SIZE];
    clock_format(enrolment->changed, changed);
    printf("%s  %s  %-11s  %s\n", enrolment->request, enrolment->card, enrolment_step_name(enrolment->step), changed);
    return RC_OK;
}

static void desk_print_cert(const char *authority, const struct buf *der)
{
    X509 *cert = NULL;
    struct buf serial = { 0 };
    char end[CLOCK_TEXT_SIZE];
    if (!der->len || cert_parse(buf_bytes(der), &cert) != RC_OK) {
        printf("%s: none\n", authority);
        return;
    }
    clock_format(cert_not_after(cert), end);
    if (cert_serial(cert, &serial) == RC_OK && buf_string(&serial))
        printf("%s: %s until %s\n", authority, buf_string(&serial), end);
    buf_wipe(&serial);
    X509_free(cert);
}

static enum rc desk_print_one(void *context, const struct enrolment *enrolment)
{
    const char *const *wanted = context;
    if (strcmp(wanted[0], enrolment->request) != 0 && strcmp(wanted[0], enrolment->card) != 0)
        return RC_OK;
    printf("request: %s\ncard: %s\nmunicipality: %s\nstep: %s\n", enrolment->request, enrolment->card,
           enrolment->municipality, enrolment_step_name(enrolment->step));
    desk_print_time("card-expiry", enrolment->card_expiry);
    desk_print_time("started", enrolment->started);
    desk_print_time("changed", enrolment->changed);
    desk_print_cert("auth", &enrolment->half[AUTHORITY_AUTH].cert);
    desk_print_cert("sign", &enrolment->half[AUTHORITY_SIGN].cert);
    return RC_INTERRUPTED; /* found: the walk is over */
}

/* Both `list` and `show`: a look at the record, which must be there. */
static int desk_look(const char *state, enum rc (*visit)(void *context, const struct enrolment *enrolment), void *context,
                     enum rc *rc)
{
    struct enrolment_book *book = NULL;
    struct err err = { 0 };
    char *path = file_join(state, "desk.db");
    *rc = path ? RC_OK : RC_NOMEM;
    if (*rc == RC_OK && access(path, R_OK) != 0) /* a look must not make a new record */
        *rc = err_set_errno(&err, RC_NOT_FOUND, "%s", path);
    free(path);
    if (*rc == RC_OK)
        *rc = enrolment_open(state, &book, &err);
    if (*rc == RC_OK)
        *rc = enrolment_each(book, visit, context, &err);
    enrolment_close(book);
    return *rc == RC_OK || *rc == RC_INTERRUPTED ? EXIT_DONE : opt_fail("%s", err_text(&err, *rc));
}

static int desk_run_list(int argc, char **argv)
{
    const char *state = NULL;
    const struct opt opts[] = {
        { "--state", "DIR", "the desk's own record of enrolments", OPT_TEXT, &state, true },
        { 0 },
    };
    int status;
    if (opt_only("jpki-desk list --state DIR", "Tells every enrolment: request, card, step, time of the last change.", opts,
                 argc, argv, &status))
        return status;
    enum rc rc;
    return desk_look(state, desk_print_row, NULL, &rc);
}

static int desk_run_show(int argc, char **argv)
{
    const char *state = NULL;
    const struct opt opts[] = {
        { "--state", "DIR", "the desk's own record of enrolments", OPT_TEXT, &state, true },
        { 0 },
    };
    int rest, status;
    if (opt_parse("jpki-desk show --state DIR REQUEST|CARD", "Tells one enrolment, by its request or its card.", opts, argc,
                  argv, &rest, &status))
        return status;
    if (rest + 1 != argc)
        return opt_misuse("one request or card is wanted");
    const char *wanted = argv[rest];
    enum rc rc;
    status = desk_look(state, desk_print_one, &wanted, &rc);
    return rc == RC_OK ? opt_fail("there is no enrolment '%s'", wanted) : status;
}

int main(int argc, char **argv)
{
    static const struct command commands[] = {
        { "enrol", NULL, "puts a resident's certificates onto a card, or goes on with it", desk_run_enrol },
        { "abandon", "CARD", "gives up an enrolment that will not be finished", desk_run_abandon },
        { "list", NULL, "tells the enrolments and their steps", desk_run_list },
        { "show", "REQUEST|CARD", "tells one enrolment", desk_run_show },
        { 0 },
    };
    proc_harden();
    log_open("jpki-desk", LOG_WARNING);
    return opt_dispatch("jpki-desk", "The counter where certificates are put onto cards.", commands, argc, argv);
}

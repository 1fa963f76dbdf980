/* ca_main.c — jpki-ca: the command line of the authorities. */
#include "base/clock.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/proc.h"
#include "ca/bookmove.h"
#include "ca/ceremony.h"
#include "ca/confine.h"
#include "ca/front.h"
#include "ca/lint.h"
#include "ca/officer.h"
#include "ca/ocsp.h"
#include "ca/opsanchors.h"
#include "ca/opsid.h"
#include "ca/publish.h"
#include "ca/publisher.h"
#include "ca/revoke.h"
#include "ca/seal.h"
#include "ca/signer.h"
#include "ca/trail.h"
#include "net/json.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

static int end(enum rc rc, const struct err *err)
{
    return rc ? opt_fail("%s", err_text(err, rc)) : EXIT_DONE;
}

/* Parses; false when the command is to end with *status. */
static bool take(const char *usage, const char *about, const struct opt *opts, int argc, char **argv, int *status)
{
    int rest;
    if (opt_parse(usage, about, opts, argc, argv, &rest, status))
        return false;
    if (rest < argc) {
        *status = opt_misuse("'%s' is one word too many", argv[rest]);
        return false;
    }
    return true;
}

/* Prints what a ceremony says, and ends. */
static int tell(enum rc rc, struct buf *text, const struct err *err)
{
    if (!rc)
        fwrite(text->data, 1, text->len, stdout);
    buf_wipe(text);
    return end(rc, err);
}

static int command_found(int argc, char **argv)
{
    struct ceremony_founding founding = { .organisation = "JPKI-TEST" };
    const char *suite = "rsa-2048", *operations = "rsa-2048", *serials = "counter";
    bool unattended = false;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities, made when missing", OPT_TEXT, &founding.state, true },
        { "--token", "LABEL", "label of an initialised PKCS#11 token", OPT_TEXT, &founding.token, true },
        { "--module", "PATH", "PKCS#11 module of the HSM", OPT_TEXT, &founding.module, true },
        { "--pin-file", "FILE", "file (0600) with the token's user PIN", OPT_TEXT, &founding.pin_file, true },
        { "--unattended", NULL, "nobody confirms, and the transcript says so: for tests and demonstrations", OPT_FLAG,
          &unattended, true },
        { "--organisation", "NAME", "O of every name; default JPKI-TEST", OPT_TEXT, &founding.organisation, false },
        { "--suite", "NAME", "rsa-2048 or p-384, of the two authorities; default rsa-2048", OPT_TEXT, &suite, false },
        { "--operations", "NAME", "the same of the operations authority; default rsa-2048", OPT_TEXT, &operations, false },
        { "--serials", "HOW", "counter, one an authority, or random, of 128 bits; default counter", OPT_TEXT, &serials, false },
        { "--publication", "DIR", "where lists are published; default DIR/publication", OPT_TEXT, &founding.publication,
          false },
        { "--store", "URL", "where the book is kept: postgresql://…; default ca.db in DIR", OPT_TEXT, &founding.store, false },
        { 0 },
    };
    int status;
    struct err err = { 0 };
    static struct ceremony ceremony;
    struct buf transcript = { 0 };
    if (!take("jpki-ca found --unattended [OPTIONS]",
              "Founds the authorities at once, without the two persons of a ceremony (jpki-ca ceremony): keys inside the\n"
              "token, self-signed certificates, first revocation lists. A founding that was torn is repeated with the same\n"
              "options and finishes.",
              opts, argc, argv, &status))
        return status;
    if (!founding.organisation[0] || strlen(founding.organisation) > 64)
        return opt_misuse("--organisation takes 1 to 64 bytes");
    if (suite_parse(suite, &founding.suite) || suite_parse(operations, &founding.operations))
        return opt_misuse("--suite and --operations take rsa-2048 or p-384");
    founding.random_serials = strcmp(serials, "random") == 0;
    if (!founding.random_serials && strcmp(serials, "counter") != 0)
        return opt_misuse("--serials takes counter or random");
    ceremony.state = founding.state;
    enum rc rc = ceremonyscript_unattended(&founding, &ceremony.script, &err);
    if (!rc)
        rc = ceremony_run(&ceremony, NULL, 0, &transcript, &err);
    buf_wipe(&transcript);
    return end(rc, &err);
}

/* NAME=FILE. */
static bool split_confirmations(const struct opt_list *given, struct ceremony_confirmation *out, char names[][65])
{
    for (unsigned i = 0; i < given->count; i++) {
        const char *equals = strchr(given->items[i], '=');
        size_t len = equals ? (size_t)(equals - given->items[i]) : 0;
        if (len < 1 || len > 64 || !equals[1])
            return false;
        memcpy(names[i], given->items[i], len);
        names[i][len] = '\0';
        out[i] = (struct ceremony_confirmation) { names[i], equals + 1 };
    }
    return true;
}

static int command_ceremony(int argc, char **argv)
{
    static struct ceremony ceremony;
    static char names[OPT_LIST_MAX][65];
    struct ceremony_confirmation confirmations[OPT_LIST_MAX];
    const char *script = NULL;
    bool dry = false, keys = false, unattended = false;
    struct opt_list given = { 0 };
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities; a founding makes it", OPT_TEXT, &ceremony.state, true },
        { "--script", "FILE", "what is done, and who confirms (docs/OPERATIONS.md)", OPT_TEXT, &script, true },
        { "--dry-run", NULL, "show what would be done and the bytes that would be signed; change nothing", OPT_FLAG, &dry,
          false },
        { "--make-keys", NULL, "make the keys in the HSM; prints the plan that the persons are to sign", OPT_FLAG, &keys, false },
        { "--confirm", "NAME=FILE", "a person's signature over the plan (openssl dgst -sha256 -sign); each of them, then it is done",
          OPT_LIST, &given, false },
        { "--unattended", NULL, "nobody confirms, and the transcript says so: for tests and demonstrations", OPT_FLAG,
          &unattended, false },
        { 0 },
    };
    int status;
    struct err err = { 0 };
    struct buf text = { 0 };
    if (!take("jpki-ca ceremony --state DIR --script FILE (--dry-run | --make-keys | --confirm NAME=FILE… | --unattended)",
              "Founds the authorities, or gives one a new key, as a script says and its persons confirm: make the keys,\n"
              "let each person sign the plan, run. Each step can be repeated, also after a crash. Prints the plan or the\n"
              "transcript.",
              opts, argc, argv, &status))
        return status;
    if (dry + keys + unattended + (given.count > 0) != 1)
        return opt_misuse("one of --dry-run, --make-keys, --confirm and --unattended");
    if (!split_confirmations(&given, confirmations, names))
        return opt_misuse("--confirm takes NAME=FILE");
    enum rc rc = ceremonyscript_read(script, &ceremony.script, &err);
    struct ceremony run = ceremony;
    if (unattended)
        run.script.person_count = 0; /* they stay ceremony's to free */
    if (!rc)
        rc = dry ? ceremony_rehearse(&run, &text, &err)
                 : keys ? ceremony_make_keys(&run, &text, &err)
                        : ceremony_run(&run, confirmations, given.count, &text, &err);
    ceremonyscript_wipe(&ceremony.script);
    return tell(rc, &text, &err);
}

static int command_identity(int argc, char **argv)
{
    const char *state = NULL;
    struct opsid opsid = { .municipality = "000000" };
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { "--role", "ROLE", "node-municipal, ca, desk-officer, approver, revoker, auditor, administrator, verifier … (docs/PROTOCOLS.md)",
          OPT_TEXT, &opsid.role, true },
        { "--name", "NAME", "name of the computer or officer", OPT_TEXT, &opsid.name, true },
        { "--municipality", "CODE", "6 digits; default 000000, none", OPT_TEXT, &opsid.municipality, false },
        { "--dns", "NAMES", "host names and addresses of a server, with commas, beside localhost and 127.0.0.1", OPT_TEXT, &opsid.dns, false },
        { "--out", "FOLDER", "gets key.pem, cert.pem and ca.pem", OPT_TEXT, &opsid.folder, true },
        { 0 },
    };
    int status;
    struct err err = { 0 };
    struct ca *ca = NULL;
    proc_harden();
    if (!take("jpki-ca identity [OPTIONS]", "Issues an operations certificate for a new key.", opts, argc, argv, &status))
        return status;
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_SIGN, &ca, &err);
    if (!rc)
        rc = opsid_issue(ca, &opsid, &err);
    ca_close(ca);
    return end(rc, &err);
}

static int command_serve(int argc, char **argv)
{
    struct front front = { 0 };
    const char *publication = NULL, *log = NULL, *user = NULL;
    long port = 0;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &front.state, true },
        { "--identity", "FOLDER", "operations identity of role ca", OPT_TEXT, &front.identity, true },
        { "--publication", "DIR", "where lists are published; default as founded", OPT_TEXT, &publication, false },
        { "--no-publisher", NULL, "somebody else runs 'jpki-ca publisher'", OPT_FLAG, &front.no_publisher, false },
        { "--port", "P", "TCP port; default any, printed", OPT_NUMBER, &port, false },
        { "--bind", "A", "address; default 127.0.0.1", OPT_TEXT, &front.bind, false },
        { "--pid-file", "FILE", "written when ready", OPT_TEXT, &front.pid_file, false },
        { "--log", "FILE", "log there instead of on standard error", OPT_TEXT, &log, false },
        { "--user", "NAME", "as root: become this user first", OPT_TEXT, &user, false },
        { 0 },
    };
    int status;
    struct err err = { 0 };
    proc_harden();
    if (!take("jpki-ca serve [OPTIONS]", "Serves CMP, the registry's events and status until it is told to stop.", opts,
              argc, argv, &status))
        return status;
    if (port < 0 || port > 65535)
        return opt_misuse("--port takes 0 to 65535");
    log_open("jpki-ca", LOG_INFO);
    if (log && log_to_file(log))
        return opt_fail("cannot write the log %s", log);
    front.port = (uint16_t)port;
    front.publication = publication;
    enum rc rc = confine_user(user, &err);
    if (!rc)
        rc = proc_catch_stop(&err);
    if (!rc)
        rc = front_run(&front, &err);
    if (rc)
        log_error("%s", err_text(&err, rc));
    return end(rc, &err);
}

static int command_ocsp(int argc, char **argv)
{
    struct ocsp ocsp = { .lifetime = 900, .max_age = 60, .rate = 400, .cache = 32768, .threads = 1 };
    const char *log = NULL, *user = NULL;
    long port = 0;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &ocsp.state, true },
        { "--port", "P", "TCP port; default any, printed", OPT_NUMBER, &port, false },
        { "--bind", "A", "address; default 127.0.0.1", OPT_TEXT, &ocsp.bind, false },
        { "--lifetime", "S", "seconds that an answer is good for; default 900", OPT_NUMBER, &ocsp.lifetime, false },
        { "--max-age", "S", "seconds that a cache on the way may keep one; default 60", OPT_NUMBER, &ocsp.max_age, false },
        { "--rate", "N", "signatures a second, half of them for nonces; default 400", OPT_NUMBER, &ocsp.rate, false },
        { "--cache", "N", "answers kept; default 32768", OPT_NUMBER, &ocsp.cache, false },
        { "--threads", "N", "that answer; default 1", OPT_NUMBER, &ocsp.threads, false },
        { "--pid-file", "FILE", "written when ready", OPT_TEXT, &ocsp.pid_file, false },
        { "--log", "FILE", "log there instead of on standard error", OPT_TEXT, &log, false },
        { "--user", "NAME", "as root: become this user first", OPT_TEXT, &user, false },
        { 0 },
    };
    int status;
    struct err err = { 0 };
    proc_harden();
    if (!take("jpki-ca ocsp [OPTIONS]",
              "Answers OCSP requests over plain HTTP from the book, until it is told to stop. Its certificates come from\n"
              "'jpki-ca serve' with the same state: until they are there it waits.",
              opts, argc, argv, &status))
        return status;
    if (port < 0 || port > 65535)
        return opt_misuse("--port takes 0 to 65535");
    if (ocsp.lifetime < 2 || ocsp.lifetime > 86400 || ocsp.max_age < 0 || ocsp.max_age > 86400 || ocsp.rate < 2 || ocsp.rate > 1000000 || ocsp.cache < 4 ||
        ocsp.cache > 4000000 || ocsp.threads < 1 || ocsp.threads > 64)
        return opt_misuse("--lifetime takes 2 to 86400, --max-age 0 to 86400, --rate 2 to 1000000, --cache 4 to 4000000, --threads 1 to 64");
    log_open("jpki-ca-ocsp", LOG_INFO);
    if (log && log_to_file(log))
        return opt_fail("cannot write the log %s", log);
    ocsp.port = (uint16_t)port;
    enum rc rc = confine_user(user, &err);
    if (!rc)
        rc = proc_catch_stop(&err);
    if (!rc)
        rc = ocsp_run(&ocsp, &err);
    if (rc)
        log_error("%s", err_text(&err, rc));
    return end(rc, &err);
}

static int command_publisher(int argc, char **argv)
{
    struct publisher publisher = { .config = CACONFIG_FILE };
    const char *log = NULL, *user = NULL;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities: lists/ and their certificates are read, publisher/ is its own", OPT_TEXT,
          &publisher.state, true },
        { "--publication", "DIR", "where lists are published; default as founded", OPT_TEXT, &publisher.publication, false },
        { "--once", NULL, "look once, and end with 1 when something was refused", OPT_FLAG, &publisher.once, false },
        { "--config", "FILE", "name of the configuration in the state folder", OPT_TEXT, &publisher.config, false },
        { "--pid-file", "FILE", "written when ready", OPT_TEXT, &publisher.pid_file, false },
        { "--log", "FILE", "log there instead of on standard error", OPT_TEXT, &log, false },
        { "--user", "NAME", "as root: become this user first", OPT_TEXT, &user, false },
        { 0 },
    };
    int status;
    struct err err = { 0 };
    proc_harden();
    if (!take("jpki-ca publisher [OPTIONS]",
              "Publishes the lists that are handed over, after judging each: one that goes back, loses an entry, or is not what\n"
              "its name says is refused, and the last one stays. 'jpki-ca serve' runs one, unless told not to.",
              opts, argc, argv, &status))
        return status;
    log_open("jpki-ca-publisher", publisher.once ? LOG_WARNING : LOG_INFO);
    if (log && log_to_file(log))
        return opt_fail("cannot write the log %s", log);
    enum rc rc = confine_user(user, &err);
    if (!rc)
        rc = proc_catch_stop(&err);
    if (!rc)
        rc = publisher_run(&publisher, &err);
    return end(rc, &err);
}

static int command_signer(int argc, char **argv)
{
    struct launch launch = { .file = CACONFIG_FILE };
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &launch.folder, true },
        { "--config", "FILE", "name of the configuration in it", OPT_TEXT, &launch.file, false },
        { "--publish", "DIR", "a publisher beside it, which publishes there", OPT_TEXT, &launch.publication, false },
        { 0 },
    };
    int status;
    if (!take("jpki-ca signer [OPTIONS]", "The key-holding process; started by the others with a socket as descriptor 3.",
              opts, argc, argv, &status))
        return status;
    log_open("jpki-ca-signer", LOG_INFO);
    return signer_launch(&launch, 3);
}

static void status_print(enum authority a, const struct book_counts *counts, bool json)
{
    char issued[CLOCK_TEXT_SIZE];
    clock_format(counts->crl_issued, issued);
    printf(json ? "%s{\"authority\":\"%s\",\"certificates\":%lld,\"active\":%lld,\"revoked\":%lld,"
                  "\"crl_number\":%lld,\"crl_issued\":\"%s\"}"
                : "%s%-5s certificates %lld, active %lld, revoked %lld; last CRL number %lld, oldest CRL of %s\n",
           json && a ? "," : "", authority_name(a), (long long)counts->certificates, (long long)counts->active,
           (long long)counts->revoked, (long long)counts->crl_number, issued);
}

static int command_status(int argc, char **argv)
{
    const char *state = NULL;
    bool json = false;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { "--json", NULL, "as /v1/health answers", OPT_FLAG, &json, false },
        { 0 },
    };
    int status;
    int64_t event = 0;
    struct err err = { 0 };
    struct ca *ca = NULL;
    struct book_counts counts[AUTHORITY_COUNT];
    if (!take("jpki-ca status [OPTIONS]", "Tells what the book holds.", opts, argc, argv, &status))
        return status;
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_LOOK, &ca, &err);
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++)
        rc = book_count(ca->store, a, &counts[a], &err);
    if (!rc)
        rc = book_last_event(ca->store, &event, &err);
    if (!rc && json)
        printf("{\"authorities\":[");
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++)
        status_print(a, &counts[a], json);
    if (!rc)
        printf(json ? "],\"event\":%lld}\n" : "last event of the registry: %lld\n", (long long)event);
    ca_close(ca);
    return end(rc, &err);
}

static enum rc certificate_print(const struct book_cert *row)
{
    const unsigned char *at = row->certificate.data;
    printf("state: %s\n", book_state_name(book_cert_state(row)));
    if (row->revoked_at) {
        char when[CLOCK_TEXT_SIZE];
        clock_format(row->revoked_at, when);
        printf("revoked: %s (%s)\n", when, revoke_reason_name(row->reason));
    }
    X509 *cert = row->certificate.len ? d2i_X509(NULL, &at, (long)row->certificate.len) : NULL;
    bool printed = !row->certificate.len || (cert && PEM_write_X509(stdout, cert) == 1);
    X509_free(cert);
    return printed ? RC_OK : RC_IO;
}

static int command_certificate(int argc, char **argv)
{
    const char *state = NULL, *authority_text = NULL, *serial = NULL;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { "--authority", "A", "sign, auth or ops", OPT_TEXT, &authority_text, true },
        { "--serial", "S", "serial number in upper-case hex", OPT_TEXT, &serial, true },
        { 0 },
    };
    int status;
    enum authority authority;
    struct err err = { 0 };
    struct ca *ca = NULL;
    struct book_cert row = { 0 };
    if (!take("jpki-ca certificate [OPTIONS]", "Prints a certificate's state and the certificate as PEM.", opts, argc, argv,
              &status))
        return status;
    if (authority_parse(authority_text, &authority))
        return opt_misuse("--authority takes sign, auth or ops");
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_LOOK, &ca, &err);
    if (!rc) {
        rc = book_find_serial(ca->store, authority, serial, &row, &err);
        if (rc == RC_NOT_FOUND)
            err_set(&err, rc, "no certificate %s of authority %s", serial, authority_text);
    }
    if (!rc)
        rc = certificate_print(&row);
    book_cert_wipe(&row);
    ca_close(ca);
    return end(rc, &err);
}

static int command_revoke(int argc, char **argv)
{
    const char *state = NULL, *authority_text = NULL, *serial = NULL, *reason_text = NULL;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { "--authority", "A", "sign, auth or ops", OPT_TEXT, &authority_text, true },
        { "--serial", "S", "serial number in upper-case hex", OPT_TEXT, &serial, true },
        { "--reason", "R", "unspecified, keyCompromise, affiliationChanged … or 0 to 6", OPT_TEXT, &reason_text, true },
        { 0 },
    };
    int status, reason;
    size_t lists;
    enum authority authority;
    struct err err = { 0 };
    struct ca *ca = NULL;
    proc_harden();
    if (!take("jpki-ca revoke [OPTIONS]", "Revokes a certificate and publishes the list that says so.", opts, argc, argv,
              &status))
        return status;
    if (authority_parse(authority_text, &authority))
        return opt_misuse("--authority takes sign, auth or ops");
    if (revoke_reason_parse(reason_text, &reason))
        return opt_misuse("'%s' is no reason", reason_text);
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_SIGN, &ca, &err);
    if (!rc)
        rc = revoke_certificate(ca, authority, serial, reason, "operator", "asked by an operator", &err);
    if (!rc)
        rc = publish_due(ca, &lists, &err);
    if (!rc)
        rc = ca_publish(ca, NULL, CACONFIG_FILE, &err);
    ca_close(ca);
    return end(rc, &err);
}

static int command_compromise(int argc, char **argv)
{
    const char *state = NULL, *authority_text = NULL;
    bool really = false;
    long generation = 0;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { "--authority", "A", "sign, auth or ops", OPT_TEXT, &authority_text, true },
        { "--generation", "N", "which of its keys, 1 the first; default the newest", OPT_NUMBER, &generation, false },
        { "--really", NULL, "every certificate of that key ends, for good", OPT_FLAG, &really, true },
        { 0 },
    };
    int status;
    size_t count = 0, lists = 0;
    enum authority authority;
    struct err err = { 0 };
    struct ca *ca = NULL;
    if (!take("jpki-ca compromise --really [OPTIONS]",
              "An authority's key is in other hands: revokes its certificate and all that it has signed (cACompromise),\n"
              "publishes the lists, and lets the key issue nothing more. Then a ceremony makes a new key. Can be repeated.",
              opts, argc, argv, &status))
        return status;
    if (authority_parse(authority_text, &authority))
        return opt_misuse("--authority takes sign, auth or ops");
    if (generation < 0 || generation > (long)CACONFIG_GENERATIONS)
        return opt_misuse("--generation takes 1 to %u", CACONFIG_GENERATIONS);
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_SIGN, &ca, &err);
    if (!rc)
        rc = revoke_generation(ca, authority, generation ? (unsigned)generation : ca_newest(ca, authority), "operator", &count,
                               &err);
    if (!rc)
        printf("%zu certificates revoked\n", count);
    if (!rc)
        rc = publish_due(ca, &lists, &err);
    if (!rc)
        printf("%zu lists\n", lists);
    ca_close(ca);
    return end(rc, &err);
}

static int command_clock(int argc, char **argv)
{
    const char *state = NULL;
    bool accept = false;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { "--accept", NULL, "the clock is right although it ran far ahead of the last record; the trail tells", OPT_FLAG,
          &accept, false },
        { 0 },
    };
    int status;
    int64_t last = 0;
    char text[CLOCK_TEXT_SIZE];
    struct err err = { 0 };
    struct ca *ca = NULL;
    if (!take("jpki-ca clock [OPTIONS]",
              "The clock and the last record. Nothing is signed when the clock stands before the last record, or more than a\n"
              "month after it, unless somebody has looked and accepts it.",
              opts, argc, argv, &status))
        return status;
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_LOOK, &ca, &err);
    if (!rc)
        rc = trail_last_time(ca->store, &last, &err);
    if (!rc && accept)
        rc = store_begin(ca->store, &err);
    if (!rc && accept) {
        rc = trail_accept_clock(ca->store, "operator", &err);
        if (!rc)
            rc = store_commit(ca->store, &err);
        store_rollback(ca->store);
    }
    if (!rc) {
        clock_format(clock_now(), text);
        printf("clock:       %s\n", text);
        clock_format(last, text);
        printf("last record: %s\n", text);
    }
    ca_close(ca);
    return end(rc, &err);
}

static int command_crl(int argc, char **argv)
{
    const char *state = NULL, *publication = NULL;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { "--publication", "DIR", "where lists are published; default as founded", OPT_TEXT, &publication, false },
        { 0 },
    };
    int status;
    size_t lists = 0;
    struct err err = { 0 };
    struct ca *ca = NULL;
    proc_harden();
    if (!take("jpki-ca crl [OPTIONS]", "Issues and publishes every revocation list now.", opts, argc, argv, &status))
        return status;
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_SIGN, &ca, &err);
    if (!rc)
        rc = ca_set_publication(ca, publication, &err);
    if (!rc)
        rc = publish_all(ca, &lists, &err);
    if (!rc)
        rc = ca_publish(ca, NULL, CACONFIG_FILE, &err);
    if (!rc)
        printf("%zu lists\n", lists);
    ca_close(ca);
    return end(rc, &err);
}

static int command_audit_verify(int argc, char **argv)
{
    const char *state = NULL, *head = NULL;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { "--head", "FILE", "a published head that was kept elsewhere, with FILE.sig beside it", OPT_TEXT, &head, false },
        { 0 },
    };
    int status;
    int64_t rows = 0, seals = 0, transcripts = 0;
    struct err err = { 0 };
    struct ca *ca = NULL;
    if (!take("jpki-ca audit-verify [OPTIONS]", "Checks the hash chain of the audit trail, that it tells of every certificate\n"
              "and revocation in the book, and every seal: rows that were signed must still be there.", opts, argc, argv, &status))
        return status;
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_LOOK, &ca, &err);
    if (!rc)
        rc = trail_verify(ca->store, &rows, &err);
    if (!rc)
        rc = seal_verify(ca, head, &seals, &err);
    if (!rc)
        rc = ceremony_verify(ca, &transcripts, &err);
    if (!rc)
        printf("%lld rows, unbroken, %lld seals, %lld transcripts\n", (long long)rows, (long long)seals, (long long)transcripts);
    ca_close(ca);
    return end(rc, &err);
}

static int command_audit_seal(int argc, char **argv)
{
    const char *state = NULL;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { 0 },
    };
    int status;
    struct err err = { 0 };
    struct ca *ca = NULL;
    proc_harden();
    if (!take("jpki-ca audit-seal [OPTIONS]", "Signs the head of the audit trail now, and publishes it.", opts, argc, argv,
              &status))
        return status;
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_SIGN, &ca, &err);
    if (!rc)
        rc = seal_trail(ca, true, &err);
    if (!rc)
        rc = ca_publish(ca, NULL, CACONFIG_FILE, &err);
    ca_close(ca);
    return end(rc, &err);
}

static const struct command commands[] = {
    { "ceremony", "", "found the authorities or give one a new key, as persons confirm", command_ceremony },
    { "found", "", "found the authorities at once, for tests and demonstrations", command_found },
    { "identity", "", "issue an operations certificate", command_identity },
    { "anchors", "IDENTITY…", "make identity folders trust a new operations key", opsanchors_main },
    { "serve", "", "serve CMP, events and status", command_serve },
    { "ocsp", "", "answer OCSP requests", command_ocsp },
    { "status", "", "what the book holds", command_status },
    { "certificate", "", "one certificate and its state", command_certificate },
    { "revoke", "", "revoke a certificate", command_revoke },
    { "compromise", "", "an authority's key is lost to others: revoke all that it signed", command_compromise },
    { "clock", "", "the clock against the last record", command_clock },
    { "crl", "", "issue every revocation list now", command_crl },
    { "store", "COMMAND", "the book: backup, restore, copy to another engine, check, use", bookmove_main },
    { "settings", "[NAME=VALUE…]", "print or change the settings", officer_settings },
    { "requests", "", "what waits for a second officer", officer_requests },
    { "decide", "", "approve or refuse a request", officer_decide },
    { "lint", "FILE…", "what is wrong with a certificate, list or OCSP response", lint_main },
    { "audit-verify", "", "check the audit trail", command_audit_verify },
    { "audit-seal", "", "sign the audit trail's head now", command_audit_seal },
    { "publisher", "", "publish the lists that are handed over", command_publisher },
    { "signer", "", "the key-holding process (started by the others)", command_signer },
    { 0 },
};

int main(int argc, char **argv)
{
    log_open("jpki-ca", LOG_WARNING);
    return opt_dispatch("jpki-ca", "The two certification authorities of JPKI and the operations authority.", commands,
                        argc, argv);
}

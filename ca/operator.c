/* operator.c — command lines of the operator at the authorities' machine. */
#include "ca/operator.h"

#include "base/clock.h"
#include "base/opt.h"
#include "base/proc.h"
#include "ca/publish.h"
#include "ca/revoke.h"

#include <openssl/pem.h>
#include <stdio.h>

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

int operator_status(int argc, char **argv)
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
    if (opt_only("jpki-ca status [OPTIONS]", "Tells what the book holds.", opts, argc, argv, &status))
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
    return opt_end(rc, &err);
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

int operator_certificate(int argc, char **argv)
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
    if (opt_only("jpki-ca certificate [OPTIONS]", "Prints a certificate's state and the certificate as PEM.", opts, argc, argv,
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
    return opt_end(rc, &err);
}

int operator_revoke(int argc, char **argv)
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
    if (opt_only("jpki-ca revoke [OPTIONS]", "Revokes a certificate and publishes the list that says so.", opts, argc, argv,
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
    return opt_end(rc, &err);
}

int operator_crl(int argc, char **argv)
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
    if (opt_only("jpki-ca crl [OPTIONS]", "Issues and publishes every revocation list now.", opts, argc, argv, &status))
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
    return opt_end(rc, &err);
}

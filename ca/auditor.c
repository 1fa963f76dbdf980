/* auditor.c — command lines of the auditor. */
#include "ca/auditor.h"

#include "base/clock.h"
#include "base/opt.h"
#include "base/proc.h"
#include "ca/ceremony.h"
#include "ca/seal.h"
#include "ca/sealstamp.h"
#include "ca/trail.h"

#include <stdio.h>

int auditor_verify(int argc, char **argv)
{
    const char *state = NULL, *head = NULL, *stamp_trust = NULL;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { "--head", "FILE", "a published head that was kept elsewhere, with FILE.sig beside it", OPT_TEXT, &head, false },
        { "--stamp-trust", "FILE", "trust anchors of time-stamps over heads; without it they are only counted", OPT_TEXT, &stamp_trust, false },
        { 0 },
    };
    int status;
    int64_t rows = 0, seals = 0, stamps = 0, transcripts = 0;
    struct err err = { 0 };
    struct ca *ca = NULL;
    if (opt_only("jpki-ca audit-verify [OPTIONS]", "Checks the hash chain of the audit trail, that it tells of every certificate\n"
                 "and revocation in the book, and every seal: rows that were signed must still be there.", opts, argc, argv, &status))
        return status;
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_LOOK, &ca, &err);
    if (!rc)
        rc = trail_verify(ca->store, &rows, &err);
    if (!rc)
        rc = seal_verify(ca, head, &seals, &err);
    if (!rc)
        rc = sealstamp_verify(ca, stamp_trust, &stamps, &err);
    if (!rc)
        rc = ceremony_verify(ca, &transcripts, &err);
    if (!rc)
        printf("%lld rows, unbroken, %lld seals, %lld transcripts, %lld time-stamps%s\n", (long long)rows, (long long)seals,
               (long long)transcripts, (long long)stamps, stamps && !stamp_trust ? " (not checked: --stamp-trust)" : "");
    ca_close(ca);
    return opt_end(rc, &err);
}

int auditor_seal(int argc, char **argv)
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
    if (opt_only("jpki-ca audit-seal [OPTIONS]", "Signs the head of the audit trail now, and publishes it.", opts, argc, argv,
                 &status))
        return status;
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_SIGN, &ca, &err);
    if (!rc)
        rc = seal_trail(ca, true, &err);
    if (!rc)
        rc = ca_publish(ca, NULL, CACONFIG_FILE, &err);
    ca_close(ca);
    return opt_end(rc, &err);
}

int auditor_stamp(int argc, char **argv)
{
    const char *state = NULL, *response = NULL, *trust = NULL, *head = NULL;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { "--response", "FILE", "the time-stamping authority's answer (RFC 3161)", OPT_TEXT, &response, true },
        { "--trust", "FILE", "its trust anchors, PEM", OPT_TEXT, &trust, true },
        { "--head", "FILE", "the head that was stamped, with FILE.sig beside it; default audit/head of the publication", OPT_TEXT, &head,
          false },
        { 0 },
    };
    int status;
    int64_t time = 0;
    char published[560], when[CLOCK_TEXT_SIZE];
    struct err err = { 0 };
    struct ca *ca = NULL;
    if (opt_only("jpki-ca audit-stamp [OPTIONS]",
                 "Keeps a time-stamp over a head of the audit trail with its seal, after checking it. To get one: openssl ts -query\n"
                 "-data audit/head -sha256 -cert.",
                 opts, argc, argv, &status))
        return status;
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_LOOK, &ca, &err);
    if (!rc) {
        snprintf(published, sizeof published, "%s/audit/head", ca->config.publication);
        rc = sealstamp_keep(ca, head ? head : published, response, trust, &time, &err);
    }
    clock_format(time, when);
    if (!rc)
        printf("time-stamped at %s\n", when);
    ca_close(ca);
    return opt_end(rc, &err);
}

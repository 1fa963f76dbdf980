/* custodian.c — command lines of those who keep the keys: ceremonies, identities, and the day a key is lost. */
#include "ca/custodian.h"

#include "base/clock.h"
#include "base/opt.h"
#include "base/proc.h"
#include "ca/ceremony.h"
#include "ca/opsid.h"
#include "ca/publish.h"
#include "ca/revoke.h"
#include "ca/trail.h"

#include <stdio.h>
#include <string.h>

/* Prints what a ceremony says, and ends. */
static int tell(enum rc rc, struct buf *text, const struct err *err)
{
    if (!rc)
        fwrite(text->data, 1, text->len, stdout);
    buf_wipe(text);
    return opt_end(rc, err);
}

int custodian_found(int argc, char **argv)
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
    if (opt_only("jpki-ca found --unattended [OPTIONS]",
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
    return opt_end(rc, &err);
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

int custodian_ceremony(int argc, char **argv)
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
    if (opt_only("jpki-ca ceremony --state DIR --script FILE (--dry-run | --make-keys | --confirm NAME=FILE… | --unattended)",
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

int custodian_identity(int argc, char **argv)
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
    if (opt_only("jpki-ca identity [OPTIONS]", "Issues an operations certificate for a new key.", opts, argc, argv, &status))
        return status;
    enum rc rc = ca_open(NULL, state, CACONFIG_FILE, CA_SIGN, &ca, &err);
    if (!rc)
        rc = opsid_issue(ca, &opsid, &err);
    ca_close(ca);
    return opt_end(rc, &err);
}

int custodian_compromise(int argc, char **argv)
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
    if (opt_only("jpki-ca compromise --really [OPTIONS]",
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
    return opt_end(rc, &err);
}

int custodian_clock(int argc, char **argv)
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
    if (opt_only("jpki-ca clock [OPTIONS]",
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
    return opt_end(rc, &err);
}

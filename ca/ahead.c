/* ahead.c — the numbers of a restored book. */
#include "ca/ahead.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/opt.h"
#include "ca/ceremony.h"
#include "ca/listfollow.h"
#include "ca/listplace.h"
#include "ca/trail.h"
#include "net/identity.h"
#include "pki/cert.h"
#include "pki/municipality.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum rc ahead_text(struct ca *ca, const struct ahead *ahead, struct buf *text, struct err *err)
{
    uint8_t hash[32];
    char hex[2 * sizeof hash + 1];
    int64_t sequence;
    enum rc rc = trail_head(ca->store, &sequence, hash, err);
    hex_encode(bytes_of(hash, sizeof hash), hex);
    return rc ? rc
              : buf_printf(text, "open-jpki numbers ahead 1\ntrail row: %lld\ntrail hash: %s\nlists: %lld\nserials: %lld\n",
                           (long long)sequence, hex, (long long)ahead->lists, (long long)ahead->serials);
}

/* --- who confirms ----------------------------------------------------------------------------------------------------------- */

/* An officer who counts: the certificate is in the book, active, of a role that decides. */
static enum rc officer_find(struct ca *ca, const char *serial, struct peer *peer, X509 **cert, struct err *err)
{
    struct book_cert row = { 0 };
    enum rc rc = book_find_serial(ca->store, AUTHORITY_OPS, serial, &row, err);
    if (!rc)
        rc = peer_from_cert(buf_bytes(&row.certificate), peer, err);
    bool counts = !rc && book_cert_state(&row) == BOOK_ACTIVE && row.not_after > clock_now() &&
                  (peer->role == ROLE_ADMINISTRATOR || peer->role == ROLE_APPROVER);
    if (rc == RC_NOT_FOUND || (!rc && !counts))
        rc = err_set(err, RC_DENIED, "%s is no valid certificate of an administrator or approver", serial);
    if (!rc)
        rc = cert_parse(buf_bytes(&row.certificate), cert);
    book_cert_wipe(&row);
    return rc;
}

static enum rc officer_check(struct ca *ca, const struct ahead_confirmation *given, struct bytes text, struct peer *peer,
                             struct err *err)
{
    struct buf signature = { .max = 4096 };
    X509 *cert = NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    enum rc rc = officer_find(ca, given->serial, peer, &cert, err);
    if (!rc)
        rc = file_read(given->file, &signature, err);
    if (!rc && !md)
        rc = RC_NOMEM;
    if (!rc && (EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, X509_get0_pubkey(cert)) != 1 ||
                EVP_DigestVerify(md, signature.data, signature.len, text.data, text.len) != 1))
        rc = err_set(err, RC_BAD_SIGNATURE, "%s is not %s's signature over this text", given->file, given->serial);
    EVP_MD_CTX_free(md);
    X509_free(cert);
    buf_wipe(&signature);
    return rc;
}

/* Two certificates of one person are one person. */
static enum rc officers_check(struct ca *ca, const struct ahead_confirmation *given, size_t count, struct bytes text,
                              struct err *err)
{
    struct peer peers[AHEAD_OFFICERS];
    size_t persons = 0;
    for (size_t i = 0; i < count; i++) {
        enum rc rc = officer_check(ca, &given[i], text, &peers[i], err);
        if (rc)
            return rc;
        bool known = false;
        for (size_t k = 0; k < i; k++)
            known = known || strcmp(peers[k].name, peers[i].name) == 0;
        persons += !known;
    }
    if (ca->config.two_persons && persons < 2)
        return err_set(err, RC_DENIED, "two different officers have to sign the text of --text (SERIAL=FILE); %zu did", persons);
    return RC_OK;
}

/* --- numbers ---------------------------------------------------------------------------------------------------------------- */

/* The number that the world has of one list, by whichever key; 0: none. */
static enum rc number_published(struct ca *ca, enum authority authority, const char *name, int64_t *number, struct err *err)
{
    struct listplace place = { .authority = authority, .generation = ca_newest(ca, authority) };
    struct buf path = { 0 };
    snprintf(place.name, sizeof place.name, "%s", name);
    enum rc rc = listplace_published(ca->config.publication, ca->config.organisation, &place, NULL, &path, err);
    const char *file = rc ? NULL : buf_string(&path);
    *number = 0;
    if (!rc && !file)
        rc = RC_NOMEM;
    if (!rc) {
        rc = listfollow_number(ca->certs[authority], ca_newest(ca, authority), authority, file, number);
        if (rc && rc != RC_NOMEM) /* not there, or no list of ours: nobody counts on it */
            rc = RC_OK;
    }
    buf_wipe(&path);
    return rc;
}

static enum rc list_skip(struct ca *ca, enum authority authority, const char *name, int64_t skip, size_t *lists, struct err *err)
{
    int64_t published = 0;
    enum rc rc = number_published(ca, authority, name, &published, err);
    if (!rc) {
        rc = book_skip_crl_numbers(ca->store, authority, name, published, skip, err);
        if (rc == RC_NOT_FOUND) /* neither the book nor the world has it */
            return RC_OK;
        *lists += rc == RC_OK;
    }
    return rc;
}

static enum rc numbers_skip(struct ca *ca, const struct ahead *ahead, size_t *lists, struct err *err)
{
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    enum rc rc = RC_OK;
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++) {
        rc = book_skip_serials(ca->store, a, ahead->serials, err);
        if (!rc)
            rc = list_skip(ca, a, LISTPLACE_OWN, ahead->lists, lists, err);
        if (!rc && a != AUTHORITY_OPS)
            rc = list_skip(ca, a, LISTPLACE_ALL, ahead->lists, lists, err);
        for (size_t i = 0; !rc && a != AUTHORITY_OPS && i < count; i++)
            rc = list_skip(ca, a, rows[i].code, ahead->lists, lists, err);
    }
    return rc;
}

enum rc ahead_run(struct ca *ca, const struct ahead *ahead, const struct ahead_confirmation *given, size_t count, size_t *lists,
                  struct err *err)
{
    struct buf text = { 0 };
    char who[161] = "";
    *lists = 0;
    if (count > AHEAD_OFFICERS)
        return err_set(err, RC_RANGE, "more than %u officers", AHEAD_OFFICERS);
    enum rc rc = store_begin(ca->store, err);
    if (rc)
        return rc;
    rc = ahead_text(ca, ahead, &text, err);
    if (!rc)
        rc = officers_check(ca, given, count, buf_bytes(&text), err);
    for (size_t i = 0; !rc && i < count; i++)
        snprintf(who + strlen(who), sizeof who - strlen(who), " %s", given[i].serial);
    if (!rc)
        rc = numbers_skip(ca, ahead, lists, err);
    if (!rc)
        rc = trail_append(ca->store, "operator", "ahead", "numbers", NULL, err, "lists %lld serials %lld, confirmed by%s",
                          (long long)ahead->lists, (long long)ahead->serials, who[0] ? who : " nobody");
    fault_point("ahead.before_commit");
    if (!rc)
        rc = store_commit(ca->store, err);
    store_rollback(ca->store);
    fault_point("ahead.after_commit");
    buf_wipe(&text);
    return rc;
}

/* --- the command -------------------------------------------------------------------------------------------------------------- */

struct confirmations {
    struct ahead_confirmation given[AHEAD_OFFICERS];
    size_t count;
};

/* "SERIAL=FILE" */
static bool confirmation_take(struct confirmations *all, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1] || all->count == AHEAD_OFFICERS)
        return false;
    *equals = '\0';
    all->given[all->count++] = (struct ahead_confirmation) { text, equals + 1 };
    return true;
}

static enum rc ahead_do(const char *state, const struct ahead *ahead, const struct confirmations *all, bool text_only, struct err *err)
{
    struct ca *ca = NULL;
    struct buf text = { 0 };
    size_t lists = 0;
    int lock = -1;
    enum rc rc = ceremony_lock(state, &lock, err);
    if (!rc)
        rc = ca_open(NULL, state, CACONFIG_FILE, CA_LOOK, &ca, err);
    if (!rc && text_only) {
        rc = ahead_text(ca, ahead, &text, err);
        if (!rc)
            fwrite(text.data, 1, text.len, stdout);
    } else if (!rc) {
        rc = ahead_run(ca, ahead, all->given, all->count, &lists, err);
        if (!rc)
            printf("%zu lists and every serial counter went ahead\n", lists);
    }
    buf_wipe(&text);
    ca_close(ca);
    if (lock >= 0)
        close(lock);
    return rc;
}

int ahead_main(int argc, char **argv)
{
    const char *state = NULL;
    long lists = 1000, serials = 1000000;
    bool text = false;
    const struct opt opts[] = {
        { "--state", "DIR", "folder of the authorities", OPT_TEXT, &state, true },
        { "--lists", "N", "numbers that each list skips beyond what the book and the publication have; default 1000", OPT_NUMBER, &lists,
          false },
        { "--serials", "N", "serial numbers that each authority skips: more than were issued since the copy; default 1000000",
          OPT_NUMBER, &serials, false },
        { "--text", NULL, "print what officers sign (openssl dgst -sha256 -sign), and change nothing", OPT_FLAG, &text, false },
        { 0 },
    };
    struct confirmations all = { 0 };
    struct err err = { 0 };
    int rest, status;
    if (opt_parse("jpki-ca store ahead [OPTIONS] [SERIAL=FILE…]",
                  "After an old copy of the book was restored: skips the numbers of lists that were published since, and serial\n"
                  "numbers that may have been issued since. With the setting two-persons=on two administrators or approvers have to\n"
                  "sign the text: SERIAL is that of the officer's operations certificate, FILE holds the signature.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (lists < 1 || lists > AHEAD_MOST || serials < 0 || serials > AHEAD_MOST)
        return opt_misuse("--lists takes 1 to %ld, --serials 0 to %ld", AHEAD_MOST, AHEAD_MOST);
    for (int i = rest; i < argc; i++)
        if (!confirmation_take(&all, argv[i]))
            return opt_misuse("'%s' is not SERIAL=FILE, or one too many", argv[i]);
    enum rc rc = ahead_do(state, &(struct ahead) { lists, serials }, &all, text, &err);
    return opt_end(rc, &err);
}

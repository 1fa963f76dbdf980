/* opsanchors.c — from one key to the next. */
#include "ca/opsanchors.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/opt.h"
#include "ca/caconfig.h"
#include "ca/tbs.h"
#include "pki/cert.h"
#include "pki/profile.h"

#include <openssl/pem.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct anchors {
    STACK_OF(X509) *trusted; /* by age, the oldest first */
    const char *publication;
};

/* A certificate of the publication that is of its profile. RC_NOT_FOUND, RC_FORMAT, RC_DENIED. */
static enum rc published_read(const struct anchors *anchors, const char *file, enum profile_kind kind, X509 **cert, struct err *err)
{
    char path[PATH_MAX];
    struct buf der = { 0 };
    struct bytes tbs, signature;
    snprintf(path, sizeof path, "%s/ops/%s", anchors->publication, file);
    enum rc rc = file_read(path, &der, err);
    if (!rc && tbs_open(buf_bytes(&der), &tbs, &signature))
        rc = err_set(err, RC_FORMAT, "%s is no certificate", path);
    if (!rc)
        rc = profile_check_tbs(kind, tbs, err);
    if (!rc)
        rc = cert_parse(buf_bytes(&der), cert);
    buf_wipe(&der);
    return rc;
}

static bool is_trusted(const struct anchors *anchors, X509 *cert)
{
    for (int i = 0; i < sk_X509_num(anchors->trusted); i++)
        if (X509_cmp(sk_X509_value(anchors->trusted, i), cert) == 0)
            return true;
    return false;
}

/* One of the trusted keys, which has not ended, signed the link, and the link is for the new certificate's key and name. */
static bool link_leads(const struct anchors *anchors, X509 *link, X509 *next)
{
    if (EVP_PKEY_eq(X509_get0_pubkey(link), X509_get0_pubkey(next)) != 1 ||
        X509_NAME_cmp(X509_get_subject_name(link), X509_get_subject_name(next)) != 0 || X509_verify(next, X509_get0_pubkey(next)) != 1 ||
        cert_not_before(link) > clock_now() || cert_not_after(link) <= clock_now())
        return false;
    for (int i = 0; i < sk_X509_num(anchors->trusted); i++) {
        X509 *anchor = sk_X509_value(anchors->trusted, i);
        if (cert_not_after(anchor) > clock_now() && X509_NAME_cmp(X509_get_subject_name(anchor), X509_get_issuer_name(link)) == 0 &&
            X509_verify(link, X509_get0_pubkey(anchor)) == 1)
            return true;
    }
    return false;
}

/* The certificate of generation g: ca-G.cer, or the newest, ca.cer, when there is none of that name. */
static enum rc generation_read(const struct anchors *anchors, unsigned g, X509 **cert, struct err *err)
{
    char file[32];
    snprintf(file, sizeof file, "ca-%u.cer", g);
    enum rc rc = published_read(anchors, file, PROFILE_OPS_CA, cert, NULL);
    return rc == RC_NOT_FOUND ? published_read(anchors, "ca.cer", PROFILE_OPS_CA, cert, err) : rc;
}

/* Along the links, as far as they go. */
static enum rc anchors_follow(struct anchors *anchors, struct err *err)
{
    for (unsigned g = 2; g <= CACONFIG_GENERATIONS; g++) {
        char file[64];
        X509 *link = NULL, *next = NULL;
        snprintf(file, sizeof file, "links/%u-new-with-old.cer", g);
        enum rc rc = published_read(anchors, file, PROFILE_OPS_LINK, &link, NULL);
        if (rc == RC_NOT_FOUND)
            return RC_OK;
        if (!rc)
            rc = generation_read(anchors, g, &next, err);
        if (!rc && !is_trusted(anchors, next) && link_leads(anchors, link, next)) {
            rc = sk_X509_push(anchors->trusted, next) > 0 ? RC_OK : RC_NOMEM;
            next = rc ? next : NULL;
        }
        X509_free(link);
        X509_free(next);
        if (rc)
            return err_set(err, rc, "ops/%s: %s", file, rc_text(rc));
    }
    return RC_OK;
}

/* The newest first, without those that have ended. */
static enum rc anchors_encode(const struct anchors *anchors, struct buf *pem)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    bool made = bio != NULL;
    for (int i = sk_X509_num(anchors->trusted) - 1; made && i >= 0; i--)
        if (cert_not_after(sk_X509_value(anchors->trusted, i)) > clock_now())
            made = PEM_write_bio_X509(bio, sk_X509_value(anchors->trusted, i)) == 1;
    long len = made ? BIO_get_mem_data(bio, &data) : 0;
    enum rc rc = made ? buf_append(pem, data, (size_t)len) : RC_NOMEM;
    BIO_free(bio);
    return rc;
}

static int by_age(const X509 *const *a, const X509 *const *b)
{
    int64_t left = cert_not_before(*a), right = cert_not_before(*b);
    return (left > right) - (left < right);
}

enum rc opsanchors_refresh(const char *publication, const char *folder, bool *changed, struct err *err)
{
    struct anchors anchors = { .publication = publication };
    struct buf before = { 0 }, after = { 0 };
    X509 *newest = NULL;
    char *path = file_join(folder, "ca.pem");
    enum rc rc = path ? cert_read_all(path, &anchors.trusted, err) : RC_NOMEM;
    if (!rc)
        rc = file_read(path, &before, err);
    if (!rc) {
        sk_X509_set_cmp_func(anchors.trusted, by_age);
        sk_X509_sort(anchors.trusted);
        rc = anchors_follow(&anchors, err);
    }
    if (!rc)
        rc = published_read(&anchors, "ca.cer", PROFILE_OPS_CA, &newest, err);
    if (!rc && !is_trusted(&anchors, newest))
        rc = err_set(err, RC_BAD_SIGNATURE, "no link leads from what %s trusts to %s/ops/ca.cer: it is left as it is", path, publication);
    if (!rc)
        rc = anchors_encode(&anchors, &after);
    bool differs = !rc && !bytes_equal(buf_bytes(&before), buf_bytes(&after));
    if (differs)
        rc = file_write_atomic(path, buf_bytes(&after), 0644, err);
    if (!rc && changed)
        *changed = differs;
    X509_free(newest);
    sk_X509_pop_free(anchors.trusted, X509_free);
    buf_wipe(&before);
    buf_wipe(&after);
    free(path);
    return rc;
}

int opsanchors_main(int argc, char **argv)
{
    const char *publication = NULL;
    const struct opt opts[] = {
        { "--publication", "DIR", "the publication folder, or a copy of its ops/", OPT_TEXT, &publication, true },
        { 0 },
    };
    int rest, status;
    if (opt_parse("jpki-ca anchors [OPTIONS] IDENTITY…",
                  "After the operations authority got a new key: brings ca.pem in identity folders up to date, so that both keys are\n"
                  "trusted, as far as the published links lead there from what each folder trusts already. Then its program is\n"
                  "started again.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest == argc)
        return opt_misuse("which identity folder?");
    status = EXIT_DONE;
    for (int i = rest; i < argc; i++) {
        struct err err = { 0 };
        bool changed = false;
        enum rc rc = opsanchors_refresh(publication, argv[i], &changed, &err);
        if (rc)
            status = opt_fail("%s: %s", argv[i], err_text(&err, rc));
        else
            printf("%s: %s\n", argv[i], changed ? "brought up to date" : "up to date");
    }
    return status;
}

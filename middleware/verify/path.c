/* path.c — certification path validation. OpenSSL walks the path; what a document signer's certificate must look like is
 * a row here. */
#include "verify/path.h"

#include "base/file.h"
#include "base/hex.h"
#include "pki/cert.h"
#include "pki/profile.h"
#include "verify/algorithm.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct path_row {
    uint32_t key_usage;     /* exactly these bits */
    const char *usage_words;
    bool client_auth;       /* extendedKeyUsage: clientAuth when true, absent when false */
    enum authority authority; /* whose policy must be valid along the path */
} rows[] = {
    [PATH_FOR_DOCUMENTS] = { KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION, "digitalSignature and nonRepudiation", false,
                             AUTHORITY_SIGN },
    [PATH_FOR_LOGIN] = { KU_DIGITAL_SIGNATURE, "digitalSignature", true, AUTHORITY_AUTH },
};

/* --- trust anchors --------------------------------------------------------------------------------------------------- */

static enum rc path_take_anchor(X509 *cert, const char *path, STACK_OF(X509) *anchors, struct err *err)
{
    if (X509_check_ca(cert) != 1) { /* 1: basicConstraints says so; old self-signed forms do not count */
        X509_free(cert);
        return err_set(err, RC_FORMAT, "%s: not the certificate of an authority", path);
    }
    if (sk_X509_push(anchors, cert) <= 0) {
        X509_free(cert);
        return RC_NOMEM;
    }
    return RC_OK;
}

static enum rc path_read_anchor_file(const char *path, STACK_OF(X509) *anchors, struct err *err)
{
    X509 *one = NULL;
    STACK_OF(X509) *many = NULL;
    if (cert_read_all(path, &many, NULL) != RC_OK) { /* not PEM */
        enum rc rc = cert_read(path, &one, err);
        return rc ? rc : path_take_anchor(one, path, anchors, err);
    }
    enum rc rc = RC_OK;
    while (rc == RC_OK && sk_X509_num(many) > 0)
        rc = path_take_anchor(sk_X509_shift(many), path, anchors, err);
    sk_X509_pop_free(many, X509_free);
    return rc;
}

static int path_is_cert_name(const struct dirent *entry)
{
    static const char *const endings[] = { ".pem", ".cer", ".crt", ".der" };
    size_t len = strlen(entry->d_name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (len > 4 && strcmp(entry->d_name + len - 4, endings[i]) == 0)
            return 1;
    return 0;
}

enum rc path_read_anchors(const char *path, STACK_OF(X509) *anchors, struct err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return err_set_errno(err, errno == ENOENT ? RC_NOT_FOUND : RC_IO, "%s", path);
    if (!S_ISDIR(st.st_mode))
        return path_read_anchor_file(path, anchors, err);
    struct dirent **names = NULL;
    int count = scandir(path, &names, path_is_cert_name, alphasort);
    if (count < 0)
        return err_set_errno(err, RC_IO, "%s", path);
    enum rc rc = count ? RC_OK : err_set(err, RC_NOT_FOUND, "%s: no certificate in this folder", path);
    for (int i = 0; i < count; i++) {
        char *file = rc == RC_OK ? file_join(path, names[i]->d_name) : NULL;
        if (rc == RC_OK)
            rc = file ? path_read_anchor_file(file, anchors, err) : RC_NOMEM;
        free(file);
        free(names[i]);
    }
    free(names);
    return rc;
}

/* --- the certificate -------------------------------------------------------------------------------------------------- */

static void path_say(struct evidence_path *evidence, enum path_state state, const char *reason)
{
    evidence->state = state;
    snprintf(evidence->reason, sizeof evidence->reason, "%s", reason);
}

static enum rc path_describe(X509 *cert, struct evidence_path *evidence)
{
    struct buf serial = { 0 };
    enum rc rc = RC_NOMEM;
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || X509_NAME_print_ex(bio, X509_get_issuer_name(cert), 0,
                                   XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0)
        goto out;
    int len = BIO_read(bio, evidence->issuer, (int)sizeof evidence->issuer - 1);
    evidence->issuer[len > 0 ? len : 0] = '\0';
    buf_init(&serial, sizeof evidence->serial - 1);
    rc = cert_serial(cert, &serial);
    const char *text = rc == RC_OK ? buf_string(&serial) : NULL;
    if (rc == RC_NOMEM)
        goto out;
    snprintf(evidence->serial, sizeof evidence->serial, "%s", text ? text : "");
    evidence->not_before = cert_not_before(cert);
    evidence->not_after = cert_not_after(cert);
    rc = RC_OK;
out:
    buf_wipe(&serial);
    BIO_free(bio);
    return rc;
}

/* The anchor whose name is the issuer's and whose key verifies the certificate. */
static X509 *path_find_anchor(X509 *cert, const STACK_OF(X509) *anchors, struct evidence_path *evidence)
{
    bool name_seen = false;
    evidence->anchors = (unsigned)sk_X509_num(anchors);
    for (int i = 0; i < sk_X509_num(anchors); i++) {
        X509 *anchor = sk_X509_value(anchors, i);
        if (X509_NAME_cmp(X509_get_subject_name(anchor), X509_get_issuer_name(cert)) != 0)
            continue;
        name_seen = true;
        if (X509_verify(cert, X509_get0_pubkey(anchor)) == 1)
            return anchor;
    }
    path_say(evidence, PATH_NO_ANCHOR,
             name_seen ? "a trust anchor has the issuer's name, but its key did not sign the certificate"
                       : "no trust anchor has the issuer's name");
    return NULL;
}

static void path_describe_anchor(X509 *anchor, struct evidence_path *evidence)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    evidence->anchor_not_before = cert_not_before(anchor);
    evidence->anchor_not_after = cert_not_after(anchor);
    if (X509_digest(anchor, EVP_sha256(), hash, &len) == 1 && len == 32)
        hex_encode(bytes_of(hash, len), evidence->anchor);
}

static bool path_fits_row(X509 *cert, const struct path_row *row, struct evidence_path *evidence)
{
    uint32_t flags = X509_get_extension_flags(cert);
    uint32_t usage = X509_get_key_usage(cert);
    X509_EXTENSION *extension = X509_get_ext(cert, X509_get_ext_by_NID(cert, NID_key_usage, -1));
    if (flags & EXFLAG_CA) {
        path_say(evidence, PATH_PURPOSE_WRONG, "an authority's certificate signs no documents");
        return false;
    }
    if (!(flags & EXFLAG_KUSAGE) || usage != row->key_usage || !X509_EXTENSION_get_critical(extension)) {
        path_say(evidence, PATH_PURPOSE_WRONG, "");
        snprintf(evidence->reason, sizeof evidence->reason,
                 "the certificate's critical key usage must be %s%s", row->usage_words,
                 usage == KU_DIGITAL_SIGNATURE ? ": this is one for authentication" : "");
        return false;
    }
    bool extended_fits = row->client_auth ? (flags & EXFLAG_XKUSAGE) && X509_get_extended_key_usage(cert) == XKU_SSL_CLIENT
                                          : !(flags & EXFLAG_XKUSAGE);
    if (!extended_fits)
        path_say(evidence, PATH_PURPOSE_WRONG, "the certificate's extended key usage is of another purpose");
    return extended_fits;
}

static enum path_state path_state_of(int error)
{
    switch (error) {
    case X509_V_ERR_NO_EXPLICIT_POLICY:
    case X509_V_ERR_INVALID_POLICY_EXTENSION:
        return PATH_POLICY_WRONG;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return PATH_WEAK;
    default:
        return PATH_BROKEN;
    }
}

/* The policy of this anchor's hierarchy: the test hierarchy has one of its own, which never stands under the real one. */
static enum rc path_add_policy(X509_VERIFY_PARAM *rules, X509 *anchor, const struct path_row *row)
{
    char organisation[65];
    if (X509_NAME_get_text_by_NID(X509_get_subject_name(anchor), NID_organizationName, organisation,
                                  sizeof organisation) < 0)
        organisation[0] = '\0';
    const char *oid = profile_policy(row->authority, organisation);
    ASN1_OBJECT *policy = oid ? OBJ_txt2obj(oid, 1) : NULL;
    if (policy && X509_VERIFY_PARAM_add0_policy(rules, policy) == 1)
        return RC_OK;
    ASN1_OBJECT_free(policy);
    return RC_NOMEM;
}

static enum rc path_set_rules(X509_STORE_CTX *context, X509 *anchor, const struct path_row *row)
{
    X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(context);
    /* Time is judged over the evidence, with the proof of existence in hand. */
    unsigned long flags = X509_V_FLAG_X509_STRICT | X509_V_FLAG_EXPLICIT_POLICY | X509_V_FLAG_POLICY_CHECK |
                          X509_V_FLAG_NO_CHECK_TIME | X509_V_FLAG_CHECK_SS_SIGNATURE;
    if (!X509_VERIFY_PARAM_set_flags(rules, flags))
        return RC_NOMEM;
    X509_VERIFY_PARAM_set_auth_level(rules, 2);
    X509_VERIFY_PARAM_set_depth(rules, 0); /* no certificate between the anchor and the signer's */
    return path_add_policy(rules, anchor, row);
}

static enum rc path_walk(X509 *cert, X509 *anchor, const struct path_row *row, struct evidence_path *evidence)
{
    enum rc rc = RC_NOMEM;
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *trusted = sk_X509_new_null();
    if (!context || !trusted || sk_X509_push(trusted, anchor) <= 0 ||
        X509_STORE_CTX_init(context, NULL, cert, NULL) != 1)
        goto out;
    X509_STORE_CTX_set0_trusted_stack(context, trusted);
    rc = path_set_rules(context, anchor, row);
    if (rc)
        goto out;
    if (X509_verify_cert(context) == 1) {
        evidence->state = PATH_GOOD;
    } else {
        int error = X509_STORE_CTX_get_error(context);
        path_say(evidence, path_state_of(error), X509_verify_cert_error_string(error));
    }
out:
    X509_STORE_CTX_free(context);
    sk_X509_free(trusted);
    return rc;
}

enum rc path_check(X509 *cert, const STACK_OF(X509) *anchors, enum path_purpose purpose,
                   struct evidence_path *evidence, X509 **anchor)
{
    const struct path_row *row = &rows[purpose];
    struct evidence_path found = { 0 };
    char key[24];
    ERR_set_mark();
    X509 *issuer = NULL;
    enum rc rc = path_describe(cert, &found);
    if (rc)
        goto out;
    issuer = path_find_anchor(cert, anchors, &found);
    if (!issuer)
        goto out;
    path_describe_anchor(issuer, &found);
    if (algorithm_check_key(X509_get0_pubkey(cert), key, sizeof key) != RC_OK) {
        path_say(&found, PATH_WEAK, "the certificate's key is of a type or size that is not accepted");
        goto out;
    }
    if (!algorithm_signature_name(X509_get_signature_nid(cert))) {
        path_say(&found, PATH_WEAK, "the certificate is signed with an algorithm that is not accepted");
        goto out;
    }
    if (path_fits_row(cert, row, &found))
        rc = path_walk(cert, issuer, row, &found);
out:
    ERR_pop_to_mark();
    if (rc)
        return rc;
    *evidence = found;
    *anchor = issuer;
    return RC_OK;
}

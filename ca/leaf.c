/* leaf.c — the profiles as calls in order. The signer checks the result once more against the rows of pki/profile.h,
 * written by another hand: a slip here is refused there. */
#include "ca/leaf.h"

#include "base/random.h"
#include "ca/extensions.h"
#include "ca/tbs.h"
#include "pki/municipality.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BIT_SIGNATURE = 0, BIT_NON_REPUDIATION = 1, BIT_CERT_SIGN = 5, BIT_CRL_SIGN = 6 };

enum rc leaf_identifier(enum authority authority, const char *municipality, int64_t now, char out[LEAF_IDENTIFIER_SIZE])
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char unique[15] = "";
    for (size_t i = 0; i < 14;) {
        uint8_t byte;
        if (random_bytes(&byte, 1))
            return RC_IO;
        if (byte < 252) /* 7 * 36: no letter likelier than another */
            unique[i++] = letters[byte % 36];
    }
    if (authority == AUTHORITY_AUTH) {
        snprintf(out, LEAF_IDENTIFIER_SIZE, "%.14s%.5s003A", unique, municipality);
        return RC_OK;
    }
    time_t local = (time_t)(now + 32400);
    struct tm tm;
    gmtime_r(&local, &tm);
    char when[32];
    strftime(when, sizeof when, "%Y%m%d%H%M%S", &tm);
    snprintf(out, LEAF_IDENTIFIER_SIZE, "%.14s%.9s", when, unique);
    return RC_OK;
}

static enum rc name_add(X509_NAME *name, int nid, const char *value)
{
    int type = nid == NID_countryName ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;
    return X509_NAME_add_entry_by_NID(name, nid, type, (const unsigned char *)value, -1, -1, 0) ? RC_OK : RC_NOMEM;
}

struct name_row {
    int nid;
    const char *value;
};

static enum rc name_make(const struct name_row *rows, size_t count, X509_NAME **out)
{
    X509_NAME *name = X509_NAME_new();
    enum rc rc = name ? RC_OK : RC_NOMEM;
    for (size_t i = 0; !rc && i < count; i++)
        rc = name_add(name, rows[i].nid, rows[i].value);
    if (rc)
        X509_NAME_free(name);
    else
        *out = name;
    return rc;
}

/* The authority's name in Japanese, as it stands in alternative names. */
static enum rc name_in_japanese(enum authority authority, X509_NAME **out)
{
    const struct name_row rows[] = {
        { NID_countryName, "JP" },
        { NID_organizationName, "公的個人認証サービス" },
        { NID_organizationalUnitName,
          authority == AUTHORITY_SIGN ? "公的個人認証サービス署名用" : "公的個人認証サービス利用者証明用" },
        { NID_organizationalUnitName, "地方公共団体情報システム機構" },
    };
    return name_make(rows, sizeof rows / sizeof rows[0], out);
}

/* Encodes and frees the extensions; rc is what became of making them. */
static enum rc leaf_encode(enum suite suite, const struct leaf *leaf, const X509_NAME *issuer, const X509_NAME *subject,
                           X509_EXTENSIONS *extensions, enum rc rc, struct buf *out, struct err *err)
{
    if (!rc) {
        struct tbs_cert cert = { .suite = suite, .serial = leaf->serial, .issuer = issuer, .subject = subject,
                                 .not_before = leaf->not_before, .not_after = leaf->not_after,
                                 .public_key = leaf->public_key, .extensions = extensions };
        rc = tbs_cert_encode(&cert, out);
    }
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return rc ? err_set(err, rc, "building a certificate") : RC_OK;
}

/* From certificatePolicies to issuerAltName and the distribution point: common to both card certificates. */
static enum rc leaf_middle(const struct issuer *issuer, const struct leaf *leaf, X509_EXTENSIONS **extensions,
                           struct err *err)
{
    X509_NAME *japanese = NULL, *point = NULL;
    enum rc rc = ext_policy(extensions, issuer->policy, issuer->cps);
    if (!rc)
        rc = name_in_japanese(issuer->authority, &japanese);
    if (!rc)
        rc = ext_directory_name(extensions, NID_issuer_alt_name, japanese);
    if (!rc)
        rc = authority_crldp(issuer->authority, issuer->organisation, leaf->municipality, &point, err);
    if (!rc)
        rc = ext_crldp(extensions, point);
    X509_NAME_free(japanese);
    X509_NAME_free(point);
    return rc;
}

static enum rc leaf_keys(const struct issuer *issuer, const struct leaf *leaf, X509_EXTENSIONS **extensions)
{
    enum rc rc = ext_authority_key(extensions, issuer->cert, true);
    return rc ? rc : ext_subject_key(extensions, leaf->public_key);
}

enum rc leaf_sign_tbs(const struct issuer *issuer, const struct leaf *leaf, struct buf *out, struct err *err)
{
    const struct municipality *place;
    enum rc rc = municipality_find(leaf->municipality, &place);
    if (rc)
        return err_set(err, rc, "municipality %s is not known", leaf->municipality);
    const struct name_row rows[] = { { NID_countryName, "JP" },
                                     { NID_localityName, place->prefecture_romaji },
                                     { NID_localityName, place->name_romaji },
                                     { NID_commonName, leaf->identifier } };
    X509_NAME *subject = NULL;
    GENERAL_NAMES *names = NULL;
    X509_EXTENSIONS *extensions = NULL;
    rc = name_make(rows, 4, &subject);
    if (!rc)
        rc = attributes_to_names(leaf->attributes, &names, err);
    if (!rc)
        rc = ext_key_usage(&extensions, BIT_SIGNATURE, BIT_NON_REPUDIATION);
    if (!rc)
        rc = ext_names(&extensions, NID_subject_alt_name, names);
    if (!rc)
        rc = leaf_middle(issuer, leaf, &extensions, err);
    if (!rc)
        rc = leaf_keys(issuer, leaf, &extensions);
    rc = leaf_encode(issuer->suite, leaf, X509_get_subject_name(issuer->cert), subject, extensions, rc, out, err);
    GENERAL_NAMES_free(names);
    X509_NAME_free(subject);
    return rc;
}

enum rc leaf_auth_tbs(const struct issuer *issuer, const struct leaf *leaf, struct buf *out, struct err *err)
{
    const struct name_row rows[] = { { NID_countryName, "JP" }, { NID_commonName, leaf->identifier } };
    X509_NAME *subject = NULL;
    X509_EXTENSIONS *extensions = NULL;
    enum rc rc = name_make(rows, 2, &subject);
    if (!rc)
        rc = ext_key_usage(&extensions, BIT_SIGNATURE, -1);
    if (!rc)
        rc = ext_extended_key_usage(&extensions, false, NID_client_auth, 0);
    if (!rc)
        rc = leaf_middle(issuer, leaf, &extensions, err);
    if (!rc)
        rc = ext_ocsp(&extensions, issuer->ocsp);
    if (!rc)
        rc = leaf_keys(issuer, leaf, &extensions);
    rc = leaf_encode(issuer->suite, leaf, X509_get_subject_name(issuer->cert), subject, extensions, rc, out, err);
    X509_NAME_free(subject);
    return rc;
}

static enum rc ops_add_host(GENERAL_NAMES *names, int type, const void *data, int len)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = type == GEN_DNS ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();
    if (!name || !value || !ASN1_STRING_set(value, data, len)) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return RC_NOMEM;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return RC_OK;
    GENERAL_NAME_free(name);
    return RC_NOMEM;
}

/* localhost and 127.0.0.1, and the names and addresses of the list. */
static enum rc ops_hosts(const char *list, GENERAL_NAMES **out)
{
    static const uint8_t loopback[4] = { 127, 0, 0, 1 };
    char *hosts = strdup(list ? list : ""), *rest = hosts;
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    enum rc rc = hosts && names ? ops_add_host(names, GEN_DNS, "localhost", 9) : RC_NOMEM;
    for (char *host; !rc && (host = strsep(&rest, ","));) {
        uint8_t address[16];
        if (inet_pton(AF_INET, host, address) == 1)
            rc = ops_add_host(names, GEN_IPADD, address, 4);
        else if (inet_pton(AF_INET6, host, address) == 1)
            rc = ops_add_host(names, GEN_IPADD, address, 16);
        else if (*host)
            rc = ops_add_host(names, GEN_DNS, host, (int)strlen(host));
    }
    if (!rc)
        rc = ops_add_host(names, GEN_IPADD, loopback, 4);
    free(hosts);
    if (rc)
        GENERAL_NAMES_free(names);
    else
        *out = names;
    return rc;
}

enum rc leaf_ops_tbs(const struct issuer *issuer, const struct leaf *leaf, struct buf *out, struct err *err)
{
    const struct name_row rows[] = { { NID_countryName, "JP" },
                                     { NID_organizationName, issuer->organisation },
                                     { NID_organizationalUnitName, leaf->role },
                                     { NID_localityName, leaf->municipality },
                                     { NID_commonName, leaf->identifier } };
    bool stamps = strcmp(leaf->role, "time-stamp") == 0, seals = strcmp(leaf->role, "document-seal") == 0;
    bool serves = strcmp(leaf->role, "ca") == 0 || strcmp(leaf->role, "verifier") == 0 ||
                  strncmp(leaf->role, "node-", 5) == 0;
    X509_NAME *subject = NULL;
    GENERAL_NAMES *names = NULL;
    X509_EXTENSIONS *extensions = NULL;
    enum rc rc = name_make(rows, 5, &subject);
    if (!rc)
        rc = ext_key_usage(&extensions, BIT_SIGNATURE, seals ? BIT_NON_REPUDIATION : -1);
    if (!rc && stamps) /* RFC 3161 §2.3: critical, and nothing else */
        rc = ext_extended_key_usage(&extensions, true, NID_time_stamp, 0);
    else if (!rc && seals)
        rc = ext_document_signing(&extensions);
    else if (!rc && serves)
        rc = ext_extended_key_usage(&extensions, false, NID_server_auth, NID_client_auth);
    else if (!rc) /* people only ever call */
        rc = ext_extended_key_usage(&extensions, false, NID_client_auth, 0);
    if (!rc && serves)
        rc = ops_hosts(leaf->dns, &names);
    if (!rc && serves)
        rc = ext_names(&extensions, NID_subject_alt_name, names);
    if (!rc)
        rc = leaf_keys(issuer, leaf, &extensions);
    rc = leaf_encode(issuer->suite, leaf, X509_get_subject_name(issuer->cert), subject, extensions, rc, out, err);
    GENERAL_NAMES_free(names);
    X509_NAME_free(subject);
    return rc;
}

enum rc leaf_ocsp_tbs(const struct issuer *issuer, const struct leaf *leaf, struct buf *out, struct err *err)
{
    const struct name_row rows[] = {
        { NID_countryName, "JP" },
        { NID_organizationName, issuer->organisation },
        { NID_organizationalUnitName,
          issuer->authority == AUTHORITY_SIGN ? "JPKI for digital signature" : "JPKI for user authentication" },
        { NID_organizationalUnitName, "OCSP Responders" },
        { NID_commonName, leaf->identifier },
    };
    X509_NAME *subject = NULL;
    X509_EXTENSIONS *extensions = NULL;
    enum rc rc = name_make(rows, 5, &subject);
    if (!rc)
        rc = ext_key_usage(&extensions, BIT_SIGNATURE, -1);
    if (!rc)
        rc = ext_extended_key_usage(&extensions, false, NID_OCSP_sign, 0);
    if (!rc)
        rc = ext_ocsp_no_check(&extensions);
    if (!rc)
        rc = leaf_keys(issuer, leaf, &extensions);
    rc = leaf_encode(issuer->suite, leaf, X509_get_subject_name(issuer->cert), subject, extensions, rc, out, err);
    X509_NAME_free(subject);
    return rc;
}

enum rc leaf_ca_tbs(const struct issuer *issuer, const struct leaf *leaf, struct buf *out, struct err *err)
{
    X509_NAME *name = NULL, *japanese = NULL;
    X509_EXTENSIONS *extensions = NULL;
    bool of_cards = issuer->authority != AUTHORITY_OPS;
    enum rc rc = authority_dn(issuer->authority, issuer->organisation, &name);
    if (!rc)
        rc = ext_key_usage(&extensions, BIT_CERT_SIGN, BIT_CRL_SIGN);
    if (!rc && of_cards)
        rc = name_in_japanese(issuer->authority, &japanese);
    if (!rc && of_cards)
        rc = ext_directory_name(&extensions, NID_subject_alt_name, japanese);
    if (!rc)
        rc = ext_basic_ca(&extensions);
    if (!rc && of_cards)
        rc = ext_crldp(&extensions, name);
    if (!rc)
        rc = ext_subject_key(&extensions, leaf->public_key);
    rc = leaf_encode(issuer->suite, leaf, name, name, extensions, rc, out, err);
    X509_NAME_free(name);
    X509_NAME_free(japanese);
    return rc;
}

enum rc leaf_link_tbs(const struct issuer *issuer, const struct leaf *leaf, struct buf *out, struct err *err)
{
    X509_EXTENSIONS *extensions = NULL;
    const X509_NAME *name = X509_get_subject_name(issuer->cert);
    enum rc rc = ext_key_usage(&extensions, BIT_CERT_SIGN, BIT_CRL_SIGN);
    if (!rc)
        rc = ext_basic_ca(&extensions);
    if (!rc)
        rc = leaf_keys(issuer, leaf, &extensions);
    return leaf_encode(issuer->suite, leaf, name, name, extensions, rc, out, err);
}

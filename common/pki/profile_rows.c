/* profile_rows.c — the rows of docs/PROFILE.md: extensions of each kind in their order. Data only. */
#include "pki/profile.h"

#include <string.h>

#define KEY_USAGE(bytes, section)                                                                                      \
    {                                                                                                                  \
        "2.5.29.15", "keyUsage", true, 1, 1, PROFILE_BYTES, bytes, section                                             \
    }
#define EXTENDED_KEY_USAGE(critical, bytes, section)                                                                   \
    {                                                                                                                  \
        "2.5.29.37", "extKeyUsage", critical, 1, 1, PROFILE_BYTES, bytes, section                                      \
    }
#define SUBJECT_ALT_NAME(rule, section)                                                                                \
    {                                                                                                                  \
        "2.5.29.17", "subjectAltName", false, 1, 1, rule, NULL, section                                                \
    }
#define ISSUER_ALT_NAME(section)                                                                                       \
    {                                                                                                                  \
        "2.5.29.18", "issuerAltName", false, 1, 1, PROFILE_JAPANESE_NAME, NULL, section                                \
    }
#define BASIC_CONSTRAINTS_CA(section)                                                                                  \
    {                                                                                                                  \
        "2.5.29.19", "basicConstraints", true, 1, 1, PROFILE_BYTES, "3003 0101FF", section                             \
    }
#define POLICIES(section)                                                                                              \
    {                                                                                                                  \
        "2.5.29.32", "certificatePolicies", true, 1, 1, PROFILE_POLICY, NULL, section                                  \
    }
#define CRL_POINTS(rule, section)                                                                                      \
    {                                                                                                                  \
        "2.5.29.31", "cRLDistributionPoints", false, 1, 1, rule, NULL, section                                         \
    }
#define ACCESS(section)                                                                                                \
    {                                                                                                                  \
        "1.3.6.1.5.5.7.1.1", "authorityInfoAccess", false, 1, 1, PROFILE_OCSP, NULL, section                           \
    }
#define AUTHORITY_KEY(section)                                                                                         \
    {                                                                                                                  \
        "2.5.29.35", "authorityKeyIdentifier", false, 1, 1, PROFILE_AUTHORITY_KEY, NULL, section                       \
    }
#define SUBJECT_KEY(section)                                                                                           \
    {                                                                                                                  \
        "2.5.29.14", "subjectKeyIdentifier", false, 1, 1, PROFILE_SUBJECT_KEY, NULL, section                           \
    }

#define KU_CA "0302 0106"              /* keyCertSign, cRLSign */
#define KU_SIGNATURE "0302 0780"       /* digitalSignature */
#define KU_SIGN_AND_COMMIT "0302 06C0" /* digitalSignature, nonRepudiation */
#define EKU_CLIENT "300A 0608 2B06010505070302"
#define EKU_SERVER_CLIENT "3014 0608 2B06010505070301 0608 2B06010505070302"
#define EKU_OCSP "300A 0608 2B06010505070309"
#define EKU_TIME_STAMP "300A 0608 2B06010505070308"
#define EKU_DOCUMENT "3014 0608 2B06010505070324 0608 2B06010505070304"

static const struct profile_row profile_jpki_ca[] = {
    KEY_USAGE(KU_CA, "sign-ca, auth-ca"),     SUBJECT_ALT_NAME(PROFILE_JAPANESE_NAME, "sign-ca, auth-ca"),
    BASIC_CONSTRAINTS_CA("sign-ca, auth-ca"), CRL_POINTS(PROFILE_OWN_CRL_POINT, "sign-ca, auth-ca"),
    SUBJECT_KEY("sign-ca, auth-ca"),
};

static const struct profile_row profile_ops_ca[] = {KEY_USAGE(KU_CA, "ops-ca"), BASIC_CONSTRAINTS_CA("ops-ca"),
                                                    SUBJECT_KEY("ops-ca")};

static const struct profile_row profile_sign[] = {
    KEY_USAGE(KU_SIGN_AND_COMMIT, "sign"),
    SUBJECT_ALT_NAME(PROFILE_ATTRIBUTES, "sign"),
    POLICIES("sign"),
    ISSUER_ALT_NAME("sign"),
    CRL_POINTS(PROFILE_CRL_POINT, "sign"),
    AUTHORITY_KEY("sign"),
    SUBJECT_KEY("sign"),
};

static const struct profile_row profile_auth[] = {
    KEY_USAGE(KU_SIGNATURE, "auth"),
    EXTENDED_KEY_USAGE(false, EKU_CLIENT, "auth"),
    POLICIES("auth"),
    ISSUER_ALT_NAME("auth"),
    CRL_POINTS(PROFILE_CRL_POINT, "auth"),
    ACCESS("auth"),
    AUTHORITY_KEY("auth"),
    SUBJECT_KEY("auth"),
};

static const struct profile_row profile_ocsp[] = {
    KEY_USAGE(KU_SIGNATURE, "sign-ocsp, auth-ocsp"),
    EXTENDED_KEY_USAGE(false, EKU_OCSP, "sign-ocsp, auth-ocsp"),
    {"1.3.6.1.5.5.7.48.1.5", "ocspNoCheck", false, 1, 1, PROFILE_BYTES, "0500", "sign-ocsp, auth-ocsp"},
    AUTHORITY_KEY("sign-ocsp, auth-ocsp"),
    SUBJECT_KEY("sign-ocsp, auth-ocsp"),
};

static const struct profile_row profile_link[] = {
    KEY_USAGE(KU_CA, "sign-link, auth-link, ops-link"),
    BASIC_CONSTRAINTS_CA("sign-link, auth-link, ops-link"),
    AUTHORITY_KEY("sign-link, auth-link, ops-link"),
    SUBJECT_KEY("sign-link, auth-link, ops-link"),
};

static const struct profile_row profile_node[] = {
    KEY_USAGE(KU_SIGNATURE, "node, verifier"),
    EXTENDED_KEY_USAGE(false, EKU_SERVER_CLIENT, "node, verifier"),
    SUBJECT_ALT_NAME(PROFILE_HOSTS, "node, verifier"),
    AUTHORITY_KEY("node, verifier"),
    SUBJECT_KEY("node, verifier"),
};

static const struct profile_row profile_client[] = {
    KEY_USAGE(KU_SIGNATURE, "officer"),
    EXTENDED_KEY_USAGE(false, EKU_CLIENT, "officer"),
    AUTHORITY_KEY("officer"),
    SUBJECT_KEY("officer"),
};

static const struct profile_row profile_time_stamp[] = {
    KEY_USAGE(KU_SIGNATURE, "time-stamp"),
    EXTENDED_KEY_USAGE(true, EKU_TIME_STAMP, "time-stamp"),
    AUTHORITY_KEY("time-stamp"),
    SUBJECT_KEY("time-stamp"),
};

static const struct profile_row profile_document_seal[] = {
    KEY_USAGE(KU_SIGN_AND_COMMIT, "document-seal"),
    EXTENDED_KEY_USAGE(false, EKU_DOCUMENT, "document-seal"),
    AUTHORITY_KEY("document-seal"),
    SUBJECT_KEY("document-seal"),
};

struct profile_entry {
    const char *name;
    enum authority authority;
    const struct profile_row *rows;
    size_t count;
};

#define ROWS(rows) rows, sizeof rows / sizeof *rows

static const struct profile_entry profile_entries[PROFILE_COUNT] = {
    [PROFILE_SIGN_CA] = {"sign-ca", AUTHORITY_SIGN, ROWS(profile_jpki_ca)},
    [PROFILE_AUTH_CA] = {"auth-ca", AUTHORITY_AUTH, ROWS(profile_jpki_ca)},
    [PROFILE_OPS_CA] = {"ops-ca", AUTHORITY_OPS, ROWS(profile_ops_ca)},
    [PROFILE_SIGN] = {"sign", AUTHORITY_SIGN, ROWS(profile_sign)},
    [PROFILE_AUTH] = {"auth", AUTHORITY_AUTH, ROWS(profile_auth)},
    [PROFILE_SIGN_OCSP] = {"sign-ocsp", AUTHORITY_SIGN, ROWS(profile_ocsp)},
    [PROFILE_AUTH_OCSP] = {"auth-ocsp", AUTHORITY_AUTH, ROWS(profile_ocsp)},
    [PROFILE_NODE] = {"node", AUTHORITY_OPS, ROWS(profile_node)},
    [PROFILE_OFFICER] = {"officer", AUTHORITY_OPS, ROWS(profile_client)},
    [PROFILE_VERIFIER] = {"verifier", AUTHORITY_OPS, ROWS(profile_node)},
    [PROFILE_TIME_STAMP] = {"time-stamp", AUTHORITY_OPS, ROWS(profile_time_stamp)},
    [PROFILE_DOCUMENT_SEAL] = {"document-seal", AUTHORITY_OPS, ROWS(profile_document_seal)},
    [PROFILE_SIGN_LINK] = {"sign-link", AUTHORITY_SIGN, ROWS(profile_link)},
    [PROFILE_AUTH_LINK] = {"auth-link", AUTHORITY_AUTH, ROWS(profile_link)},
    [PROFILE_OPS_LINK] = {"ops-link", AUTHORITY_OPS, ROWS(profile_link)},
};

static const struct {
    const char *role;
    enum profile_kind kind;
} profile_roles[] = {
    {"node-municipal", PROFILE_NODE},   {"node-national", PROFILE_NODE}, {"ca", PROFILE_NODE},
    {"desk-officer", PROFILE_OFFICER},  {"registrar", PROFILE_OFFICER},  {"card-officer", PROFILE_OFFICER},
    {"counter", PROFILE_OFFICER},       {"kiosk", PROFILE_OFFICER},      {"verifier", PROFILE_VERIFIER},
    {"time-stamp", PROFILE_TIME_STAMP}, {"approver", PROFILE_OFFICER},   {"revoker", PROFILE_OFFICER},
    {"auditor", PROFILE_OFFICER},       {"administrator", PROFILE_OFFICER}, {"agency", PROFILE_OFFICER},
    {"node-prefectural", PROFILE_NODE}, {"document-seal", PROFILE_DOCUMENT_SEAL},
};

const char *profile_name(enum profile_kind kind)
{
    return (unsigned)kind < PROFILE_COUNT ? profile_entries[kind].name : "?";
}

const struct profile_row *profile_rows(enum profile_kind kind, size_t *count)
{
    *count = profile_entries[kind].count;
    return profile_entries[kind].rows;
}

enum authority profile_authority(enum profile_kind kind)
{
    return profile_entries[kind].authority;
}

enum rc profile_of_role(const char *role, enum profile_kind *kind)
{
    for (size_t i = 0; i < sizeof profile_roles / sizeof *profile_roles; i++) {
        if (strcmp(role, profile_roles[i].role) == 0) {
            *kind = profile_roles[i].kind;
            return RC_OK;
        }
    }
    return RC_NOT_FOUND;
}

const char *profile_policy(enum authority authority, const char *organisation)
{
    if (authority == AUTHORITY_SIGN)
        return strcmp(organisation, "JPKI") == 0 ? "1.2.392.200149.8.5.1.1.20" : "1.2.392.200149.8.5.1.0.20";
    return authority == AUTHORITY_AUTH ? "1.2.392.200149.8.5.1.3.30" : NULL;
}

/* verdict.c — the names of verdicts. The tables are indexed by the enums, so that a value without a name shows in a test. */
#include "verify/verdict.h"

static const char *const indications[INDICATION_COUNT] = {
    [INDICATION_INDETERMINATE] = "INDETERMINATE",
    [INDICATION_TOTAL_PASSED] = "TOTAL_PASSED",
    [INDICATION_TOTAL_FAILED] = "TOTAL_FAILED",
};

static const struct {
    const char *name;
    enum indication of;
} subs[SUB_COUNT] = {
    [SUB_NONE] = { "", INDICATION_TOTAL_PASSED },
    [SUB_FORMAT_FAILURE] = { "FORMAT_FAILURE", INDICATION_TOTAL_FAILED },
    [SUB_HASH_FAILURE] = { "HASH_FAILURE", INDICATION_TOTAL_FAILED },
    [SUB_SIG_CRYPTO_FAILURE] = { "SIG_CRYPTO_FAILURE", INDICATION_TOTAL_FAILED },
    [SUB_REVOKED] = { "REVOKED", INDICATION_TOTAL_FAILED },
    [SUB_EXPIRED] = { "EXPIRED", INDICATION_TOTAL_FAILED },
    [SUB_NOT_YET_VALID] = { "NOT_YET_VALID", INDICATION_TOTAL_FAILED },
    [SUB_SIG_CONSTRAINTS_FAILURE] = { "SIG_CONSTRAINTS_FAILURE", INDICATION_INDETERMINATE },
    [SUB_CHAIN_CONSTRAINTS_FAILURE] = { "CHAIN_CONSTRAINTS_FAILURE", INDICATION_INDETERMINATE },
    [SUB_CERTIFICATE_CHAIN_GENERAL_FAILURE] = { "CERTIFICATE_CHAIN_GENERAL_FAILURE", INDICATION_INDETERMINATE },
    [SUB_CRYPTO_CONSTRAINTS_FAILURE] = { "CRYPTO_CONSTRAINTS_FAILURE", INDICATION_INDETERMINATE },
    [SUB_POLICY_PROCESSING_ERROR] = { "POLICY_PROCESSING_ERROR", INDICATION_INDETERMINATE },
    [SUB_SIGNATURE_POLICY_NOT_AVAILABLE] = { "SIGNATURE_POLICY_NOT_AVAILABLE", INDICATION_INDETERMINATE },
    [SUB_TIMESTAMP_ORDER_FAILURE] = { "TIMESTAMP_ORDER_FAILURE", INDICATION_INDETERMINATE },
    [SUB_NO_SIGNING_CERTIFICATE_FOUND] = { "NO_SIGNING_CERTIFICATE_FOUND", INDICATION_INDETERMINATE },
    [SUB_NO_CERTIFICATE_CHAIN_FOUND] = { "NO_CERTIFICATE_CHAIN_FOUND", INDICATION_INDETERMINATE },
    [SUB_NO_CERTIFICATE_CHAIN_FOUND_NO_POE] = { "NO_CERTIFICATE_CHAIN_FOUND_NO_POE", INDICATION_INDETERMINATE },
    [SUB_REVOKED_NO_POE] = { "REVOKED_NO_POE", INDICATION_INDETERMINATE },
    [SUB_REVOKED_CA_NO_POE] = { "REVOKED_CA_NO_POE", INDICATION_INDETERMINATE },
    [SUB_OUT_OF_BOUNDS_NOT_REVOKED] = { "OUT_OF_BOUNDS_NOT_REVOKED", INDICATION_INDETERMINATE },
    [SUB_OUT_OF_BOUNDS_NO_POE] = { "OUT_OF_BOUNDS_NO_POE", INDICATION_INDETERMINATE },
    [SUB_REVOCATION_OUT_OF_BOUNDS_NO_POE] = { "REVOCATION_OUT_OF_BOUNDS_NO_POE", INDICATION_INDETERMINATE },
    [SUB_CRYPTO_CONSTRAINTS_FAILURE_NO_POE] = { "CRYPTO_CONSTRAINTS_FAILURE_NO_POE", INDICATION_INDETERMINATE },
    [SUB_NO_POE] = { "NO_POE", INDICATION_INDETERMINATE },
    [SUB_TRY_LATER] = { "TRY_LATER", INDICATION_INDETERMINATE },
    [SUB_SIGNED_DATA_NOT_FOUND] = { "SIGNED_DATA_NOT_FOUND", INDICATION_INDETERMINATE },
};

static const char *const words[WORD_COUNT] = {
    [WORD_INDETERMINATE] = "INDETERMINATE",
    [WORD_VALID] = "VALID",
    [WORD_REVOKED] = "REVOKED",
    [WORD_INVALID] = "INVALID",
};

const char *indication_name(enum indication indication)
{
    return (unsigned)indication < INDICATION_COUNT ? indications[indication] : "?";
}

const char *sub_indication_name(enum sub_indication sub)
{
    return (unsigned)sub < SUB_COUNT ? subs[sub].name : "?";
}

const char *verdict_word_name(enum verdict_word word)
{
    return (unsigned)word < WORD_COUNT ? words[word] : "?";
}

const char *signature_format_name(enum signature_format format)
{
    switch (format) {
    case SIGNATURE_FORMAT_CMS:
        return "CMS";
    case SIGNATURE_FORMAT_XML:
        return "XML";
    case SIGNATURE_FORMAT_UNKNOWN:
        break;
    }
    return "unknown";
}

const char *crl_reason_name(int code)
{
    static const char *const names[] = { "unspecified", "keyCompromise", "cACompromise", "affiliationChanged",
                                         "superseded", "cessationOfOperation", "certificateHold", "?",
                                         "removeFromCRL", "privilegeWithdrawn", "aACompromise" };
    if (code == -1)
        return names[0];
    return code >= 0 && code < (int)(sizeof names / sizeof *names) ? names[code] : "?";
}

bool indication_allows(enum indication indication, enum sub_indication sub)
{
    return (unsigned)sub < SUB_COUNT && subs[sub].of == indication;
}

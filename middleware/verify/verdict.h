/* verdict.h — what a verification found (evidence, one struct a part) and what follows from it (the verdict), as values
 * in the words of ETSI EN 319 102-1 §5.1.3. A zeroed verdict is INDETERMINATE and every zeroed part is "not checked":
 * what is forgotten fails closed. Nothing here does I/O or cryptography. */
#ifndef JPKI_VERIFY_VERDICT_H
#define JPKI_VERIFY_VERDICT_H

#include "pki/attributes.h"
#include "registry/confirm.h"

#include <stdbool.h>
#include <stdint.h>

enum indication { INDICATION_INDETERMINATE = 0, INDICATION_TOTAL_PASSED, INDICATION_TOTAL_FAILED, INDICATION_COUNT };

enum sub_indication {
    SUB_NONE = 0,
    /* of TOTAL_FAILED */
    SUB_FORMAT_FAILURE,
    SUB_HASH_FAILURE,
    SUB_SIG_CRYPTO_FAILURE,
    SUB_REVOKED,
    SUB_EXPIRED,
    SUB_NOT_YET_VALID,
    /* of INDETERMINATE */
    SUB_SIG_CONSTRAINTS_FAILURE,
    SUB_CHAIN_CONSTRAINTS_FAILURE,
    SUB_CERTIFICATE_CHAIN_GENERAL_FAILURE,
    SUB_CRYPTO_CONSTRAINTS_FAILURE,
    SUB_POLICY_PROCESSING_ERROR,
    SUB_SIGNATURE_POLICY_NOT_AVAILABLE,
    SUB_TIMESTAMP_ORDER_FAILURE,
    SUB_NO_SIGNING_CERTIFICATE_FOUND,
    SUB_NO_CERTIFICATE_CHAIN_FOUND,
    SUB_NO_CERTIFICATE_CHAIN_FOUND_NO_POE,
    SUB_REVOKED_NO_POE,
    SUB_REVOKED_CA_NO_POE,
    SUB_OUT_OF_BOUNDS_NOT_REVOKED,
    SUB_OUT_OF_BOUNDS_NO_POE,
    SUB_REVOCATION_OUT_OF_BOUNDS_NO_POE,
    SUB_CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
    SUB_NO_POE,
    SUB_TRY_LATER,
    SUB_SIGNED_DATA_NOT_FOUND,
    SUB_COUNT
};

/* The house's short word. VALID is TOTAL_PASSED, INVALID is TOTAL_FAILED, REVOKED is any verdict that rests on a
 * revocation, INDETERMINATE all the rest. */
enum verdict_word { WORD_INDETERMINATE = 0, WORD_VALID, WORD_REVOKED, WORD_INVALID, WORD_COUNT };

#define EVIDENCE_REASON_SIZE 240 /* one sentence for people, without personal data */

enum signature_format { SIGNATURE_FORMAT_UNKNOWN = 0, SIGNATURE_FORMAT_CMS, SIGNATURE_FORMAT_XML };

enum signature_state {
    SIGNATURE_NOT_CHECKED = 0,
    SIGNATURE_GOOD,           /* the signature is the certificate's over all of the content */
    SIGNATURE_MALFORMED,      /* not a signature of its form */
    SIGNATURE_HASH_WRONG,     /* the content is not the one that was signed */
    SIGNATURE_CRYPTO_WRONG,   /* the signature value is not the certificate's key's */
    SIGNATURE_WEAK,           /* an algorithm or key size that is not accepted */
    SIGNATURE_NOT_ALLOWED,    /* well-formed but of a shape that is refused (transforms, references, many signers …) */
    SIGNATURE_NO_CERTIFICATE, /* the signer's certificate is not in it */
    SIGNATURE_NO_CONTENT,     /* what was signed is not there */
    SIGNATURE_STATE_COUNT
};

struct evidence_signature {
    enum signature_state state;
    enum signature_format format;
    char digest[16];          /* "SHA-256" */
    char algorithm[40];       /* "RSA 2048 PKCS#1 v1.5" */
    char covers[160];         /* what the signature is over: "the whole content", "the whole document", "element #x" */
    int64_t claimed_time;     /* signing time as the signer wrote it: a claim, never a proof; 0 none */
    bool certificate_bound;   /* signing-certificate-v2 was there and names this certificate */
    char reason[EVIDENCE_REASON_SIZE];
};

enum path_state {
    PATH_NOT_CHECKED = 0,
    PATH_GOOD,             /* a trust anchor's key signed it and every rule but those of time holds */
    PATH_NO_ANCHOR,        /* no trust anchor has this issuer's name and key */
    PATH_PURPOSE_WRONG,    /* not a certificate for documents */
    PATH_POLICY_WRONG,
    PATH_WEAK,
    PATH_BROKEN,           /* some other rule of RFC 5280 §6 */
    PATH_STATE_COUNT
};

struct evidence_path {
    enum path_state state;
    char issuer[400];
    char serial[41];
    int64_t not_before, not_after;
    char anchor[65];       /* SHA-256 of the trust anchor's certificate, hex; "" when none was found */
    int64_t anchor_not_before, anchor_not_after;
    unsigned anchors;      /* how many trust anchors were given */
    char reason[EVIDENCE_REASON_SIZE];
};

enum status_state {
    STATUS_NOT_CHECKED = 0,
    STATUS_GOOD,           /* a list in force does not name the certificate */
    STATUS_REVOKED,        /* a list in force names it; certificateHold too: a hold on a card is never lifted */
    STATUS_UNAVAILABLE,    /* no list, or one that cannot be read */
    STATUS_NOT_IN_FORCE,   /* a list of another time: before its thisUpdate or not before its nextUpdate */
    STATUS_NOT_TRUSTED,    /* a list of another issuer, another scope, or with a signature that does not verify */
    STATUS_STATE_COUNT
};

struct evidence_status {
    enum status_state state;
    char path[400];        /* the list's path below the publication folder */
    char number[41];       /* CRLNumber, hex */
    int64_t this_update, next_update;
    int64_t revoked_at;    /* for STATUS_REVOKED */
    int64_t invalid_since; /* invalidityDate of the entry; 0 none */
    int reason_code;       /* CRLReason; -1 for an entry without one */
    bool kept;             /* the list is one that was kept: it speaks of its own time, and counts beside a time-stamp only */
    int64_t kept_since;    /* a time-stamp over the list proves that it was there then; 0: the archive's word alone */
    char reason[EVIDENCE_REASON_SIZE];
};

enum registry_state {
    REGISTRY_NOT_ASKED = 0,
    REGISTRY_WAIVED,       /* whoever asked for the verdict said that the registry is not to be asked */
    REGISTRY_ANSWERED,
    REGISTRY_UNREACHABLE,  /* asked, no answer that can be used */
    REGISTRY_STATE_COUNT
};

struct evidence_registry {
    enum registry_state state;
    struct confirmation confirmation;
    char reason[EVIDENCE_REASON_SIZE];
};

enum timestamp_state {
    TIMESTAMP_NONE = 0,    /* none was given: that alone is no flaw */
    TIMESTAMP_GOOD,
    TIMESTAMP_BAD,         /* one was given and it proves nothing */
    TIMESTAMP_STATE_COUNT
};

struct evidence_timestamp {
    enum timestamp_state state;
    int64_t time;          /* the signature existed at this second: genTime and, rounded up, its accuracy */
    char serial[41];
    char authority[400];   /* the time-stamping authority's subject */
    char reason[EVIDENCE_REASON_SIZE];
};

struct evidence {
    int64_t at;            /* the time of validation */
    struct evidence_signature signature;
    struct evidence_path path;
    struct evidence_status status;
    struct evidence_registry registry;
    struct evidence_timestamp timestamp;
    bool has_signer;
    struct attributes signer; /* personal data */
};

struct verdict {
    enum indication indication;
    enum sub_indication sub;
    enum verdict_word word;
    int64_t as_of;         /* the time for which the verdict speaks: a proof of existence, or the time of validation */
    bool proven;           /* as_of comes from a time-stamp */
    enum indication today; /* the verdict without the time-stamp: today's state */
    enum sub_indication today_sub;
    enum verdict_word today_word;
    const char *reason;    /* static, or borrowed from the evidence */
    const char *today_reason;
};

const char *indication_name(enum indication indication);  /* "TOTAL_PASSED" */
const char *sub_indication_name(enum sub_indication sub);  /* "REVOKED_NO_POE"; "" for SUB_NONE */
const char *verdict_word_name(enum verdict_word word);     /* "VALID" */
const char *signature_format_name(enum signature_format format);
const char *crl_reason_name(int code); /* "affiliationChanged"; "unspecified" for -1 and 0; "?" outside RFC 5280 */

/* May this pair stand together (EN 319 102-1 tables 5 and 6)? */
bool indication_allows(enum indication indication, enum sub_indication sub);

#endif

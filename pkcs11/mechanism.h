/* mechanism.h — the mechanisms of a JPKI token as rows. */
#ifndef JPKI_PKCS11_MECHANISM_H
#define JPKI_PKCS11_MECHANISM_H

#include "base/buf.h"
#include "base/err.h"
#include "pkcs11/cryptoki.h"

#include <openssl/evp.h>

enum mechanism_padding {
    MECHANISM_NONE,  /* a digest */
    MECHANISM_PKCS1, /* RSASSA-PKCS1-v1_5 */
    MECHANISM_PSS,   /* RSASSA-PSS, SHA-256, MGF1 with SHA-256, 32 bytes of salt: all that the card has */
    MECHANISM_ECDSA, /* on P-384; a signature is r and s, 48 bytes each */
};

struct mechanism {
    CK_MECHANISM_TYPE type;
    enum mechanism_padding padding;
    const char *digest; /* OpenSSL's name of what is done to the data first; NULL: the data is taken as it comes */
};

#define MECHANISM_PSS_HASH_LEN 32u
#define MECHANISM_EC_BITS 384u
#define MECHANISM_EC_LEN (MECHANISM_EC_BITS / 8)

/* What the card in question can do besides PKCS#1; with EC keys, only that. */
enum mechanism_card { MECHANISM_CARD_PKCS1 = 0, MECHANISM_CARD_PSS = 1, MECHANISM_CARD_EC = 2 };

/* NULL when there is none of that type, or when the card cannot do it. */
const struct mechanism *mechanism_find(CK_MECHANISM_TYPE type, unsigned card);

/* C_GetMechanismList's part: two-call length rule. */
CK_RV mechanism_list(unsigned card, CK_MECHANISM_TYPE *types, CK_ULONG *count);
/* rsa_bits: of the card's keys, where they are RSA keys. */
void mechanism_info(const struct mechanism *mechanism, unsigned rsa_bits, CK_MECHANISM_INFO *info);

/* Whether the parameters fit the row. CKR_MECHANISM_PARAM_INVALID. */
CK_RV mechanism_check_params(const struct mechanism *mechanism, const CK_MECHANISM *params);

/* Appends the DER DigestInfo of a hash value made with the digest of that name. RC_CRYPTO, RC_NOMEM. */
enum rc mechanism_digest_info(const char *digest, struct bytes hash, struct buf *out) MUST_CHECK;

/* Appends what a P-384 key signs for a hash of any length: its leftmost 48 bytes, or zeros before it (FIPS 186-5 §6.4.1).
 * RC_NOMEM. */
enum rc mechanism_fit_hash(struct bytes hash, struct buf *out) MUST_CHECK;

/* Judges a signature over input, which is what the row's padding covers: a DigestInfo or other bytes for PKCS1, a SHA-256
 * hash for PSS, a fitted hash for ECDSA. RC_BAD_SIGNATURE, RC_CRYPTO. */
enum rc mechanism_verify(enum mechanism_padding padding, EVP_PKEY *key, struct bytes input, struct bytes signature)
    MUST_CHECK;

#endif

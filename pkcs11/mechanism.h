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
};

struct mechanism {
    CK_MECHANISM_TYPE type;
    enum mechanism_padding padding;
    const char *digest; /* OpenSSL's name of what is done to the data first; NULL: the data is taken as it comes */
};

#define MECHANISM_KEY_BITS 2048u
#define MECHANISM_PSS_HASH_LEN 32u

/* NULL when there is none of that type, or (without pss) when the card in question cannot do it. */
const struct mechanism *mechanism_find(CK_MECHANISM_TYPE type, bool pss);

/* C_GetMechanismList's part: two-call length rule. */
CK_RV mechanism_list(bool pss, CK_MECHANISM_TYPE *types, CK_ULONG *count);
void mechanism_info(const struct mechanism *mechanism, CK_MECHANISM_INFO *info);

/* Whether the parameters fit the row. CKR_MECHANISM_PARAM_INVALID. */
CK_RV mechanism_check_params(const struct mechanism *mechanism, const CK_MECHANISM *params);

/* Appends the DER DigestInfo of a hash value made with the digest of that name. RC_CRYPTO, RC_NOMEM. */
enum rc mechanism_digest_info(const char *digest, struct bytes hash, struct buf *out) MUST_CHECK;

/* Judges a signature over input, which is what the row's padding covers: a DigestInfo or other bytes for PKCS1, a SHA-256
 * hash for PSS. RC_BAD_SIGNATURE, RC_CRYPTO. */
enum rc mechanism_verify(enum mechanism_padding padding, EVP_PKEY *key, struct bytes input, struct bytes signature)
    MUST_CHECK;

#endif

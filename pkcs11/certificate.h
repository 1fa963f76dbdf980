/* certificate.h — what the attributes of objects are made of: a certificate of the card taken apart once. */
#ifndef JPKI_PKCS11_CERTIFICATE_H
#define JPKI_PKCS11_CERTIFICATE_H

#include "base/buf.h"
#include "base/err.h"

#include <openssl/evp.h>

/* In the caller's memory; every buffer is its own copy. */
struct certificate {
    struct buf der, subject, issuer, serial; /* DER */
    struct buf spki;                         /* SubjectPublicKeyInfo, DER */
    struct buf modulus, exponent;            /* of an RSA key: big-endian, no leading zero */
    struct buf ec_parameters, ec_point;      /* of an EC key: the curve's OBJECT IDENTIFIER and the uncompressed point in an
                                                OCTET STRING, both DER, as Cryptoki wants them */
    unsigned long key_bits;                  /* of the modulus, or of the curve's field */
    EVP_PKEY *key;
    uint8_t subject_key_hash[20]; /* SHA-1 of the bits of the public key */
    uint8_t check_value[3];       /* the first bytes of the certificate's SHA-1 (PKCS#11 §4.6.3) */
    char not_before[8], not_after[8]; /* CK_DATE: YYYYMMDD */
};

/* Copies der. RC_FORMAT: no certificate, or its key is neither RSA nor EC on a named curve. RC_NOMEM, RC_CRYPTO. On failure it is empty. */
enum rc certificate_init(struct certificate *certificate, struct bytes der) MUST_CHECK;
bool certificate_is_ec(const struct certificate *certificate);
void certificate_wipe(struct certificate *certificate);

#endif

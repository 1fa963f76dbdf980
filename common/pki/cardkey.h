/* cardkey.h — an EVP_PKEY whose private operation is a call-back: how OpenSSL's CMS and CMP sign with a card's key. */
#ifndef JPKI_PKI_CARDKEY_H
#define JPKI_PKI_CARDKEY_H

#include "base/buf.h"
#include "base/err.h"

#include <openssl/evp.h>

/* Signs. RSA: pads `input` (a DER DigestInfo) with PKCS#1 v1.5; `out` has the modulus's length. P-384: `input` is the digest,
 * `out` has 96 bytes for r and s. RC_OK or the reason. */
typedef enum rc (*cardkey_sign_fn)(void *context, struct bytes input, uint8_t *out, size_t out_len);

/* The key with the public part of public_key (RSA, or EC on any curve). RC_UNSUPPORTED: another kind. The context is borrowed until EVP_PKEY_free of the key. What the
 * call-back returned last is kept and read with cardkey_last, since OpenSSL only says that signing failed. */
enum rc cardkey_new(EVP_PKEY *public_key, cardkey_sign_fn sign, void *context, EVP_PKEY **key, struct err *err) MUST_CHECK;
enum rc cardkey_last(const EVP_PKEY *key);

#endif

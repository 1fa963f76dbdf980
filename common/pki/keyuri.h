/* keyuri.h — private keys by URI: "pkcs11:token=…;object=…?module-path=…&pin-source=file:…" (RFC 7512) or a PEM file's
 * path. The one file that links libp11. */
#ifndef JPKI_PKI_KEYURI_H
#define JPKI_PKI_KEYURI_H

#include "base/err.h"
#include "base/secret.h"
#include "pki/suite.h"

#include <openssl/evp.h>

struct keyuri; /* the loaded module, the logged-in token and the key */

/* Opens the key. A PEM file must not be readable by others (RC_DENIED). RC_NOT_FOUND (module, token or key, named in
 * err), RC_CONFLICT when more than one token or key matches, RC_PIN_NEEDED, RC_PIN_WRONG, RC_PIN_BLOCKED, RC_CRYPTO,
 * RC_FORMAT. The PIN comes from pin-source only; pin-value is refused (RC_DENIED: it would stand in argv or a
 * configuration). The keys of one module in a process share it and its login: a token that is logged in asks for no PIN
 * again. After fork(2), open anew in the child. */
enum rc keyuri_open(const char *uri, struct keyuri **key, struct err *err) MUST_CHECK;
void keyuri_close(struct keyuri *key);

/* Borrowed until keyuri_close. Usable with EVP_DigestSign; private operations happen in the token. */
EVP_PKEY *keyuri_get(struct keyuri *key);

/* Makes a key pair of the suite inside the token that the URI names, labelled by its object attribute,
 * sensitive and not extractable. RC_EXISTS when an object of that label exists; otherwise as keyuri_open. */
enum rc keyuri_generate(const char *uri, enum suite suite, struct err *err) MUST_CHECK;

#endif

/* keyuri_parts.h — a PKCS#11 URI taken apart. Used by keyuri.c and keyuri_generate.c only. */
#ifndef JPKI_PKI_KEYURI_PARTS_H
#define JPKI_PKI_KEYURI_PARTS_H

#include "base/err.h"
#include "base/secret.h"

#include <p11-kit/uri.h>

struct keyuri_parts {
    P11KitUri *uri;
    const char *module;   /* borrowed from uri */
    const char *pin_path; /* borrowed; NULL: none given */
};

/* RC_FORMAT; RC_DENIED for pin-value. */
enum rc keyuri_parts_parse(const char *text, struct keyuri_parts *parts, struct err *err) MUST_CHECK;
void keyuri_parts_wipe(struct keyuri_parts *parts);

/* The PIN, with a NUL behind it that does not count, for functions that want a string. RC_PIN_NEEDED without a
 * pin-source; RC_NOT_FOUND, RC_DENIED, RC_FORMAT of its file. */
enum rc keyuri_parts_pin(const struct keyuri_parts *parts, struct secret *pin, struct err *err) MUST_CHECK;

/* Cryptoki's return values in the house's words. */
enum rc keyuri_parts_rc(unsigned long ckr);

#endif

/* sealed.h — JSON objects with a signature inside: over their compact text with sorted keys, without the signature
 * itself. A change notice is one, and the release by which a municipality lets a person go. */
#ifndef JPKI_REGISTRY_SEALED_H
#define JPKI_REGISTRY_SEALED_H

#include "net/opseal.h"

#include <jansson.h>

/* Adds "signature". */
enum rc sealed_sign(const struct opseal *seal, json_t *object, struct err *err) MUST_CHECK;

/* The text that was signed, appended. */
enum rc sealed_text(const json_t *object, struct buf *text) MUST_CHECK;

/* Checks "signature" by a certificate (hex) and that its holder is the node of that municipality. RC_FORMAT, RC_DENIED.
 */
enum rc sealed_check(struct opseal *seal, const json_t *object, const char *certificate, const char *municipality,
                     struct peer *signer, struct err *err) MUST_CHECK;

/* A whole request's notices: the signature of each and of each release in them (which brings its own certificate).
 * Writes the signer's serial number into each as "signer", for whoever keeps them. */
enum rc sealed_check_notices(struct opseal *seal, const json_t *body, const char *municipality,
                             struct err *err) MUST_CHECK;

#endif

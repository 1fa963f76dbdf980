/* received.h — the signed notices that a receiver keeps: one of them with what its signature is worth. */
#ifndef JPKI_REGISTRY_RECEIVED_H
#define JPKI_REGISTRY_RECEIVED_H

#include "net/opseal.h"
#include "store/store.h"

#include <jansson.h>

/* A kept notice: {"municipality","sequence","notice":{…},"signature","signer":{"role","municipality","name","serial"}},
 * signer as far as the certificate says. *valid: the signature is that municipality's node's, by a certificate of the
 * operations authority that was valid when the notice was recorded; else *why says what is wrong. RC_NOT_FOUND: none
 * such is kept: never received, or erased. No transaction needed. Caller decrefs. Holds personal data. */
enum rc received_show(struct store *store, struct opseal *seal, const char *municipality, int64_t sequence,
                      json_t **out, bool *valid, struct err *why, struct err *err) MUST_CHECK;

/* Whose notice it is ("" for a void one), for the record of use. RC_NOT_FOUND. No transaction needed. */
enum rc received_code(struct store *store, const char *municipality, int64_t sequence, char code[12],
                      struct err *err) MUST_CHECK;

#endif

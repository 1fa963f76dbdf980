/* sealstamp.h — time-stamps over the heads of the audit trail (RFC 3161), by an authority that is none of ours: who holds this machine, its book and
 * its HSM can seal another story later, but not at an earlier time. The stamp is kept with its seal in the book. Getting one is
 * somebody else's work (openssl ts, curl): nothing here connects to anybody. */
#ifndef JPKI_CA_SEALSTAMP_H
#define JPKI_CA_SEALSTAMP_H

#include "ca/ca.h"

/* Keeps the response of a time-stamping authority for the seal whose head that file is. trust: PEM certificates. RC_OK also for the
 * same one again. RC_NOT_FOUND: no such seal in the book; RC_FORMAT; RC_BAD_SIGNATURE: not a stamp over this head that the trust
 * leads to; RC_CONFLICT: the stamp is of an earlier time than the seal, or of the future. *time: of the stamp. */
enum rc sealstamp_keep(struct ca *ca, const char *head, const char *response, const char *trust, int64_t *time, struct err *err)
    MUST_CHECK;

/* Every stamp in the book against its seal. trust NULL: they are only counted. RC_CONFLICT names the seal. */
enum rc sealstamp_verify(struct ca *ca, const char *trust, int64_t *count, struct err *err) MUST_CHECK;

#endif

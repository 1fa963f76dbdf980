/* revoke.h — ending a certificate before its time, and which event of the registry ends which. */
#ifndef JPKI_CA_REVOKE_H
#define JPKI_CA_REVOKE_H

#include "ca/ca.h"

/* CRLReason (RFC 5280 §5.3.1), those of docs/PROFILE.md. */
enum revoke_reason {
    REVOKE_UNSPECIFIED = 0,
    REVOKE_KEY_COMPROMISE = 1,
    REVOKE_CA_COMPROMISE = 2,
    REVOKE_AFFILIATION_CHANGED = 3,
    REVOKE_SUPERSEDED = 4,
    REVOKE_CESSATION = 5,
    REVOKE_HOLD = 6, /* one way for card certificates: never lifted */
};

const char *revoke_reason_name(int reason); /* "keyCompromise"; "?" */
/* By name or number. RC_NOT_FOUND. */
enum rc revoke_reason_parse(const char *text, int *reason) MUST_CHECK;

/* Durable when it returns; the CRL follows with publish_due. Again with the same reason is RC_OK and changes nothing;
 * with another one RC_STATE: the first stands. RC_NOT_FOUND. */
enum rc revoke_certificate(struct ca *ca, enum authority authority, const char *serial, int reason, const char *actor,
                           const char *why, struct err *err) MUST_CHECK;
enum rc revoke_by_id(struct ca *ca, int64_t id, int reason, const char *actor, const char *why, struct err *err) MUST_CHECK;

/* Inside an open transaction: the certificate was renewed by `successor`. Nothing when it is revoked already. */
enum rc revoke_replaced(struct ca *ca, int64_t id, const char *actor, const char *successor, struct err *err) MUST_CHECK;

/* The authority's key of that generation is in other hands (公的個人認証法 14): its own certificate first, then everything that it has
 * signed and that has not ended, reason cACompromise, in steps that can be taken up again. From the first step on the
 * key issues nothing more. *count certificates. */
enum rc revoke_generation(struct ca *ca, enum authority authority, unsigned generation, const char *actor, size_t *count,
                          struct err *err) MUST_CHECK;

/* RC_STATE when that key is compromised. */
enum rc revoke_check_key(struct ca *ca, enum authority authority, unsigned generation, struct err *err) MUST_CHECK;

/* What an event does to a certificate of an authority: a reason, or -1 for nothing. RC_NOT_FOUND: no such event. */
enum rc revoke_event_reason(const char *event, enum authority authority, int *reason) MUST_CHECK;

struct revoke_link {
    enum authority authority;
    const char *serial;
};

/* One event of the registry with everything it revokes, in one transaction. Known sequences change nothing (RC_OK).
 * RC_CONFLICT: a gap, *expected is the sequence that must come. Certificates that are unknown or already revoked are
 * passed over, and the trail says so: an event never blocks those behind it. */
enum rc revoke_on_event(struct ca *ca, int64_t sequence, const char *event, const char *time,
                        const struct revoke_link *links, size_t count, int64_t *expected, struct err *err) MUST_CHECK;

#endif

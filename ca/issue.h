/* issue.h — issuance that loses nothing and doubles nothing.
 *
 * Order: decide → one transaction { serial, exact to-be-signed bytes, audit row } → sign → compare → one transaction
 * { certificate, audit row }, each for all who ask at that moment → CRL of the municipality exists → answer. Whoever asks again with the same request name and
 * key gets the same certificate, whatever happened to the first answer; recovery signs the same recorded bytes. */
#ifndef JPKI_CA_ISSUE_H
#define JPKI_CA_ISSUE_H

#include "ca/ca.h"

struct issue_order {
    enum authority authority;
    const char *request;          /* the desk's name of the enrolment, at most 160 bytes */
    struct bytes public_key;      /* DER SubjectPublicKeyInfo; possession was proved */
    const char *municipality;     /* 6 digits */
    const char *officer;          /* who asks, for the book: "desk-officer 0A1B2C3D" */
    const struct attributes *attributes; /* card certificates; of the authentication one only the birth date is used */
    int64_t card_expiry, auth_not_after;
    const char *renews;           /* serial of the active certificate that this one follows; NULL: none */
    const char *role, *name, *dns;       /* operations certificates */
    bool ward;                    /* an adult ward gets no signature certificate */
    bool responder;                      /* who answers OCSP for the authority; needs neither attributes nor card */
    unsigned generation;                 /* of a responder: for whose certificates it answers; 0: the newest key's */
};

/* Many threads may ask at once, without ca_lock: those who wait share the transactions and follow each other at the key.
 * *cert is filled and wiped by the caller. RC_CONFLICT: the request is known with another key or municipality;
 * RC_DENIED: too young for a signature certificate, or a ward; RC_RANGE: nothing of the card's life is left, or a weak key;
 * RC_FORMAT; RC_STATE: the certificate was revoked meanwhile, or it
 * is not the time to renew; faults. */
enum rc issue_certificate(struct ca *ca, const struct issue_order *order, struct book_cert *cert,
                          struct err *err) MUST_CHECK;

/* Pending → active, and what it renews is revoked (superseded) in the same step. Again is RC_OK. RC_STATE when it is revoked. */
enum rc issue_confirm(struct ca *ca, int64_t id, const char *actor, struct err *err) MUST_CHECK;

/* After a start: signs what was recorded and not signed. Without ca_lock. */
enum rc issue_recover(struct ca *ca, struct err *err) MUST_CHECK;

/* Revokes (unspecified) what stayed unconfirmed longer than the configuration allows. *count certificates. */
enum rc issue_expire_pending(struct ca *ca, size_t *count, struct err *err) MUST_CHECK;

#endif

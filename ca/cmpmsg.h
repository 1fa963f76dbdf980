/* cmpmsg.h — what the intake must know of a CMP message before and beside OpenSSL: its kind, its numbers, and the parts
 * that OpenSSL 3.0 parses but does not give out. Strict DER; nothing here is verified. */
#ifndef JPKI_CA_CMPMSG_H
#define JPKI_CA_CMPMSG_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

/* The choice of PKIBody (RFC 9810 §5.1.2), as context tag number. */
enum cmpmsg_body {
    CMPMSG_IR = 0,
    CMPMSG_CR = 2,
    CMPMSG_P10CR = 4,
    CMPMSG_KUR = 7,
    CMPMSG_RR = 11,
    CMPMSG_ERROR = 23,
    CMPMSG_CERT_CONF = 24,
    CMPMSG_POLL_REQ = 25,
};

struct cmpmsg {
    unsigned body;
    char transaction[129], sender_nonce[129]; /* hex; "" when absent */
    bool signed_protection; /* protection by a signature algorithm */
    struct bytes content;   /* of the body */
    size_t extra_certs;
};

/* Header and kind. RC_FORMAT, also for a transactionID or nonce of more than 64 bytes. Borrows from der. */
enum rc cmpmsg_parse(struct bytes der, struct cmpmsg *msg, struct err *err) MUST_CHECK;

/* ir, cr, p10cr, kur: the one request's public key, as DER SubjectPublicKeyInfo, appended. RC_FORMAT; RC_UNSUPPORTED: not exactly one. */
enum rc cmpmsg_public_key(const struct cmpmsg *msg, struct buf *spki, struct err *err) MUST_CHECK;

/* certConf: whether the one certificate is accepted; none listed, or a status of rejection, is a rejection. */
enum rc cmpmsg_confirmed(const struct cmpmsg *msg, bool *accepted, struct err *err) MUST_CHECK;

/* rr: the reason of the one entry; 0 when it names none. */
enum rc cmpmsg_reason(const struct cmpmsg *msg, int *reason, struct err *err) MUST_CHECK;

#endif

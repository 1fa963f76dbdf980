/* cmporder.h — what a CMP request asks for, out of its template (RFC 4211) or its PKCS #10 (RFC 2986), as an order for
 * issuance. Possession of the key was proved to OpenSSL before. */
#ifndef JPKI_CA_CMPORDER_H
#define JPKI_CA_CMPORDER_H

#include "ca/cmpmsg.h"
#include "ca/issue.h"
#include "net/identity.h"
#include "pki/registration.h"

#include <openssl/cmp.h>

struct cmporder {
    struct buf public_key;
    struct attributes attributes;
    struct registration registration;
    char renews[BOOK_SERIAL_SIZE];
    struct issue_order order; /* points into the rest */
};

/* Of ir, cr and kur `request` is given, of p10cr `p10`. issuer: the authority's name, which a kur's old certificate
 * must have. officer: who asks, for the book; borrowed as long as the order. RC_FORMAT names what is missing, RC_DENIED
 * another municipality than the peer's, RC_NOT_FOUND a certificate to be renewed that is not this authority's. The
 * caller wipes. */
enum rc cmporder_read(const struct cmpmsg *msg, const OSSL_CRMF_MSG *request, const X509_REQ *p10,
                      enum authority authority, const X509_NAME *issuer, const struct peer *peer, const char *officer,
                      struct cmporder *order, struct err *err) MUST_CHECK;
void cmporder_wipe(struct cmporder *order);

/* A serial number as the house writes it, appended. RC_FORMAT. */
enum rc cmporder_serial(const ASN1_INTEGER *serial, struct buf *text) MUST_CHECK;

#endif

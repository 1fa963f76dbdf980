/* cmpserver.h — CMP (RFC 9810) as the authorities speak it: ir, certConf and rr, protected by the signature of the very
 * certificate that made the TLS connection. OpenSSL's server context is made afresh for each message, so that nothing of one
 * message stays for the next. For a certConf it is brought to where it was by giving it the recorded ir once more (its
 * answer is dropped, nothing is issued) and the nonce of the answer that was sent: it works after a restart too. */
#ifndef JPKI_CA_CMPSERVER_H
#define JPKI_CA_CMPSERVER_H

#include "ca/ca.h"
#include "net/identity.h"

#include <openssl/evp.h>

#define CMPSERVER_BODY_MAX (64u * 1024u)

struct cmpserver {
    struct ca *ca;
    X509 *cert;    /* the intake's own operations certificate (role ca), */
    EVP_PKEY *key; /* its key: protects the answers */
};

/* From the intake's identity. */
enum rc cmpserver_open(struct ca *ca, const struct identity *identity, struct cmpserver *server, struct err *err) MUST_CHECK;
void cmpserver_close(struct cmpserver *server);

/* One message to one authority; the answer's DER is appended to out. A refusal is an answer too (RC_OK with a CMP
 * rejection or error inside); an rc means that there is no answer: RC_FORMAT, RC_DENIED (the peer's certificate is not in
 * the book, is revoked or expired, or did not sign the message), RC_UNSUPPORTED (kind of message, protection by password),
 * RC_NOT_FOUND (certConf of an unknown transaction). Without ca_lock: it is taken for each look at the book, so that those
 * who ask at once are issued at once. */
enum rc cmpserver_answer(struct cmpserver *server, enum authority authority, const struct peer *peer,
                         struct bytes message, struct buf *out, struct err *err) MUST_CHECK;

#endif

/* ocspbox.h — the responder's keys, and the box between the responder and the authorities: the folder ocsp/ in the state
 * folder. The responder makes its own keys; the authorities only ever see a certification request there, and answer it
 * with a certificate. Neither calls the other, neither needs the other's rights. Of an authority's second key the names begin
 * with sign-2, and so on.
 *
 *   sign.pem       the key and certificate in use, one file (0600), replaced atomically       responder writes
 *   sign.next.key  the key to come                                                           responder writes
 *   sign.next.req  its PKCS #10 request (DER)                               responder writes, authorities remove
 *   sign.next.cer  its certificate (DER)                                    authorities write, responder removes */
#ifndef JPKI_CA_OCSPBOX_H
#define JPKI_CA_OCSPBOX_H

#include "ca/ca.h"

#define OCSPBOX_RENEW (5 * 86400) /* a certificate with less than this left is made anew */

struct ocspkey {
    EVP_PKEY *key;
    X509 *cert;
    int64_t not_after; /* 0: none yet */
    bool judged;       /* the certificate, by the linter: answers need not be judged for it again */
};

void ocspkey_wipe(struct ocspkey *key);

/* The responder's turn, again and again: loads what is in use when *key is empty, takes over a certificate that has come,
 * makes a key and a request when the one in use ends soon. *changed says that *key is another one now. A certificate
 * that is not of this authority and key is refused (RC_CONFLICT) and the request made again. */
enum rc ocspbox_keep(const char *folder, enum authority authority, unsigned generation, X509 *issuer,
                     struct ocspkey *key, bool *changed, struct err *err) MUST_CHECK;

/* The authorities' turn: certifies what lies in the box. *count certificates. A request that is unreadable or not signed
 * by its own key is removed with a warning. Without ca_lock. */
enum rc ocspbox_serve(struct ca *ca, size_t *count, struct err *err) MUST_CHECK;

#endif

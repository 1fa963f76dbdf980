/* cert.h — reading certificates: what several rooms ask of one. Nothing here judges trust. */
#ifndef JPKI_PKI_CERT_H
#define JPKI_PKI_CERT_H

#include "base/buf.h"
#include "base/err.h"

#include <openssl/x509.h>

/* DER, the whole input. RC_FORMAT. Caller frees with X509_free. */
enum rc cert_parse(struct bytes der, X509 **cert) MUST_CHECK;

/* The certificate at the start of a card file: its own length says where it ends, the rest is filler.
 * RC_NOT_FOUND when no SEQUENCE starts here (the file is empty), RC_FORMAT. *der borrows from file. */
enum rc cert_in_file(struct bytes file, struct bytes *der) MUST_CHECK;

enum rc cert_encode(X509 *cert, struct buf *out) MUST_CHECK;

/* PEM or DER from a file. Names the path in err. */
enum rc cert_read(const char *path, X509 **cert, struct err *err) MUST_CHECK;

/* Every certificate of a PEM file. Caller frees with sk_X509_pop_free. */
enum rc cert_read_all(const char *path, STACK_OF(X509) **certs, struct err *err) MUST_CHECK;

/* The serial number as upper-case hex without leading zero bytes ("0132C4AB"): how the house writes serials everywhere.
 * Appended to out. */
enum rc cert_serial(const X509 *cert, struct buf *out) MUST_CHECK;

int64_t cert_not_before(const X509 *cert);
int64_t cert_not_after(const X509 *cert);

/* An ASN1_TIME as seconds since 1970. RC_FORMAT. */
enum rc cert_time(const ASN1_TIME *time, int64_t *out) MUST_CHECK;

#endif

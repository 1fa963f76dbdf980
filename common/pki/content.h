/* content.h — bytes as the detached content that OpenSSL's CMS_verify reads. */
#ifndef JPKI_PKI_CONTENT_H
#define JPKI_PKI_CONTENT_H

#include "base/buf.h"

#include <openssl/bio.h>

/* Borrows the bytes until BIO_free_all. NULL when out of memory. Not a plain memory BIO: of such a one CMS_verify makes a copy
 * that OpenSSL before 3.0.20 leaks when the message names a digest that it does not know. */
BIO *content_bio(struct bytes content);

#endif

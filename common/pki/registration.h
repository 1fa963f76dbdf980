/* registration.h — what a desk tells an authority beside the public key: an extension in the CRMF certificate template
 * (RFC 4211 §5, docs/PROTOCOLS.md). It never gets into a certificate.
 *
 *   Registration ::= SEQUENCE {
 *     request       UTF8String,        -- the desk's name of this enrolment: the same again is the same request
 *     municipality  PrintableString,   -- 6 digits, must be the officer's own
 *     card          PrintableString,   -- serial number of the card, 16 characters
 *     cardExpiry    GeneralizedTime,   -- no certificate outlives the card
 *     authNotAfter  [0] EXPLICIT GeneralizedTime OPTIONAL,   -- for the signature certificate: the other one's end
 *     ward          [1] EXPLICIT BOOLEAN DEFAULT FALSE }     -- 成年被後見人: gets no signature certificate */
#ifndef JPKI_PKI_REGISTRATION_H
#define JPKI_PKI_REGISTRATION_H

#include "base/buf.h"
#include "base/err.h"

#include <openssl/x509.h>
#include <stdbool.h>

#define REGISTRATION_OID "2.25.17569514329208969544467099063828328176"

struct registration {
    char request[65];
    char municipality[7];
    char card[17];
    int64_t card_expiry;
    int64_t auth_not_after; /* 0: absent */
    bool ward;
};

/* The extension, not critical; caller frees with X509_EXTENSION_free. */
enum rc registration_to_extension(const struct registration *registration, X509_EXTENSION **extension) MUST_CHECK;

/* RC_NOT_FOUND when the extensions hold none, RC_FORMAT. */
enum rc registration_from_extensions(const X509_EXTENSIONS *extensions, struct registration *registration,
                                     struct err *err) MUST_CHECK;

#endif

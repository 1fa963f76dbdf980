/* extensions.h — the certificate and CRL extensions of the house, one function each, appended in the order of the calls.
 * All: RC_NOMEM. The stack is the caller's (sk_X509_EXTENSION_pop_free); *list may start as NULL. */
#ifndef JPKI_CA_EXTENSIONS_H
#define JPKI_CA_EXTENSIONS_H

#include "base/buf.h"
#include "base/rc.h"

#include <openssl/x509v3.h>
#include <stdbool.h>

/* Bits as in RFC 5280 §4.2.1.3: 0 digitalSignature, 1 nonRepudiation, 5 keyCertSign, 6 cRLSign; -1 ends. Critical. */
enum rc ext_key_usage(X509_EXTENSIONS **list, int bit, int other_bit) MUST_CHECK;
enum rc ext_extended_key_usage(X509_EXTENSIONS **list, bool critical, int nid, int other_nid) MUST_CHECK;

/* extendedKeyUsage of who signs documents: id-kp-documentSigning (RFC 9336), and emailProtection, which readers that know
 * only the older one (NSS) look for. */
enum rc ext_document_signing(X509_EXTENSIONS **list) MUST_CHECK; /* 0: none */
enum rc ext_policy(X509_EXTENSIONS **list, const char *oid, const char *cps_uri) MUST_CHECK;             /* critical */
enum rc ext_names(X509_EXTENSIONS **list, int nid, const GENERAL_NAMES *names) MUST_CHECK;  /* subject-, issuerAltName */
enum rc ext_directory_name(X509_EXTENSIONS **list, int nid, const X509_NAME *name) MUST_CHECK; /* the same, one name */
enum rc ext_crldp(X509_EXTENSIONS **list, const X509_NAME *point) MUST_CHECK;
enum rc ext_ocsp(X509_EXTENSIONS **list, const char *uri) MUST_CHECK;
enum rc ext_ocsp_no_check(X509_EXTENSIONS **list) MUST_CHECK;
enum rc ext_basic_ca(X509_EXTENSIONS **list) MUST_CHECK; /* critical, no pathLen */

/* keyIdentifier = the issuer's subjectKeyIdentifier (SHA-1 of its key), its issuer name and serial when with_issuer. */
enum rc ext_authority_key(X509_EXTENSIONS **list, X509 *issuer, bool with_issuer) MUST_CHECK;
/* SHA-1 over the BIT STRING of the DER SubjectPublicKeyInfo (RFC 5280 §4.2.1.2 (1)). RC_FORMAT. */
enum rc ext_subject_key(X509_EXTENSIONS **list, struct bytes public_key) MUST_CHECK;

/* CRLs: the number; the scope (critical), a distribution point's full name and whether only CA certificates. */
enum rc ext_crl_number(X509_EXTENSIONS **list, int64_t number) MUST_CHECK;
enum rc ext_crl_scope(X509_EXTENSIONS **list, const X509_NAME *point, bool only_ca) MUST_CHECK;

#endif

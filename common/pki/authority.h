/* authority.h — the authorities of the house and what their names are made of. */
#ifndef JPKI_PKI_AUTHORITY_H
#define JPKI_PKI_AUTHORITY_H

#include "base/buf.h"
#include "base/err.h"

#include <openssl/x509.h>

enum authority {
    AUTHORITY_SIGN, /* 署名用 */
    AUTHORITY_AUTH, /* 利用者証明用 */
    AUTHORITY_OPS,  /* computers and officers: TLS identities, CMP protection; not part of JPKI */
    AUTHORITY_COUNT
};

const char *authority_name(enum authority authority);      /* "sign", "auth", "ops": in URLs, folders, JSON */
enum rc authority_parse(const char *name, enum authority *authority) MUST_CHECK;

/* The CA's distinguished name with O=organisation ("JPKI-TEST"); caller frees. RC_NOMEM. */
enum rc authority_dn(enum authority authority, const char *organisation, X509_NAME **name) MUST_CHECK;

/* Which of the two JPKI authorities' shape a name has (OU "JPKI for …"). RC_NOT_FOUND. The key decides trust, not this. */
enum rc authority_of_name(const X509_NAME *name, enum authority *authority) MUST_CHECK;

/* The name of a municipality's CRL distribution point (docs/PROFILE.md): C, O, OU=JPKI for …, OU=CRL Distribution
 * Points, OU=prefecture, CN="<municipality> CRLDP"; caller frees. */
enum rc authority_crldp(enum authority authority, const char *organisation, const char *municipality_code,
                        X509_NAME **name, struct err *err) MUST_CHECK;

/* The path below a publication folder for the CRL of a distribution point name: "sign/Kagoshima-ken/Kagoshima-shi.crl";
 * "sign/ca.crl" when the name is the CA's own. Only letters, digits and '-' of the names are used: anything else is
 * RC_FORMAT. Appended to out. */
enum rc authority_crl_path(const X509_NAME *distribution_point, struct buf *out, struct err *err) MUST_CHECK;

/* The list of that point by another key of the authority than the newest has the key's identifier behind it:
 * "….crl" becomes "….<first 8 bytes in hex>.crl". Changes out, which ends in ".crl". RC_FORMAT: no identifier. */
enum rc authority_crl_path_of_key(const X509 *issuer, struct buf *out) MUST_CHECK;

#endif

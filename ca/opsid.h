/* opsid.h — operations identities: a new key and its certificate in a folder (net/identity.h). */
#ifndef JPKI_CA_OPSID_H
#define JPKI_CA_OPSID_H

#include "ca/ca.h"

struct opsid {
    const char *role;         /* net/identity.h */
    const char *name;         /* CN */
    const char *municipality; /* 6 digits; "000000" for none */
    const char *dns;          /* host names and addresses of a server, with commas; NULL: localhost and 127.0.0.1 only */
    const char *folder;
};

/* key.pem (0600) first, then ca.pem, cert.pem last: a torn run is repeated with the key it had made and gets the same
 * certificate. RC_EXISTS when cert.pem is there; RC_FORMAT: role, municipality or name. */
enum rc opsid_issue(struct ca *ca, const struct opsid *opsid, struct err *err) MUST_CHECK;

#endif

/* caconfig.h — the state folder of the authorities: config.json and the paths of what lies beside it.
 *
 * config.json exists exactly when the authorities are founded. While they are being founded the same content stands in
 * founding.json, so that a torn founding finds its own keys again. */
#ifndef JPKI_CA_CACONFIG_H
#define JPKI_CA_CACONFIG_H

#include "base/buf.h"
#include "base/err.h"
#include "pki/authority.h"
#include "pki/suite.h"

#define CACONFIG_FILE "config.json"
#define CACONFIG_FOUNDING "founding.json"

struct caconfig {
    char organisation[65];
    char publication[512];                  /* folder */
    char store[512];                        /* URL of the book; "": ca.db in the state folder */
    char key_uri[AUTHORITY_COUNT][1200];
    enum suite suite[AUTHORITY_COUNT];
    char policy[AUTHORITY_COUNT][65];       /* OID; "" for operations */
    char cps[129];
    char ocsp[129];
    int64_t pending_seconds;                /* an unconfirmed certificate is revoked after this */
};

/* Names, policies and deadline as an organisation starts with. */
void caconfig_defaults(const char *organisation, struct caconfig *config);

/* RC_NOT_FOUND when there is no such file, RC_FORMAT. */
enum rc caconfig_read(const char *folder, const char *file, struct caconfig *config, struct err *err) MUST_CHECK;
enum rc caconfig_write(const char *folder, const char *file, const struct caconfig *config, struct err *err) MUST_CHECK;

/* The URL of the book on the heap, caller frees; NULL when out of memory. */
char *caconfig_store(const char *folder, const struct caconfig *config);

/* The certificate of an authority: folder/sign.cer. X509_free. */
enum rc caconfig_read_cert(const char *folder, enum authority authority, X509 **cert, struct err *err) MUST_CHECK;

#endif

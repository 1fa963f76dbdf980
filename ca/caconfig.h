/* caconfig.h — the state folder of the authorities: config.json and the paths of what lies beside it.
 *
 * config.json exists exactly when the authorities are founded. During a ceremony, what it will say stands in
 * planned.json, so that a torn one finds its own keys again. */
#ifndef JPKI_CA_CACONFIG_H
#define JPKI_CA_CACONFIG_H

#include "base/buf.h"
#include "base/err.h"
#include "pki/authority.h"
#include "pki/suite.h"

#include <stdbool.h>

#define CACONFIG_FILE "config.json"
#define CACONFIG_PLANNED "planned.json"

/* Keys that an authority may have one after the other under its one name: a change every four years or so. */
#define CACONFIG_GENERATIONS 8u

struct caconfig {
    char organisation[65];
    char publication[512];                  /* folder */
    char store[512];                        /* URL of the book; "": ca.db in the state folder */
    bool random_serials;                    /* of 128 bits; otherwise one counter an authority */
    unsigned generations[AUTHORITY_COUNT];  /* so many keys, the newest of which issues */
    char key_uri[AUTHORITY_COUNT][CACONFIG_GENERATIONS][1200]; /* by generation - 1 */
    enum suite suite[AUTHORITY_COUNT][CACONFIG_GENERATIONS];
    char policy[AUTHORITY_COUNT][65];       /* OID; "" for operations */
    char cps[129];
    char ocsp[129];
    int64_t pending_seconds;                /* an unconfirmed certificate is revoked after this */
    bool two_persons;                       /* a card's certificates want the approval of a second officer (ca/approval.h) */
};

/* Names, policies and deadline as an organisation starts with. */
void caconfig_defaults(const char *organisation, struct caconfig *config);

/* RC_NOT_FOUND when there is no such file, RC_FORMAT. */
enum rc caconfig_read(const char *folder, const char *file, struct caconfig *config, struct err *err) MUST_CHECK;
enum rc caconfig_write(const char *folder, const char *file, const struct caconfig *config, struct err *err) MUST_CHECK;

/* The URL of the book on the heap, caller frees; NULL when out of memory. */
char *caconfig_store(const char *folder, const struct caconfig *config);

/* Where the certificate of a generation lies: folder/sign.cer, folder/sign-2.cer … The caller frees; NULL: no memory. */
char *caconfig_cert_path(const char *folder, enum authority authority, unsigned generation);
enum rc caconfig_read_cert(const char *folder, enum authority authority, unsigned generation, X509 **cert,
                           struct err *err) MUST_CHECK; /* X509_free */

#endif

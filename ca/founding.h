/* founding.h — making the authorities: keys inside the token, self-signed certificates, first lists. */
#ifndef JPKI_CA_FOUNDING_H
#define JPKI_CA_FOUNDING_H

#include "base/err.h"
#include "pki/suite.h"

struct founding {
    const char *program;      /* see signing_open */
    const char *state;        /* folder, made when missing */
    const char *token;        /* label of an initialised PKCS#11 token */
    const char *module;       /* path of the PKCS#11 module */
    const char *pin_file;     /* 0600; the user PIN */
    const char *organisation; /* "JPKI-TEST" */
    enum suite suite;         /* of the two authorities; that of operations is RSA-2048 */
    const char *publication;  /* folder; NULL: state/publication */
    const char *store;        /* URL of the book; NULL: state/ca.db */
};

/* RC_EXISTS when the state is founded already. A run that was torn is repeated with the same call and finishes with the
 * keys it had made. RC_DENIED (PIN file readable by others), RC_NOT_FOUND (token, module), RC_PIN_WRONG. */
enum rc founding_run(const struct founding *founding, struct err *err) MUST_CHECK;

#endif

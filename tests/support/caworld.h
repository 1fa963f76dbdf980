/* caworld.h — founded authorities in a temporary folder, with a SoftHSM2 token of their own: for tests and benchmarks
 * that call ca/ in process. Ends the process with a message when it cannot be made: nothing could be tested then. */
#ifndef JPKI_TESTS_CAWORLD_H
#define JPKI_TESTS_CAWORLD_H

#include "ca/ca.h"
#include "ca/issue.h"

struct caworld {
    char folder[64];              /* /tmp/…; removed by caworld_free */
    char state[80];               /* of the authorities, below it */
    char module[128];             /* SoftHSM2's PKCS#11 module */
    const char *program;          /* jpki-ca, for the signer */
    struct buf public_key;        /* of a holder: DER SubjectPublicKeyInfo, RSA-2048 */
    struct attributes attributes; /* of a made-up adult */
};

void caworld_new(struct caworld *world, const char *program);
void caworld_free(struct caworld *world);

/* A signing ca; ca_close. */
struct ca *caworld_open(const struct caworld *world);

/* An authentication certificate for that holder under the request's name (borrowed). */
struct issue_order caworld_order(const struct caworld *world, const char *request);

#endif

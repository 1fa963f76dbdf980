/* hall.h — what the handlers of the intake share: the authorities, who may speak, and how an answer is made. */
#ifndef JPKI_CA_HALL_H
#define JPKI_CA_HALL_H

#include "ca/cmpserver.h"
#include "net/json.h"
#include "net/server.h"

struct hall {
    struct ca *ca;
    struct ca *lister; /* the same for the thread that makes lists: it waits for nobody, and nobody for it */
    pthread_t lists;
    struct cmpserver cmp;
    int64_t swept; /* when what waits for nobody was taken out */
};

/* TLS has checked chain and time; the book knows whether the certificate still counts. RC_DENIED. Under the lock. */
enum rc hall_check_peer(struct hall *hall, const struct peer *peer, struct err *err) MUST_CHECK;

/* Takes the value; RC_NOMEM also when it is NULL. */
enum rc hall_answer(json_t *json, struct response *response) MUST_CHECK;

#endif

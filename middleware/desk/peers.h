/* peers.h — whom the desk talks to: the registry, the authorities, and the holder who types two PINs. As call-backs, so that
 * the steps can be proved without any of them. */
#ifndef JPKI_DESK_PEERS_H
#define JPKI_DESK_PEERS_H

#include "base/secret.h"
#include "card/card.h"
#include "pki/registration.h"
#include "registry/registry_client.h"

/* What is asked of an authority. Everything borrowed for the call. */
struct peers_order {
    enum authority authority;
    EVP_PKEY *key; /* the card's: proof of possession is made through it */
    const struct attributes *attributes;
    struct registration registration;
    struct bytes confirm; /* empty: only ask; else the certificate as it was read back: the same request again, and certConf
                             when the authority's answer is this certificate */
    bool reject;          /* the same request again, and whatever certificate comes is rejected: answer->cert is it */
};

struct peers_answer {
    struct buf cert, ca; /* DER; ca empty when the authority did not send its certificate */
};

/* How an authority has a certificate. */
enum peers_state { PEERS_PENDING, PEERS_ACTIVE, PEERS_REVOKED };

/* A group of call-backs. RC_REFUSED: said no, and will say so again. RC_STATE (certify): the request's certificate is
 * revoked. RC_UNREACHABLE, RC_TIMEOUT: the step can be tried again. */
struct peers {
    void *context;
    enum rc (*find)(void *context, const char *code, struct resident *resident, struct err *err);
    enum rc (*agree)(void *context, const struct resident *resident, struct err *err); /* the officer looks; RC_REFUSED */
    enum rc (*certify)(void *context, const struct peers_order *order, struct peers_answer *answer, struct err *err);
    enum rc (*state)(void *context, enum authority authority, const char *serial, enum peers_state *state, struct err *err);
    enum rc (*link)(void *context, const struct resident *resident, const struct certificate_link *links, size_t count,
                    struct err *err);
    enum rc (*ask_pin)(void *context, enum card_pin pin, struct secret *value, struct err *err); /* a form-checked new PIN */
    void (*tell)(void *context, const char *keyword, const char *words); /* one line of progress; no personal data in it */
};

#endif

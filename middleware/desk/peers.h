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
};

struct peers_answer {
    struct buf cert, ca; /* DER; ca empty when the authority did not send its certificate */
};

/* A group of call-backs. RC_REFUSED: said no. RC_UNREACHABLE, RC_TIMEOUT: the step can be tried again. */
struct peers {
    void *context;
    enum rc (*find)(void *context, const char *code, struct resident *resident, struct err *err);
    enum rc (*certify)(void *context, const struct peers_order *order, struct peers_answer *answer, struct err *err);
    enum rc (*link)(void *context, const struct resident *resident, const struct certificate_link *links, size_t count,
                    struct err *err);
    enum rc (*ask_pin)(void *context, enum card_pin pin, struct secret *value, struct err *err); /* a form-checked new PIN */
    void (*tell)(void *context, const char *keyword, const char *words); /* one line of progress; no personal data in it */
};

#endif

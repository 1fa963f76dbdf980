/* order.h — one certificate asked of an authority for an enrolment: always the very same request, whether it is sent for the
 * first time, to confirm, or to reject. */
#ifndef JPKI_DESK_ORDER_H
#define JPKI_DESK_ORDER_H

#include "card/issuer.h"
#include "desk/enrolment.h"
#include "desk/peers.h"

/* Everything borrowed for the call. */
struct order {
    struct enrolment_book *book;
    const struct peers *peers;
    const struct enrolment *enrolment; /* with the half's key */
    struct issuer *issuer;             /* NULL: without the card, only what is recorded can be sent again */
    enum authority authority;
    struct bytes confirm; /* as in struct peers_order */
    bool reject;          /* as in struct peers_order */
};

/* As peers.certify. RC_NOT_FOUND: without the card, and the card had signed no such request: none was ever sent. */
enum rc order_send(const struct order *order, struct peers_answer *answer, struct err *err) MUST_CHECK;

#endif

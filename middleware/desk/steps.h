/* steps.h — an enrolment from the identified resident to the confirmed certificates, as steps that can be cut off anywhere
 * and taken up again: each is recorded before it is done, and doing one a second time changes nothing. No I/O of its own
 * but the card's; everybody else is reached through struct peers. */
#ifndef JPKI_DESK_STEPS_H
#define JPKI_DESK_STEPS_H

#include "desk/enrolment.h"
#include "desk/peers.h"

struct steps_settings {
    const char *code;            /* 住民票コード */
    const struct secret *master; /* the card issuer's master key */
    int64_t card_expiry;
    bool ward;                   /* the officer says that the person is an adult ward: the authority judges */
    bool without_sign;           /* the authentication certificate alone; a torn run may go on so while it has no other */
    struct bytes ca[2];          /* the authorities' certificates (by AUTHORITY_SIGN, AUTHORITY_AUTH) when the publication is
                                    at hand; else empty, and the authority's answer must bring them */
};

/* Runs the enrolment of this person with this card to its end: a new one with a blank card, or the torn one of the same
 * person and card. The card's transaction is held and the JPKI application selected.
 * RC_CONFLICT: the card or the person is in the middle of another enrolment, the card was personalised elsewhere, or what
 * was read back is not what was written. Everything else as the call-backs and the card's functions say; running again
 * goes on where it stopped. */
enum rc steps_run(struct enrolment_book *book, struct card *card, const struct peers *peers,
                  const struct steps_settings *settings, struct err *err) MUST_CHECK;

#endif

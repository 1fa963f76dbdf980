/* abandon.h — giving up an enrolment that was torn and will not be gone on with: the card broke, or the resident is no longer
 * who the certificates say. What is pending at the authorities is rejected, the record is closed, and the person can
 * start on another card. Nothing that is active is ever abandoned: a holder's certificate ends by revocation. */
#ifndef JPKI_DESK_ABANDON_H
#define JPKI_DESK_ABANDON_H

#include "desk/enrolment.h"
#include "desk/peers.h"

/* By card, in the name of an officer of the municipality. Can be cut off anywhere and run again; an enrolment that is
 * abandoned already is RC_OK. RC_NOT_FOUND no enrolment with this card; RC_DENIED another municipality's; RC_STATE it is
 * done, or one of its certificates is active; RC_CONFLICT the authority did not take a rejection; else as the call-backs
 * say. Before the first rejection it is on record that the enrolment cannot be gone on with. */
enum rc abandon_run(struct enrolment_book *book, const struct peers *peers, const char *card, const char *municipality,
                    struct err *err) MUST_CHECK;

#endif

/* cardintake.h — what the national node does with a municipality's report about a card: its own copy of the ledger, and
 * the event to the authorities about the certificates on the card. */
#ifndef JPKI_REGISTRY_CARDINTAKE_H
#define JPKI_REGISTRY_CARDINTAKE_H

#include "registry/ledger.h"

/* Inside the intake's transaction. late: the reporter had the resident when it wrote this, and let them go since
 * (release.h): what it tells of the card is heard all the same, so that a loss is. A report about a card that another
 * municipality has taken over, or about a state that the nation knows already, is passed over (a line in the log): two
 * municipalities learn of a move at different times. RC_NOT_FOUND no such resident, RC_DENIED another municipality's
 * resident, RC_CONFLICT another resident's card.
 */
enum rc cardintake_take(struct store *store, const struct notice *notice, bool late, struct err *err) MUST_CHECK;

#endif

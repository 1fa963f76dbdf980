/* card_signer.h — a signer whose key is in a card. */
#ifndef JPKI_SIGN_CARD_SIGNER_H
#define JPKI_SIGN_CARD_SIGNER_H

#include "card/card.h"
#include "sign/signatory.h"

struct card_signer;

/* Reads the key's certificate and its CA's from the card. Wants a held transaction, the JPKI application selected and
 * the key's PIN presented, until card_signer_close; the card is borrowed. RC_NOT_FOUND: the card has no such
 * certificate; RC_FORMAT; what card_read_cert gives. */
enum rc card_signer_open(struct card *card, enum card_key key, struct card_signer **signer, struct err *err) MUST_CHECK;
void card_signer_close(struct card_signer *signer);

const struct signatory *card_signer_get(const struct card_signer *signer); /* borrowed */

#endif

/* issuer.h — personalising a card: the issuer's secure channel (GlobalPlatform SCP03, pki/scp03.h) and the commands inside
 * it (wire/applet.h). For the enrolment desk only.
 *
 * As in card.h: a transaction is held and the JPKI application selected, and stays so until issuer_close. Any other
 * command of the card in between (card_read_ef …) is fine: it goes in clear, beside the channel. A SELECT ends the channel.
 *
 * Common to all: the conditions common in card.h; RC_BAD_SIGNATURE: an answer's MAC is wrong, or the card found ours wrong;
 * RC_DENIED: the card does not take the command outside the channel (it was reset) or this channel is dead;
 * RC_STATE: not in this state of the card's life. After RC_BAD_SIGNATURE, RC_IO and everything that loses an answer, the
 * channel is dead: open a new one and ask issuer_get_status what was done. */
#ifndef JPKI_CARD_ISSUER_H
#define JPKI_CARD_ISSUER_H

#include "card/card.h"

#include <openssl/evp.h>

struct issuer;

/* Opens the channel with the keys that the 16-byte master key gives for this card. The card proves itself first: a wrong
 * master key is RC_BAD_SIGNATURE, after one command. The card is borrowed until issuer_close, the master key for the call.
 * RC_UNSUPPORTED: the card has no such commands (a real card). */
enum rc issuer_open(struct card *card, const struct secret *master, struct issuer **issuer, struct err *err) MUST_CHECK;
void issuer_close(struct issuer *issuer); /* wipes the session's keys; NULL: nothing */

/* The card's diversification data, for an audit line: APPLET_DIVERSIFICATION_LEN bytes, borrowed. */
struct bytes issuer_diversification(const struct issuer *issuer);

struct issuer_status {
    enum applet_life life;
    bool sign_key, auth_key, sign_cert, auth_cert, sign_pin, auth_pin; /* each: it is there */
};
enum rc issuer_get_status(struct issuer *issuer, struct issuer_status *status, struct err *err) MUST_CHECK;

/* The card makes a new key pair, RSA-2048 or on the next card P-384; *public_key is its public half, freed with EVP_PKEY_free. Takes seconds on a
 * slow card. RC_STATE once the card is its holder's. */
enum rc issuer_generate_key(struct issuer *issuer, enum card_key key, EVP_PKEY **public_key, struct err *err) MUST_CHECK;

/* The public half of the key that is there. RC_NOT_FOUND when there is none. */
enum rc issuer_read_public_key(struct issuer *issuer, enum card_key key, EVP_PKEY **public_key, struct err *err) MUST_CHECK;

/* The whole new content of a file (a certificate, EF 0008). RC_RANGE: larger than the file; RC_NOT_FOUND. */
enum rc issuer_put_file(struct issuer *issuer, enum applet_ef ef, struct bytes content, struct err *err) MUST_CHECK;

/* A certificate's file. As issuer_put_file. */
enum rc issuer_put_cert(struct issuer *issuer, enum card_cert cert, struct bytes der, struct err *err) MUST_CHECK;

/* The first or a new PIN, its form checked before (card_pin_check_new, folded to upper case); its counter is full again. */
enum rc issuer_put_pin(struct issuer *issuer, enum card_pin pin, const struct secret *value, struct err *err) MUST_CHECK;

/* Proof of possession: a signature inside the channel without a PIN, possible in state PERSONALISED while no certificate has
 * been put for the key. Input and signature as card_sign. RC_STATE at any other time. */
enum rc issuer_sign(struct issuer *issuer, enum card_key key, enum applet_scheme scheme, struct bytes input,
                    struct buf *signature, struct err *err) MUST_CHECK;

/* RC_STATE when the card's life does not go that way. */
enum rc issuer_set_life(struct issuer *issuer, enum applet_life life, struct err *err) MUST_CHECK;

#endif

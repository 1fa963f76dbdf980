/* card_struct.h — what the files of this room share about a card; for no other room. */
#ifndef JPKI_CARD_CARD_STRUCT_H
#define JPKI_CARD_CARD_STRUCT_H

#include "card/card.h"

/* What the card was seen to do. It starts unknown and is learned from the card's own answers. */
enum card_ability { CARD_UNTRIED, CARD_ABLE, CARD_UNABLE };

/* The commands that may name a file by its short identifier: a card may know it in one and not in another. */
enum card_way { CARD_WAY_READ, CARD_WAY_PIN, CARD_WAY_SIGN, CARD_WAY_COUNT };

struct card {
    struct channel channel;
    char reader[TRANSPORT_READER_SIZE];
    enum card_ability sfi[CARD_WAY_COUNT];
    enum card_ability extended; /* extended Le, over this reader */
    bool held;                  /* a transaction */
    enum card_kind kind;        /* once the token information was read */
};

/* Whether a status word may mean "I do not know short file identifiers here". */
bool card_sw_refuses_sfi(uint16_t sw);

/* Remembers what was seen. A card that refuses the short form in one command is not asked in the others: finding out costs
 * one command, and a second where a card takes it for files and not for PINs or keys. */
void card_learn_sfi(struct card *card, enum card_way way, enum card_ability ability);

/* SELECT EF, so that it is the current one. *sw as the card said. */
enum rc card_select_ef(struct card *card, enum applet_ef ef, uint16_t *sw, struct err *err) MUST_CHECK;

/* RC_OK for 9000; else card_rc_of_sw with words: what, the status word and its meaning. */
enum rc card_judge(struct card *card, uint16_t sw, const char *what, struct err *err) MUST_CHECK;

enum applet_ef card_pin_ef(enum card_pin pin);
enum applet_ef card_key_ef(enum card_key key);
enum applet_ef card_cert_ef(enum card_cert cert);

/* The PIN as the card wants it: a signature PIN in upper case. Its form is checked already. Wiped by the caller. */
enum rc card_pin_fold(enum card_pin pin, const struct secret *value, struct secret *folded) MUST_CHECK;

/* A signature's input fits its scheme. RC_RANGE. */
enum rc card_sign_check(enum applet_scheme scheme, struct bytes input, struct err *err) MUST_CHECK;

#endif

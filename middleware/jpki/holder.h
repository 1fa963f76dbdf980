/* holder.h — the holder of a card at the keyboard: which card is meant, and the PIN asked for so that no try is lost
 * unseen. What 'jpki card' and 'jpki sign' share. */
#ifndef JPKI_JPKI_HOLDER_H
#define JPKI_JPKI_HOLDER_H

#include "card/card.h"

/* In the caller's memory; all zero is closed. */
struct holder {
    struct transport *transport;
    struct card *card; /* a transaction is held and the JPKI application selected */
    bool presented;    /* a PIN was: the card is unpowered in the end, so that it forgets */
};

/* The one JPKI card that the reader's spec reaches (card/reader.h; NULL for the default). As reader_open and card_find. */
enum rc holder_open(struct holder *holder, const char *reader, struct err *err) MUST_CHECK;
void holder_close(struct holder *holder);

/* Says on standard error how many tries of the PIN are left, then takes it: one line from pin_fd, or, when that is
 * negative, from the terminal. RC_PIN_BLOCKED; RC_DENIED: one try is left and last_try is false, nothing was asked;
 * RC_NOT_FOUND: pin_fd has ended; RC_UNSUPPORTED: no terminal. pin is wiped by the caller. */
enum rc holder_ask(struct holder *holder, enum card_pin which, long pin_fd, bool last_try, struct secret *pin,
                   struct err *err) MUST_CHECK;

/* holder_ask and card_verify_pin; without pin_fd and with a key pad on the reader, the PIN is typed there. */
enum rc holder_present(struct holder *holder, enum card_pin which, long pin_fd, bool last_try, struct err *err) MUST_CHECK;

/* One line from the descriptor, or from the terminal with the prompt; the transaction is not held while a person types, and
 * begun anew after. */
enum rc holder_read(struct holder *holder, const char *prompt, long pin_fd, struct secret *pin, struct err *err)
    MUST_CHECK;

#endif

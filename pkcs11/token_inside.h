/* token_inside.h — what token.c and token_pin.c share; for no other room. */
#ifndef JPKI_PKCS11_TOKEN_INSIDE_H
#define JPKI_PKCS11_TOKEN_INSIDE_H

#include "pkcs11/token.h"

typedef enum rc (*reader_work_fn)(struct reader *reader, void *context, struct err *err);

/* Runs work in a transaction with the JPKI application selected; once more when another program's reset broke it. */
enum rc reader_transact(struct reader *reader, reader_work_fn work, void *context, struct err *err) MUST_CHECK;

/* The following are for inside a transaction. */

/* Which card is it? Reads what tells it from others, once. */
enum rc reader_identify(struct reader *reader, struct err *err) MUST_CHECK;

/* Reads the counter. RC_OK also when the card has no such PIN: pin_absent. */
enum rc token_ask_tries(struct reader *reader, enum token_kind kind, struct err *err) MUST_CHECK;

/* The PIN of the user who is logged in is presented: it was before, or is now. RC_PIN_NEEDED: nobody is logged in, or the
 * card did not take it any more (nobody is then). */
enum rc token_present(struct reader *reader, enum token_kind kind, struct err *err) MUST_CHECK;

#endif

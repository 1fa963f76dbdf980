/* faulty.h — a reader for the module's rooms linked into a test: a software card in process, and one fault at one command.
 * The test is linked with -Wl,--wrap=reader_open, so that C_Initialize gets this reader whatever the environment says. */
#ifndef JPKI_TESTS_FAULTY_H
#define JPKI_TESTS_FAULTY_H

#include "card/transport.h"
#include "support/testcard.h"

enum faulty_kind {
    FAULTY_NONE,
    FAULTY_REMOVED_BEFORE, /* the card is pulled out before it sees the command */
    FAULTY_REMOVED_AFTER,  /* the card does the command and is pulled out before it answers */
    FAULTY_NOT_SENT,       /* the reader fails; the card does not see the command */
    FAULTY_LOST,           /* the card does the command, the reader does not bring the answer */
    FAULTY_RESET,          /* another program reset the card before: nothing was sent, the transaction is over */
    FAULTY_POWERED,        /* the card lost its power for a moment, and nobody says so */
    FAULTY_CUT,            /* half of the answer comes, of a bare status word one byte */
    FAULTY_SHORT,          /* the answer's data lacks its last byte */
    FAULTY_TWICE,          /* the reader sends the command a second time; the second answer comes */
    FAULTY_DOUBLED,        /* the answer comes twice, as one */
    FAULTY_GARBLED,        /* a bit of each data byte is turned */
    FAULTY_NO_STATUS,      /* the status word is 6F00, and no data */
    FAULTY_STRANGE_STATUS, /* the status word is 0000 */
    FAULTY_NOTHING,        /* 9000 and no data */
    FAULTY_EMPTY,          /* no byte at all, and no error */
    FAULTY_KINDS
};

struct faulty {
    struct testcard *card;
    struct sim *sim; /* the card's */
    bool in;         /* the card is in the reader */
    uint32_t state;  /* of the reader, as transport_list tells it */
    unsigned open;   /* transactions held now */
    unsigned commands, presented; /* since faulty_arm: commands, and those with a PIN in them that the card saw */
    enum faulty_kind kind;
    unsigned at;  /* the command that it strikes, from 0 */
    bool struck;
    /* Answers instead of the card's, for hostile cards; NULL: the card's. */
    enum rc (*answer)(struct bytes command, struct buf *response);
};

extern struct faulty the_reader; /* there is one: the module knows no other */

const char *faulty_name(enum faulty_kind kind);
void faulty_start(struct testcard *card); /* the card, borrowed, in its reader, no fault */
void faulty_arm(enum faulty_kind kind, unsigned at);
void faulty_put_in(void);
/* What the card itself says: is the key usable by whoever comes next, and how many tries are left? */
bool faulty_is_presented(bool sign);
unsigned faulty_tries(bool sign);
/* Which of two PINs is the card's now; asked of a copy. */
bool faulty_pin_is(bool sign, const char *pin);

#endif

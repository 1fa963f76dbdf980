/* carded.h — a personalised software card behind a socket, in a thread of the test itself: it counts what the module sends,
 * and can be made to misbehave. Every function fails the running test when something does not work. */
#ifndef JPKI_TESTS_CARDED_H
#define JPKI_TESTS_CARDED_H

#include "card/card.h"
#include "support/testcard.h"

#include <pthread.h>
#include <stdatomic.h>

enum carded_fault {
    CARDED_SOUND,
    CARDED_NO_PSS,     /* scheme 04 is refused: 6A86 */
    CARDED_FALSE_PSS,  /* scheme 04 answers with something that is no signature */
    CARDED_FOREIGN,    /* no JPKI application: every SELECT is refused */
    CARDED_LOCK_6984,  /* the counter of a blocked PIN is answered 6984 */
    CARDED_VANISH,     /* the card is gone at the next signature */
    CARDED_LOSE_VERIFY, /* the card takes the PIN and is gone before it answers */
    CARDED_SHORT,       /* no extended lengths: 6700 */
    CARDED_NO_SFI,      /* no short file identifiers: 6A86; and no extended lengths */
    CARDED_OTHER_ATR,   /* an answer to reset that no kind of card has */
    CARDED_LOSE_CHANGE, /* the card takes the new PIN and is gone before it answers */
};

struct carded {
    char folder[32];
    char path[64]; /* of the socket; "sim:PATH" reaches the card */
    struct testcard *card;
    struct sim *sim;   /* the card's */
    X509 *certs[4];    /* by enum card_cert; the card's */
    _Atomic int listener;
    _Atomic bool stop, in;
    _Atomic enum carded_fault fault;
    _Atomic unsigned commands, verifies, signatures; /* verifies: those that carry a PIN */
    unsigned refusals; /* commands that a SHORT or NO_SFI card refused for its manners */
    int locked; /* the client that has the card for itself, or -1 */
    _Atomic unsigned bytes_in, bytes_out;
    pthread_t thread;
};

/* A new card, its holder's, with both certificates, in its reader. The environment's JPKI_READER is set, and its
 * XDG_CONFIG_HOME is the folder, so that no setting of this machine's user is read. */
void carded_start(struct carded *carded);
void carded_stop(struct carded *carded);
void carded_end(void); /* after the last */

void carded_take_out(struct carded *carded);
void carded_put_in(struct carded *carded);

/* Commands since the last time. */
unsigned carded_count(struct carded *carded);

/* What the card itself says about a PIN: verified by nobody, since a probe on a link of its own is refused. */
bool carded_is_presented(struct carded *carded, enum card_key key);

#endif

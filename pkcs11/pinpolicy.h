/* pinpolicy.h — may this PIN be sent to this card now? The rules of docs/PINSAFETY.md as one pure function: what is known goes
 * in, what has to be done comes out. Whoever sends a PIN asks here first and does what it says, until it says so. */
#ifndef JPKI_PKCS11_PINPOLICY_H
#define JPKI_PKCS11_PINPOLICY_H

#include <stdbool.h>

enum pin_step {
    PIN_SEND,         /* now, in this transaction, once */
    PIN_COUNT,        /* first read the counter, in this transaction */
    PIN_IDENTIFY,     /* first read which card it is, in this transaction */
    PIN_SAY_MISFORMED,
    PIN_SAY_WRONG,    /* the card refused it before: as if it had done so again */
    PIN_SAY_BLOCKED,
    PIN_SAY_LAST,     /* one try is left: the application has to ask again */
};

struct pin_view {
    bool formed;       /* length and characters are such a PIN's */
    bool again;        /* the very PIN that this card accepted last in this process, and … */
    bool undisturbed;  /* … no process of this user has seen a PIN refused or changed since */
    bool counted;      /* the counter was read in this transaction: */
    unsigned tries;
    bool remembers;    /* some card's refusals are remembered */
    bool identified;   /* it is known which card this is, and so whether … */
    bool refused;      /* … it refused this PIN, when it had left */
    unsigned refused_tries;
    bool told;         /* that one try is left, to an application of this user that asked before */
    bool careful;      /* the last try is kept from who was not told; off by configuration */
};

enum pin_step pinpolicy_decide(const struct pin_view *view);

#endif

/* agent.h — the card's keeper: a process of its own between the module and a card, so that a PIN is taken away from the
 * card whatever becomes of the application: it ends by kill -9, it forgets the card for an hour, it forks.
 *
 * The keeper (agent_main.c, installed beside the module) holds the one link to the card. A transaction that the module
 * keeps goes on for a moment; then, or when the application is gone, the keeper selects the card manager if a PIN may stand
 * presented, and lets the card go. The module's end (transport_agent.c) is a transport like the others. */
#ifndef JPKI_PKCS11_AGENT_H
#define JPKI_PKCS11_AGENT_H

#include "card/transport.h"

#define AGENT_PROGRAM "jpki-card-agent"
#define AGENT_KEEP_MS 150         /* how long a kept transaction waits for the next call */
#define AGENT_TYPED_KEEP_MS 3000  /* … when a PIN was typed on the reader: else the person types it again */
#define AGENT_MESSAGE_MAX 66000u  /* an extended command or answer, and a byte */

/* The first byte of a request; each is answered once: an rc in one byte, then the answer, or the error's words. */
enum agent_request {
    AGENT_CONNECT = 'C',    /* milliseconds (4 bytes, big-endian), reader's name → one byte: bits of enum transport_pads; ATR */
    AGENT_BEGIN = 'B',      /* → one byte: bits of enum agent_begun */
    AGENT_TRANSMIT = 'T',   /* command → response */
    AGENT_END = 'E',        /* one byte: enum transport_disposition → nothing */
    AGENT_KEEP = 'K',       /* milliseconds, at least so many (4 bytes) → nothing */
    AGENT_PAD = 'P',        /* struct transport_pad, AGENT_PAD_LEN bytes in its order → response */
    AGENT_DISCONNECT = 'D', /* one byte: enum transport_disposition → nothing; the keeper ends */
};

#define AGENT_PAD_LEN 9

enum agent_begun { AGENT_WAS_RESET = 1, AGENT_WAS_KEPT = 2 };

/* Wraps a transport (taken, also on failure): list, wait and cancel are its own, each connection is a keeper's. program is
 * the keeper's path, copied. A keeper that cannot be started leaves a plain connection, which keeps no transaction. */
enum rc agent_wrap(struct transport *inner, const char *program, unsigned keep_ms, struct transport **transport) MUST_CHECK;

/* In the child after fork(2): the connections are the parent's. Only async-signal-safe calls. */
void agent_after_fork(void);

#endif

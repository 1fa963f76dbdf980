/* token.h — the card in a reader and its two tokens: the one room that talks to the card. Every function does its work in
 * one transaction: select the application, do it, and where a PIN was presented, it is taken away from the card again before
 * another program can come in between. Where the way to the card allows it (agent.h) the transaction goes on for a
 * moment, and the next call spares the selection and the PIN. The caller holds the reader (module.h); while the card works the
 * module's own lock is given away. */
#ifndef JPKI_PKCS11_TOKEN_H
#define JPKI_PKCS11_TOKEN_H

#include "pkcs11/certificate.h"
#include "pkcs11/mechanism.h"
#include "pkcs11/object.h"

#include <stdatomic.h>

struct token {
    struct secret pin;    /* while the user is logged in: the PIN that this card accepted last; none when … */
    bool typed;           /* … it was typed on the reader, and is typed again when the card does not hold it any more */
    _Atomic bool logged_in; /* read without the reader too, by C_GetSessionInfo */
    bool tries_known;
    unsigned tries;       /* as the card said last; another program may have changed it since */
    bool tries_fresh;     /* … in the transaction that runs */
    uint64_t accepted_at; /* refused_generation() when the card accepted the PIN */
    bool pin_absent;      /* the card has no such PIN, or is not its holder's yet */
    CK_ULONG login_epoch; /* drawn anew at each login */
    bool event;           /* a slot event that C_WaitForSlotEvent has not told yet */
};

enum reader_content {
    READER_EMPTY,
    READER_NEW,     /* a card that was not asked yet, or did not answer */
    READER_FOREIGN, /* asked once; never again until it is taken out */
    READER_JPKI,
};

enum cert_state { CERT_UNREAD, CERT_READ, CERT_ABSENT, CERT_LOCKED /* the card wants the PIN for it */ };

/* RSASSA-PSS, which no maker promises. */
enum pss_state { PSS_UNKNOWN, PSS_LIKELY /* the card does not deny it */, PSS_CHECKED /* a signature verified */, PSS_ABSENT };

#define READER_CERTS 4 /* enum card_cert */

/* One reader; all zero but for known is a valid reader without a card. The first block is the module's lock's, the rest is
 * its holder's. */
struct reader {
    struct transport_reader known;
    bool busy;   /* a thread holds it */
    bool lost;   /* … and another thread saw its card go: to be forgotten when the first is done */
    bool listed; /* it was in the last list: a reader that was pulled keeps its place and its slots' numbers */
    enum reader_content content;
    CK_ULONG epoch; /* drawn anew at each insertion */
    struct card *card;
    unsigned pads; /* the reader's own: bits of enum transport_pads */
    struct card_token_info info;
    _Atomic bool without_auth; /* its kind has no authentication key pair; read without the reader too */
    bool identified;           /* info, head, serial and identity are known */
    struct buf head; /* the first block of the authentication certificate; empty when it cannot be read without a PIN */
    uint8_t identity[32]; /* a digest of what tells cards apart */
    char serial[17];      /* CK_TOKEN_INFO's: docs/MODULE.md */
    bool kept;     /* a transaction goes on until it is used again or the keeper ends it; of one that runs or goes on: */
    bool selected; /* the JPKI application */
    bool orphaned; /* the way to the card was lost while a PIN stood presented; whoever opens it anew takes that away first */
    bool presented[TOKEN_KINDS];
    enum pss_state pss;
    struct certificate certs[READER_CERTS];
    enum cert_state cert_states[READER_CERTS];
    struct token tokens[TOKEN_KINDS];
};

/* Connects to the card of a READER_NEW and asks whether it is for JPKI: one command; where its answer to reset
 * is a Juki card's, EF 0006 is read too, so that no token is shown that it has not. Another card is left alone from then on.
 * RC_OK whatever it is; else as card_open and card_select_jpki, and it stays READER_NEW. */
enum rc reader_recognise(struct reader *reader, struct transport *transport, struct err *err) MUST_CHECK;

/* Reads what is not known yet: which card it is (info, serial) and the counters of the kinds (bits 1 << enum token_kind). */
enum rc reader_read_info(struct reader *reader, unsigned kinds, struct err *err) MUST_CHECK;

/* Ends a transaction that goes on: no PIN stands presented any more. */
void reader_let_go(struct reader *reader);

/* Whether the card is of a kind that has RSA keys only, as all have that are in people's hands today. Of another the
 * certificates say it. */
bool reader_is_rsa(const struct reader *reader);

/* Whether the card has that kind of token, as far as is known: a Juki card has none to authenticate with. */
bool reader_has(const struct reader *reader, enum token_kind kind);

/* The length of a key's modulus, if it is an RSA key: its certificate's word where that was read, else of the kind of
 * card. */
unsigned reader_rsa_bits(const struct reader *reader, enum token_kind kind);

/* What its keys can do: enum mechanism_card. */
unsigned reader_mechanisms(const struct reader *reader);

/* Forgets the card: link, certificates, logins. The content becomes what is said. */
void reader_forget(struct reader *reader, enum reader_content content);

/* Reads those of the certificates (bits 1 << enum card_cert) that were not read before, all in one transaction. Which are
 * absent or locked is in cert_states. With the signature certificate among them the user of TOKEN_SIGN is logged in. */
enum rc token_read_certs(struct reader *reader, unsigned certs, struct err *err) MUST_CHECK;

/* Asks for the counter when it is neither known nor absent. */
enum rc token_read_tries(struct reader *reader, enum token_kind kind, struct err *err) MUST_CHECK;

/* Presents the PIN to this card, once, if its form, the counter and what was refused before allow it; on success keeps it
 * for the signatures to come. RC_PIN_WRONG, RC_PIN_BLOCKED, RC_PIN_FORMAT. RC_CARD_GONE also when it is another card. NULL: the
 * person types it on the reader; also RC_INTERRUPTED, RC_TIMEOUT, RC_UNSUPPORTED. */
enum rc token_login(struct reader *reader, enum token_kind kind, const struct secret *pin, CK_ULONG epoch,
                    struct err *err) MUST_CHECK;
void token_logout(struct token *token);

/* The person types the PIN on the reader for one signature. As token_login; the login stays as it is. */
enum rc token_confirm(struct reader *reader, enum token_kind kind, struct err *err) MUST_CHECK;

/* Whether it is the PIN that this card accepted last from the user who is logged in; in either case of letters. */
bool token_pin_equals(const struct token *token, const struct secret *pin);

/* Sets a new PIN in place of the old one: the form of both first, then as token_login with the old one. A user who is
 * logged in stays so, with the new PIN; after an answer that was lost (RC_IO, RC_CARD_GONE) either PIN may be the valid
 * one and nobody is logged in. RC_PIN_FORMAT, RC_PIN_WRONG (also, without a command, when the user is logged in with
 * another PIN), RC_PIN_BLOCKED. Both NULL: the person types them on the reader. */
enum rc token_change_pin(struct reader *reader, enum token_kind kind, const struct secret *old,
                         const struct secret *fresh, struct err *err) MUST_CHECK;

/* Signs. RC_PIN_NEEDED: not logged in, or the card did not take the PIN any more (the user is logged out then).
 * RC_UNSUPPORTED: the card has no PSS; pss says so from then on. RC_RANGE: the length of input. */
enum rc token_sign(struct reader *reader, enum token_kind kind, enum mechanism_padding padding, struct bytes input,
                   struct buf *signature, struct err *err) MUST_CHECK;

/* Finds out, once, whether the card denies RSASSA-PSS: without a PIN and without a try. */
enum rc token_probe_pss(struct reader *reader, enum token_kind kind, struct err *err) MUST_CHECK;

/* What a kind of token is. */
struct token_row {
    const char *label;
    enum card_pin pin;
    enum card_key key;
    enum card_cert cert;
};
extern const struct token_row token_rows[TOKEN_KINDS];

#endif

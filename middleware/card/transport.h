/* transport.h — the ways to a card: PC/SC readers, a simulator's socket, a recorded tape. One face, a table of functions
 * behind it; tests may bring a table of their own.
 *
 * A transport never repeats a command, never looks into one, and keeps no copy. Nothing here locks: one thread at a time
 * for a link, and one for transport_list; links to several readers, transport_connect, transport_wait and
 * transport_cancel may be used at once. After fork(2) nothing may be used in the
 * child but transport_close_forked: open anew. */
#ifndef JPKI_CARD_TRANSPORT_H
#define JPKI_CARD_TRANSPORT_H

#include "base/buf.h"
#include "base/err.h"

#define TRANSPORT_READER_SIZE 128 /* with its NUL */
#define TRANSPORT_ATR_MAX 33u

/* What is known of one reader at one moment. */
struct transport_reader {
    char name[TRANSPORT_READER_SIZE];
    bool card_present;
    uint32_t state; /* the transport's own; another value when a card was put in or taken out since */
};

/* What becomes of the card when a transaction or a link ends. A PIN stays presented over LEAVE and, on cards of this
 * kind, over RESET: only UNPOWER forgets it for sure. */
enum transport_disposition { TRANSPORT_LEAVE, TRANSPORT_RESET, TRANSPORT_UNPOWER };

/* What a transaction that begins finds. TRANSPORT_KEPT: it is the one that transport_keep left running. */
enum transport_found { TRANSPORT_FRESH, TRANSPORT_KEPT };

/* A command with a PIN in it that a reader's own key pad is to fill in (PC/SC Part 10): the PIN never comes to this machine.
 * Characters in ASCII, as many as least to most. */
struct transport_pad {
    bool change;             /* a new PIN, typed twice; else one that is presented */
    uint8_t header[4];       /* CLA INS P1 P2 */
    uint8_t least, most;     /* 1..16; of one length at most 15 */
    uint8_t seconds;         /* to wait for the person; 0: the reader's own limit */
    bool japanese;           /* on the reader's display */
};

/* What a key pad can take: bits. */
enum transport_pads { TRANSPORT_PAD_VERIFY = 1, TRANSPORT_PAD_CHANGE = 2 };

struct transport;
struct transport_link; /* one connection to one card */

/* What a kind of transport can do: the functions below say what each must do. All but wait and cancel are needed. */
struct transport_ops {
    const char *kind; /* "pcsc", "sim", "tape" */
    enum rc (*list)(struct transport *, struct transport_reader *readers, size_t max, size_t *count, struct err *);
    enum rc (*connect)(struct transport *, const char *reader, struct transport_link **, struct err *);
    enum rc (*begin)(struct transport_link *, bool *was_reset, struct err *);
    void (*end)(struct transport_link *, enum transport_disposition);
    enum rc (*transmit)(struct transport_link *, struct bytes command, struct buf *response, struct err *);
    struct bytes (*atr)(const struct transport_link *);
    void (*disconnect)(struct transport_link *, enum transport_disposition);
    enum rc (*wait)(struct transport *, const struct transport_reader *known, size_t count, int milliseconds,
                    struct err *);
    void (*cancel)(struct transport *);
    /* These two may be NULL: no reader of this kind has a key pad. */
    unsigned (*pads)(struct transport_link *);
    enum rc (*pad)(struct transport_link *, const struct transport_pad *, struct buf *response, struct err *);
    void (*close)(struct transport *, bool forked);
    bool (*keep)(struct transport_link *, unsigned milliseconds); /* may be NULL: transactions end when they are ended */
    enum transport_found (*found)(const struct transport_link *); /* with keep */
};

/* The first member of every transport's and every link's own struct. */
struct transport {
    const struct transport_ops *ops;
};
struct transport_link {
    const struct transport_ops *ops;
};

/* Every reader, with or without a card, at most max; *count is how many were written. RC_UNREACHABLE: the PC/SC service
 * does not answer. No reader at all is RC_OK with 0. */
enum rc transport_list(struct transport *transport, struct transport_reader *readers, size_t max, size_t *count,
                       struct err *err) MUST_CHECK;

/* Connects to the card in the reader, shared with other programs. The link is closed with transport_disconnect, before
 * its transport. RC_CARD_ABSENT, RC_READER_GONE (no such reader, or no longer), RC_CONFLICT (another program holds the
 * card for itself), RC_IO (the card does not answer to power), RC_UNREACHABLE. */
enum rc transport_connect(struct transport *transport, const char *reader, struct transport_link **link,
                          struct err *err) MUST_CHECK;

/* Begins a transaction: until transport_end no other program's command comes in between. Waits for the other program's
 * transaction without limit. *was_reset: the card was reset or powered since this link last used it, so no application
 * is selected for sure and no PIN is presented. RC_CARD_GONE, RC_READER_GONE, RC_UNREACHABLE, RC_IO: there is no
 * transaction then. RC_STATE when one is held already. */
enum rc transport_begin(struct transport_link *link, bool *was_reset, struct err *err) MUST_CHECK;

/* Ends it; without one, nothing happens. */
void transport_end(struct transport_link *link, enum transport_disposition disposition);

/* Ends this program's part of a transaction, which itself goes on for a moment: when the next transport_begin comes in
 * time, transport_found then says TRANSPORT_KEPT, the card is as it was left; otherwise the transaction is ended, and
 * presented PINs are taken away from the card first, as they are when this process dies. At least so many
 * milliseconds, 0: as long as is usual. False: this kind of transport cannot, and the transaction still runs. Otherwise as
 * transport_end. */
bool transport_keep(struct transport_link *link, unsigned milliseconds);

/* Of the transaction that runs. */
enum transport_found transport_found(const struct transport_link *link);

/* One command there, one answer back, appended to response (at least the two bytes of the status word). The command is
 * sent at most once. RC_CARD_RESET: another program reset the card before; nothing was sent, the transaction is over.
 * RC_CARD_GONE, RC_READER_GONE: the card is away, whether it did the command is unknown, the link is dead. RC_IO:
 * the reader did not bring the answer, whether the card did the command is unknown; the link can still be used. */
enum rc transport_transmit(struct transport_link *link, struct bytes command, struct buf *response, struct err *err)
    MUST_CHECK;

/* What the reader's key pad can take: bits of enum transport_pads; 0: it has none. No command to the card. */
unsigned transport_pads(struct transport_link *link);

/* Lets the person type on the reader and sends the command once. response as transport_transmit's; no PIN is in it.
 * RC_UNSUPPORTED: no key pad, or not for such a PIN; RC_INTERRUPTED: the person pressed cancel; RC_TIMEOUT: typed nothing in
 * time; RC_PIN_FORMAT: too few or too many characters, or a new PIN that was not the same twice: nothing was sent to the
 * card in these. Else as transport_transmit. */
enum rc transport_pad(struct transport_link *link, const struct transport_pad *pad, struct buf *response, struct err *err)
    MUST_CHECK;

/* The answer to reset; borrowed until the link is closed. */
struct bytes transport_atr(const struct transport_link *link);

void transport_disconnect(struct transport_link *link, enum transport_disposition disposition); /* NULL: nothing */

/* Waits until a reader or a card differs from what transport_list told before (known, borrowed), at most the time given
 * (-1: no limit). From any thread, one at a time. RC_TIMEOUT, RC_INTERRUPTED (transport_cancel), RC_UNREACHABLE,
 * RC_UNSUPPORTED (this kind never changes). */
enum rc transport_wait(struct transport *transport, const struct transport_reader *known, size_t count, int milliseconds,
                       struct err *err) MUST_CHECK;

/* Ends a transport_wait of another thread; without one, the next. */
void transport_cancel(struct transport *transport);

void transport_close(struct transport *transport); /* NULL: nothing */

/* In the child after fork(2): frees memory and descriptors, says nothing to any service or card. */
void transport_close_forked(struct transport *transport);

#endif

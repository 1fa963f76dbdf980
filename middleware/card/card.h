/* card.h — a JPKI card from the host's side: one function per thing a card can be asked.
 *
 * Every function below card_open wants a transaction (card_begin … card_end) and, but for card_select_jpki itself, the JPKI
 * application selected in that transaction: between two transactions another program may have selected another one, in
 * which a VERIFY would spend the tries of another PIN. The caller locks: one thread at a time for one card.
 *
 * The card struct keeps what it learned of the card's manners (short file identifiers, extended lengths) and no secret.
 *
 * Common to all: RC_CARD_RESET (another program reset the card: nothing was done, begin and select again), RC_CARD_GONE,
 * RC_READER_GONE (away; whether the last command was done is unknown), RC_IO (the same, and the card may still be there),
 * RC_CARD_REFUSED (a status word without an rc of its own, named in err), and what card_rc_of_sw gives. */
#ifndef JPKI_CARD_CARD_H
#define JPKI_CARD_CARD_H

#include "base/secret.h"
#include "card/channel.h"
#include "card/transport.h"
#include "wire/applet.h"

enum card_pin { CARD_PIN_AUTH, CARD_PIN_SIGN };
enum card_key { CARD_KEY_AUTH, CARD_KEY_SIGN };
enum card_cert { CARD_CERT_AUTH, CARD_CERT_SIGN, CARD_CERT_AUTH_CA, CARD_CERT_SIGN_CA };

/* "auth" and "sign"; "auth", "sign", "auth-ca", "sign-ca". RC_NOT_FOUND for another word. */
enum rc card_pin_parse(const char *name, enum card_pin *pin) MUST_CHECK;
enum rc card_cert_parse(const char *name, enum card_cert *cert) MUST_CHECK;
const char *card_pin_name(enum card_pin pin);
const char *card_cert_name(enum card_cert cert);

/* The PIN that a key's use needs; the full number of tries of a PIN. */
enum card_pin card_key_pin(enum card_key key);
unsigned card_pin_tries_max(enum card_pin pin);

struct card;

/* Connects; sends nothing. The transport is borrowed and outlives the card. Closed with card_close. As transport_connect. */
enum rc card_open(struct transport *transport, const char *reader, struct card **card, struct err *err) MUST_CHECK;

/* The one JPKI card that the transport reaches: opened, its transaction begun, the application selected.
 * RC_CARD_ABSENT (no card in any reader), RC_CARD_FOREIGN (cards, but none for JPKI), RC_CONFLICT (more than one: the
 * readers are named in err), RC_UNREACHABLE. A card that another program holds for itself is passed over. */
enum rc card_find(struct transport *transport, struct card **card, struct err *err) MUST_CHECK;

/* Ends a held transaction and disconnects. UNPOWER makes the card forget presented PINs. NULL: nothing. */
void card_close(struct card *card, enum transport_disposition disposition);

/* As transport_begin and transport_end. */
enum rc card_begin(struct card *card, bool *was_reset, struct err *err) MUST_CHECK;
void card_end(struct card *card, enum transport_disposition disposition);

/* As transport_keep and transport_found. */
bool card_keep(struct card *card, unsigned milliseconds);
bool card_was_kept(const struct card *card);

const char *card_reader(const struct card *card); /* borrowed */
struct bytes card_atr(const struct card *card);   /* borrowed */
struct channel_counts card_counts(const struct card *card);
struct channel *card_channel(struct card *card);  /* borrowed; for the issuer's commands */

/* The one table from status words to result codes; every other status word is RC_CARD_REFUSED:
 *   9000 RC_OK · 6300, 63C1.. RC_PIN_WRONG · 63C0, 6983, 6984 RC_PIN_BLOCKED · 6982 RC_PIN_NEEDED · 6985, 6986 RC_STATE ·
 *   6A82, 6A83, 6A88 RC_NOT_FOUND · 6A80 RC_FORMAT · 6A84, 6B00 RC_RANGE · 6A86, 6D00, 6E00, 6881, 6882 RC_UNSUPPORTED ·
 *   6987, 6988 RC_BAD_SIGNATURE (secure messaging) · 66F1 RC_DENIED · 6581 RC_IO */
enum rc card_rc_of_sw(uint16_t sw);

/* Selects the JPKI application; presented PINs stay presented when it was selected already. One command; RC_CARD_FOREIGN
 * when the card has none (6A82 and every other refusal): then nothing more should be sent to this card. 6F00 to the very first
 * command of a connection is a card waking up: it is asked once more. */
enum rc card_select_jpki(struct card *card, struct err *err) MUST_CHECK;

/* --- files ----------------------------------------------------------------------------------------------------------- */

/* Appends at most len bytes of the file from offset (both 0..32767) to out; fewer when the file ends before. By short
 * identifier while the card takes it, else by SELECT and the current file; in blocks of 256 bytes, or in one extended
 * read once that is known to work. RC_NOT_FOUND (no such file), RC_PIN_NEEDED (a file of the signature key; on a
 * telephone also the authentication certificate), RC_RANGE (offset behind the end). */
enum rc card_read_ef(struct card *card, enum applet_ef ef, size_t offset, size_t len, struct buf *out, struct err *err)
    MUST_CHECK;

/* Appends the certificate's DER, without the filler behind it: the first block says how long it is, exactly that is read.
 * RC_NOT_FOUND (no certificate in the file, or no file), RC_PIN_NEEDED. The content is not checked further. */
enum rc card_read_cert(struct card *card, enum card_cert cert, struct buf *der, struct err *err) MUST_CHECK;

/* The same when the file's first bytes were read before (head, 256 of them, or fewer and then all there is): what follows
 * is read, and joined to them. */
enum rc card_read_cert_after(struct card *card, enum card_cert cert, struct bytes head, struct buf *der, struct err *err)
    MUST_CHECK;

/* EF 0008. */
struct card_presence {
    bool auth, sign;
};
enum rc card_read_presence(struct card *card, struct card_presence *presence, struct err *err) MUST_CHECK;

enum card_kind { CARD_KIND_UNKNOWN, CARD_KIND_MYNUMBER, CARD_KIND_JUKI, CARD_KIND_ANDROID, CARD_KIND_IOS };

/* EF 0006; padding blanks cut off. Bytes outside printable ASCII are '?'. */
struct card_token_info {
    char label[APPLET_TOKEN_LABEL_LEN + 1];
    char manufacturer[APPLET_TOKEN_MANUFACTURER_LEN + 1];
    char model[APPLET_TOKEN_MODEL_LEN + 1];
    char serial[APPLET_TOKEN_SERIAL_LEN + 1];
    enum card_kind kind; /* by the label */
    uint8_t file[APPLET_TOKEN_INFO_LEN]; /* as it stands in the card */
};
enum rc card_read_token_info(struct card *card, struct card_token_info *info, struct err *err) MUST_CHECK;

/* --- kinds of card: what is known of one before it is asked (docs/APPLET.md) -------------------------------------------- */

const char *card_kind_name(enum card_kind kind);      /* "My Number card", … */
enum card_kind card_kind_of_label(const char *label); /* of EF 0006; CARD_KIND_UNKNOWN */

/* Whether Juki cards were seen under this answer to reset. Other cards may have it too: EF 0006 says what it is. */
bool card_kind_may_be_juki(struct bytes atr);

/* Whether such a card has the key, with its PIN and certificates; the length of its RSA keys' modulus. Of an unknown
 * kind what a My Number card has. */
bool card_kind_has(enum card_kind kind, enum card_key key);
unsigned card_kind_rsa_bits(enum card_kind kind);

/* The form of a PIN: so many characters of A–Z, a–z, 0–9. */
struct card_pin_rule {
    uint8_t least, most;
    bool digits; /* and no letters */
    bool mixed;  /* a new one has a letter and a digit */
};
const struct card_pin_rule *card_pin_rule(enum card_kind kind, enum card_pin pin); /* static */

/* --- PINs ------------------------------------------------------------------------------------------------------------ */

/* Whether a value can be this PIN by the rule of the kind of card. RC_PIN_FORMAT. */
enum rc card_pin_check(enum card_kind kind, enum card_pin pin, const struct secret *value) MUST_CHECK;

/* The same for a PIN to be set. */
enum rc card_pin_check_new(enum card_kind kind, enum card_pin pin, const struct secret *value) MUST_CHECK;

/* How many wrong tries are left; 0 means blocked. Never spends one: the command carries no PIN. */
enum rc card_pin_tries(struct card *card, enum card_pin pin, unsigned *tries, struct err *err) MUST_CHECK;

/* Presents the PIN (lower case of a signature PIN is folded to upper case): form first (by the rule of the card's kind, if
 * its token information was read; else of a My Number card), then the counter, then at most one VERIFY. RC_PIN_FORMAT,
 * RC_PIN_BLOCKED (0 tries, before or by this one): nothing or one VERIFY was sent, the counter says; RC_PIN_WRONG. *tries_left (may
 * be NULL) is written on RC_PIN_WRONG and RC_PIN_BLOCKED. RC_CARD_GONE, RC_READER_GONE, RC_IO: the answer is lost and a try may
 * be spent; the caller reads the counter before it asks the holder again. */
enum rc card_verify_pin(struct card *card, enum card_pin pin, const struct secret *value, unsigned *tries_left,
                        struct err *err) MUST_CHECK;

/* The same without asking for the counter first, for a caller who knows it to be above 1 (it was read in this transaction), or
 * who presents the very PIN that the card accepted last. */
enum rc card_verify_pin_counted(struct card *card, enum card_pin pin, const struct secret *value, unsigned *tries_left,
                                struct err *err) MUST_CHECK;

/* Presents the old PIN as card_verify_pin does and sets the new one, whose form is checked before anything is sent.
 * RC_STATE: the card is not in its holder's hands. When the answer to the change itself is lost (RC_CARD_GONE, RC_IO)
 * either of the two is valid. */
enum rc card_change_pin(struct card *card, enum card_pin pin, const struct secret *old, const struct secret *fresh,
                        unsigned *tries_left, struct err *err) MUST_CHECK;

/* As transport_pads. */
unsigned card_pads(struct card *card);

/* Whether the PIN can be typed on every reader that has a key pad: it is digits. Whether a pad has letters too is its owner's to
 * know. */
bool card_has_pad(struct card *card, enum card_pin pin);

/* Presents the PIN that the person types on the reader, within CARD_PAD_SECONDS; it never comes to this machine. The counter
 * is read before, as card_verify_pin does. RC_UNSUPPORTED, RC_INTERRUPTED (cancelled), RC_TIMEOUT, RC_PIN_FORMAT: nothing was
 * sent to the card; else as card_verify_pin. Letters are sent as the reader makes them. */
#define CARD_PAD_SECONDS 60
enum rc card_verify_pin_on_pad(struct card *card, enum card_pin pin, bool japanese, unsigned *tries_left, struct err *err)
    MUST_CHECK;

/* The same for a caller who knows the counter to be above 0: it was read in this transaction. */
enum rc card_verify_pin_on_pad_counted(struct card *card, enum card_pin pin, bool japanese, unsigned *tries_left,
                                       struct err *err) MUST_CHECK;

/* As card_verify_pin_on_pad_counted, and then the new PIN, typed twice. As both; *presented: the old one was accepted. That the
 * new one of the signature key has a letter and a digit nobody checks. */
enum rc card_change_pin_on_pad(struct card *card, enum card_pin pin, bool japanese, bool *presented, unsigned *tries_left,
                               struct err *err) MUST_CHECK;

/* --- signatures ------------------------------------------------------------------------------------------------------ */

/* Whether the card has the scheme, asked without a signature: the PIN must not be presented. RC_OK: it has (6982: it would
 * sign after the PIN); RC_UNSUPPORTED: it has not (6A86); RC_STATE: its answer says neither. */
enum rc card_probe_scheme(struct card *card, enum card_key key, enum applet_scheme scheme, struct err *err) MUST_CHECK;

/* Signs with the key whose PIN was presented before; the signature (the modulus's length) is appended. What input must be
 * is the scheme's to say (wire/applet.h): RAW and a DigestInfo of at most 245 bytes is the one every card knows.
 * RC_PIN_NEEDED; RC_UNSUPPORTED (this card does not have the scheme); RC_RANGE (input's length is not the scheme's: nothing
 * is sent); RC_NOT_FOUND (no such key); RC_STATE (key or card not ready). */
enum rc card_sign(struct card *card, enum card_key key, enum applet_scheme scheme, struct bytes input,
                  struct buf *signature, struct err *err) MUST_CHECK;

#endif

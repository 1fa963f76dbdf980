/* token.c — transactions with the card. Between two of them the card holds no PIN of ours: while the user is logged in it
 * waits here, in locked memory, and no other program can use what it did not log in for. */
#include "pkcs11/token.h"

#include "base/log.h"
#include "pkcs11/refused.h"

#include <string.h>

#define HEAD_LEN 256u
#define TURNS_MAX 3 /* of a transaction that another program's reset broke before it did anything */

const struct token_row token_rows[TOKEN_KINDS] = {
    [TOKEN_AUTH] = { "JPKI (User Authentication)", CARD_PIN_AUTH, CARD_KEY_AUTH, CARD_CERT_AUTH, APPLET_AUTH_PIN_LEN,
                     APPLET_AUTH_PIN_LEN },
    [TOKEN_SIGN] = { "JPKI (Digital Signature)", CARD_PIN_SIGN, CARD_KEY_SIGN, CARD_CERT_SIGN, APPLET_SIGN_PIN_MIN,
                     APPLET_SIGN_PIN_MAX },
};

typedef enum rc (*work_fn)(struct reader *reader, void *context, struct err *err);

/* Selecting the card manager is what makes this card forget a presented PIN: a second selection of the same application
 * does not, nor does a warm reset. */
static enum transport_disposition take_pin_away(struct reader *reader)
{
    const struct apdu_command select = { .ins = APPLET_INS_SELECT, .p1 = 0x04, .p2 = 0x0C,
                                         .data = bytes_of(APPLET_AID_CARD_MANAGER, APPLET_AID_CARD_MANAGER_LEN) };
    struct apdu_response response;
    if (!reader->presented)
        return TRANSPORT_LEAVE;
    reader->presented = false;
    enum rc rc = channel_exchange(card_channel(reader->card), &select, &response, NULL);
    return !rc && response.sw == 0x9000 ? TRANSPORT_LEAVE : TRANSPORT_UNPOWER;
}

/* Is it still the card that was recognised? Compares what is known of it; what is not known yet is learned. */
static enum rc check_identity(struct reader *reader, bool learn_head, struct err *err)
{
    struct card_token_info info;
    struct buf head = { 0 };
    enum rc rc = card_read_token_info(reader->card, &info, err);
    if (rc)
        return rc;
    if (strcmp(info.label, reader->info.label) || strcmp(info.serial, reader->info.serial)
        || strcmp(info.model, reader->info.model) || strcmp(info.manufacturer, reader->info.manufacturer))
        return err_set(err, RC_CARD_GONE, "another card is in the reader");
    if (!learn_head && !reader->head.len)
        return RC_OK;
    rc = card_read_ef(reader->card, APPLET_EF_AUTH_CERT, 0, HEAD_LEN, &head, err);
    if (rc == RC_PIN_NEEDED || rc == RC_NOT_FOUND) /* a telephone shows it after login only; a card may have none */
        rc = RC_OK;
    const struct buf *known = &reader->certs[CARD_CERT_AUTH].der;
    if (!rc && reader->head.len && !bytes_equal(buf_bytes(&head), buf_bytes(&reader->head)))
        rc = err_set(err, RC_CARD_GONE, "another card is in the reader");
    if (!rc && head.len == HEAD_LEN && known->len >= HEAD_LEN && memcmp(known->data, head.data, HEAD_LEN) != 0)
        rc = err_set(err, RC_CARD_GONE, "another card is in the reader");
    if (!rc && !reader->head.len) {
        reader->head = head;
        head = (struct buf) { 0 };
    }
    buf_wipe(&head);
    return rc;
}

static enum rc transact(struct reader *reader, work_fn work, void *context, struct err *err)
{
    enum rc rc = RC_CARD_RESET;
    for (int turn = 0; turn < TURNS_MAX && rc == RC_CARD_RESET; turn++) {
        bool was_reset = false;
        err_reset(err);
        rc = card_begin(reader->card, &was_reset, err);
        if (rc)
            continue;
        rc = card_select_jpki(reader->card, err);
        if (!rc && was_reset && reader->content == READER_JPKI)
            rc = check_identity(reader, false, err);
        if (!rc)
            rc = work(reader, context, err);
        card_end(reader->card, take_pin_away(reader));
    }
    return rc;
}

/* --- recognition --------------------------------------------------------------------------------------------------------- */

static enum rc ask_tries(struct reader *reader, enum token_kind kind, struct err *err)
{
    struct token *token = &reader->tokens[kind];
    enum rc rc = card_pin_tries(reader->card, token_rows[kind].pin, &token->tries, err);
    token->tries_known = !rc;
    /* A card without that PIN, or not yet its holder's, is a token all the same: its counter stays unknown. */
    token->pin_absent = rc == RC_STATE || rc == RC_NOT_FOUND || rc == RC_CARD_REFUSED;
    if (token->pin_absent) {
        err_reset(err);
        return RC_OK;
    }
    return rc;
}

static enum rc work_tries(struct reader *reader, void *context, struct err *err)
{
    const enum token_kind *kind = context;
    return ask_tries(reader, *kind, err);
}

static enum rc work_recognise(struct reader *reader, void *context, struct err *err)
{
    const unsigned *kinds = context;
    enum rc rc = card_read_token_info(reader->card, &reader->info, err);
    for (enum token_kind kind = TOKEN_AUTH; kind < TOKEN_KINDS && !rc; kind++)
        if (*kinds & 1u << kind)
            rc = ask_tries(reader, kind, err);
    return rc;
}

enum rc reader_recognise(struct reader *reader, struct transport *transport, unsigned kinds, struct err *err)
{
    enum rc rc = card_open(transport, reader->known.name, &reader->card, err);
    if (rc)
        return rc;
    rc = transact(reader, work_recognise, &kinds, err);
    if (!rc) {
        reader->content = READER_JPKI;
        return RC_OK;
    }
    bool foreign = rc == RC_CARD_FOREIGN;
    reader_forget(reader, foreign ? READER_FOREIGN : READER_NEW);
    return foreign ? RC_OK : rc;
}

bool reader_is_rsa(const struct reader *reader)
{
    return reader->info.kind != CARD_KIND_UNKNOWN;
}

void reader_forget(struct reader *reader, enum reader_content content)
{
    for (enum token_kind kind = TOKEN_AUTH; kind < TOKEN_KINDS; kind++) {
        bool event = reader->tokens[kind].event;
        token_logout(&reader->tokens[kind]);
        reader->tokens[kind] = (struct token) { .event = event };
    }
    for (size_t i = 0; i < READER_CERTS; i++) {
        certificate_wipe(&reader->certs[i]);
        reader->cert_states[i] = CERT_UNREAD;
    }
    card_close(reader->card, TRANSPORT_LEAVE);
    reader->card = NULL;
    buf_wipe(&reader->head);
    reader->presented = reader->pss_absent = reader->pss_checked = false;
    reader->content = content;
}

enum rc token_read_tries(struct reader *reader, enum token_kind kind, struct err *err)
{
    const struct token *token = &reader->tokens[kind];
    return token->tries_known || token->pin_absent ? RC_OK : transact(reader, work_tries, &kind, err);
}

/* --- certificates -------------------------------------------------------------------------------------------------------- */

static struct refused_card refused_card_of(const struct reader *reader, enum token_kind kind)
{
    struct bytes identity = buf_bytes(&reader->head);
    if (!identity.len)
        identity = bytes_of(reader->info.serial, strlen(reader->info.serial));
    return (struct refused_card) { identity, token_rows[kind].pin };
}

/* Presents the PIN that the card accepted last. When it does not any more, the user is not logged in any more. */
static enum rc present_pin(struct reader *reader, enum token_kind kind, struct err *err)
{
    struct token *token = &reader->tokens[kind];
    struct refused_card card = refused_card_of(reader, kind);
    if (!token->logged_in)
        return RC_PIN_NEEDED;
    unsigned tries = 0;
    enum rc rc = card_verify_pin(reader->card, card.pin, &token->pin, &tries, err);
    if (!rc) {
        reader->presented = true;
        return RC_OK;
    }
    token->tries_known = false;
    if (rc != RC_PIN_WRONG && rc != RC_PIN_BLOCKED)
        return rc;
    token->tries = tries;
    token->tries_known = true;
    if (rc == RC_PIN_WRONG && refused_add(&card, &token->pin, tries))
        log_warning("a refused PIN could not be remembered");
    token_logout(token);
    return RC_PIN_NEEDED;
}

static enum rc read_cert(struct reader *reader, enum card_cert cert, struct err *err)
{
    struct buf der = { 0 };
    enum rc rc = card_read_cert(reader->card, cert, &der, err);
    if (!rc) {
        rc = certificate_init(&reader->certs[cert], buf_bytes(&der));
        if (rc == RC_FORMAT)
            log_warning("the %s certificate of the card cannot be read", card_cert_name(cert));
    }
    buf_wipe(&der);
    reader->cert_states[cert] = rc == RC_PIN_NEEDED ? CERT_LOCKED : CERT_READ;
    if (rc == RC_NOT_FOUND || rc == RC_FORMAT)
        reader->cert_states[cert] = CERT_ABSENT;
    else if (rc && rc != RC_PIN_NEEDED)
        reader->cert_states[cert] = CERT_UNREAD;
    else
        return RC_OK;
    if (reader->cert_states[cert] == CERT_UNREAD)
        return rc;
    err_reset(err);
    return RC_OK;
}

static bool cert_wanted(const struct reader *reader, enum card_cert cert)
{
    return reader->cert_states[cert] == CERT_UNREAD || reader->cert_states[cert] == CERT_LOCKED;
}

static enum rc work_certs(struct reader *reader, void *context, struct err *err)
{
    const unsigned *certs = context;
    enum rc rc = RC_OK;
    for (enum card_cert cert = CARD_CERT_AUTH; cert <= CARD_CERT_SIGN_CA && !rc; cert++) {
        if (!(*certs & 1u << cert) || !cert_wanted(reader, cert))
            continue;
        enum token_kind kind = cert == CARD_CERT_SIGN ? TOKEN_SIGN : TOKEN_AUTH;
        bool locked = cert == CARD_CERT_SIGN || reader->cert_states[cert] == CERT_LOCKED;
        if (locked && !reader->tokens[kind].logged_in) {
            reader->cert_states[cert] = CERT_LOCKED;
            continue;
        }
        if (locked)
            rc = present_pin(reader, kind, err);
        if (!rc)
            rc = read_cert(reader, cert, err);
    }
    return rc;
}

enum rc token_read_certs(struct reader *reader, unsigned certs, struct err *err)
{
    bool wanted = false;
    for (enum card_cert cert = CARD_CERT_AUTH; cert <= CARD_CERT_SIGN_CA; cert++) {
        enum token_kind kind = cert == CARD_CERT_SIGN ? TOKEN_SIGN : TOKEN_AUTH;
        bool hopeless = reader->cert_states[cert] == CERT_LOCKED && !reader->tokens[kind].logged_in;
        wanted = wanted || ((certs & 1u << cert) && cert_wanted(reader, cert) && !hopeless);
    }
    return wanted ? transact(reader, work_certs, &certs, err) : RC_OK;
}

/* --- login --------------------------------------------------------------------------------------------------------------- */

struct login {
    enum token_kind kind;
    const struct secret *pin;
};

/* What this card refused since its last success is not sent again. A counter that has risen since says that there was a
 * success, or a new PIN, that this process did not see. */
static enum rc check_refused(struct reader *reader, const struct login *login, struct err *err)
{
    struct token *token = &reader->tokens[login->kind];
    struct refused_card card = refused_card_of(reader, login->kind);
    unsigned then = 0;
    enum rc rc = refused_find(&card, login->pin, &then);
    if (rc)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    rc = card_pin_tries(reader->card, card.pin, &token->tries, err);
    token->tries_known = !rc;
    if (rc)
        return rc;
    if (token->tries == 0)
        return err_set(err, RC_PIN_BLOCKED, "the PIN is blocked");
    if (token->tries <= then)
        return err_set(err, RC_PIN_WRONG, "the card refused this PIN before; it was not sent again");
    refused_clear(&card);
    return RC_OK;
}

static enum rc work_login(struct reader *reader, void *context, struct err *err)
{
    const struct login *login = context;
    struct token *token = &reader->tokens[login->kind];
    enum rc rc = check_identity(reader, true, err);
    if (!rc)
        rc = check_refused(reader, login, err);
    if (rc)
        return rc;
    struct refused_card card = refused_card_of(reader, login->kind);
    unsigned tries = 0;
    token->tries_known = false; /* until an answer says otherwise */
    rc = card_verify_pin(reader->card, card.pin, login->pin, &tries, err);
    if (!rc) {
        reader->presented = true;
        tries = card_pin_tries_max(card.pin);
        refused_clear(&card);
    } else if (rc == RC_PIN_WRONG && refused_add(&card, login->pin, tries)) {
        log_warning("a refused PIN could not be remembered");
    }
    if (!rc || rc == RC_PIN_WRONG || rc == RC_PIN_BLOCKED) {
        token->tries = tries;
        token->tries_known = true;
    }
    return rc;
}

/* So that one PIN in two cases is one PIN. */
static enum rc fold(const struct secret *pin, struct secret *folded)
{
    enum rc rc = secret_dup(folded, pin->data, pin->len);
    for (size_t i = 0; !rc && i < folded->len; i++)
        if (folded->data[i] >= 'a' && folded->data[i] <= 'z')
            folded->data[i] = (uint8_t)(folded->data[i] - 'a' + 'A');
    return rc;
}

enum rc token_login(struct reader *reader, enum token_kind kind, const struct secret *pin, CK_ULONG epoch,
                    struct err *err)
{
    struct token *token = &reader->tokens[kind];
    struct secret folded = { 0 };
    enum rc rc = card_pin_check(token_rows[kind].pin, pin);
    if (!rc)
        rc = fold(pin, &folded);
    if (rc)
        return rc;
    struct login login = { kind, &folded };
    rc = transact(reader, work_login, &login, err);
    if (!rc) {
        token_logout(token);
        token->pin = folded;
        folded = (struct secret) { 0 };
        token->logged_in = true;
        token->login_epoch = epoch;
    }
    secret_wipe(&folded);
    return rc;
}

bool token_pin_equals(const struct token *token, const struct secret *pin)
{
    struct secret folded = { 0 };
    bool equal = token->logged_in && fold(pin, &folded) == RC_OK && secret_equal(&folded, &token->pin);
    secret_wipe(&folded);
    return equal;
}

struct change {
    enum token_kind kind;
    const struct secret *old, *fresh; /* folded */
};

static enum rc work_change(struct reader *reader, void *context, struct err *err)
{
    const struct change *change = context;
    const struct login login = { change->kind, change->old };
    struct token *token = &reader->tokens[change->kind];
    enum rc rc = check_identity(reader, true, err);
    if (!rc)
        rc = check_refused(reader, &login, err);
    if (rc)
        return rc;
    unsigned tries = 0;
    struct refused_card card = refused_card_of(reader, change->kind);
    token->tries_known = false; /* until an answer says otherwise */
    reader->presented = true;   /* the old PIN may be, whatever comes back */
    rc = card_change_pin(reader->card, card.pin, change->old, change->fresh, &tries, err);
    if (!rc) {
        tries = card_pin_tries_max(card.pin);
        refused_clear(&card);
    } else if (rc == RC_PIN_WRONG && refused_add(&card, change->old, tries)) {
        log_warning("a refused PIN could not be remembered");
    }
    if (!rc || rc == RC_PIN_WRONG || rc == RC_PIN_BLOCKED) {
        token->tries = tries;
        token->tries_known = true;
    }
    return rc;
}

enum rc token_change_pin(struct reader *reader, enum token_kind kind, const struct secret *old,
                         const struct secret *fresh, struct err *err)
{
    struct token *token = &reader->tokens[kind];
    struct secret folded_old = { 0 }, folded_fresh = { 0 };
    struct change change = { kind, &folded_old, &folded_fresh };
    enum rc rc = card_pin_check_new(token_rows[kind].pin, fresh);
    if (!rc)
        rc = card_pin_check(token_rows[kind].pin, old);
    if (!rc)
        rc = fold(old, &folded_old);
    if (!rc)
        rc = fold(fresh, &folded_fresh);
    if (!rc && token->logged_in && !secret_equal(&folded_old, &token->pin)) /* the card accepted another one: no try is spent */
        rc = err_set(err, RC_PIN_WRONG, "the PIN to be changed is not the one that the card accepted; nothing was sent");
    else if (!rc)
        rc = transact(reader, work_change, &change, err);
    else
        goto out;
    if (!rc && token->logged_in) {
        secret_wipe(&token->pin);
        token->pin = folded_fresh;
        folded_fresh = (struct secret) { 0 };
    } else if (rc && rc != RC_PIN_WRONG) {
        token_logout(token); /* blocked, or nobody knows which of the two PINs is valid now */
    }
out:
    secret_wipe(&folded_old);
    secret_wipe(&folded_fresh);
    return rc;
}

void token_logout(struct token *token)
{
    secret_wipe(&token->pin);
    token->logged_in = false;
}

/* --- signatures ---------------------------------------------------------------------------------------------------------- */

struct signing {
    enum token_kind kind;
    enum mechanism_padding padding;
    struct bytes input;
    struct buf *signature;
};

static enum rc work_sign(struct reader *reader, void *context, struct err *err)
{
    const struct signing *signing = context;
    const struct token_row *row = &token_rows[signing->kind];
    bool pss = signing->padding == MECHANISM_PSS;
    size_t before = signing->signature->len;
    enum rc rc = present_pin(reader, signing->kind, err);
    if (!rc && pss && !reader->pss_checked && cert_wanted(reader, row->cert))
        rc = read_cert(reader, row->cert, err);
    if (!rc)
        rc = card_sign(reader->card, row->key, pss ? APPLET_SCHEME_PSS_HASH : APPLET_SCHEME_RAW, signing->input,
                       signing->signature, err);
    if (rc || !pss) {
        reader->pss_absent = reader->pss_absent || (pss && rc == RC_UNSUPPORTED);
        return rc;
    }
    if (reader->pss_checked)
        return RC_OK;
    /* No maker promises the scheme: the first signature of a card is believed only when the public key says so. */
    const struct buf *made = signing->signature;
    rc = reader->cert_states[row->cert] != CERT_READ
        ? RC_NOT_FOUND
        : mechanism_verify(MECHANISM_PSS, reader->certs[row->cert].key, signing->input,
                           bytes_of(made->data + before, made->len - before));
    reader->pss_checked = !rc;
    if (!rc)
        return RC_OK;
    buf_truncate(signing->signature, before);
    reader->pss_absent = true;
    return err_set(err, RC_UNSUPPORTED, "the card's RSASSA-PSS signature does not verify");
}

enum rc token_sign(struct reader *reader, enum token_kind kind, enum mechanism_padding padding, struct bytes input,
                   struct buf *signature, struct err *err)
{
    struct signing signing = { kind, padding, input, signature };
    if (!reader->tokens[kind].logged_in)
        return RC_PIN_NEEDED;
    if (padding == MECHANISM_PSS && reader->pss_absent)
        return RC_UNSUPPORTED;
    return transact(reader, work_sign, &signing, err);
}

/* token.c — transactions with the card. While the user is logged in the PIN waits in this process, in locked memory; the card
 * holds it in a transaction of ours and no longer, so that no other program can use what it did not log in for. */
#include "pkcs11/token_inside.h"

#include "base/log.h"
#include "pkcs11/agent.h"
#include "pkcs11/crypto.h"
#include "pkcs11/module.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>

#define HEAD_LEN 256u
#define TURNS_MAX 3 /* of a transaction that another program's reset broke before it did anything */
#define SERIAL_TAIL 8u

const struct token_row token_rows[TOKEN_KINDS] = {
    [TOKEN_AUTH] = { "JPKI (User Authentication)", CARD_PIN_AUTH, CARD_KEY_AUTH, CARD_CERT_AUTH },
    [TOKEN_SIGN] = { "JPKI (Digital Signature)", CARD_PIN_SIGN, CARD_KEY_SIGN, CARD_CERT_SIGN },
};

static bool anything_presented(const struct reader *reader)
{
    return reader->presented[TOKEN_AUTH] || reader->presented[TOKEN_SIGN];
}

/* Where nobody else does it (agent.h): selecting the card manager is what makes this card forget a presented PIN. A second
 * selection of the same application does not, nor does a warm reset. */
static enum transport_disposition take_pin_away(struct reader *reader)
{
    const struct apdu_command select = { .ins = APPLET_INS_SELECT, .p1 = 0x04, .p2 = 0x0C,
                                         .data = bytes_of(APPLET_AID_CARD_MANAGER, APPLET_AID_CARD_MANAGER_LEN) };
    struct apdu_response response;
    if (!anything_presented(reader))
        return TRANSPORT_LEAVE;
    enum rc rc = RC_CARD_RESET; /* a reset does not take the PIN away, and lets this command not through */
    for (int turn = 0; turn < TURNS_MAX && rc == RC_CARD_RESET; turn++)
        rc = channel_exchange(card_channel(reader->card), &select, &response, NULL);
    return !rc && response.sw == 0x9000 ? TRANSPORT_LEAVE : TRANSPORT_UNPOWER;
}

/* What was true of the transaction that is over, and is of none that comes. */
static void forget_transaction(struct reader *reader)
{
    reader->selected = false;
    for (enum token_kind kind = TOKEN_AUTH; kind < TOKEN_KINDS; kind++)
        reader->presented[kind] = reader->tokens[kind].tries_fresh = false;
}

/* The first block of the authentication certificate, which no two cards share. Empty: a telephone shows it after login
 * only; a card may have none. */
static enum rc read_head(struct reader *reader, enum card_kind kind, struct buf *head, struct err *err)
{
    if (!card_kind_has(kind, CARD_KEY_AUTH))
        return RC_OK;
    enum rc rc = card_read_ef(reader->card, APPLET_EF_AUTH_CERT, 0, HEAD_LEN, head, err);
    if (!rc && head->len != HEAD_LEN && head->len && head->data[0] == 0x30)
        return err_set(err, RC_IO, "half a block of the certificate"); /* it would make another card of this one */
    if (rc != RC_PIN_NEEDED && rc != RC_NOT_FOUND)
        return rc;
    err_reset(err);
    return RC_OK;
}

/* Is it still the card that was seen before? What is not known of it yet cannot differ. */
static enum rc check_identity(struct reader *reader, struct err *err)
{
    struct card_token_info info;
    struct buf head = { 0 };
    if (!reader->identified)
        return RC_OK;
    enum rc rc = card_read_token_info(reader->card, &info, err);
    if (!rc)
        rc = read_head(reader, info.kind, &head, err);
    if (!rc
        && (strcmp(info.label, reader->info.label) || strcmp(info.serial, reader->info.serial)
            || strcmp(info.model, reader->info.model) || strcmp(info.manufacturer, reader->info.manufacturer)
            || !bytes_equal(buf_bytes(&head), buf_bytes(&reader->head))))
        rc = err_set(err, RC_CARD_GONE, "another card is in the reader");
    buf_wipe(&head);
    return rc;
}

/* EF 0006 may hold the same number in every card of a series: what tells two cards apart is the certificate. */
static enum rc make_serial(struct reader *reader)
{
    struct buf both = { 0 };
    char hex[2 * sizeof(reader->identity) + 1];
    size_t len = strlen(reader->info.serial), got = 0;
    enum rc rc = buf_append(&both, reader->info.serial, sizeof(reader->info.serial));
    if (!rc)
        rc = buf_append_bytes(&both, buf_bytes(&reader->head));
    if (!rc && !EVP_Q_digest(crypto_context(), "SHA256", NULL, both.data, both.len, reader->identity, &got))
        rc = RC_CRYPTO;
    buf_wipe(&both);
    for (size_t i = 0; i < sizeof(reader->identity); i++)
        (void)snprintf(hex + 2 * i, 3, "%02X", reader->identity[i]);
    if (!reader->head.len)
        (void)snprintf(reader->serial, sizeof(reader->serial), "%s", reader->info.serial);
    else if (len >= SERIAL_TAIL)
        (void)snprintf(reader->serial, sizeof(reader->serial), "%s%.8s", reader->info.serial + len - SERIAL_TAIL, hex);
    else
        (void)snprintf(reader->serial, sizeof(reader->serial), "%.16s", hex);
    return rc;
}

enum rc reader_identify(struct reader *reader, struct err *err)
{
    struct buf head = { 0 };
    if (reader->identified)
        return RC_OK;
    enum rc rc = card_read_token_info(reader->card, &reader->info, err);
    const struct buf *known = &reader->certs[CARD_CERT_AUTH].der;
    if (!rc && known->len >= HEAD_LEN)
        rc = buf_append(&head, known->data, HEAD_LEN);
    else if (!rc)
        rc = read_head(reader, reader->info.kind, &head, err);
    if (rc) {
        buf_wipe(&head);
        return rc;
    }
    buf_wipe(&reader->head);
    reader->head = head;
    rc = make_serial(reader);
    reader->identified = !rc;
    reader->without_auth = !rc && !card_kind_has(reader->info.kind, CARD_KEY_AUTH);
    return rc;
}

static void note_loss(struct reader *reader, enum rc rc)
{
    if (rc == RC_CARD_GONE || rc == RC_READER_GONE)
        reader->orphaned = reader->orphaned || anything_presented(reader);
}

static bool typed_presented(const struct reader *reader)
{
    bool typed = false;
    for (enum token_kind kind = TOKEN_AUTH; kind < TOKEN_KINDS; kind++)
        typed = typed || (reader->presented[kind] && reader->tokens[kind].typed);
    return typed;
}

/* A transaction goes on for a moment where the way to the card allows it and nothing went wrong. */
static void finish(struct reader *reader, enum rc rc)
{
    bool sound = rc == RC_OK || rc == RC_PIN_WRONG || rc == RC_UNSUPPORTED || rc == RC_NOT_FOUND;
    reader->kept = sound && card_keep(reader->card, typed_presented(reader) ? AGENT_TYPED_KEEP_MS : 0);
    if (reader->kept)
        return;
    note_loss(reader, rc);
    card_end(reader->card, take_pin_away(reader));
    forget_transaction(reader);
}

void reader_let_go(struct reader *reader)
{
    if (reader->card && reader->kept) {
        module_pause();
        card_end(reader->card, TRANSPORT_LEAVE);
        module_resume();
    }
    reader->kept = false;
    forget_transaction(reader);
}

static enum rc transact(struct reader *reader, reader_work_fn work, void *context, struct err *err)
{
    enum rc rc = RC_CARD_RESET;
    for (int turn = 0; turn < TURNS_MAX && rc == RC_CARD_RESET; turn++) {
        bool was_reset = false;
        err_reset(err);
        rc = card_begin(reader->card, &was_reset, err);
        note_loss(reader, rc);
        if (rc || !card_was_kept(reader->card))
            forget_transaction(reader);
        if (rc)
            continue;
        if (!reader->selected)
            rc = card_select_jpki(reader->card, err);
        if (rc == RC_CARD_FOREIGN && reader->content == READER_JPKI) /* it has the application, whatever it says now */
            rc = RC_IO;
        reader->selected = !rc;
        if (!rc && was_reset && reader->content == READER_JPKI)
            rc = check_identity(reader, err);
        if (!rc)
            rc = work(reader, context, err);
        finish(reader, rc);
    }
    return rc;
}

enum rc reader_transact(struct reader *reader, reader_work_fn work, void *context, struct err *err)
{
    module_pause();
    enum rc rc = transact(reader, work, context, err);
    module_resume();
    return rc;
}

/* --- recognition --------------------------------------------------------------------------------------------------------- */

enum rc token_ask_tries(struct reader *reader, enum token_kind kind, struct err *err)
{
    struct token *token = &reader->tokens[kind];
    enum rc rc = card_pin_tries(reader->card, token_rows[kind].pin, &token->tries, err);
    token->tries_known = token->tries_fresh = !rc;
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
    return token_ask_tries(reader, *kind, err);
}

static bool tries_unknown(const struct reader *reader, enum token_kind kind)
{
    return !reader->tokens[kind].tries_known && !reader->tokens[kind].pin_absent && reader_has(reader, kind);
}

static enum rc work_info(struct reader *reader, void *context, struct err *err)
{
    const unsigned *kinds = context;
    enum rc rc = reader_identify(reader, err);
    for (enum token_kind kind = TOKEN_AUTH; kind < TOKEN_KINDS && !rc; kind++)
        if ((*kinds & 1u << kind) && tries_unknown(reader, kind))
            rc = token_ask_tries(reader, kind, err);
    return rc;
}

enum rc reader_read_info(struct reader *reader, unsigned kinds, struct err *err)
{
    bool known = reader->identified;
    for (enum token_kind kind = TOKEN_AUTH; kind < TOKEN_KINDS; kind++)
        known = known && (!(kinds & 1u << kind) || !tries_unknown(reader, kind));
    return known ? RC_OK : reader_transact(reader, work_info, &kinds, err);
}

/* The selection, which every transaction begins with, is all that most cards are asked. A card that does not say what
 * it is is a JPKI card all the same. */
static enum rc work_recognise(struct reader *reader, void *context, struct err *err)
{
    (void)context;
    if (!card_kind_may_be_juki(card_atr(reader->card)))
        return RC_OK;
    enum rc rc = reader_identify(reader, err);
    if (rc != RC_NOT_FOUND && rc != RC_FORMAT && rc != RC_PIN_NEEDED && rc != RC_CARD_REFUSED)
        return rc;
    err_reset(err);
    return RC_OK;
}

/* The keeper was killed, not the card pulled out: else the reader's state would have told, and this be forgotten (slot.c). */
static void take_orphan_away(struct reader *reader)
{
    bool was_reset;
    if (!reader->orphaned || card_begin(reader->card, &was_reset, NULL))
        return;
    reader->presented[TOKEN_AUTH] = true;
    card_end(reader->card, take_pin_away(reader));
    forget_transaction(reader);
    reader->orphaned = false;
}

enum rc reader_recognise(struct reader *reader, struct transport *transport, struct err *err)
{
    char name[TRANSPORT_READER_SIZE];
    memcpy(name, reader->known.name, sizeof(name));
    module_pause();
    enum rc rc = card_open(transport, name, &reader->card, err);
    reader->pads = rc ? 0 : card_pads(reader->card);
    if (!rc)
        take_orphan_away(reader);
    module_resume();
    if (rc)
        return rc;
    rc = reader_transact(reader, work_recognise, NULL, err);
    if (!rc) {
        reader->content = READER_JPKI;
        return RC_OK;
    }
    bool foreign = rc == RC_CARD_FOREIGN;
    reader_forget(reader, foreign ? READER_FOREIGN : READER_NEW);
    return foreign ? RC_OK : rc;
}

/* By the name that the next card's file is thought to bear, or by a certificate. */
static bool reader_is_ec(const struct reader *reader)
{
    bool ec = strcmp(reader->info.label, APPLET_TOKEN_LABEL_NEXT) == 0;
    for (enum card_cert cert = CARD_CERT_AUTH; cert <= CARD_CERT_SIGN; cert++)
        ec = ec || (reader->cert_states[cert] == CERT_READ && certificate_is_ec(&reader->certs[cert]));
    return ec && !reader_is_rsa(reader);
}

unsigned reader_mechanisms(const struct reader *reader)
{
    if (reader_is_ec(reader))
        return MECHANISM_CARD_EC;
    return reader->pss != PSS_ABSENT ? MECHANISM_CARD_PSS : MECHANISM_CARD_PKCS1;
}

bool reader_has(const struct reader *reader, enum token_kind kind)
{
    return kind != TOKEN_AUTH || !reader->without_auth;
}

unsigned reader_rsa_bits(const struct reader *reader, enum token_kind kind)
{
    enum card_cert cert = token_rows[kind].cert;
    bool read = reader->cert_states[cert] == CERT_READ && !certificate_is_ec(&reader->certs[cert]);
    return read ? (unsigned)reader->certs[cert].key_bits : card_kind_rsa_bits(reader->info.kind);
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
    reader->pads = 0;
    buf_wipe(&reader->head);
    reader->info = (struct card_token_info) { 0 };
    forget_transaction(reader);
    reader->kept = reader->identified = reader->without_auth = false;
    reader->pss = PSS_UNKNOWN;
    reader->content = content;
}

enum rc token_read_tries(struct reader *reader, enum token_kind kind, struct err *err)
{
    return tries_unknown(reader, kind) ? reader_transact(reader, work_tries, &kind, err) : RC_OK;
}

/* --- certificates -------------------------------------------------------------------------------------------------------- */

static enum rc take_cert(struct reader *reader, enum card_cert cert, struct bytes head, struct err *err)
{
    struct buf der = { 0 };
    enum rc rc = card_read_cert_after(reader->card, cert, head, &der, err);
    if (!rc)
        rc = certificate_init(&reader->certs[cert], buf_bytes(&der));
    buf_wipe(&der);
    return rc;
}

/* That there is none, or none that can be read, is believed when the card says it twice: it holds until the card is taken
 * out. */
static enum rc read_cert(struct reader *reader, enum card_cert cert, struct err *err)
{
    bool told = reader->presented[cert == CARD_CERT_SIGN ? TOKEN_SIGN : TOKEN_AUTH];
    struct bytes head = cert == CARD_CERT_AUTH ? buf_bytes(&reader->head) : bytes_of(NULL, 0);
    enum rc rc = take_cert(reader, cert, head, err);
    if (rc == RC_NOT_FOUND || rc == RC_FORMAT) {
        err_reset(err);
        rc = card_select_jpki(reader->card, err);
        if (!rc)
            rc = take_cert(reader, cert, bytes_of(NULL, 0), err);
    }
    if (rc == RC_PIN_NEEDED && told)
        return err_set(err, RC_IO, "the card forgot the PIN");
    if (rc == RC_FORMAT)
        log_warning("the %s certificate of the card cannot be read", card_cert_name(cert));
    if (!rc)
        reader->cert_states[cert] = CERT_READ;
    else if (rc == RC_PIN_NEEDED)
        reader->cert_states[cert] = CERT_LOCKED;
    else if (rc == RC_NOT_FOUND || rc == RC_FORMAT)
        reader->cert_states[cert] = CERT_ABSENT;
    else
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
            rc = token_present(reader, kind, err);
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
    return wanted ? reader_transact(reader, work_certs, &certs, err) : RC_OK;
}

/* --- signatures ---------------------------------------------------------------------------------------------------------- */

struct signing {
    enum token_kind kind;
    enum mechanism_padding padding;
    struct bytes input;
    struct buf *signature;
};

/* No maker promises RSASSA-PSS: the first such signature of a card is believed only when the public key says so. And whenever
 * the public key is known, no signature that was spoilt on its way leaves this room. */
static enum rc check_signature(struct reader *reader, const struct signing *signing, size_t before, struct err *err)
{
    enum card_cert cert = token_rows[signing->kind].cert;
    bool first = signing->padding == MECHANISM_PSS && reader->pss != PSS_CHECKED;
    bool known = reader->cert_states[cert] == CERT_READ;
    struct bytes signature = buf_bytes_from(signing->signature, before);
    if (!known && !first)
        return RC_OK;
    if (known && !mechanism_verify(signing->padding, reader->certs[cert].key, signing->input, signature)) {
        reader->pss = first ? PSS_CHECKED : reader->pss;
        return RC_OK;
    }
    bool whole = !known || signature.len == (size_t)EVP_PKEY_get_size(reader->certs[cert].key);
    buf_truncate(signing->signature, before);
    if (!first || !whole)
        return err_set(err, RC_IO, "the card's signature does not verify");
    reader->pss = PSS_ABSENT;
    return err_set(err, RC_UNSUPPORTED, "the card's RSASSA-PSS signature does not verify");
}

static enum rc work_sign(struct reader *reader, void *context, struct err *err)
{
    const struct signing *signing = context;
    const struct token_row *row = &token_rows[signing->kind];
    bool pss = signing->padding == MECHANISM_PSS;
    size_t before = signing->signature->len;
    enum rc rc = token_present(reader, signing->kind, err);
    if (!rc && pss && reader->pss != PSS_CHECKED && cert_wanted(reader, row->cert))
        rc = read_cert(reader, row->cert, err);
    if (!rc)
        rc = card_sign(reader->card, row->key, pss ? APPLET_SCHEME_PSS_HASH : APPLET_SCHEME_RAW, signing->input,
                       signing->signature, err);
    if (pss && rc == RC_UNSUPPORTED)
        reader->pss = PSS_ABSENT;
    return rc ? rc : check_signature(reader, signing, before, err);
}

enum rc token_sign(struct reader *reader, enum token_kind kind, enum mechanism_padding padding, struct bytes input,
                   struct buf *signature, struct err *err)
{
    struct signing signing = { kind, padding, input, signature };
    if (!reader->tokens[kind].logged_in)
        return RC_PIN_NEEDED;
    if (padding == MECHANISM_PSS && reader->pss == PSS_ABSENT)
        return RC_UNSUPPORTED;
    return reader_transact(reader, work_sign, &signing, err);
}

static enum rc work_probe(struct reader *reader, void *context, struct err *err)
{
    const enum token_kind *kind = context;
    if (reader->presented[*kind]) /* it would sign: the first use will say */
        return RC_OK;
    enum rc rc = card_probe_scheme(reader->card, token_rows[*kind].key, APPLET_SCHEME_PSS_HASH, err);
    reader->pss = rc == RC_UNSUPPORTED ? PSS_ABSENT : PSS_LIKELY;
    if (rc != RC_UNSUPPORTED && rc != RC_STATE)
        return rc;
    err_reset(err);
    return RC_OK;
}

enum rc token_probe_pss(struct reader *reader, enum token_kind kind, struct err *err)
{
    return reader->pss == PSS_UNKNOWN && !reader_is_ec(reader) ? reader_transact(reader, work_probe, &kind, err) : RC_OK;
}

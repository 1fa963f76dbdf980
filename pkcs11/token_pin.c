/* token_pin.c — PINs on their way to the card: every VERIFY and CHANGE REFERENCE DATA of the module is sent from here, after
 * pinpolicy.h said so. */
#include "pkcs11/token_inside.h"

#include "base/log.h"
#include "pkcs11/pinpolicy.h"
#include "pkcs11/prompt.h"
#include "pkcs11/refused.h"

#include <stdlib.h>
#include <string.h>

struct login {
    enum token_kind kind;
    const struct secret *pin; /* folded; NULL: typed on the reader */
    bool again;               /* the PIN that this card accepted last */
};

static struct refused_card refused_card_of(const struct reader *reader, enum token_kind kind)
{
    return (struct refused_card) { bytes_of(reader->identity, sizeof(reader->identity)), token_rows[kind].pin };
}

static bool is_careful(void)
{
    const char *value = secure_getenv("JPKI_LAST_TRY");
    return !value || strcmp(value, "at-once") != 0;
}

static enum rc learn_refusals(struct reader *reader, const struct login *login, struct pin_view *view, struct err *err)
{
    enum rc rc = reader_identify(reader, err);
    if (rc)
        return rc;
    struct refused_card card = refused_card_of(reader, login->kind);
    rc = login->pin ? refused_find(&card, login->pin, &view->refused_tries) : RC_NOT_FOUND;
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    view->refused = !rc;
    view->told = refused_was_told(&card);
    view->identified = true;
    return RC_OK;
}

static enum rc say_last(struct reader *reader, const struct login *login, struct err *err)
{
    enum rc rc = reader_identify(reader, err);
    struct refused_card card = refused_card_of(reader, login->kind);
    if (!rc)
        rc = refused_tell(&card);
    return rc ? rc : err_set(err, RC_PIN_WRONG, "one try is left: no PIN was sent; it will be when it is given again");
}

/* RC_OK: the PIN may be sent now. */
static enum rc ask_policy(struct reader *reader, const struct login *login, struct err *err)
{
    struct token *token = &reader->tokens[login->kind];
    struct pin_view view = {
        .formed = !login->pin || card_pin_check(reader->info.kind, token_rows[login->kind].pin, login->pin) == RC_OK,
        .again = login->again,
        .undisturbed = token->accepted_at == refused_generation(),
        .counted = token->tries_fresh,
        .tries = token->tries,
        .remembers = refused_any(),
        .careful = is_careful(),
    };
    for (;;) {
        enum rc rc = RC_OK;
        switch (pinpolicy_decide(&view)) {
        case PIN_SEND:
            return RC_OK;
        case PIN_COUNT:
            rc = token_ask_tries(reader, login->kind, err);
            if (!rc && token->pin_absent)
                rc = err_set(err, RC_STATE, "the card has no such PIN");
            view.counted = true;
            view.tries = token->tries;
            break;
        case PIN_IDENTIFY:
            rc = learn_refusals(reader, login, &view, err);
            break;
        case PIN_SAY_MISFORMED:
            return RC_PIN_FORMAT;
        case PIN_SAY_WRONG:
            return err_set(err, RC_PIN_WRONG, "the card refused this PIN before; it was not sent again");
        case PIN_SAY_BLOCKED:
            return err_set(err, RC_PIN_BLOCKED, "the PIN is blocked");
        case PIN_SAY_LAST:
            return say_last(reader, login, err);
        }
        if (rc)
            return rc;
    }
}

static void remember_refusal(struct reader *reader, const struct login *login, unsigned tries)
{
    if (!login->pin) /* nobody here knows it */
        return;
    enum rc rc = reader_identify(reader, NULL);
    struct refused_card card = refused_card_of(reader, login->kind);
    if (rc || refused_add(&card, login->pin, tries))
        log_warning("a refused PIN could not be remembered");
}

/* The answer to a PIN is lost: it is not sent again, the counter says what became of it. A counter that is full now as it was
 * before says nothing, and costs nothing. */
static enum rc resolve(struct reader *reader, const struct login *login, unsigned before, struct err *err)
{
    struct token *token = &reader->tokens[login->kind];
    struct err lost = *err;
    err_reset(err);
    if (!token_ask_tries(reader, login->kind, err) && token->tries_known && token->tries < before) {
        remember_refusal(reader, login, token->tries);
        return token->tries == 0 ? err_set(err, RC_PIN_BLOCKED, "the PIN is blocked")
                                 : err_set(err, RC_PIN_WRONG, "the card refused the PIN; its answer was lost");
    }
    *err = lost;
    return RC_IO;
}

/* What the card's answer to a PIN means for what is known. */
static enum rc learn_answer(struct reader *reader, const struct login *login, enum rc rc, unsigned tries, unsigned before,
                            struct err *err)
{
    struct token *token = &reader->tokens[login->kind];
    struct refused_card card = refused_card_of(reader, login->kind);
    token->tries_known = token->tries_fresh = false; /* until an answer says otherwise */
    if (rc == RC_IO)
        return resolve(reader, login, before, err);
    /* Gone before it answered. If the counter is found one lower the card refused the PIN; else this says nothing. */
    if ((rc == RC_CARD_GONE || rc == RC_READER_GONE) && reader->identified && before)
        remember_refusal(reader, login, before - 1);
    if (!rc)
        tries = card_pin_tries_max(card.pin);
    if (rc == RC_OK || rc == RC_PIN_WRONG || rc == RC_PIN_BLOCKED) {
        token->tries = tries;
        token->tries_known = token->tries_fresh = true;
    }
    if (!rc && reader->identified)
        refused_clear(&card);
    if (rc == RC_PIN_WRONG || rc == RC_PIN_BLOCKED)
        remember_refusal(reader, login, tries);
    return rc;
}

/* The reader's own answers, upon which nothing went to the card. */
static bool was_not_typed(const struct login *login, enum rc rc)
{
    return !login->pin && (rc == RC_INTERRUPTED || rc == RC_TIMEOUT || rc == RC_PIN_FORMAT || rc == RC_UNSUPPORTED);
}

static bool is_japanese(void)
{
    return prompt_language() == PROMPT_JAPANESE;
}

/* Presents the PIN, once at most. */
static enum rc send_pin(struct reader *reader, const struct login *login, struct err *err)
{
    struct token *token = &reader->tokens[login->kind];
    enum rc rc = ask_policy(reader, login, err);
    if (rc)
        return rc;
    unsigned tries = 0, before = token->tries_fresh ? token->tries : 0;
    bool was_presented = reader->presented[login->kind];
    reader->presented[login->kind] = true; /* it may be, whatever comes back … */
    if (login->pin)
        rc = card_verify_pin_counted(reader->card, token_rows[login->kind].pin, login->pin, &tries, err);
    else
        rc = card_verify_pin_on_pad_counted(reader->card, token_rows[login->kind].pin, is_japanese(), &tries, err);
    if (was_not_typed(login, rc)) {
        reader->presented[login->kind] = was_presented;
        return rc;
    }
    rc = learn_answer(reader, login, rc, tries, before, err);
    if (rc == RC_PIN_WRONG || rc == RC_PIN_BLOCKED) /* … but a refusal */
        reader->presented[login->kind] = was_presented;
    if (!rc)
        token->accepted_at = refused_generation();
    return rc;
}

enum rc token_present(struct reader *reader, enum token_kind kind, struct err *err)
{
    struct token *token = &reader->tokens[kind];
    const struct login login = { kind, token->typed ? NULL : &token->pin, !token->typed };
    if (!token->logged_in)
        return RC_PIN_NEEDED;
    if (reader->presented[kind])
        return RC_OK;
    enum rc rc = send_pin(reader, &login, err);
    if (rc != RC_PIN_WRONG && rc != RC_PIN_BLOCKED)
        return rc;
    token_logout(token); /* it is not this card's PIN any more */
    return RC_PIN_NEEDED;
}

/* --- login --------------------------------------------------------------------------------------------------------------- */

static enum rc work_login(struct reader *reader, void *context, struct err *err)
{
    return send_pin(reader, context, err);
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
    enum rc rc = pin ? card_pin_check(reader->info.kind, token_rows[kind].pin, pin) : RC_OK;
    if (!rc && pin)
        rc = fold(pin, &folded);
    if (rc)
        return rc;
    struct login login = { kind, pin ? &folded : NULL, false };
    token->typed = !pin; /* while it is presented the transaction is kept for longer */
    rc = reader_transact(reader, work_login, &login, err);
    if (!rc) {
        token_logout(token);
        token->pin = folded;
        folded = (struct secret) { 0 };
        token->typed = !pin;
        token->logged_in = true;
        token->login_epoch = epoch;
    } else {
        token->typed = false;
    }
    secret_wipe(&folded);
    return rc;
}

void token_logout(struct token *token)
{
    secret_wipe(&token->pin);
    token->logged_in = token->typed = false;
}

enum rc token_confirm(struct reader *reader, enum token_kind kind, struct err *err)
{
    struct login login = { kind, NULL, false };
    return reader_transact(reader, work_login, &login, err);
}

bool token_pin_equals(const struct token *token, const struct secret *pin)
{
    struct secret folded = { 0 };
    bool equal = token->logged_in && !token->typed && fold(pin, &folded) == RC_OK && secret_equal(&folded, &token->pin);
    secret_wipe(&folded);
    return equal;
}

/* --- change -------------------------------------------------------------------------------------------------------------- */

struct change {
    struct login login; /* with the old one */
    const struct secret *fresh;
};

static enum rc work_change(struct reader *reader, void *context, struct err *err)
{
    const struct change *change = context;
    const struct login *login = &change->login;
    enum rc rc = ask_policy(reader, login, err);
    if (rc)
        return rc;
    unsigned tries = 0;
    struct token *token = &reader->tokens[login->kind];
    reader->presented[login->kind] = true; /* the old PIN may be, whatever comes back */
    refused_disturb();
    bool accepted = true;
    if (login->pin)
        rc = card_change_pin(reader->card, token_rows[login->kind].pin, login->pin, change->fresh, &tries, err);
    else
        rc = card_change_pin_on_pad(reader->card, token_rows[login->kind].pin, is_japanese(), &accepted, &tries, err);
    if (was_not_typed(login, rc)) /* the old one stays what it is; if it was typed it is taken away with the transaction */
        return rc;
    if (rc == RC_IO) /* either of the two may be valid: nothing is resolved by the counter */
        token->tries_known = token->tries_fresh = false;
    else
        rc = learn_answer(reader, login, rc, tries, 0, err);
    if (!rc)
        token->accepted_at = refused_generation();
    return rc;
}

/* The card's PIN is another one now; of one that was typed on the reader nobody here knows it. */
static void take_new_pin(struct token *token, struct secret *fresh)
{
    secret_wipe(&token->pin);
    token->pin = *fresh;
    token->typed = fresh->data == NULL;
    *fresh = (struct secret) { 0 };
}

static enum rc fold_both(enum card_kind card, enum token_kind kind, const struct secret *old, const struct secret *fresh,
                         struct secret *folded)
{
    enum rc rc = card_pin_check_new(card, token_rows[kind].pin, fresh);
    if (!rc)
        rc = card_pin_check(card, token_rows[kind].pin, old);
    if (!rc)
        rc = fold(old, &folded[0]);
    return rc ? rc : fold(fresh, &folded[1]);
}

enum rc token_change_pin(struct reader *reader, enum token_kind kind, const struct secret *old,
                         const struct secret *fresh, struct err *err)
{
    struct token *token = &reader->tokens[kind];
    struct secret folded[2] = { 0 };
    struct change change = { { kind, old ? &folded[0] : NULL, false }, &folded[1] };
    enum rc rc = old ? fold_both(reader->info.kind, kind, old, fresh, folded) : RC_OK;
    if (rc)
        goto out;
    if (old && token->logged_in && !token->typed && !secret_equal(&folded[0], &token->pin)) /* the card accepted another: no try */
        rc = err_set(err, RC_PIN_WRONG, "the PIN to be changed is not the one that the card accepted; nothing was sent");
    else
        rc = reader_transact(reader, work_change, &change, err);
    if (!rc && token->logged_in)
        take_new_pin(token, &folded[1]);
    else if (rc && rc != RC_PIN_WRONG && !was_not_typed(&change.login, rc))
        token_logout(token); /* blocked, or nobody knows which of the two PINs is valid now */
out:
    secret_wipe(&folded[0]);
    secret_wipe(&folded[1]);
    return rc;
}

/* holder.c — the holder of a card at the keyboard. Decides nothing about a card; asks, and says what is at stake first. */
#include "jpki/holder.h"

#include "card/reader.h"

#include <limits.h>
#include <stdio.h>

enum rc holder_open(struct holder *holder, const char *reader, struct err *err)
{
    *holder = (struct holder) { 0 };
    enum rc rc = reader_open(reader, &holder->transport, err);
    if (!rc)
        rc = card_find(holder->transport, &holder->card, err);
    if (rc)
        holder_close(holder);
    return rc;
}

void holder_close(struct holder *holder)
{
    card_close(holder->card, holder->presented ? TRANSPORT_UNPOWER : TRANSPORT_LEAVE);
    transport_close(holder->transport);
    *holder = (struct holder) { 0 };
}

/* A person thinks for as long as they like: the card is not kept from other programs meanwhile. */
static enum rc holder_prompt(struct holder *holder, const char *prompt, struct secret *pin, struct err *err)
{
    bool was_reset;
    card_end(holder->card, TRANSPORT_LEAVE);
    enum rc asked = secret_prompt(pin, prompt);
    enum rc rc = card_begin(holder->card, &was_reset, err);
    if (!rc)
        rc = card_select_jpki(holder->card, err);
    return rc ? rc : asked;
}

enum rc holder_read(struct holder *holder, const char *prompt, long pin_fd, struct secret *pin, struct err *err)
{
    if (pin_fd > INT_MAX)
        return err_set(err, RC_USAGE, "--pin-fd %ld is no descriptor", pin_fd);
    enum rc rc = pin_fd < 0 ? holder_prompt(holder, prompt, pin, err) : secret_read_line(pin, (int)pin_fd);
    if (rc == RC_UNSUPPORTED)
        return err_set(err, rc, "there is no terminal to ask for the PIN: use --pin-fd");
    if (rc == RC_NOT_FOUND)
        return err_set(err, rc, "descriptor %ld has ended: a line with the PIN is wanted", pin_fd);
    return rc ? err_set(err, rc, "reading the PIN: %s", rc_text(rc)) : RC_OK;
}

/* Says what is at stake. */
static enum rc holder_check_tries(struct holder *holder, enum card_pin which, bool last_try, struct err *err)
{
    unsigned tries;
    enum rc rc = card_pin_tries(holder->card, which, &tries, err);
    if (rc)
        return rc;
    if (tries == 0)
        return err_set(err, RC_PIN_BLOCKED, "the %s PIN is blocked: the municipality's counter can set a new one",
                       card_pin_name(which));
    fprintf(stderr, "%s PIN: %u of %u tries left\n", card_pin_name(which), tries, card_pin_tries_max(which));
    if (tries == 1 && !last_try)
        return err_set(err, RC_DENIED, "a wrong PIN now would block the %s PIN: give --last-try if you are sure of it",
                       card_pin_name(which));
    return RC_OK;
}

enum rc holder_ask(struct holder *holder, enum card_pin which, long pin_fd, bool last_try, struct secret *pin,
                   struct err *err)
{
    char prompt[200];
    enum rc rc = holder_check_tries(holder, which, last_try, err);
    if (rc)
        return rc;
    snprintf(prompt, sizeof prompt, "%s PIN of the card in '%s': ", card_pin_name(which), card_reader(holder->card));
    return holder_read(holder, prompt, pin_fd, pin, err);
}

/* On the reader's key pad, which the person sees and this program does not. */
static enum rc holder_pad(struct holder *holder, enum card_pin which, bool last_try, struct err *err)
{
    enum rc rc = holder_check_tries(holder, which, last_try, err);
    if (rc)
        return rc;
    fprintf(stderr, "type the %s PIN on the reader '%s', within %d seconds\n", card_pin_name(which),
            card_reader(holder->card), CARD_PAD_SECONDS);
    holder->presented = true; /* also when the answer is lost */
    return card_verify_pin_on_pad(holder->card, which, false, NULL, err);
}

enum rc holder_present(struct holder *holder, enum card_pin which, long pin_fd, bool last_try, struct err *err)
{
    struct secret pin = { 0 };
    if (pin_fd < 0 && card_has_pad(holder->card, which))
        return holder_pad(holder, which, last_try, err);
    enum rc rc = holder_ask(holder, which, pin_fd, last_try, &pin, err);
    if (!rc) {
        holder->presented = true; /* also when the answer is lost */
        rc = card_verify_pin(holder->card, which, &pin, NULL, err);
    }
    secret_wipe(&pin);
    return rc;
}

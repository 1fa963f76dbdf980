/* card_change_pin.c — jpki card change-pin: the old PIN, the new one, and what is at stake before either is asked. */
#include "jpki/card_command.h"

#include "base/opt.h"
#include "jpki/holder.h"

#include <stdio.h>

/* The new PIN, on the terminal twice. */
static enum rc change_ask_new(struct holder *holder, enum card_pin which, long pin_fd, struct secret *fresh, struct err *err)
{
    struct secret again = { 0 };
    char prompt[100];
    snprintf(prompt, sizeof prompt, "new %s PIN: ", card_pin_name(which));
    enum rc rc = holder_read(holder, prompt, pin_fd, fresh, err);
    if (!rc && card_pin_check_new(CARD_KIND_MYNUMBER, which, fresh))
        rc = err_set(err, RC_PIN_FORMAT, "the new %s PIN must be %s; nothing was changed", card_pin_name(which),
                     which == CARD_PIN_AUTH ? "4 digits" : "6 to 16 letters and digits, with one of each at least");
    if (rc || pin_fd >= 0)
        return rc;
    snprintf(prompt, sizeof prompt, "the new %s PIN again: ", card_pin_name(which));
    rc = holder_read(holder, prompt, pin_fd, &again, err);
    if (!rc && !secret_equal(fresh, &again))
        rc = err_set(err, RC_PIN_FORMAT, "the two are not the same; nothing was changed");
    secret_wipe(&again);
    return rc;
}

int card_command_change_pin(int argc, char **argv)
{
    const char *reader = NULL, *which_name = NULL;
    long pin_fd = -1;
    bool last_try = false;
    const struct opt opts[] = {
        { "--which", "auth|sign", "which PIN", OPT_TEXT, &which_name, true },
        CARD_COMMAND_READER_OPT(&reader),
        CARD_COMMAND_PIN_FD_OPT(&pin_fd),
        CARD_COMMAND_LAST_TRY_OPT(&last_try),
        { 0 },
    };
    int status;
    if (opt_only("jpki card change-pin --which auth|sign [OPTIONS]",
                 "Sets a new PIN in place of the old one. With --pin-fd: the old PIN on the first line, the new one on the "
                 "second.",
                 opts, argc, argv, &status))
        return status;
    enum card_pin which;
    if (card_pin_parse(which_name, &which))
        return opt_misuse("card change-pin: --which is auth or sign, not '%s'", which_name);
    struct err err = { 0 };
    struct holder holder;
    struct secret old = { 0 }, fresh = { 0 };
    enum rc rc = holder_open(&holder, reader, &err);
    if (!rc)
        rc = holder_ask(&holder, which, pin_fd, last_try, &old, &err);
    if (!rc)
        rc = change_ask_new(&holder, which, pin_fd, &fresh, &err);
    if (!rc) {
        holder.presented = true;
        rc = card_change_pin(holder.card, which, &old, &fresh, NULL, &err);
    }
    secret_wipe(&old);
    secret_wipe(&fresh);
    holder_close(&holder);
    if (rc)
        return card_command_failed(&err, rc);
    printf("the %s PIN is changed\n", card_pin_name(which));
    return EXIT_DONE;
}

/* card_command.h — the commands under jpki card, one a file, and what they share. */
#ifndef JPKI_JPKI_CARD_COMMAND_H
#define JPKI_JPKI_CARD_COMMAND_H

#include "base/err.h"
#include "base/opt.h"

int card_command_status(int argc, char **argv);      /* card_status.c */
int card_command_certificate(int argc, char **argv); /* card_certificate.c */
int card_command_change_pin(int argc, char **argv);  /* card_change_pin.c */
int card_command_register(int argc, char **argv);    /* card_register.c */
int card_command_unregister(int argc, char **argv);

/* Says why on standard error; the exit status. */
static inline int card_command_failed(const struct err *err, enum rc rc)
{
    return rc == RC_USAGE ? opt_misuse("%s", err_text(err, rc)) : opt_fail("%s", err_text(err, rc));
}

#define CARD_COMMAND_READER_OPT(to)                                                                                          \
    {                                                                                                                        \
        "--reader", "READER", "where to look: pcsc:NAME, sim:PATH; default $JPKI_READER, else all PC/SC readers", OPT_TEXT, \
            (to), false                                                                                                      \
    }
#define CARD_COMMAND_PIN_FD_OPT(to)                                                                                          \
    {                                                                                                                        \
        "--pin-fd", "N", "read PINs from this descriptor, one a line; default: ask on the terminal", OPT_NUMBER, (to), false \
    }
#define CARD_COMMAND_LAST_TRY_OPT(to)                                                                                        \
    {                                                                                                                        \
        "--last-try", NULL, "go on although a wrong PIN would block it", OPT_FLAG, (to), false                               \
    }

#endif

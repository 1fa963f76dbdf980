/* main.c — jpki: what the holder of a card, or someone relying on one, types. Only the table; each command is a file. */
#include "jpki/commands.h"

#include "base/log.h"
#include "base/opt.h"
#include "base/proc.h"

static const struct command commands[] = {
    { "card", "COMMAND", "what a card holds; its PINs", card_command },
    { "sign", "FILE", "sign a file with the card", sign_command },
    { "verify", "FILE", "whether a signature holds, and why", verify_command },
    /* one row a command, in the order of the manual */
    { 0 },
};

int main(int argc, char **argv)
{
    proc_harden(); /* PINs pass through here */
    log_open("jpki", LOG_WARNING);
    return opt_dispatch("jpki", "Reads a JPKI card, signs with it, and checks signatures.", commands, argc, argv);
}

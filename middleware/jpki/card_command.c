/* card_command.c — jpki card: the table of its commands, and the list of readers. */
#include "jpki/card_command.h"

#include "base/opt.h"
#include "card/reader.h"
#include "jpki/commands.h"

#include <stdio.h>

#define CARD_READERS_MAX 16u

static int card_command_readers(int argc, char **argv)
{
    const char *reader = NULL;
    const struct opt opts[] = { CARD_COMMAND_READER_OPT(&reader), { 0 } };
    int status;
    if (opt_only("jpki card readers [OPTIONS]", "Lists the readers and whether a card is in them.", opts, argc, argv, &status))
        return status;
    struct err err = { 0 };
    struct transport *transport;
    struct transport_reader readers[CARD_READERS_MAX];
    size_t count;
    enum rc rc = reader_open(reader, &transport, &err);
    if (rc)
        return card_command_failed(&err, rc);
    rc = transport_list(transport, readers, CARD_READERS_MAX, &count, &err);
    for (size_t i = 0; !rc && i < count; i++)
        printf("%s\t%s\n", readers[i].name, readers[i].card_present ? "card" : "empty");
    transport_close(transport);
    return rc ? card_command_failed(&err, rc) : EXIT_DONE;
}

static const struct command card_commands[] = {
    { "status", NULL, "what the card holds and how many tries its PINs have left", card_command_status },
    { "certificate", NULL, "one of the card's four certificates", card_command_certificate },
    { "change-pin", NULL, "sets a new PIN in place of the old one", card_command_change_pin },
    { "register", NULL, "makes the module known to your browsers and to p11-kit", card_command_register },
    { "unregister", NULL, "takes it out again", card_command_unregister },
    { "readers", NULL, "the readers and whether a card is in them", card_command_readers },
    { 0 },
};

int card_command(int argc, char **argv)
{
    return opt_dispatch("jpki card", "Reads a JPKI card and changes its PINs.", card_commands, argc, argv);
}

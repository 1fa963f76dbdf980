/* card_command.c — jpki card: which readers there are, what a card holds, its PINs. Only words and options: what a card is
 * asked is in middleware/card. */
#include "jpki/commands.h"

#include "base/opt.h"
#include "card/reader.h"

#include <stdio.h>

#define CARD_READERS_MAX 16u

static int card_readers(int argc, char **argv)
{
    const char *reader = NULL;
    const struct opt opts[] = {
        { "--reader", "READER", "where to look: pcsc:NAME, sim:PATH; default $JPKI_READER, else all PC/SC readers", OPT_TEXT,
          &reader, false },
        { 0 },
    };
    int rest, status;
    if (opt_parse("jpki card readers [OPTIONS]", "Lists the readers and whether a card is in them.", opts, argc, argv, &rest,
                  &status))
        return status;
    if (rest < argc)
        return opt_misuse("card readers: '%s' is one word too many", argv[rest]);
    struct err err = { 0 };
    struct transport *transport;
    struct transport_reader readers[CARD_READERS_MAX];
    size_t count;
    enum rc rc = reader_open(reader, &transport, &err);
    if (rc)
        return rc == RC_USAGE ? opt_misuse("%s", err_text(&err, rc)) : opt_fail("%s", err_text(&err, rc));
    rc = transport_list(transport, readers, CARD_READERS_MAX, &count, &err);
    for (size_t i = 0; !rc && i < count; i++)
        printf("%s\t%s\n", readers[i].name, readers[i].card_present ? "card" : "empty");
    transport_close(transport);
    return rc ? opt_fail("%s", err_text(&err, rc)) : EXIT_DONE;
}

static const struct command card_commands[] = {
    { "readers", NULL, "the readers and whether a card is in them", card_readers },
    { 0 },
};

int card_command(int argc, char **argv)
{
    return opt_dispatch("jpki card", "Reads a JPKI card and changes its PINs.", card_commands, argc, argv);
}

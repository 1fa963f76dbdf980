/* command.c — how a command of jpki-ca begins and ends. */
#include "ca/command.h"

int command_end(enum rc rc, const struct err *err)
{
    return rc ? opt_fail("%s", err_text(err, rc)) : EXIT_DONE;
}

bool command_take(const char *usage, const char *about, const struct opt *opts, int argc, char **argv, int *status)
{
    int rest;
    if (opt_parse(usage, about, opts, argc, argv, &rest, status))
        return false;
    if (rest < argc) {
        *status = opt_misuse("'%s' is one word too many", argv[rest]);
        return false;
    }
    return true;
}

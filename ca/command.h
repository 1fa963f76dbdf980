/* command.h — what the command lines of jpki-ca share. */
#ifndef JPKI_CA_COMMAND_H
#define JPKI_CA_COMMAND_H

#include "base/err.h"
#include "base/opt.h"

#include <stdbool.h>

/* Parses options alone, without further words; false when the command is to end with *status. */
bool command_take(const char *usage, const char *about, const struct opt *opts, int argc, char **argv, int *status);

/* An exit status; what is wrong is told. */
int command_end(enum rc rc, const struct err *err);

#endif

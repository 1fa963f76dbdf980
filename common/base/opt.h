/* opt.h — the command line: options and sub-commands as rows, so that --help, errors and exit statuses are the same in
 * every program. Exit 0 done, 1 failed, 2 used wrongly.
 *
 * A PIN is never an option: programs take a file descriptor (--pin-fd N) or ask on the terminal. */
#ifndef JPKI_BASE_OPT_H
#define JPKI_BASE_OPT_H

#include "base/err.h"

#include <stdbool.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USED_WRONGLY = 2 };

enum opt_kind { OPT_FLAG, OPT_TEXT, OPT_NUMBER, OPT_LIST };

/* What an option of kind OPT_LIST was given, in order; borrowed from argv. */
#define OPT_LIST_MAX 16u
struct opt_list {
    const char *items[OPT_LIST_MAX];
    unsigned count;
};

struct opt {
    const char *name;     /* "--store"; the rows end with a zero row */
    const char *argument; /* "FILE"; NULL for a flag */
    const char *help;     /* one line; names the default */
    enum opt_kind kind;
    void *to;      /* bool * for a flag, const char ** for text (borrowed from argv), long * for a number,
                             struct opt_list * for a list: text that may be given several times */
    bool required; /* its absence is a usage error, also when to already holds a default */
};

struct command {
    const char *name;      /* "sign"; the rows end with a zero row */
    const char *arguments; /* what stands behind the options, "FILE…"; NULL for nothing */
    const char *summary;   /* one line */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit status */
};

/* Runs the sub-command that argv[1] names. --help and -h list the rows (exit 0), --version prints program and version;
 * an unknown or missing command says so on standard error (exit 2). about is one paragraph. */
int opt_dispatch(const char *program, const char *about, const struct command *commands, int argc, char **argv);

/* Parses "--name value", "--name=value" and flags up to the first other word or "--". *rest is the index of that word.
 * On --help prints the usage and *exit_status is 0 with RC_INTERRUPTED; on a mistake it says which on standard error
 * and *exit_status is 2 with RC_USAGE. `usage` is the line behind "usage: ", for example
 * "jpki sign [OPTIONS] FILE". */
enum rc opt_parse(const char *usage, const char *about, const struct opt *opts, int argc, char **argv, int *rest,
                  int *exit_status) MUST_CHECK;
/* The same for a command that takes options alone: a further word is a mistake. */
enum rc opt_only(const char *usage, const char *about, const struct opt *opts, int argc, char **argv,
                 int *exit_status) MUST_CHECK;

/* "program: message" on standard error; returns EXIT_USED_WRONGLY / EXIT_FAILED. */
int opt_misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
int opt_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* How a command ends: EXIT_DONE, or what is wrong is told. */
int opt_end(enum rc rc, const struct err *err);

#endif

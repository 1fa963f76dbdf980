/* opt.c — the command line. */
#include "base/opt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *program_name = "jpki";

static void opt_say(const char *format, va_list args)
{
    fprintf(stderr, "%s: ", program_name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int opt_misuse(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    opt_say(format, args);
    va_end(args);
    return EXIT_USED_WRONGLY;
}

int opt_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    opt_say(format, args);
    va_end(args);
    return EXIT_FAILED;
}

static void opt_list_commands(const char *program, const char *about, const struct command *commands)
{
    printf("usage: %s COMMAND [OPTIONS]\n\n%s\n\ncommands:\n", program, about);
    for (const struct command *c = commands; c->name; c++)
        printf("  %-12s %-22s %s\n", c->name, c->arguments ? c->arguments : "", c->summary);
    printf("\n'%s COMMAND --help' tells the options of a command.\n", program);
}

int opt_dispatch(const char *program, const char *about, const struct command *commands, int argc, char **argv)
{
    program_name = program;
    if (argc < 2) {
        return opt_misuse("a command is missing; '%s --help' lists them", program);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        opt_list_commands(program, about, commands);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("%s %s\n", program, JPKI_VERSION);
        return EXIT_DONE;
    }
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(c->name, argv[1]) == 0)
            return c->run(argc - 1, argv + 1);
    return opt_misuse("unknown command '%s'; '%s --help' lists them", argv[1], program);
}

static void opt_print_help(const char *usage, const char *about, const struct opt *opts)
{
    printf("usage: %s\n\n%s\n\noptions:\n", usage, about);
    for (const struct opt *o = opts; o->name; o++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
        printf("  %-26s %s%s\n", left, o->help, o->required ? " (required)" : "");
    }
    printf("  %-26s %s\n", "--help", "this text");
}

static enum rc opt_take(const struct opt *o, const char *value)
{
    if (o->kind == OPT_TEXT) {
        *(const char **)o->to = value;
        return RC_OK;
    }
    if (o->kind == OPT_LIST) {
        struct opt_list *list = o->to;
        if (list->count == OPT_LIST_MAX) {
            opt_misuse("%s is given more than %u times", o->name, OPT_LIST_MAX);
            return RC_USAGE;
        }
        list->items[list->count++] = value;
        return RC_OK;
    }
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (errno || end == value || *end) {
        opt_misuse("%s takes a whole number, not '%s'", o->name, value);
        return RC_USAGE;
    }
    *(long *)o->to = number;
    return RC_OK;
}

/* One option word at argv[*at]; *at moves past it and its value. */
static enum rc opt_word(const struct opt *opts, int argc, char **argv, int *at, unsigned *seen)
{
    const char *word = argv[*at];
    size_t len = strcspn(word, "=");
    for (unsigned i = 0; opts[i].name; i++) {
        const struct opt *o = &opts[i];
        if (strlen(o->name) != len || strncmp(o->name, word, len) != 0)
            continue;
        if (*seen & 1u << i && o->kind != OPT_LIST) {
            opt_misuse("%s is given twice", o->name);
            return RC_USAGE;
        }
        *seen |= 1u << i;
        *at += 1;
        if (o->kind == OPT_FLAG) {
            if (word[len]) {
                opt_misuse("%s takes no value", o->name);
                return RC_USAGE;
            }
            *(bool *)o->to = true;
            return RC_OK;
        }
        if (word[len] == '=')
            return opt_take(o, word + len + 1);
        if (*at >= argc) {
            opt_misuse("%s needs a value (%s)", o->name, o->argument);
            return RC_USAGE;
        }
        return opt_take(o, argv[(*at)++]);
    }
    opt_misuse("unknown option '%.*s'", (int)len, word);
    return RC_USAGE;
}

enum rc opt_parse(const char *usage, const char *about, const struct opt *opts, int argc, char **argv, int *rest,
                  int *exit_status)
{
    size_t word = strcspn(usage, " ");
    static char name[32];
    snprintf(name, sizeof name, "%.*s", (int)word, usage);
    program_name = name;

    unsigned seen = 0;
    int at = 1;
    while (at < argc && argv[at][0] == '-' && argv[at][1]) {
        if (strcmp(argv[at], "--") == 0) {
            at++;
            break;
        }
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
            opt_print_help(usage, about, opts);
            *exit_status = EXIT_DONE;
            return RC_INTERRUPTED;
        }
        if (opt_word(opts, argc, argv, &at, &seen) != RC_OK)
            goto misused;
    }
    for (unsigned i = 0; opts[i].name; i++)
        if (opts[i].required && !(seen & 1u << i)) {
            opt_misuse("%s %s is missing", opts[i].name, opts[i].argument);
            goto misused;
        }
    *rest = at;
    return RC_OK;
misused:
    fprintf(stderr, "usage: %s\n", usage);
    *exit_status = EXIT_USED_WRONGLY;
    return RC_USAGE;
}

enum rc opt_only(const char *usage, const char *about, const struct opt *opts, int argc, char **argv, int *exit_status)
{
    int rest;
    enum rc rc = opt_parse(usage, about, opts, argc, argv, &rest, exit_status);
    if (rc || rest == argc)
        return rc;
    *exit_status = opt_misuse("'%s' is one word too many", argv[rest]);
    return RC_USAGE;
}

int opt_end(enum rc rc, const struct err *err)
{
    return rc ? opt_fail("%s", err_text(err, rc)) : EXIT_DONE;
}

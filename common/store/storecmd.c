/* storecmd.c — command lines around storecopy.h. */
#include "store/storecmd.h"

#include "store/storecopy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The commands take no context: there is one `store` command a process. */
static const struct storecmd *cmd;

static void cmd_tell(void *context, const char *table, int64_t done, int64_t all)
{
    (void)context;
    int64_t percent = all ? done * 100 / all : 100;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r[%-25.*s] %3" PRId64 " %% %-20.20s%s", (int)(percent / 4), "=========================", percent,
                *table ? table : "done", *table ? "" : "\n");
}

static enum rc cmd_url(const char *named, char **url, struct err *err)
{
    if (cmd->url)
        return cmd->url(named, url, err);
    *url = strdup(named);
    return *url ? RC_OK : RC_NOMEM;
}

static void cmd_print(const struct storecopy_report *report)
{
    for (size_t i = 0; i < report->count; i++)
        printf("%-24s %12" PRId64 " rows  %016" PRIx64 "\n", report->tables[i].name, report->tables[i].rows,
               report->tables[i].sum);
    printf("version %zu, %zu tables\n", report->version, report->count);
}

struct words {
    const char *usage, *about, *other, *other_argument, *other_help;
    bool other_required;
};

/* Parses --store (or its like) and one option more. */
static bool cmd_take(const struct words *words, int argc, char **argv, const char **named, const char **other, int *status)
{
    char usage[120];
    const struct opt opts[] = {
        { cmd->option, cmd->argument, cmd->help, OPT_TEXT, named, true },
        { words->other, words->other_argument, words->other_help, OPT_TEXT, other, words->other_required },
        { 0 },
    };
    snprintf(usage, sizeof usage, "%s store %s [OPTIONS]", cmd->program, words->usage);
    return opt_only(usage, words->about, opts, argc, argv, status) == RC_OK;
}

/* back: from the other to the named one. */
static int cmd_copy(const struct words *words, bool back, bool one_file, int argc, char **argv)
{
    const struct storecopy copy = { cmd->migrations, cmd->count, one_file, cmd_tell, NULL, cmd->shape };
    struct storecopy_report report = { 0 };
    struct err err = { 0 };
    const char *named = NULL, *other = NULL;
    char *url = NULL;
    int status;
    if (!cmd_take(words, argc, argv, &named, &other, &status))
        return status;
    enum rc rc = cmd_url(named, &url, &err);
    if (!rc && one_file && access(other, F_OK) == 0)
        rc = err_set(&err, RC_EXISTS, "%s is there already; nothing is overwritten", other);
    if (!rc)
        rc = storecopy_run(&copy, back ? other : url, back ? url : other, &report, &err);
    free(url);
    if (rc)
        return opt_fail("%s", err_text(&err, rc));
    cmd_print(&report);
    storecopy_report_wipe(&report);
    return EXIT_DONE;
}

static int cmd_backup(int argc, char **argv)
{
    static const struct words words = {
        "backup", "Writes the state of this moment into a file (SQLite's format, whatever the engine); daemons go on meanwhile.",
        "--to", "FILE", "a new file", true };
    return cmd_copy(&words, false, true, argc, argv);
}

static int cmd_restore(int argc, char **argv)
{
    static const struct words words = {
        "restore", "Makes a store from a backup. What is there already is never overwritten: put it away first.",
        "--from", "FILE", "a file that backup wrote", true };
    return cmd_copy(&words, true, false, argc, argv);
}

static int cmd_move(int argc, char **argv)
{
    static const struct words words = {
        "copy", "Copies the state of this moment into another store, of either engine. To move, stop what writes it first.",
        "--to", "URL", "where no store is yet: postgresql://…, sqlite:PATH or a path", true };
    return cmd_copy(&words, false, false, argc, argv);
}

static int cmd_check(int argc, char **argv)
{
    static const struct words words = {
        "check", "Reads every value, has the engine check itself, and prints rows and sums; with --against compares them.",
        "--against", "URL", "another store, or a backup", false };
    const struct storecopy check = { cmd->migrations, cmd->count, false, cmd_tell, NULL, NULL };
    struct storecopy_report report = { 0 }, against = { 0 };
    struct err err = { 0 };
    const char *named = NULL, *other = NULL;
    char *url = NULL;
    int status;
    if (!cmd_take(&words, argc, argv, &named, &other, &status))
        return status;
    enum rc rc = cmd_url(named, &url, &err);
    if (!rc)
        rc = storecopy_check(&check, url, &report, &err);
    if (!rc && other)
        rc = storecopy_check(&check, other, &against, &err);
    const char *differs = !rc && other ? storecopy_difference(&report, &against) : NULL;
    if (differs)
        rc = err_set(&err, RC_CONFLICT, "the two differ in %s", differs);
    if (!rc)
        cmd_print(&report);
    storecopy_report_wipe(&report);
    storecopy_report_wipe(&against);
    free(url);
    return opt_end(rc, &err);
}

#define COMMANDS 4
#define COMMANDS_MAX 8

int storecmd_run(const struct storecmd *which, int argc, char **argv)
{
    struct command commands[COMMANDS_MAX + 1] = {
        { "backup", NULL, "write this moment's state into a file", cmd_backup },
        { "restore", NULL, "make a store from a backup", cmd_restore },
        { "copy", NULL, "into another store, of either engine", cmd_move },
        { "check", NULL, "read everything, and compare with another store", cmd_check },
    };
    char name[64];
    cmd = which;
    for (size_t i = 0; which->more && which->more[i].name && COMMANDS + i < COMMANDS_MAX; i++)
        commands[COMMANDS + i] = which->more[i];
    snprintf(name, sizeof name, "%s store", which->program);
    return opt_dispatch(name, "Backup, restore and moving of a store, while it is in use.", commands, argc, argv);
}

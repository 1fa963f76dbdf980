/* conformance_main.c — jpki-pkcs11-conformance: which rows run, on which tokens, and what is said about them. Output is
 * TAP (version 13); --summary writes the same as JSON. */
#include "conformance.h"

#include "base/opt.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct row *const tables[] = { rows_general, rows_slot,      rows_session, rows_login,  rows_object,
                                            rows_search,  rows_mechanism, rows_sign,    rows_process };

enum { TARGETS = 16, PINS = 16 };

struct options {
    const char *module, *summary, *token, *profile;
    struct opt_list pins, private_certificates;
    long tries, seconds;
    bool list, spend;
};

struct run {
    const struct options *options;
    struct target targets[TARGETS];
    size_t target_count;
    char **patterns; /* NULL-ended; none: every row */
    json_t *results;
    unsigned number, passed, failed, skipped;
};

/* --- PINs
 * ---------------------------------------------------------------------------------------------------------------------
 */

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* LABEL=env:NAME, LABEL=fd:N, LABEL=ask. The label may hold an equals sign, the source none. */
static int read_pin(const char *given, struct run *run)
{
    const char *source = strrchr(given, '=');
    struct secret pin = { 0 };
    size_t label_len = source ? (size_t)(source - given) : 0, taken = 0;
    enum rc rc = RC_USAGE;
    if (!label_len)
        return opt_misuse("--pin wants LABEL=env:NAME, LABEL=fd:NUMBER or LABEL=ask, not '%s'", given);
    source++;
    if (begins(source, "env:")) {
        const char *value = getenv(source + 4);
        rc = value && *value ? secret_dup(&pin, value, strlen(value)) : RC_NOT_FOUND;
    } else if (begins(source, "fd:")) {
        char *end = NULL;
        long fd = strtol(source + 3, &end, 10);
        rc = *end || end == source + 3 || fd < 0 || fd > 1023 ? RC_USAGE : secret_read_line(&pin, (int)fd);
    } else if (strcmp(source, "ask") == 0) {
        char prompt[128];
        (void)snprintf(prompt, sizeof prompt, "PIN of %.*s: ", (int)label_len, given);
        rc = secret_prompt(&pin, prompt);
    }
    if (rc || !pin.len || pin.len > 255) {
        secret_wipe(&pin);
        return opt_misuse("no PIN comes from '%s'", source);
    }
    for (size_t i = 0; i < run->target_count; i++)
        if (strncmp(run->targets[i].label, given, label_len) == 0) {
            taken++;
            secret_wipe(&run->targets[i].pin);
            if (secret_dup(&run->targets[i].pin, pin.data, pin.len)) {
                secret_wipe(&pin);
                return opt_fail("no memory for a PIN");
            }
        }
    secret_wipe(&pin);
    return taken ? EXIT_DONE : opt_misuse("no token's label begins with '%.*s'", (int)label_len, given);
}

/* --- tokens
 * -------------------------------------------------------------------------------------------------------------------
 */

/* A row of our own: in place of a reason it says the tokens, a line each: 32 characters of label, 16 of serial number,
 * the slot. */
static void say_tokens(struct conform *c)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = COUNT(slots);
    char text[CONFORM_REASON] = "";
    size_t len = 0;
    want_rv(c->p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList", CKR_OK);
    for (CK_ULONG i = 0; i < count && i < TARGETS; i++) {
        CK_TOKEN_INFO info;
        if (c->p11->C_GetTokenInfo(slots[i], &info) != CKR_OK || !(info.flags & CKF_TOKEN_INITIALIZED))
            continue;
        unsigned char *fields[] = { info.label, info.serialNumber };
        for (size_t f = 0; f < 2; f++)
            for (size_t at = 0; at < (f ? sizeof info.serialNumber : sizeof info.label); at++)
                text[len++] = (char)(fields[f][at] < ' ' ? ' ' : fields[f][at]); /* a row says what is wrong with it */
        len += (size_t)snprintf(text + len, sizeof text - len, "%lu\n", slots[i]);
    }
    conform_skip("%s", text);
}
static void say_library(struct conform *c)
{
    CK_INFO info;
    want_rv(c->p11->C_GetInfo(&info), "C_GetInfo", CKR_OK);
    conform_skip("%.32s|%.32s|%d.%d", (const char *)info.manufacturerID, (const char *)info.libraryDescription,
                 info.cryptokiVersion.major, info.cryptokiVersion.minor);
}

static void take_field(char *to, const char *from, size_t len)
{
    memcpy(to, from, len);
    while (len && (to[len - 1] == ' ' || to[len - 1] == '\0'))
        len--;
    to[len] = '\0';
}

static int find_targets(struct run *run)
{
    static const struct row list = { "the tokens", "", "", ROW_MODULE, 0, say_tokens };
    const struct options *options = run->options;
    char said[CONFORM_REASON], *rest = said;
    if (conform_run(options->module, &list, NULL, (unsigned)options->seconds, said) != VERDICT_SKIPPED)
        return opt_misuse("%s cannot be used: %s", options->module, said);
    for (const char *line = strsep(&rest, "\n"); line && strlen(line) > 48; line = strsep(&rest, "\n")) {
        struct target *target = &run->targets[run->target_count];
        *target = (struct target){ .slot = strtoul(line + 48, NULL, 10) };
        take_field(target->label, line, 32);
        take_field(target->serial, line + 32, 16);
        if (options->token && !begins(target->label, options->token))
            continue;
        for (unsigned i = 0; i < options->private_certificates.count; i++)
            target->private_certificate |= begins(target->label, options->private_certificates.items[i]);
        run->target_count++;
    }
    if (options->token && !run->target_count)
        return opt_misuse("no token's label begins with '%s'", options->token);
    for (unsigned i = 0; i < options->pins.count; i++) {
        int status = read_pin(options->pins.items[i], run);
        if (status)
            return status;
    }
    return EXIT_DONE;
}

/* --- what is said
 * ------------------------------------------------------------------------------------------------------------- */

static void say(struct run *run, const struct row *row, const struct target *target, enum verdict verdict,
                const char *reason)
{
    static const char *const words[] = { "passed", "failed", "skipped", "failed" };
    char line[CONFORM_REASON];
    (void)snprintf(line, sizeof line, "%s", reason);
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' || *at == '#')
            *at = ' ';
    printf("%s %u - %s%s%s%s", verdict == VERDICT_PASSED || verdict == VERDICT_SKIPPED ? "ok" : "not ok", ++run->number,
           row->name, target ? " [" : "", target ? target->label : "", target ? "]" : "");
    printf("%s%s\n", verdict == VERDICT_SKIPPED ? " # SKIP " : *line ? " # " : "", line);
    (void)fflush(stdout);
    run->passed += verdict == VERDICT_PASSED;
    run->skipped += verdict == VERDICT_SKIPPED;
    run->failed += verdict != VERDICT_PASSED && verdict != VERDICT_SKIPPED;
    if (run->results)
        (void)json_array_append_new(run->results, json_pack("{s:s, s:s, s:s?, s:s, s:s}", "row", row->name, "standard",
                                                            row->standard, "token", target ? target->label : NULL,
                                                            "result", words[verdict], "reason", line));
}

static bool chosen(const struct run *run, const struct row *row)
{
    if (!*run->patterns)
        return true;
    for (char **pattern = run->patterns; *pattern; pattern++)
        if (fnmatch(*pattern, row->name, 0) == 0)
            return true;
    return false;
}

/* Why a row does not run on a token; NULL: it does. */
static const char *hindrance(const struct run *run, const struct row *row, const struct target *target)
{
    const struct options *options = run->options;
    bool pin = row->scope == ROW_LOGIN || row->wishes & (ROW_SPENDS | ROW_WANTS_PIN);
    if (row->wishes & ROW_NATIONAL && strcmp(options->profile, "generic") == 0)
        return "not in this profile";
    if (row->wishes & ROW_PRIVATE_CERT && !target->private_certificate)
        return "the certificate of this token is not said to be personal data (--private-certificates)";
    if (row->wishes & ROW_PUBLIC_CERT && target->private_certificate)
        return "the certificate of this token is personal data";
    if (pin && !target->pin.len)
        return "no PIN was given for this token (--pin)";
    if (pin && target->pin_state == PIN_BAD)
        return "the PIN that was given is refused: it is not sent again";
    if (row->wishes & ROW_SPENDS && !options->spend)
        return "it spends a PIN try (--spend-tries)";
    if (row->wishes & ROW_SPENDS && options->tries < 3)
        return "fewer than two tries would remain";
    return NULL;
}

/* --- running
 * ------------------------------------------------------------------------------------------------------------------ */

/* A PIN is sent for the first time only when the token does not say that few tries are left. */
static void first_login(struct conform *c)
{
    CK_FLAGS flags = c->token.flags;
    want(!(flags & CKF_USER_PIN_LOCKED), "CKF_USER_PIN_LOCKED: the PIN is blocked");
    want(!(flags & CKF_USER_PIN_FINAL_TRY), "CKF_USER_PIN_FINAL_TRY: one try is left, and it is not taken");
    conform_login(c, conform_open(c, 0));
}

static void try_pin(struct run *run, struct target *target)
{
    static const struct row row = { "login.pin", "3.0 §5.6 C_Login", "", ROW_TOKEN, 0, first_login };
    char reason[CONFORM_REASON];
    enum verdict verdict = conform_run(run->options->module, &row, target, (unsigned)run->options->seconds, reason);
    target->pin_state = verdict == VERDICT_PASSED ? PIN_GOOD : PIN_BAD;
    if (target->pin_state == PIN_BAD)
        say(run, &row, target, VERDICT_FAILED, reason);
}

static void run_on(struct run *run, const struct row *row, struct target *target)
{
    char reason[CONFORM_REASON];
    const char *why = target ? hindrance(run, row, target) : NULL;
    if (!why && target && target->pin_state == PIN_UNTRIED &&
        (row->scope == ROW_LOGIN || row->wishes & (ROW_SPENDS | ROW_WANTS_PIN))) {
        try_pin(run, target);
        if (target->pin_state == PIN_BAD && strcmp(row->name, "login.pin") == 0)
            return; /* it has been said */
        why = hindrance(run, row, target);
    }
    if (why) {
        say(run, row, target, VERDICT_SKIPPED, why);
        return;
    }
    enum verdict verdict = conform_run(run->options->module, row, target, (unsigned)run->options->seconds, reason);
    if (verdict == VERDICT_PIN_REFUSED)
        target->pin_state = PIN_BAD;
    say(run, row, target, verdict, reason);
    /* A row that may have left a try spent: the right PIN gives it back, or nothing more is sent. */
    if (row->wishes & ROW_SPENDS && verdict != VERDICT_PASSED && verdict != VERDICT_SKIPPED &&
        target->pin_state == PIN_GOOD)
        try_pin(run, target);
}

static void run_rows(struct run *run)
{
    for (size_t t = 0; t < COUNT(tables); t++)
        for (const struct row *row = tables[t]; row->name; row++) {
            if (!chosen(run, row))
                continue;
            if (row->scope <= ROW_MODULE)
                run_on(run, row, NULL);
            else
                for (size_t i = 0; i < run->target_count; i++)
                    run_on(run, row, &run->targets[i]);
        }
}

static int list_rows(void)
{
    static const char *const scopes[] = { "module", "module", "token", "token", "login" };
    for (size_t t = 0; t < COUNT(tables); t++)
        for (const struct row *row = tables[t]; row->name; row++)
            printf("%s\t%s\t%s%s%s\t%s\n", row->name, row->standard,
                   row->wishes & (ROW_SPENDS | ROW_WANTS_PIN) ? "login" : scopes[row->scope],
                   row->wishes & ROW_SPENDS ? ", spends tries" : "", row->wishes & ROW_NATIONAL ? ", national" : "",
                   row->what);
    return EXIT_DONE;
}

static int check_patterns(char **patterns)
{
    for (; *patterns; patterns++) {
        bool any = false;
        for (size_t t = 0; t < COUNT(tables); t++)
            for (const struct row *row = tables[t]; row->name; row++)
                any |= fnmatch(*patterns, row->name, 0) == 0;
        if (!any)
            return opt_misuse("no row is called '%s' (--list)", *patterns);
    }
    return EXIT_DONE;
}

static int write_summary(const struct run *run)
{
    static const struct row library = { "the library", "", "", ROW_MODULE, 0, say_library };
    char said[CONFORM_REASON];
    json_t *tokens = json_array();
    (void)conform_run(run->options->module, &library, NULL, (unsigned)run->options->seconds, said);
    for (size_t i = 0; i < run->target_count; i++)
        (void)json_array_append_new(
            tokens, json_pack("{s:s, s:s}", "label", run->targets[i].label, "serial", run->targets[i].serial));
    json_t *summary = json_pack("{s:s, s:s, s:s, s:s, s:o, s:O, s:i, s:i, s:i}", "program",
                                "jpki-pkcs11-conformance " JPKI_VERSION, "module", run->options->module, "library",
                                said, "profile", run->options->profile, "tokens", tokens, "rows", run->results,
                                "passed", (int)run->passed, "failed", (int)run->failed, "skipped", (int)run->skipped);
    int status = EXIT_DONE;
    if (!summary || json_dump_file(summary, run->options->summary, JSON_INDENT(1)))
        status = opt_fail("%s cannot be written", run->options->summary);
    json_decref(summary);
    return status;
}

static int run_all(const struct options *options, char **patterns)
{
    struct run run = { .options = options, .patterns = patterns, .results = json_array() };
    int status = find_targets(&run);
    if (!status) {
        printf("TAP version 13\n");
        if (!run.target_count)
            printf("# no token is present: the rows of tokens are left out\n");
        run_rows(&run);
        printf("1..%u\n# passed %u, failed %u, skipped %u\n", run.number, run.passed, run.failed, run.skipped);
        status = run.failed ? EXIT_FAILED : EXIT_DONE;
        if (options->summary && write_summary(&run))
            status = EXIT_FAILED;
    }
    for (size_t i = 0; i < TARGETS; i++)
        secret_wipe(&run.targets[i].pin);
    json_decref(run.results);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = { .profile = "national", .tries = 3, .seconds = 60 };
    const struct opt opts[] = {
        { "--module", "FILE", "the PKCS#11 module (required, but for --list)", OPT_TEXT, &options.module, false },
        { "--list", NULL, "list the rows: name, standard, what it needs, requirement", OPT_FLAG, &options.list, false },
        { "--token", "LABEL", "only tokens whose label begins so (default: all)", OPT_TEXT, &options.token, false },
        { "--pin", "LABEL=SOURCE",
          "the PIN of tokens whose label begins so: env:NAME, fd:NUMBER (a line) or ask; several times", OPT_LIST,
          &options.pins, false },
        { "--spend-tries", NULL,
          "also run rows that spend a PIN try; each is given back by the right PIN before the next", OPT_FLAG,
          &options.spend, false },
        { "--tries", "N", "tries of these PINs when all are there (default 3); below 3 none is spent", OPT_NUMBER,
          &options.tries, false },
        { "--private-certificates", "LABEL",
          "tokens whose certificate is personal data: seen after login only; several times", OPT_LIST,
          &options.private_certificates, false },
        { "--profile", "NAME", "national (default: a read-only card), or generic", OPT_TEXT, &options.profile, false },
        { "--timeout", "SECONDS", "how long a row may hang (default 60)", OPT_NUMBER, &options.seconds, false },
        { "--summary", "FILE", "write the results as JSON too", OPT_TEXT, &options.summary, false },
        { 0 },
    };
    int rest = 0, status = 0;
    if (opt_parse("jpki-pkcs11-conformance --module FILE [OPTIONS] [ROW…]",
                  "Holds any PKCS#11 module to the standard, row by row; made for read-only national cards with two "
                  "PINs. Rows are named by "
                  "shell patterns ('sign.*'). Each runs in a process of its own. Without --pin nothing is presented to "
                  "the card. "
                  "Exit status: 0 no row failed, 1 some did, 2 used wrongly or no such module.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (options.list)
        return list_rows();
    if (!options.module)
        return opt_misuse("--module is needed; see --help");
    if (strcmp(options.profile, "national") != 0 && strcmp(options.profile, "generic") != 0)
        return opt_misuse("no profile is called '%s'", options.profile);
    if (options.seconds < 1 || options.seconds > 3600)
        return opt_misuse("--timeout is 1 to 3600 seconds");
    status = check_patterns(argv + rest);
    return status ? status : run_all(&options, argv + rest);
}

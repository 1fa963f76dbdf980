/* sim_main_run.c — jpki-sim run, slots, insert, eject and script: cards that talk. */
#include "applet-sim/sim_control.h"
#include "applet-sim/sim_link.h"
#include "applet-sim/sim_main.h"
#include "applet-sim/sim_reader.h"
#include "applet-sim/sim_script.h"
#include "applet-sim/sim_seed.h"
#include "applet-sim/sim_store.h"
#include "base/file.h"
#include "base/opt.h"
#include "base/proc.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what run and script have in common ---------------------------------------------------------------------------- */

struct world {
    const char *time_spec, *plan_file, *trace;
    struct opt_list faults;
    bool sleep;
    long seed; /* -1: none */
    struct sim_time time;
    struct buf plan; /* text; empty: nothing goes wrong */
};

#define WORLD_OPTIONS(world)                                                                                           \
    { "--fault", "RULE", "what goes wrong and when, command=3:lost; may be given several times", OPT_LIST,             \
      &(world).faults, false },                                                                                        \
    { "--fault-plan", "FILE", "the same from a file, a rule a line", OPT_TEXT, &(world).plan_file, false },            \
    { "--time", "MODEL", "count the time of a link: contact:9600, contactless:106[,reader=MS,rsa=MS,ec=MS…]",          \
      OPT_TEXT, &(world).time_spec, false },                                                                           \
    { "--seed", "N", "predictable randomness, of cards made with --seed only; also the plan's seed", OPT_NUMBER,        \
      &(world).seed, false },                                                                                          \
    { "--sleep", NULL, "answers really take the time of the model", OPT_FLAG, &(world).sleep, false },                 \
    { "--trace", "FILE", "append a line for each command; never shows a PIN or a file", OPT_TEXT, &(world).trace, false }

/* EXIT_DONE, or the exit status after saying why. */
static int world_open(struct world *world)
{
    struct err err = { 0 };
    struct sim_plan *plan = NULL;
    if (world->seed >= 0 && (sim_seed_use((uint64_t)world->seed) || buf_printf(&world->plan, "seed=%ld\n", world->seed)))
        return opt_fail("--seed: %s", rc_text(RC_CRYPTO));
    enum rc rc = world->plan_file ? file_read(world->plan_file, &world->plan, &err) : RC_OK;
    if (rc)
        return opt_fail("%s", err_text(&err, rc));
    for (unsigned i = 0; rc == RC_OK && i < world->faults.count; i++)
        rc = buf_printf(&world->plan, "\n%s", world->faults.items[i]);
    if (rc || !buf_string(&world->plan))
        return opt_fail("%s", rc_text(RC_NOMEM));
    if (sim_plan_parse((const char *)world->plan.data, &plan, &err))
        return opt_misuse("--fault: %s", err_text(&err, RC_FORMAT));
    sim_plan_free(plan);
    if (world->time_spec && sim_time_parse(world->time_spec, &world->time, &err))
        return opt_misuse("--time: %s", err_text(&err, RC_USAGE));
    if (world->sleep && !world->time_spec)
        return opt_misuse("--sleep: --time says how long");
    return EXIT_DONE;
}

/* --- run ----------------------------------------------------------------------------------------------------------- */

/* The first card goes with the first vpcd and the first socket, and so on; "-" leaves that reader empty. */
static int run_readers(const struct opt_list *cards, const struct opt_list *vpcds, const struct opt_list *sockets,
                       struct sim_reader *reader)
{
    reader->count = vpcds->count > sockets->count ? vpcds->count : sockets->count;
    if (reader->count == 0)
        return opt_misuse("run: --vpcd or --socket: a card wants a reader");
    if (cards->count > reader->count)
        return opt_misuse("run: %u cards, but %zu readers; one --vpcd or --socket for each", cards->count, reader->count);
    if (cards->count == 0 && !reader->control)
        return opt_misuse("run: without --card, --control must be there to insert one");
    for (unsigned i = 0; i < reader->count; i++) {
        reader->slots[i].vpcd = i < vpcds->count ? vpcds->items[i] : NULL;
        reader->slots[i].socket = i < sockets->count ? sockets->items[i] : NULL;
        reader->slots[i].card = i < cards->count && strcmp(cards->items[i], "-") != 0 ? cards->items[i] : NULL;
    }
    return EXIT_DONE;
}

int sim_main_run(int argc, char **argv)
{
    struct opt_list cards = { 0 }, vpcds = { 0 }, sockets = { 0 };
    struct sim_reader reader = { 0 };
    struct world world = { .seed = -1 };
    const struct opt opts[] = {
        { "--card", "FILE", "a card's file; several times for several readers, - for an empty one", OPT_LIST, &cards, false },
        SEAL_KEY_OPTION(&reader.seal_key),
        { "--vpcd", "HOST:PORT", "a vpcd reader (pcscd's: 127.0.0.1:35963 and :35964); several times", OPT_LIST, &vpcds, false },
        { "--socket", "PATH", "a Unix socket, for JPKI_READER=sim:PATH; several times", OPT_LIST, &sockets, false },
        { "--control", "PATH", "a Unix socket for jpki-sim slots, insert and eject", OPT_TEXT, &reader.control, false },
        { "--pid-file", "FILE", "written when the cards can be used", OPT_TEXT, &reader.pid_file, false },
        WORLD_OPTIONS(world),
        { 0 },
    };
    int status;
    if (opt_only("jpki-sim run --card FILE [--vpcd HOST:PORT] [--socket PATH] [OPTIONS]",
                 "Holds cards in readers until it is told to stop (SIGTERM).", opts, argc, argv, &status))
        return status;
    status = run_readers(&cards, &vpcds, &sockets, &reader);
    if (status == EXIT_DONE)
        status = world_open(&world);
    if (status != EXIT_DONE) {
        buf_wipe(&world.plan);
        return status;
    }
    struct err err = { 0 };
    reader.trace = world.trace;
    reader.plan = (const char *)world.plan.data;
    reader.time = world.time_spec ? &world.time : NULL;
    reader.sleep = world.sleep;
    enum rc rc = proc_catch_stop(&err);
    if (rc == RC_OK)
        rc = sim_reader_run(&reader, &err);
    buf_wipe(&world.plan);
    return opt_end(rc, &err);
}

/* --- slots, insert, eject ------------------------------------------------------------------------------------------ */

static int control_ask(const char *socket, const char *line)
{
    struct buf out = { 0 };
    struct err err = { 0 };
    enum rc rc = sim_control_ask(socket, line, &out, &err);
    if (rc == RC_OK && out.len)
        (void)fwrite(out.data, 1, out.len, stdout);
    buf_wipe(&out);
    return opt_end(rc, &err);
}

static bool control_number(const char *text)
{
    size_t len = strspn(text, "0123456789");
    return len >= 1 && len <= 3 && text[len] == '\0';
}

int sim_main_slots(int argc, char **argv)
{
    const char *socket = NULL;
    const struct opt opts[] = { { "--control", "SOCKET", "jpki-sim run's", OPT_TEXT, &socket, true }, { 0 } };
    int status;
    if (opt_only("jpki-sim slots --control SOCKET", "Lists the readers of a running jpki-sim.", opts, argc, argv, &status))
        return status;
    return control_ask(socket, "slots");
}

int sim_main_insert(int argc, char **argv)
{
    const char *socket = NULL, *card = NULL;
    const struct opt opts[] = {
        { "--control", "SOCKET", "jpki-sim run's", OPT_TEXT, &socket, true },
        { "--card", "FILE", "the card (default: the one that was pulled from it)", OPT_TEXT, &card, false },
        { 0 },
    };
    int rest, status;
    if (opt_parse("jpki-sim insert --control SOCKET [--card FILE] N", "Puts a card into reader N (from 0) of a running jpki-sim.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest + 1 != argc || !control_number(argv[rest]))
        return opt_misuse("insert: the number of one reader is wanted");
    char line[PATH_MAX + 32], path[PATH_MAX];
    if (card && (!realpath(card, path) || strchr(path, '\n'))) /* the running one may stand in another folder */
        return opt_fail("%s: %s", card, rc_text(RC_NOT_FOUND));
    (void)snprintf(line, sizeof line, "insert %s%s%s", argv[rest], card ? " " : "", card ? path : "");
    return control_ask(socket, line);
}

int sim_main_eject(int argc, char **argv)
{
    const char *socket = NULL;
    const struct opt opts[] = { { "--control", "SOCKET", "jpki-sim run's", OPT_TEXT, &socket, true }, { 0 } };
    int rest, status;
    if (opt_parse("jpki-sim eject --control SOCKET N", "Takes the card out of reader N (from 0) of a running jpki-sim.", opts,
                  argc, argv, &rest, &status))
        return status;
    if (rest + 1 != argc || !control_number(argv[rest]))
        return opt_misuse("eject: the number of one reader is wanted");
    char line[32];
    (void)snprintf(line, sizeof line, "eject %s", argv[rest]);
    return control_ask(socket, line);
}

/* --- script -------------------------------------------------------------------------------------------------------- */

static enum rc script_play(const char *card, const char *seal_key, char *text, const struct world *world, struct err *err)
{
    struct sim_store *store = NULL;
    struct sim_plan *plan = NULL;
    struct sim_link *link = NULL;
    FILE *trace = NULL;
    enum rc rc = sim_store_open(card, seal_key, &store, err);
    if (rc == RC_OK)
        rc = sim_plan_parse((const char *)world->plan.data, &plan, err);
    if (rc == RC_OK && world->trace) {
        int fd = open(world->trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        trace = fd < 0 ? NULL : fdopen(fd, "a");
        if (!trace)
            rc = err_set_errno(err, RC_IO, "%s", world->trace);
    }
    const struct sim_link_config config = { .store = store, .plan = plan, .trace = trace, .sleep = world->sleep,
                                            .time = world->time_spec ? &world->time : NULL };
    if (rc == RC_OK)
        rc = sim_link_new(&config, &link);
    if (rc == RC_OK)
        rc = sim_script_play(link, text, err);
    if (rc == RC_OK && world->time_spec) {
        struct sim_link_totals totals = sim_link_totals(link);
        printf("%llu commands, %llu bytes, %lld.%03lld ms\n", (unsigned long long)totals.commands,
               (unsigned long long)totals.bytes, (long long)(totals.ns / 1000000), (long long)(totals.ns / 1000 % 1000));
    }
    sim_link_free(link);
    if (trace)
        (void)fclose(trace);
    sim_plan_free(plan);
    sim_store_close(store);
    return rc;
}

int sim_main_script(int argc, char **argv)
{
    const char *card = NULL, *seal_key = NULL;
    struct world world = { .seed = -1 };
    const struct opt opts[] = {
        CARD_OPTION(&card),
        SEAL_KEY_OPTION(&seal_key),
        WORLD_OPTIONS(world),
        { 0 },
    };
    int rest, status;
    if (opt_parse("jpki-sim script --card FILE SCRIPT",
                  "Talks to a card: `> hex` a command, `< hex` the answer that must come (* stands for any bytes), `< none`, "
                  "`reset`, `power`, `atr`, `tear N`, # comments. docs/SIMULATOR.md has the whole form.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest + 1 != argc)
        return opt_misuse("script: one SCRIPT is wanted");
    struct buf text = { 0 };
    struct err err = { 0 };
    enum rc rc = RC_OK;
    status = world_open(&world);
    if (status != EXIT_DONE)
        goto out;
    rc = file_read(argv[rest], &text, &err);
    if (rc == RC_OK && !buf_string(&text))
        rc = RC_NOMEM;
    if (rc == RC_OK)
        rc = script_play(card, seal_key, (char *)text.data, &world, &err);
    if (rc)
        status = opt_fail("%s: %s", argv[rest], err_text(&err, rc));
out:
    buf_wipe(&text);
    buf_wipe(&world.plan);
    return status;
}

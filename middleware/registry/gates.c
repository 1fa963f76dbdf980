/* gates.c — `jpki-registry settings`: the days from which the rules of the network hold, in one store. */
#include "registry/gate.h"
#include "registry/program.h"

#include <stdio.h>
#include <string.h>

static enum rc gates_print(struct store *store, struct err *err)
{
    for (size_t i = 0; i < GATE_COUNT; i++) {
        char date[11];
        enum rc rc = gate_date(store, (enum gate)i, date, err);
        if (rc)
            return rc;
        printf("%-18s %s%s  %s\n", gate_rows[i].name, date, strcmp(date, gate_rows[i].date) ? " (set)" : "",
               gate_rows[i].what);
    }
    return RC_OK;
}

/* NAME=DATE arguments, all or none. */
struct gates_wish {
    char **settings;
    int count;
};

static enum rc gates_run(void *context, const struct program_store *it, struct err *err)
{
    const struct gates_wish *wish = context;
    enum rc rc = store_begin(it->store, err);
    for (int i = 0; !rc && i < wish->count; i++) {
        char name[64];
        const char *equals = strchr(wish->settings[i], '=');
        snprintf(name, sizeof name, "%.*s", (int)(equals - wish->settings[i]), wish->settings[i]);
        rc = gate_set(it->store, name, equals + 1, err);
    }
    if (!rc)
        rc = gates_print(it->store, err);
    if (!rc)
        rc = store_commit(it->store, err);
    store_rollback(it->store);
    return rc;
}

int settings_main(int argc, char **argv)
{
    const char *url = NULL;
    const struct opt opts[] = {
        {"--store", "URL", "a node's store", OPT_TEXT, &url, true},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-registry settings [OPTIONS] [NAME=DATE…]",
                  "Prints the days from which the rules of the register network hold, or sets another day for some of "
                  "them in\n"
                  "this store.",
                  opts, argc, argv, &rest, &status))
        return status;
    for (int i = rest; i < argc; i++)
        if (!strchr(argv[i], '='))
            return opt_misuse("'%s' is not NAME=DATE", argv[i]);
    struct gates_wish wish = {argv + rest, argc - rest};
    return program_in_store(url, gates_run, &wish);
}

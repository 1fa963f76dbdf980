/* gates.c — `jpki-registry settings`: the days from which the rules of the network hold, in one store. */
#include "base/opt.h"
#include "base/proc.h"
#include "registry/gate.h"
#include "registry/ledger.h"
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
    proc_harden();
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    struct err err = {0};
    enum rc rc = ledger_open_any(url, &role, municipality, &store, &err);
    if (!rc)
        rc = store_begin(store, &err);
    for (int i = rest; !rc && i < argc; i++) {
        char name[64];
        const char *equals = strchr(argv[i], '=');
        snprintf(name, sizeof name, "%.*s", (int)(equals - argv[i]), argv[i]);
        rc = gate_set(store, name, equals + 1, &err);
    }
    if (!rc)
        rc = gates_print(store, &err);
    if (!rc)
        rc = store_commit(store, &err);
    if (store)
        store_rollback(store);
    store_close(store);
    return rc ? opt_fail("%s", err_text(&err, rc)) : EXIT_DONE;
}

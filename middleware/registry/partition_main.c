/* partition_main.c — `jpki-registry store partition`: in how many partitions the large tables of a national store are.
 */
#include "base/opt.h"
#include "base/proc.h"
#include "registry/ledger.h"
#include "registry/program.h"
#include "registry/schema.h"

#include <stdio.h>

static enum rc partition_run(struct store *store, enum node_role role, long parts, struct err *err)
{
    if (role != NODE_NATIONAL)
        return err_set(err, RC_STATE, "the store is a %s node's: it is not partitioned", node_role_name(role));
    enum rc rc = store_begin(store, err);
    if (!rc)
        rc = schema_keep_partitions(store, (int)parts, err);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    return rc;
}

int partition_main(int argc, char **argv)
{
    const char *url = NULL;
    long parts = -1;
    const struct opt opts[] = {
        {"--store", "URL", "the national node's store", OPT_TEXT, &url, true},
        {"--parts", "N", "how many of each table; 0: whole tables, for an engine that distributes them itself",
         OPT_NUMBER, &parts, true},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-registry store partition [OPTIONS]",
                  "Partitions residents, their history, their certificates, cards and the notices anew, and keeps the "
                  "number as the\n"
                  "store's setting (docs/OPERATIONS.md). The node is stopped first: it waits, and so does this. In "
                  "SQLite a store\n"
                  "is one file; the number counts when it is copied into PostgreSQL.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest < argc)
        return opt_misuse("'%s' is not expected here", argv[rest]);
    if (parts < 0 || parts > SCHEMA_PARTITIONS_MAX)
        return opt_misuse("--parts takes a number from 0 to %d", SCHEMA_PARTITIONS_MAX);
    proc_harden();
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    struct err err = {0};
    enum rc rc = ledger_open_any(url, &role, municipality, &store, &err);
    if (!rc)
        rc = partition_run(store, role, parts, &err);
    store_close(store);
    if (rc)
        return opt_fail("%s", err_text(&err, rc));
    printf("%ld partitions of each large table\n", parts);
    return EXIT_DONE;
}

/* partition_main.c — `jpki-registry store partition`: in how many partitions the large tables of a national store are.
 */
#include "registry/program.h"
#include "registry/schema.h"

#include <stdio.h>

static enum rc partition_run(void *context, const struct program_store *it, struct err *err)
{
    const long *parts = context;
    if (it->role != NODE_NATIONAL)
        return err_set(err, RC_STATE, "the store is a %s node's: it is not partitioned", node_role_name(it->role));
    enum rc rc = store_begin(it->store, err);
    if (!rc)
        rc = schema_keep_partitions(it->store, (int)*parts, err);
    if (!rc)
        rc = store_commit(it->store, err);
    store_rollback(it->store);
    if (!rc)
        printf("%ld partitions of each large table\n", *parts);
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
    int status;
    if (opt_only("jpki-registry store partition [OPTIONS]",
                 "Partitions residents, their history, their certificates, cards, the notices and the record of use anew, "
                 "and keeps the number as the\n"
                 "store's setting (docs/OPERATIONS.md). The node is stopped first: it waits, and so does this. In "
                 "SQLite a store\n"
                 "is one file; the number counts when it is copied into PostgreSQL.",
                 opts, argc, argv, &status))
        return status;
    if (parts < 0 || parts > SCHEMA_PARTITIONS_MAX)
        return opt_misuse("--parts takes a number from 0 to %d", SCHEMA_PARTITIONS_MAX);
    return program_in_store(url, partition_run, &parts);
}

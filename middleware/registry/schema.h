/* schema.h — the tables of a node's store. Append only: a migration that was released is never edited. */
#ifndef JPKI_REGISTRY_SCHEMA_H
#define JPKI_REGISTRY_SCHEMA_H

#include "store/store.h"

#include <stddef.h>

#define SCHEMA_PARTITIONS 8 /* of each large table; the setting "partitions" says otherwise, 0: none */
#define SCHEMA_PARTITIONS_MAX 256

extern const char *const registry_migrations[];
extern const size_t registry_migration_count;

/* The tables that grow with the nation, in so many partitions (0: none); in a transaction. Where the engine has none: nothing. */
enum rc schema_spread(struct store *store, int parts, struct err *err) MUST_CHECK;

/* For a national store, before it is filled or served, in a transaction of its own: tables that are whole are partitioned as the
 * setting says. What is in partitions, however many, is left as it is. */
enum rc schema_settle(struct store *store, struct err *err) MUST_CHECK;

/* Does it and keeps it as the setting. */
enum rc schema_keep_partitions(struct store *store, int parts, struct err *err) MUST_CHECK;

/* For storecopy.h: the new store is partitioned as the old one's role and setting want it, before the rows come. */
enum rc schema_shape(struct store *from, struct store *to, struct err *err) MUST_CHECK;

#endif

/* schema.h — the tables of a node's store. Append only: a migration that was released is never edited. */
#ifndef JPKI_REGISTRY_SCHEMA_H
#define JPKI_REGISTRY_SCHEMA_H

#include <stddef.h>

extern const char *const registry_migrations[];
extern const size_t registry_migration_count;

#endif

/* setting.c — one table of names and values. */
#include "registry/setting.h"

#include <stdio.h>

enum rc setting_get(struct store *store, const char *name, const char *usual, char *value, size_t size, struct err *err)
{
    enum rc rc = store_text(store, "SELECT value FROM setting WHERE name = ?1", BINDS(BIND_TEXT(name)), value, size, err);
    if (rc == RC_NOT_FOUND)
        snprintf(value, size, "%s", usual);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc setting_set(struct store *store, const char *name, const char *value, struct err *err)
{
    return store_run(store,
                     "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
                     BINDS(BIND_TEXT(name), BIND_TEXT(value)), NULL, err);
}

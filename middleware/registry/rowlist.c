/* rowlist.c — one value a row. */
#include "registry/rowlist.h"

enum rc rowlist_read(struct store *store, const char *sql, const struct bind *binds, json_t *(*make)(struct statement *row),
                     json_t **array, struct err *err)
{
    json_t *list = json_array();
    if (!list)
        return err_set(err, RC_NOMEM, "rows");
    struct statement *row;
    enum rc rc = store_query(store, sql, binds, &row, err);
    while (!rc && !(rc = statement_step(row, err)))
        if (json_array_append_new(list, make(row)))
            rc = err_set(err, RC_NOMEM, "rows");
    statement_done(row);
    if (rc != RC_NOT_FOUND) {
        json_decref(list);
        return rc;
    }
    *array = list;
    return RC_OK;
}

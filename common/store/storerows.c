/* storerows.c — many rows in few statements. */
#include "store/storerows.h"

#include <stdio.h>
#include <string.h>

#define PLACES_MAX 512 /* parameters of a statement */
#define ROWS_MAX 128
#define TEXT_SIZE 6000

void store_places(char *text, size_t size, size_t rows, int columns)
{
    size_t used = strlen(text), places = rows * (size_t)columns;
    for (size_t i = 0; i < places && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s?%zu%s", i % (size_t)columns ? ", " : i ? ", (" : "(", i + 1,
                                 (i + 1) % (size_t)columns ? "" : ")");
}

/* As many rows as there are whole statements of `together` of them; *done moves on. */
static enum rc rows_run(struct store *store, const struct store_rows *rows, size_t together, size_t *done, size_t count, struct err *err)
{
    char text[TEXT_SIZE];
    struct statement *s = NULL;
    snprintf(text, sizeof text, "%s", rows->insert);
    store_places(text, sizeof text, together, rows->columns);
    strncat(text, rows->after, sizeof text - strlen(text) - 1);
    enum rc rc = store_prepare(store, text, &s, err);
    for (; !rc && count - *done >= together; *done += together) {
        for (size_t i = 0; i < together; i++)
            rows->bind(rows->context, s, 1 + (int)i * rows->columns, *done + i);
        rc = statement_run(s, NULL, err);
    }
    statement_done(s);
    return rc;
}

/* By powers of two there are few texts to prepare, and few statements for any count. */
enum rc store_insert(struct store *store, const struct store_rows *rows, size_t count, struct err *err)
{
    enum rc rc = RC_OK;
    size_t done = 0, together = store_is_served(store) ? ROWS_MAX : 1;
    while (together * (size_t)rows->columns > PLACES_MAX)
        together /= 2;
    if (!together)
        return err_set(err, RC_BUG, "store: more than %d columns", PLACES_MAX);
    for (; !rc && together; together /= 2)
        if (count - done >= together)
            rc = rows_run(store, rows, together, &done, count, err);
    return rc;
}

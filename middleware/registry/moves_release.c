/* moves_release.c — the release that an entry came with: for who tells of the entry, and knows nothing else of moves. */
#include "registry/moves.h"

#include "net/json.h"

#include <string.h>

enum rc moves_release(struct store *store, const char *code, int64_t revision, json_t **release, struct err *err)
{
    struct statement *s = NULL;
    json_t *letter = NULL;
    enum rc rc = store_row(store, "SELECT letter FROM incoming WHERE code = ?1 AND revision = ?2",
                           BINDS(BIND_TEXT(code), BIND_INTEGER(revision)), &s, err);
    if (!rc) {
        const char *text = column_text(s, 0);
        rc = json_read(bytes_of(text, strlen(text)), &letter, err);
    }
    statement_done(s);
    if (!rc && !(*release = json_incref(json_object_get(letter, "release"))))
        rc = RC_FORMAT;
    json_decref(letter);
    return rc;
}

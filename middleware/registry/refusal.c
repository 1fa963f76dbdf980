/* refusal.c — refused notices and what was decided. */
#include "registry/refusal.h"

#include "base/clock.h"
#include "registry/rowlist.h"

#include <string.h>

enum rc refusal_note(struct store *store, const char *peer, int64_t sequence, const char *words, struct err *err)
{
    return store_run(store,
                     "INSERT INTO refusal (peer, sequence, words, since, times) VALUES (?1, ?2, ?3, ?4, 1) "
                     "ON CONFLICT (peer) DO UPDATE SET words = ?3, "
                     "since = CASE WHEN refusal.sequence = ?2 THEN refusal.since ELSE ?4 END, "
                     "times = CASE WHEN refusal.sequence = ?2 THEN refusal.times + 1 ELSE 1 END, "
                     "sequence = ?2",
                     BINDS(BIND_TEXT(peer), BIND_INTEGER(sequence), BIND_TEXT(words), BIND_INTEGER(clock_now())),
                     NULL, err);
}

enum rc refusal_clear(struct store *store, const char *peer, int64_t acknowledged, struct err *err)
{
    return store_run(store, "DELETE FROM refusal WHERE peer = ?1 AND sequence <= ?2",
                     BINDS(BIND_TEXT(peer), BIND_INTEGER(acknowledged)), NULL, err);
}

enum rc refusal_void(struct store *store, const char *peer, int64_t sequence, char *why, size_t size, struct err *err)
{
    return store_text(store,
                      "SELECT why FROM decision WHERE peer = ?1 AND sequence = ?2 AND decision = 'void' LIMIT 1",
                      BINDS(BIND_TEXT(peer), BIND_INTEGER(sequence)), why, size, err);
}

static enum rc refusal_is(struct store *store, const char *peer, int64_t sequence, struct err *err)
{
    int64_t refused = 0;
    enum rc rc = store_integer(store, "SELECT sequence FROM refusal WHERE peer = ?1",
                               BINDS(BIND_TEXT(peer)), &refused, err);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    return refused == sequence
               ? RC_OK
               : err_set(err, RC_STATE, "notice %lld is not the one that '%s' refuses", (long long)sequence, peer);
}

enum rc refusal_decide(struct store *store, const char *peer, int64_t sequence, const char *decision, const char *why,
                       struct err *err)
{
    enum rc rc = refusal_is(store, peer, sequence, err);
    if (!rc)
        rc = store_run(store,
                       "INSERT INTO decision (peer, sequence, decided, decision, why, words) "
                       "SELECT ?1, ?2, ?3, ?4, ?5, words FROM refusal WHERE peer = ?1",
                       BINDS(BIND_TEXT(peer), BIND_INTEGER(sequence), BIND_INTEGER(clock_now()), BIND_TEXT(decision),
                             BIND_TEXT(why)), NULL, err);
    if (rc == RC_EXISTS)
        rc = err_set(err, rc, "the same was decided a moment ago");
    return rc ? rc : refusal_clear(store, peer, sequence, err);
}

static json_t *refusal_standing(struct statement *s)
{
    char since[CLOCK_TEXT_SIZE];
    clock_format(column_integer(s, 2), since);
    return json_pack("{s:s, s:I, s:s, s:s, s:I, s:s, s:s, s:s}", "peer", column_text(s, 0), "notice",
                     (json_int_t)column_integer(s, 1), "since", since, "words", column_text(s, 3), "times",
                     (json_int_t)column_integer(s, 4), "kind", column_text(s, 5), "code", column_text(s, 6), "reason",
                     column_text(s, 7));
}

static json_t *refusal_decision(struct statement *s)
{
    char decided[CLOCK_TEXT_SIZE];
    clock_format(column_integer(s, 2), decided);
    return json_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "peer", column_text(s, 0), "notice", (json_int_t)column_integer(s, 1),
                     "decided", decided, "decision", column_text(s, 3), "why", column_text(s, 4), "words", column_text(s, 5));
}

enum rc refusal_list(struct store *store, json_t **refused, json_t **decisions, struct err *err)
{
    json_t *stand = NULL, *made = NULL;
    enum rc rc = rowlist_read(store,
                              "SELECT r.peer, r.sequence, r.since, r.words, r.times, n.kind, n.code, h.reason FROM refusal r "
                              "JOIN notice n ON n.sequence = r.sequence JOIN history h ON h.code = n.code AND "
                              "h.revision = n.revision ORDER BY r.peer",
                              NULL, refusal_standing, &stand, err);
    if (!rc)
        rc = rowlist_read(store,
                          "SELECT peer, sequence, decided, decision, why, words FROM decision ORDER BY decided, peer, sequence",
                          NULL, refusal_decision, &made, err);
    if (rc) {
        json_decref(stand);
        return rc;
    }
    *refused = stand;
    *decisions = made;
    return RC_OK;
}

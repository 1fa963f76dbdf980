/* session.c — the table of sessions. Who is logged in stands with the token, not here. */
#include "pkcs11/session.h"

#include <stdlib.h>

CK_RV session_open(struct session_table *table, CK_SLOT_ID slot, CK_FLAGS flags, struct session **session)
{
    if (table->count >= SESSIONS_MAX)
        return CKR_SESSION_COUNT;
    if (table->count == table->space) {
        size_t space = table->space ? table->space * 2 : 8;
        struct session **sessions = realloc(table->sessions, space * sizeof(*sessions));
        if (!sessions)
            return CKR_HOST_MEMORY;
        table->sessions = sessions;
        table->space = space;
    }
    struct session *made = calloc(1, sizeof(*made));
    if (!made)
        return CKR_HOST_MEMORY;
    made->handle = ++table->last;
    made->slot = slot;
    made->flags = flags;
    table->sessions[table->count++] = made;
    *session = made;
    return CKR_OK;
}

struct session *session_find(const struct session_table *table, CK_SESSION_HANDLE handle)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->sessions[i]->handle == handle)
            return table->sessions[i];
    return NULL;
}

static void free_session(struct session *session)
{
    operation_wipe(&session->sign);
    operation_wipe(&session->verify);
    operation_wipe(&session->digest);
    free(session);
}

void session_close(struct session_table *table, struct session *session)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->sessions[i] == session) {
            table->sessions[i] = table->sessions[--table->count];
            free_session(session);
            return;
        }
    }
}

void session_close_slot(struct session_table *table, CK_SLOT_ID slot)
{
    for (size_t i = table->count; i-- > 0;)
        if (table->sessions[i]->slot == slot)
            session_close(table, table->sessions[i]);
}

void session_wipe_table(struct session_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free_session(table->sessions[i]);
    free(table->sessions);
    *table = (struct session_table) { .last = table->last };
}

CK_ULONG session_count(const struct session_table *table, CK_SLOT_ID slot, CK_FLAGS flags)
{
    CK_ULONG count = 0;
    for (size_t i = 0; i < table->count; i++)
        count += table->sessions[i]->slot == slot && (table->sessions[i]->flags & flags) == flags;
    return count;
}

void session_end_private(struct session_table *table, CK_SLOT_ID slot)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->sessions[i]->slot != slot)
            continue;
        operation_wipe(&table->sessions[i]->sign);
        table->sessions[i]->search = (struct session_search) { 0 };
    }
}

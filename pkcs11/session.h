/* session.h — sessions: handles that are never given out twice, and what each one is in the middle of. */
#ifndef JPKI_PKCS11_SESSION_H
#define JPKI_PKCS11_SESSION_H

#include "pkcs11/object.h"
#include "pkcs11/operation.h"

struct session_search {
    bool active;
    CK_OBJECT_HANDLE found[OBJECT_ROWS_MAX];
    CK_ULONG count, next;
};

struct session {
    CK_SESSION_HANDLE handle;
    CK_SLOT_ID slot;
    CK_FLAGS flags;
    struct session_search search;
    struct operation sign, verify, digest;
};

/* All zero is an empty table. */
struct session_table {
    struct session **sessions; /* each on the heap, so that growing moves none */
    size_t count, space;
    CK_SESSION_HANDLE last;
};

#define SESSIONS_MAX 4096u

/* CKR_SESSION_COUNT, CKR_HOST_MEMORY. *session is borrowed until it is closed. */
CK_RV session_open(struct session_table *table, CK_SLOT_ID slot, CK_FLAGS flags, struct session **session);
struct session *session_find(const struct session_table *table, CK_SESSION_HANDLE handle); /* NULL: none */
void session_close(struct session_table *table, struct session *session);
void session_close_slot(struct session_table *table, CK_SLOT_ID slot);
void session_wipe_table(struct session_table *table);

/* How many of the slot's sessions have all of the flags. */
CK_ULONG session_count(const struct session_table *table, CK_SLOT_ID slot, CK_FLAGS flags);

/* After a logout: ends what needs the private key, and searches, whose results may name private objects. */
void session_end_private(struct session_table *table, CK_SLOT_ID slot);

#endif

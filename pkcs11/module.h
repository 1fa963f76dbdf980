/* module.h — the module as a whole: its one state, entered and left by every call, and a lock for each card.
 *
 * Locks, in the order in which they are taken:
 *
 *   gate                     C_Initialize and C_Finalize, one at a time
 *    └─ a reader's lock      one for each reader and so for each card: a call that may ask the card holds it until it returns;
 *        │                   at most one in a thread. With it: the card, what was read of it, who is logged in.
 *        └─ the module's     readers as the service lists them, slots, sessions and their operations, events. Given away while a
 *            │               card works and while a thread waits for a reader's lock or for an event: never held for long.
 *            └─ leaves       wait_gate, wait_turn, what cards refused (refused.c), the keepers' descriptors (transport_agent.c)
 *
 * So a slow command on one card holds up calls for that card and no others; C_GetSlotList, C_GetSlotInfo, C_GetSessionInfo and
 * C_WaitForSlotEvent wait for no card that is known already. Who gave the module's lock away looks its session up anew. */
#ifndef JPKI_PKCS11_MODULE_H
#define JPKI_PKCS11_MODULE_H

#include "pkcs11/session.h"
#include "pkcs11/settings.h"
#include "pkcs11/token.h"

#define MODULE_READERS_MAX 16u

struct module {
    struct settings settings; /* as they were at C_Initialize */
    unsigned kinds; /* which tokens are shown: bits 1 << enum token_kind */
    struct transport *transport;
    struct reader readers[MODULE_READERS_MAX]; /* a reader keeps its place, and so its slots their numbers */
    size_t reader_count;
    struct session_table sessions;
    CK_ULONG epoch; /* the last one drawn */
};

/* Which tokens this build can show: bits 1 << enum token_kind. Each of the built modules has its own (variant.c). */
extern const unsigned module_kinds;

/* The first and the last thing of every call but C_Initialize: takes the lock, and gives it back with rv as it is (words of
 * an error go to the log). CKR_CRYPTOKI_NOT_INITIALIZED also in a child process that did not call C_Initialize itself. */
CK_RV module_enter(struct module **module);
CK_RV module_leave(struct module *module, CK_RV rv);

/* module_enter with a session. CKR_SESSION_HANDLE_INVALID. */
CK_RV module_enter_session(CK_SESSION_HANDLE handle, struct module **module, struct session **session);

/* The session, looked up anew after the module's lock was given away. CKR_SESSION_HANDLE_INVALID: closed meanwhile. */
CK_RV module_find_session(const struct module *module, CK_SESSION_HANDLE handle, struct session **session);

/* The error record of the call that runs in this thread. */
struct err *module_err(void);

/* Takes the reader's lock, giving the module's away meanwhile, until module_release or module_leave. A thread holds one at most.
 * CKR_CRYPTOKI_NOT_INITIALIZED: C_Finalize was quicker. */
CK_RV module_hold(struct module *module, struct reader *reader);
void module_release(struct module *module);
bool module_holds(const struct reader *reader); /* this thread */

/* Around work with the card whose reader this thread holds: the module's lock is given away, and taken again. Outside of a
 * call nothing happens. */
void module_pause(void);
void module_resume(void);

/* Whether labels are those of the official client's modules: chosen, and one token is shown, as each of those does. */
bool module_has_official_labels(const struct module *module);

/* Whether each signature with the key wants a C_Login of its own. */
bool module_always_authenticates(const struct module *module, enum token_kind kind);

/* C_Initialize and C_Finalize. */
CK_RV module_open(const CK_C_INITIALIZE_ARGS *args);
CK_RV module_close(void);

CK_ULONG module_draw_epoch(struct module *module);

/* Waits, with the lock let go, until readers or cards differ from what the module knows, and takes the lock again.
 * CKR_CRYPTOKI_NOT_INITIALIZED: C_Finalize ended the wait; the module was left then. */
CK_RV module_wait(struct module *module);

#endif

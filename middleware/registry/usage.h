/* usage.h — the record of use: who asked for what, when, and what came of it. Written in the transaction of the use, so
 * that no answer leaves without it. */
#ifndef JPKI_REGISTRY_USAGE_H
#define JPKI_REGISTRY_USAGE_H

#include "net/identity.h"
#include "store/store.h"

/* action: "find", "confirm", …; record: the 住民票コード or "sign/SERIAL", empty when none was found; result: a status or
 * an rc's name. */
enum rc usage_write(struct store *store, const struct peer *peer, const char *action, const char *record,
                    const char *result, struct err *err) MUST_CHECK;

#endif

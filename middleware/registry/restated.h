/* restated.h — 整合性の回復 at the nation: a municipality has told a record again after a comparison, and certificates end only if
 * they do not say what it says. */
#ifndef JPKI_REGISTRY_RESTATED_H
#define JPKI_REGISTRY_RESTATED_H

#include "registry/ledger.h"

/* Tells the authorities (attributes-changed), and marks, those certificates that carry another state than this one, which is the
 * record's at that revision: issued before a change that was never heard here. Those of a record that was only damaged here go on.
 * Inside the change's transaction. */
enum rc restated_tell(struct store *store, const struct resident *now, int64_t revision, int64_t time, struct err *err) MUST_CHECK;

#endif

/* release.h — a person who passes from one municipality to another, as a receiver of notices sees it. The new
 * municipality's entry may come before the old one's removal (the old one's node is down): then its signed release
 * removes the record there and then, and what the old municipality still tells of this person is late: kept,
 * acknowledged, without effect. Inside the intake's transaction. Signatures were checked before (registry/sealed.h). */
#ifndef JPKI_REGISTRY_RELEASE_H
#define JPKI_REGISTRY_RELEASE_H

#include "registry/ledger.h"

/* Before an entry: when the record is registered elsewhere and the notice has a release by that municipality to this
 * one, the record is removed as the release says, with its event. Without one nothing is done (ledger_put will refuse).
 */
enum rc release_use(struct store *store, const struct notice *notice, const json_t *json, struct err *err) MUST_CHECK;

/* Whether the notice is late: its municipality has lost the record to another one by a release. Its removal ends that.
 */
enum rc release_late(struct store *store, const struct notice *notice, bool *late, struct err *err) MUST_CHECK;

#endif

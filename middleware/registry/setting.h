/* setting.h — what an operator set in a node's store, by name. */
#ifndef JPKI_REGISTRY_SETTING_H
#define JPKI_REGISTRY_SETTING_H

#include "store/store.h"

/* usual: what holds while nothing is set. */
enum rc setting_get(struct store *store, const char *name, const char *usual, char *value, size_t size,
                    struct err *err) MUST_CHECK;
enum rc setting_set(struct store *store, const char *name, const char *value, struct err *err) MUST_CHECK;

#endif

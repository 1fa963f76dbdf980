/* filing.h — files the record of use into its index (usage.h): a day's rows in the order of their records, so that those that come to
 * lie on a page are written with it. When nobody asks for much, or when so much lies unfiled that to look through it would take long. */
#ifndef JPKI_REGISTRY_FILING_H
#define JPKI_REGISTRY_FILING_H

#include "store/storegroup.h"

struct filing {
    struct store *reader; /* sees what is to be filed while the group's store writes */
    struct storegroup *group;
    int64_t newest, looked; /* the last row that was there at the last look, and when that was, in milliseconds */
};

/* For a courier; context a struct filing. RC_OK: some were filed; RC_NOT_FOUND: nothing to do, or not now. */
enum rc filing_deliver(void *context, struct err *err) MUST_CHECK;

/* Whatever is to be filed, now; *rows: how many were looked through. */
enum rc filing_all(struct filing *filing, int64_t *rows, struct err *err) MUST_CHECK;

#endif

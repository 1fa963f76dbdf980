/* yearca.h — the authorities of a played year: founded, with their book and their signer, in process; they take the
 * registry's events as they come, some of them twice. Everything fails the running test when it does not work. */
#ifndef JPKI_TESTS_YEARCA_H
#define JPKI_TESTS_YEARCA_H

#include "registry/notice.h"
#include "support/caworld.h"

struct yearca {
    struct caworld world;
    struct ca *ca;
    unsigned delivered;
};

/* Both days "YYYY-MM-DD". The signer, a process of its own, has the last day for its present: it signs nothing of the
 * future. Sets JPKI_CLOCK: call before the clock was read. */
void yearca_new(struct yearca *y, const char *program, const char *first, const char *last,
                const char *const *municipalities);
void yearca_free(struct yearca *y);

/* Both certificates of an adult's card, confirmed. request: unlike any other. */
void yearca_issue(struct yearca *y, const char *municipality, const struct attributes *attributes, const char *request,
                  struct certificate both[2]);

/* An event as the nation's queue has it, in order; every third is delivered again, which must change nothing. */
void yearca_hear(struct yearca *y, int64_t sequence, const json_t *event);

/* How many certificates the book holds for revoked; and the reason of one, -1 when it is not. */
int64_t yearca_revoked(struct yearca *y);
int yearca_reason(struct yearca *y, const struct certificate *certificate);

/* Issues a municipality's list and looks: the serial numbers of it, as the test has them in `held`, and no other. */
struct yearca_entry {
    const char *serial;
    int reason;
};
void yearca_check_list(struct yearca *y, enum authority authority, const char *municipality,
                       const struct yearca_entry *held, size_t count);

#endif

/* ahead.h — `jpki-ca store ahead`: after an old copy of the book was restored, its counters stand where they stood then. Numbers of
 * lists that the world has seen, and serial numbers that it may have seen, are skipped, so that none comes twice. With two persons
 * configured (`settings two-persons=on`) two officers sign what is to be skipped. */
#ifndef JPKI_CA_AHEAD_H
#define JPKI_CA_AHEAD_H

#include "ca/ca.h"

#define AHEAD_MOST 1000000000L /* of either, at a time */
#define AHEAD_OFFICERS 8u

struct ahead {
    int64_t lists;   /* how many numbers each list skips beyond what the book and the publication have */
    int64_t serials; /* how many the counter of each authority skips; of no effect on random ones */
};

/* The signature of an officer over the text: `openssl dgst -sha256 -sign KEY`; by the serial number of the officer's
 * operations certificate. */
struct ahead_confirmation {
    const char *serial, *file;
};

/* The text that officers sign: what is skipped, and the head of the trail as it stands, so that it counts once. Appended. */
enum rc ahead_text(struct ca *ca, const struct ahead *ahead, struct buf *text, struct err *err) MUST_CHECK;

/* Skips, in one transaction with the audit row. *lists: how many lists it was done for. RC_DENIED: two persons are
 * configured, and not two different officers of role administrator or approver have signed; RC_BAD_SIGNATURE names whose
 * signature is of another text. */
enum rc ahead_run(struct ca *ca, const struct ahead *ahead, const struct ahead_confirmation *given, size_t count, size_t *lists,
                  struct err *err) MUST_CHECK;

int ahead_main(int argc, char **argv); /* argv[0] is "ahead" */

#endif

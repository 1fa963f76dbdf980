/* act.h — what a registrar can record about a resident (届出, 職権): birth, death, moving out, going abroad, corrections. Each
 * act is a row with its 異動事由 and the members that it needs; one transaction with ledger row, history and notice. */
#ifndef JPKI_REGISTRY_ACT_H
#define JPKI_REGISTRY_ACT_H

#include "registry/municipal.h"

/* What was asked; NULL for what was not given. Borrowed. Birth as the register writes it. */
struct act_request {
    const char *act;
    const char *code, *name, *birth, *sex, *address;
    const char *date, *request;
};

struct act_result {
    char code[12]; /* a new one for a birth */
    int64_t notice;
};

/* The same request with the same content gives the same answer and changes nothing, whatever happened since.
 * RC_FORMAT a member is missing, superfluous or malformed; RC_RANGE a future date, an address elsewhere, 継続利用 before
 * 2024-05-27, nothing to change; RC_CONFLICT the request's name was used for something else; RC_NOT_FOUND, RC_STATE
 * (removed), RC_DENIED (another municipality's). */
enum rc act_record(struct store *store, const char *municipality, const struct act_request *request,
                   struct act_result *result, struct err *err) MUST_CHECK;

/* Names of the acts for help texts: "birth, death, …". Static storage. */
const char *act_names(void);

#endif

/* act.h — what a registrar can record about a resident (届出, 請求, 職権): birth, death, leaving, going and coming from
 * abroad, corrections, names, household, numbers. Each act is a row with its 異動事由 and the members that it needs;
 * one transaction with ledger row, history and notice. */
#ifndef JPKI_REGISTRY_ACT_H
#define JPKI_REGISTRY_ACT_H

#include "registry/municipal.h"

/* What was asked; NULL for what was not given, "" clears what may be empty. Borrowed. Birth as the register writes it.
 * The fields of the record stand by name and, in the same places, in the order of record_fields. */
struct act_request {
    const char *act;
    const char *code;
    union {
        struct {
            const char *name, *name_substitutes, *birth, *sex, *address, *address_substitutes, *furigana, *former_name,
                *former_furigana, *alias, *personal_number, *household, *position, *relation, *foreign_resident,
                *romaji, *resident_since, *address_since, *notified, *former_address, *original_name, *original_address;
        };
        const char *fields[RECORD_FIELDS];
    };
    const char *why; /* of a change of the 個人番号 */
    const char *date, *request;
};

struct act_result {
    char code[12];  /* the person's, a new one after a birth or a change of code */
    int64_t notice; /* 0: nobody else hears of it, or the national node is asked first */
};

/* The same request with the same content gives the same answer and changes nothing, whatever happened since.
 * RC_FORMAT a member is missing, superfluous or malformed; RC_RANGE a future date, an address elsewhere, what the law
 * did not know on that date, nothing to change, no code left; RC_CONFLICT the request's name was used for something
 * else; RC_NOT_FOUND, RC_STATE (removed), RC_DENIED (another municipality's). */
enum rc act_record(struct store *store, const char *municipality, const struct act_request *request,
                   struct act_result *result, struct err *err) MUST_CHECK;

/* Names of the acts for help texts: "birth, death, …". Static storage. */
const char *act_names(void);

#endif

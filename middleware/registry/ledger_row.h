/* ledger_row.h — the columns of a resident's record, for those in this folder who join other rows with it. */
#ifndef JPKI_REGISTRY_LEDGER_ROW_H
#define JPKI_REGISTRY_LEDGER_ROW_H

#include "registry/ledger.h"

/* In the order of record_fields. */
#define LEDGER_FIELDS                                                                                                  \
    "name, name_substitutes, birth, sex, address, address_substitutes, furigana, former_name, former_furigana, "       \
    "alias, personal_number, household, position, relation, foreign_resident, romaji, resident_since, address_since, " \
    "notified, former_address, original_name, original_address"
#define LEDGER_ROW "code, municipality, revision, removed, successor, " LEDGER_FIELDS

/* Reads the columns of LEDGER_ROW from the first one on. */
void ledger_read_row(struct statement *s, int first, struct ledger_row *row);

#endif

/* ledger.h — 住民基本台帳: the residents of a node's store, and a full row of history per change.
 *
 * The same rules in a municipal node (its own residents) and in the national one (the union). A record belongs to the
 * municipality that entered it last; nobody else changes it. Unless it says otherwise a function wants an open
 * transaction and leaves committing to its caller. */
#ifndef JPKI_REGISTRY_LEDGER_H
#define JPKI_REGISTRY_LEDGER_H

#include "registry/notice.h"
#include "store/store.h"

enum node_role { NODE_MUNICIPAL, NODE_PREFECTURAL, NODE_NATIONAL };
const char *node_role_name(enum node_role role); /* "municipal", "prefectural", "national" */
enum rc node_role_parse(const char *name, enum node_role *role) MUST_CHECK;

/* Opens the store (its own transaction) and claims it for a role and municipality ("000000" for the national one): a new
 * store takes them, an older one must have them (RC_STATE). */
enum rc ledger_open(const char *url, enum node_role role, const char *municipality, struct store **store,
                    struct err *err) MUST_CHECK;

/* Opens a store that must have been claimed (RC_STATE when not), for looking at it. */
enum rc ledger_open_any(const char *url, enum node_role *role, char municipality[7], struct store **store,
                        struct err *err) MUST_CHECK;

struct ledger_row {
    struct resident resident;
    int64_t revision; /* 1, 2, …: the row of history that holds the present state */
    int64_t removed;  /* when it was struck out; 0: registered */
    char successor[12]; /* the code that the person has instead, after a change of code; "" otherwise */
};

/* RC_NOT_FOUND. Removed records are found too. No transaction needed. */
enum rc ledger_find_code(struct store *store, const char *code, struct ledger_row *row, struct err *err) MUST_CHECK;

/* The same when its municipality is known (location.h): one partition is asked. */
enum rc ledger_find_in(struct store *store, const char *code, const char *municipality, struct ledger_row *row,
                       struct err *err) MUST_CHECK;

/* Name, birth and address together, all equal (blanks in the name are folded to U+3000). RC_CONFLICT more than one of
 * them is registered; a removed one is found when no registered one is. No transaction needed. */
enum rc ledger_find_person(struct store *store, const char *name, const char *birth, const char *address,
                           struct ledger_row *row, struct err *err) MUST_CHECK;

/* A name as the register writes it: runs of blanks and tabs become one U+3000. size: that of the name and 4 more. */
void ledger_fold_name(const char *name, char *out, size_t size);

/* What a change was: for the effect on certificates. */
struct ledger_change {
    int64_t revision;
    enum effect effect; /* EFFECT_CHANGED only when one of the four attributes, the former name or the alias did */
};

/* Writes one change. resident->municipality is who writes. The rules: an entry needs a code that is not registered
 * (RC_CONFLICT; RC_DENIED when another municipality has it), a correction and a removal need a registered record
 * (RC_NOT_FOUND, RC_STATE removed) of the same municipality (RC_DENIED). A removal keeps the attributes as they were. */
enum rc ledger_put(struct store *store, const struct resident *resident, enum reason reason, const char *date,
                   int64_t recorded, struct ledger_change *change, struct err *err) MUST_CHECK;

/* 住民票コードの変更: the record under the old code ends with its successor named, and goes on under the new one, which nobody
 * ever had (RC_CONFLICT). Certificates stay linked to the person. *change is about the new code. RC_NOT_FOUND, RC_STATE,
 * RC_DENIED as ledger_put. */
enum rc ledger_recode(struct store *store, const char *previous, const struct resident *resident, enum reason reason,
                      const char *date, int64_t recorded, struct ledger_change *change, struct err *err) MUST_CHECK;

/* A former state, with 変更情報: what made it, when it happened and was recorded, and for a change of number or code the
 * number or code before. RC_NOT_FOUND. No transaction needed. */
struct ledger_past {
    struct resident resident;
    enum reason reason;
    char date[11];
    int64_t recorded;
    char previous_code[12], previous_number[13];
};
enum rc ledger_history(struct store *store, const char *code, int64_t revision, struct ledger_past *past,
                       struct err *err) MUST_CHECK;

/* The one that made the present state: in its municipality's partition. */
enum rc ledger_last(struct store *store, const struct ledger_row *row, struct ledger_past *past, struct err *err) MUST_CHECK;

/* One number out of the store: counts. No transaction needed. */
enum rc ledger_count(struct store *store, const char *sql, int64_t *count, struct err *err) MUST_CHECK;

#endif

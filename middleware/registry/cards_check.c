/* cards_check.c — a card that is shown: whether it may be used so, and what the ledger has of it. */
#include "registry/cards.h"

#include "registry/code.h"
#include "registry/municipal.h"

#include <string.h>

enum rc cards_judge(struct store *store, const char *card, const char *code, bool face, struct card_row *row,
                    struct resident *resident, struct err *err)
{
    struct ledger_row holder;
    char today[11];
    municipal_today(today);
    enum rc rc = cardbook_find(store, card, row, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such card") : rc;
    if (face && !cardlife_identifies(row->type))
        return err_set(err, RC_STATE, "this card shows no photo: it is no identity document");
    if (!cardlife_usable(row->state) && !(face && row->state == CARD_LOCKED))
        return err_set(err, RC_STATE, "the card is %s", card_state_name(row->state));
    if (strcmp(today, row->expires) > 0)
        return err_set(err, RC_STATE, "the card's last day was %s", row->expires);
    if (!face && strcmp(code, row->code) != 0)
        return err_set(err, RC_CONFLICT, "the code in the card is not the ledger's");
    rc = ledger_find_code(store, row->code, &holder, err);
    if (!rc && holder.removed)
        rc = err_set(err, RC_STATE, "the holder has been removed from the register");
    if (!rc)
        *resident = holder.resident;
    return rc;
}

enum rc cards_check(struct store *store, const struct peer *peer, const char *card, const char *code, const char *use,
                    struct card_row *row, struct resident *resident, struct err *err)
{
    bool face = strcmp(use, "identity") == 0;
    if (!face && strcmp(use, "network") != 0)
        return err_set(err, RC_FORMAT, "use: network or identity");
    if (!face && (!code || code_check(code)))
        return err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    if (card_check(card))
        return err_set(err, RC_FORMAT, "card: not 16 digits or capital letters");
    *row = (struct card_row){0};
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    enum rc found = cards_judge(store, card, code, face, row, resident, err);
    rc = usage_write(store, peer, face ? "card-identity" : "card-network", row->code, rc_name(found), err);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    return rc ? rc : found;
}

enum rc cards_show(struct store *store, const struct peer *peer, const char *card, const char *code, json_t **array,
                   struct err *err)
{
    struct card_row row = {0};
    if (card ? card_check(card) : code_check(code))
        return err_set(err, RC_FORMAT, "%s",
                       card ? "card: not 16 digits or capital letters"
                            : "code: not 11 digits with a right check digit");
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    enum rc found = card ? cardbook_find(store, card, &row, err) : RC_OK;
    if (found == RC_NOT_FOUND)
        (void)err_set(err, found, "no such card");
    if (!found)
        found = cardbook_to_json(store, card ? row.code : code, array, err);
    rc = usage_write(store, peer, "card-show", card ? row.code : code, rc_name(found), err);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    if (rc && !found)
        json_decref(*array);
    return rc ? rc : found;
}

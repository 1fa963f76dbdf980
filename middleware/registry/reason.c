/* reason.c — the rows of 異動事由. */
#include "registry/reason.h"

#include <stddef.h>
#include <string.h>

/* A domestic move-out ends the address, so the certificates' attributes are no longer the person's: it counts as a
 * change. The person is still a resident of the country, so it is no removal. */
static const struct reason_row rows[REASON_COUNT] = {
    [REASON_FIRST] = { REASON_FIRST, "初期登録", CHANGE_ENTRY, EFFECT_CHANGED },
    [REASON_MOVE_IN] = { REASON_MOVE_IN, "国内転入", CHANGE_ENTRY, EFFECT_CHANGED },
    [REASON_FROM_ABROAD] = { REASON_FROM_ABROAD, "国外転入等", CHANGE_ENTRY, EFFECT_CHANGED },
    [REASON_BIRTH] = { REASON_BIRTH, "出生", CHANGE_ENTRY, EFFECT_CHANGED },
    [REASON_EX_OFFICIO_IN] = { REASON_EX_OFFICIO_IN, "職権記載等", CHANGE_ENTRY, EFFECT_CHANGED },
    [REASON_MOVE] = { REASON_MOVE, "転居", CHANGE_CORRECTION, EFFECT_CHANGED },
    [REASON_MINOR] = { REASON_MINOR, "軽微な修正", CHANGE_CORRECTION, EFFECT_NONE },
    [REASON_EX_OFFICIO] = { REASON_EX_OFFICIO, "職権修正等", CHANGE_CORRECTION, EFFECT_CHANGED },
    [REASON_MOVE_OUT] = { REASON_MOVE_OUT, "国内転出", CHANGE_REMOVAL, EFFECT_CHANGED },
    [REASON_ABROAD] = { REASON_ABROAD, "国外転出", CHANGE_REMOVAL, EFFECT_REMOVED },
    [REASON_ABROAD_CONTINUED] = { REASON_ABROAD_CONTINUED, "国外転出（継続利用）", CHANGE_REMOVAL, EFFECT_ABROAD },
    [REASON_DEATH] = { REASON_DEATH, "死亡", CHANGE_REMOVAL, EFFECT_REMOVED },
    [REASON_EX_OFFICIO_OUT] = { REASON_EX_OFFICIO_OUT, "職権消除等", CHANGE_REMOVAL, EFFECT_REMOVED },
};

const struct reason_row *reason_get(enum reason reason)
{
    return reason > REASON_NONE && reason < REASON_COUNT ? &rows[reason] : NULL;
}

enum rc reason_parse(const char *name, enum reason *reason)
{
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0) {
            *reason = (enum reason)i;
            return RC_OK;
        }
    return RC_NOT_FOUND;
}

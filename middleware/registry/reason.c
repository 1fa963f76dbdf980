/* reason.c — the rows of 異動事由. */
#include "registry/reason.h"

#include <stddef.h>
#include <string.h>

#define NUMBERS "personal-numbers"
#define ROW(reason, name, change, effect) [reason] = { reason, name, change, effect, reason, NULL, NULL }
#define NEW(reason, name, change, effect, from) [reason] = { reason, name, change, effect, reason, from, NULL }
#define OLD(reason, name, change, effect) [reason] = { reason, name, change, effect, reason, NULL, NUMBERS }
#define OWN(reason, name, change, effect, told, from) [reason] = { reason, name, change, effect, told, from, NULL }

/* A domestic move-out ends the address, so the certificates' attributes are no longer the person's: it counts as a
 * change. The person is still a resident of the country, so it is no removal. Another number or code voids the card, and
 * with the card its certificates. */
static const struct reason_row rows[REASON_COUNT] = {
    ROW(REASON_FIRST, "初期登録", CHANGE_ENTRY, EFFECT_CHANGED),
    NEW(REASON_MOVE_IN, "国内転入", CHANGE_ENTRY, EFFECT_CHANGED, NUMBERS),
    NEW(REASON_FROM_ABROAD, "国外転入等", CHANGE_ENTRY, EFFECT_CHANGED, NUMBERS),
    ROW(REASON_BIRTH, "出生", CHANGE_ENTRY, EFFECT_CHANGED),
    ROW(REASON_EX_OFFICIO_IN, "職権記載等", CHANGE_ENTRY, EFFECT_CHANGED),
    ROW(REASON_MOVE, "転居", CHANGE_CORRECTION, EFFECT_CHANGED),
    ROW(REASON_MINOR, "軽微な修正", CHANGE_CORRECTION, EFFECT_NONE),
    ROW(REASON_EX_OFFICIO, "職権修正等", CHANGE_CORRECTION, EFFECT_CHANGED),
    NEW(REASON_MOVE_OUT, "国内転出", CHANGE_REMOVAL, EFFECT_CHANGED, NUMBERS),
    NEW(REASON_ABROAD, "国外転出", CHANGE_REMOVAL, EFFECT_REMOVED, NUMBERS),
    NEW(REASON_ABROAD_CONTINUED, "国外転出（継続利用）", CHANGE_REMOVAL, EFFECT_ABROAD, "abroad-continued"),
    ROW(REASON_DEATH, "死亡", CHANGE_REMOVAL, EFFECT_REMOVED),
    ROW(REASON_EX_OFFICIO_OUT, "職権消除等", CHANGE_REMOVAL, EFFECT_REMOVED),
    NEW(REASON_NATURALISED_IN, "職権記載等（帰化等）", CHANGE_ENTRY, EFFECT_CHANGED, NUMBERS),
    NEW(REASON_NATIONALITY_IN, "職権記載等（国籍喪失）", CHANGE_ENTRY, EFFECT_CHANGED, NUMBERS),
    NEW(REASON_NATURALISED_OUT, "職権消除等（帰化等）", CHANGE_REMOVAL, EFFECT_REMOVED, NUMBERS),
    NEW(REASON_NATIONALITY_OUT, "職権消除等（国籍喪失）", CHANGE_REMOVAL, EFFECT_REMOVED, NUMBERS),
    OLD(REASON_MOVE_IN_2002, "転入等", CHANGE_ENTRY, EFFECT_CHANGED),
    OLD(REASON_FROM_ABROAD_2002, "転入等（国外）", CHANGE_ENTRY, EFFECT_CHANGED),
    OLD(REASON_MOVE_OUT_2002, "転出", CHANGE_REMOVAL, EFFECT_CHANGED),
    OLD(REASON_ABROAD_2002, "転出（国外）", CHANGE_REMOVAL, EFFECT_REMOVED),
    NEW(REASON_NUMBER_REQUESTED, "個人番号の変更請求", CHANGE_CORRECTION, EFFECT_CARD, NUMBERS),
    NEW(REASON_NUMBER_CORRECTED, "個人番号の職権修正", CHANGE_CORRECTION, EFFECT_CARD, NUMBERS),
    NEW(REASON_NUMBER_ENTERED, "個人番号の職権記載等", CHANGE_CORRECTION, EFFECT_NONE, NUMBERS),
    ROW(REASON_CODE_REQUESTED, "住民票コードの変更請求", CHANGE_CODE, EFFECT_CARD),
    ROW(REASON_CODE_ENTERED, "住民票コードの職権記載等", CHANGE_CODE, EFFECT_CARD),
    OWN(REASON_FORMER_NAME, "旧氏の記載等", CHANGE_CORRECTION, EFFECT_CHANGED, REASON_EX_OFFICIO, "former-names"),
    OWN(REASON_ALIAS, "通称の記載等", CHANGE_CORRECTION, EFFECT_CHANGED, REASON_EX_OFFICIO, "foreign-residents"),
    OWN(REASON_FURIGANA, "振り仮名の記載等", CHANGE_CORRECTION, EFFECT_NONE, REASON_EX_OFFICIO, "furigana"),
    OWN(REASON_SLIP, "誤記修正", CHANGE_CORRECTION, EFFECT_CHANGED, REASON_EX_OFFICIO, NULL),
    OWN(REASON_HOUSEHOLD_SPLIT, "世帯分離", CHANGE_CORRECTION, EFFECT_NONE, REASON_NONE, NULL),
    OWN(REASON_HOUSEHOLD_JOIN, "世帯合併", CHANGE_CORRECTION, EFFECT_NONE, REASON_NONE, NULL),
    OWN(REASON_HOUSEHOLD_CHANGE, "世帯変更", CHANGE_CORRECTION, EFFECT_NONE, REASON_NONE, NULL),
    OWN(REASON_HEAD_CHANGE, "世帯主変更", CHANGE_CORRECTION, EFFECT_NONE, REASON_NONE, NULL),
    OWN(REASON_REMADE, "改製", CHANGE_CORRECTION, EFFECT_NONE, REASON_NONE, NULL),
    OWN(REASON_UNDO_ENTRY, "異動の取消し（増）", CHANGE_REMOVAL, EFFECT_REMOVED, REASON_EX_OFFICIO_OUT, NULL),
    OWN(REASON_UNDO_REMOVAL, "異動の取消し（減）", CHANGE_ENTRY, EFFECT_CHANGED, REASON_EX_OFFICIO_IN, NULL),
    OWN(REASON_UNDO_CORRECTION, "異動の取消し（修正）", CHANGE_CORRECTION, EFFECT_CHANGED, REASON_EX_OFFICIO, NULL),
    ROW(REASON_RESTATED, "整合性の回復", CHANGE_CORRECTION, EFFECT_CHANGED),
    ROW(REASON_RESTATED_OUT, "整合性の回復（消除）", CHANGE_REMOVAL, EFFECT_CHANGED),
};

static const struct {
    enum reason today, then;
} eras[] = {
    { REASON_MOVE_IN, REASON_MOVE_IN_2002 },
    { REASON_FROM_ABROAD, REASON_FROM_ABROAD_2002 },
    { REASON_MOVE_OUT, REASON_MOVE_OUT_2002 },
    { REASON_ABROAD, REASON_ABROAD_2002 },
    { REASON_NATURALISED_IN, REASON_EX_OFFICIO_IN },
    { REASON_NATIONALITY_IN, REASON_EX_OFFICIO_IN },
    { REASON_NATURALISED_OUT, REASON_EX_OFFICIO_OUT },
    { REASON_NATIONALITY_OUT, REASON_EX_OFFICIO_OUT },
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

enum reason reason_other_era(enum reason reason)
{
    for (size_t i = 0; i < sizeof eras / sizeof eras[0]; i++)
        if (eras[i].today == reason)
            return eras[i].then;
    return reason;
}

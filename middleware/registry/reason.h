/* reason.h — 異動事由: why a record of the register was made, changed or struck out, and what that means for the
 * certificates of the person (住基法施行規則11条, of today and of 2013; 住民記録システム標準仕様書). Rows as data. */
#ifndef JPKI_REGISTRY_REASON_H
#define JPKI_REGISTRY_REASON_H

#include "base/rc.h"

enum change {
    CHANGE_ENTRY,      /* 記載 */
    CHANGE_CORRECTION, /* 修正 */
    CHANGE_REMOVAL,    /* 消除 */
    CHANGE_CODE,       /* 住民票コード: another code for the same record */
};

enum reason {
    REASON_NONE,
    REASON_FIRST,           /* 初期登録: the register's first filling; not a reason of the ordinance */
    REASON_MOVE_IN,         /* 国内転入 */
    REASON_FROM_ABROAD,     /* 国外転入等 */
    REASON_BIRTH,           /* 出生 */
    REASON_EX_OFFICIO_IN,   /* 職権記載等 */
    REASON_MOVE,            /* 転居 */
    REASON_MINOR,           /* 軽微な修正 (施行規則11条3項2号): 字体, 町字名, 地番, 住居表示, 建物名 … */
    REASON_EX_OFFICIO,      /* 職権修正等 */
    REASON_MOVE_OUT,        /* 国内転出 */
    REASON_ABROAD,          /* 国外転出 */
    REASON_ABROAD_CONTINUED,/* 国外転出 with 継続利用 of the card: the same 事由 of the ordinance, another effect */
    REASON_DEATH,           /* 死亡 */
    REASON_EX_OFFICIO_OUT,  /* 職権消除等 */
    REASON_NATURALISED_IN,  /* 職権記載等（帰化等）: the new record as a Japanese */
    REASON_NATIONALITY_IN,  /* 職権記載等（国籍喪失）: the new record as a foreign resident */
    REASON_NATURALISED_OUT, /* 職権消除等（帰化等） */
    REASON_NATIONALITY_OUT, /* 職権消除等（国籍喪失） */
    /* until 2015-10 (施行規則11条 of 2013): one word for moves inside the country and across its border */
    REASON_MOVE_IN_2002,     /* 転入等 */
    REASON_FROM_ABROAD_2002, /* 転入等（国外） */
    REASON_MOVE_OUT_2002,    /* 転出 */
    REASON_ABROAD_2002,      /* 転出（国外） */
    /* of numbers */
    REASON_NUMBER_REQUESTED, /* 個人番号の変更請求 */
    REASON_NUMBER_CORRECTED, /* 個人番号の職権修正 */
    REASON_NUMBER_ENTERED,   /* 個人番号の職権記載等 */
    REASON_CODE_REQUESTED,   /* 住民票コードの変更請求 */
    REASON_CODE_ENTERED,     /* 住民票コードの職権記載等 */
    /* the municipality's own words (標準仕様書): told under a reason of the ordinance, or not at all */
    REASON_FORMER_NAME,      /* 旧氏の記載・変更・削除 */
    REASON_ALIAS,            /* 通称の記載・削除 */
    REASON_FURIGANA,         /* 振り仮名の記載・修正 */
    REASON_SLIP,             /* 誤記修正 */
    REASON_HOUSEHOLD_SPLIT,  /* 世帯分離 */
    REASON_HOUSEHOLD_JOIN,   /* 世帯合併 */
    REASON_HOUSEHOLD_CHANGE, /* 世帯変更 */
    REASON_HEAD_CHANGE,      /* 世帯主変更 */
    REASON_REMADE,           /* 改製, 再製: the same record on a new sheet */
    REASON_UNDO_ENTRY,       /* 異動の取消し（増）: an entry was a mistake */
    REASON_UNDO_REMOVAL,     /* 異動の取消し（減）: a removal was a mistake */
    REASON_UNDO_CORRECTION,  /* 異動の取消し（修正） */
    REASON_RESTATED,         /* 整合性の回復: told again as it is, after a comparison showed a difference */
    REASON_RESTATED_OUT,     /* 整合性の回復（消除）: told again that it was removed */
    REASON_COUNT
};

/* What the authorities are told about the certificates of the person (docs/PROTOCOLS.md, events). */
enum effect {
    EFFECT_NONE,
    EFFECT_CHANGED, /* "attributes-changed", when one of the four attributes did change */
    EFFECT_REMOVED, /* "removed" */
    EFFECT_ABROAD,  /* "removed-abroad" */
    EFFECT_CARD,    /* "card-returned": the card is void, the person as before */
};

struct reason_row {
    enum reason reason;
    const char *name; /* as the ordinance writes it, UTF-8; in notices and in the history */
    enum change change;
    enum effect effect;
    enum reason told; /* the reason under which others hear of it; REASON_NONE: nobody does */
    const char *from, *until; /* a gate's name (gate.h) or NULL: since when, and up to which day it is used */
};

const struct reason_row *reason_get(enum reason reason); /* NULL for REASON_NONE and values outside */
enum rc reason_parse(const char *name, enum reason *reason) MUST_CHECK; /* RC_NOT_FOUND */

/* The word of the other era for the same thing: 国内転入 and 転入等. The reason itself when there is one word. */
enum reason reason_other_era(enum reason reason);

#endif

/* reason.h — 異動事由: why a record of the register was made, changed or struck out, and what that means for the
 * certificates of the person. Current law (住基法施行規則11条); rows as data. */
#ifndef JPKI_REGISTRY_REASON_H
#define JPKI_REGISTRY_REASON_H

#include "base/rc.h"

enum change {
    CHANGE_ENTRY,      /* 記載 */
    CHANGE_CORRECTION, /* 修正 */
    CHANGE_REMOVAL,    /* 消除 */
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
    REASON_COUNT
};

/* What the authorities are told about the certificates of the person (docs/PROTOCOLS.md, events). */
enum effect {
    EFFECT_NONE,
    EFFECT_CHANGED, /* "attributes-changed", when one of the four attributes did change */
    EFFECT_REMOVED, /* "removed" */
    EFFECT_ABROAD,  /* "removed-abroad" */
};

struct reason_row {
    enum reason reason;
    const char *name; /* as the ordinance writes it, UTF-8; in notices and in the history */
    enum change change;
    enum effect effect;
};

const struct reason_row *reason_get(enum reason reason); /* NULL for REASON_NONE and values outside */
enum rc reason_parse(const char *name, enum reason *reason) MUST_CHECK; /* RC_NOT_FOUND */

#endif

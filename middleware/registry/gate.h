/* gate.h — the days from which the rules of the register network hold: one table of settings. A store may hold another
 * day for a gate (`jpki-registry settings`), so that a history can be played with the days that a municipality had. */
#ifndef JPKI_REGISTRY_GATE_H
#define JPKI_REGISTRY_GATE_H

#include "store/store.h"

enum gate {
    GATE_FIRST_SERVICE,     /* 第1次サービス: codes, provision */
    GATE_SECOND_SERVICE,    /* 第2次サービス: 広域交付, 住基カード, 転入転出の特例 */
    GATE_CONTINUED_USE,     /* 継続利用: the card survives a move */
    GATE_FOREIGN_RESIDENTS, /* foreign residents have a 住民票コード */
    GATE_PERSONAL_NUMBERS,  /* 個人番号; the present 異動事由; no code to agencies */
    GATE_JUKI_CARD_END,     /* the last day on which a 住基カード is issued */
    GATE_MY_NUMBER_CARD,    /* 個人番号カード are issued */
    GATE_LONG_RETENTION,    /* 本人確認情報 are kept for 150 years, not 5 */
    GATE_LONG_REMOVED,      /* 除票 are kept for 150 years, not 5 */
    GATE_FORMER_NAMES,      /* 旧氏 */
    GATE_ONLINE_MOVE,       /* 転出届 online */
    GATE_ABROAD_CONTINUED,  /* 国外転出者の継続利用, 附票連携 */
    GATE_FURIGANA,          /* 氏名の振り仮名 */
    GATE_COUNT
};

struct gate_row {
    const char *name; /* "first-service" */
    const char *date; /* the day that stands unless the store says otherwise */
    const char *what; /* with where it comes from */
};
extern const struct gate_row gate_rows[GATE_COUNT];

/* The gate's day in this store. No transaction needed. */
enum rc gate_date(struct store *store, enum gate gate, char date[11], struct err *err) MUST_CHECK;

/* Whether the day is the gate's or later. */
enum rc gate_open(struct store *store, enum gate gate, const char *date, bool *open, struct err *err) MUST_CHECK;

/* Which gates are open on a day, by their bits, from one look at the store. */
#define GATE_BIT(gate) (1u << (gate))
enum rc gate_open_all(struct store *store, const char *date, unsigned *open, struct err *err) MUST_CHECK;

/* RC_RANGE with `what` and the gate's day in the words unless the gate is open on that date. */
enum rc gate_want(struct store *store, enum gate gate, const char *date, const char *what, struct err *err) MUST_CHECK;

/* Another day for a gate. RC_NOT_FOUND no such gate, RC_FORMAT no date. */
enum rc gate_set(struct store *store, const char *name, const char *date, struct err *err) MUST_CHECK;

#endif

/* cardlife.h — the life of one card of the card ledger: states, events, and what each event does. Rows as data, no
 * store and no clock (住基法施行令30条の12–24 of 2013, 番号法施行令13–18条; lock and unlock are those of the card's
 * four-digit PIN). */
#ifndef JPKI_REGISTRY_CARDLIFE_H
#define JPKI_REGISTRY_CARDLIFE_H

#include "base/rc.h"

#include <stdbool.h>

enum card_type {
    CARD_JUKI_A, /* "juki-a": 住民基本台帳カード 別記様式第一: the name only */
    CARD_JUKI_B, /* "juki-b": 別記様式第二: photo and the four attributes */
    CARD_NUMBER, /* "number": 個人番号カード */
    CARD_TYPES
};

enum card_state {
    CARD_NONE, /* not in this ledger */
    CARD_VALID,
    CARD_LOCKED, /* valid, its PIN is locked */
    CARD_LOST,   /* reported lost, not yet void */
    CARD_LOST_LOCKED,
    CARD_VOID,      /* 失効; the holder still has it and owes its return */
    CARD_VOID_LOST, /* void, and nobody has it */
    CARD_DESTROYED, /* returned, and the chip broken */
    CARD_KEPT,      /* made unusable and handed back on request: a souvenir */
    CARD_ELSEWHERE, /* its holder took it to another municipality, whose ledger has it now */
    CARD_STATES
};

enum card_event {
    CARD_ISSUE,     /* 交付 */
    CARD_LOSE,      /* 紛失 */
    CARD_FIND,      /* 発見 */
    CARD_LOCK,      /* 暗証番号のロック */
    CARD_UNLOCK,    /* 暗証番号再設定 */
    CARD_ANNOTATE,  /* 追記: the face was changed with the register */
    CARD_CONTINUE,  /* 継続利用: taken over from another municipality, or gone on with after a move */
    CARD_HAND_OVER, /* the municipality of the 転入 has taken it over */
    CARD_END,       /* 失効, for a reason */
    CARD_RETURN,    /* 返納: destroyed */
    CARD_KEEP,      /* 返納, voided at the counter and handed back */
    CARD_RESTATE,   /* the whole state told again (整合性の回復): cardbook_restate; it leads from no state to another */
    CARD_EVENTS
};

/* Why a card became void, with who decides. */
enum card_reason {
    CARD_REASON_NONE,
    CARD_REASON_EXPIRED,       /* the day after its last one */
    CARD_REASON_CODE,          /* the 住民票コード was changed */
    CARD_REASON_NUMBER,        /* the 個人番号 was changed */
    CARD_REASON_NUMBER_CARD,   /* its holder got a 個人番号カード */
    CARD_REASON_REPLACED,      /* another card was issued: 再交付, 引換交付 */
    CARD_REASON_NO_ARRIVAL,    /* more than 30 days past the planned 転出, or 14 past the move, without 転入届 */
    CARD_REASON_NOT_HANDED_IN, /* 90 days past the 転入届 without the card, or moved again before */
    CARD_REASON_MOVED,         /* moved out before there was continued use */
    CARD_REASON_ABROAD,        /* 国外転出 */
    CARD_REASON_DEATH,         /* 死亡 */
    CARD_REASON_STRUCK,        /* 職権消除等 */
    CARD_REASON_ORDER,         /* 返納命令 */
    CARD_REASON_WISH,          /* its holder wants it no more */
    CARD_REASONS
};

/* What the authorities hear of the certificates on the card. */
enum card_effect { CARD_EFFECT_NONE, CARD_EFFECT_LOST, CARD_EFFECT_RETURNED };

const char *card_type_name(enum card_type type);
const char *card_state_name(enum card_state state);
const char *card_event_name(enum card_event event);
const char *card_reason_name(enum card_reason reason);
enum rc card_type_parse(const char *name, enum card_type *type) MUST_CHECK; /* RC_NOT_FOUND, as the others */
enum rc card_state_parse(const char *name, enum card_state *state) MUST_CHECK;
enum rc card_event_parse(const char *name, enum card_event *event) MUST_CHECK;
enum rc card_reason_parse(const char *name, enum card_reason *reason) MUST_CHECK;

/* The state behind an event. RC_STATE: the event does not happen to a card in this state. */
enum rc cardlife_next(enum card_state state, enum card_event event, enum card_state *next) MUST_CHECK;

/* The state as the nation has it: whether the PIN is locked is the municipality's own. */
enum card_state cardlife_told(enum card_state state);

/* The report of it to the nation (交付, 紛失, 発見, 失効, 返納, 継続, 整合性の回復); NULL: the municipality keeps it to itself. */
const char *cardlife_report(enum card_event event);

enum card_effect cardlife_effect(enum card_state state, enum card_event event);

bool cardlife_usable(enum card_state state); /* its chip may speak for its holder: valid, PIN not locked */
bool cardlife_alive(enum card_state state);  /* not void: there is no second card beside it */

/* The last day of a card, from the day of issue. birth as the register writes it. Juki cards: ten years.
 * 個人番号カード: the tenth birthday for who is 18, the fifth for who is younger. stay: the end of the stay of a
 * foreign resident, which comes first; NULL for none. RC_FORMAT a date is none. */
enum rc cardlife_last_day(enum card_type type, const char *issued, const char *birth, const char *stay,
                          char last[11]) MUST_CHECK;

/* Photo and four attributes on the face: it may serve as an identity document. */
bool cardlife_identifies(enum card_type type);

#endif

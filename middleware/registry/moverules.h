/* moverules.h — 転入転出手続の簡素化 and 継続利用: which notices are taken, whether one visit is enough, and what
 * becomes of the card (住基法24条の2, 施行令24条の2–24条の4, 30条の20 of 2013; 番号法17条, 施行令14条). Pure: rows of
 * rules, the first that fits decides. */
#ifndef JPKI_REGISTRY_MOVERULES_H
#define JPKI_REGISTRY_MOVERULES_H

#include "registry/cardlife.h"

#define MOVE_DAYS 14    /* from the move to the 転入届 */
#define MOVE_PLANNED 30 /* from the planned day to the 転入届 */
#define MOVE_HAND_IN 90 /* from the 転入届 to the card in the office's hands */
#define MOVE_ONLINE_BEFORE 30
#define MOVE_ONLINE_AFTER 10

/* How the 転出届 was made. */
enum move_channel { MOVE_COUNTER, MOVE_POST, MOVE_ONLINE, MOVE_CHANNELS };
const char *move_channel_name(enum move_channel channel); /* "counter", "post", "online" */
enum rc move_channel_parse(const char *name, enum move_channel *channel) MUST_CHECK;

/* What is known of a move. Dates "YYYY-MM-DD"; "" for what is not known or has not happened. All borrowed. */
struct movecase {
    const char *notified; /* 転出届 */
    enum move_channel channel;
    const char *planned;   /* 転出の予定年月日 */
    const char *moved;     /* 転入をした年月日 */
    const char *arrival;   /* 転入届, the first one */
    const char *handed_in; /* the card, at the new municipality */
    const char *today;
    bool card;      /* a usable card of the person, or of the head of the household that moves with them */
    bool elsewhere; /* recorded in another municipality in between */
    const char *special_from, *continued_from, *online_from; /* settings: second-service, continued-use, online-move */
};

/* A judgement with the rule that made it: "R4", and what it says, for the counter. Static storage. */
struct move_rule {
    const char *name, *words;
};

/* Whether the 転出届 is taken on the day that it is made. */
bool moverules_notice(const struct movecase *move, const struct move_rule **rule);

/* At the 転入届: one visit with the card is enough, or a 転出証明書 must be fetched first. */
bool moverules_one_visit(const struct movecase *move, const struct move_rule **rule);

/* What becomes of the card. */
enum move_fate {
    MOVE_CONTINUES, /* handed in in time: taken over */
    MOVE_WAITS,     /* until *until, the last day on which something can still be done */
    MOVE_DIES,      /* for *reason */
};
enum move_fate moverules_card(const struct movecase *move, enum card_reason *reason, char until[11],
                              const struct move_rule **rule);

#endif

/* moves_parts.h — what the files of moves.h share. Internal to them. */
#ifndef JPKI_REGISTRY_MOVES_PARTS_H
#define JPKI_REGISTRY_MOVES_PARTS_H

#include "registry/moves.h"

#define MAIL_DEPARTURE "departure"
#define MAIL_WANTED "departure-wanted"
#define MAIL_ARRIVED "arrived"
#define MAIL_WITHDRAWN "departure-withdrawn"

/* The word of the law of that day for a move. */
enum rc moves_reason(struct store *store, enum reason today, const char *date, enum reason *reason,
                     struct err *err) MUST_CHECK;

/* Another municipality's six digits. RC_FORMAT, RC_RANGE (not known, or this one). */
enum rc moves_other(const char *code, const char *own, char other[7], struct err *err) MUST_CHECK;

/* 転出取消: what was sent and not used yet is forgotten; inside the letter's transaction. */
enum rc moves_hear_withdrawn(struct store *store, const char *from, const json_t *body, struct err *err) MUST_CHECK;

#endif

/* agency.h — two residents in the national store, an agency with its tasks by law, and what it asks: for tests of the
 * rules of provision and of the residents' rights. Every function fails the running test when its own part does not work. */
#ifndef JPKI_TESTS_AGENCY_H
#define JPKI_TESTS_AGENCY_H

#include "registry/ledger.h"
#include "registry/provide.h"
#include "townpair.h"

#define HERE "462012"
#define ADDRESS "鹿児島県鹿児島市山下町１１番１号"
#define NUMBER "123456789018"
#define NEW_NUMBER "454972364860"
#define HANAKO "24727059608"
#define TARO "24846016224"
#define NEXT_CODE "10000000014" /* what a change of code gives */
#define SEARCH "{\"birth\":\"319800229\",\"name\":\"公的 花子\"}"

extern const struct peer agency; /* 77: all fields and keys; legacy: by code; short: 2010-01-01 until 2012-03-31 */

/* On 2016-02-01, with the tasks and both residents. */
void agency_open(struct townpair *pair);

/* The whole table of tasks anew, in a transaction; a refusal speaks of the tasks. */
enum rc agency_load(struct store *nation, const char *text);

/* A resident of HERE as of 2016-02-01; with REASON_CODE_REQUESTED the code is HANAKO's new one. */
void agency_enter(struct store *nation, const char *code, const char *name, const char *birth, const char *address,
                  const char *number, enum reason reason);

/* One question; *answer may be NULL. A refusal has words, and no personal data in them. */
enum rc agency_ask(struct store *nation, const struct peer *peer, const char *task, const char *key, json_t **answer);

/* What the agency's question comes to; a record is given with all but "none" and "many". Good until the next. */
const char *agency_result(struct store *nation, const char *task, const char *key);

#endif

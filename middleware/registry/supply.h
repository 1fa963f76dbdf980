/* supply.h — what a municipality gets from the national node: 住民票コード for its stock when it runs low, 個人番号 for
 * those who wait. Both ends of it: the municipal line's delivery and the national routes. */
#ifndef JPKI_REGISTRY_SUPPLY_H
#define JPKI_REGISTRY_SUPPLY_H

#include "registry/node.h"

#define SUPPLY_NUMBERS 100 /* people in one request */

/* A delivery of the line "supply", context a struct line. */
enum rc supply_deliver(void *context, struct err *err) MUST_CHECK;

enum rc supply_on_codes(void *context, const struct request *request, struct response *response, struct err *err);
enum rc supply_on_numbers(void *context, const struct request *request, struct response *response, struct err *err);

#endif

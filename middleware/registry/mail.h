/* mail.h — moves over the wire: the registrar's routes, the line that brings letters to other municipalities' nodes,
 * and the route that takes theirs. */
#ifndef JPKI_REGISTRY_MAIL_H
#define JPKI_REGISTRY_MAIL_H

#include "registry/node.h"

/* A delivery of the line "letters", context a struct line: whose planned day has come is struck out, then the letters
 * of each municipality in order. One that cannot be reached waits for itself alone. */
enum rc mail_deliver(void *context, struct err *err) MUST_CHECK;

enum rc mail_on_leave(void *context, const struct request *request, struct response *response, struct err *err);
enum rc mail_on_withdraw(void *context, const struct request *request, struct response *response, struct err *err) MUST_CHECK;
enum rc mail_on_arrive(void *context, const struct request *request, struct response *response, struct err *err);
enum rc mail_on_letter(void *context, const struct request *request, struct response *response, struct err *err);

#endif

/* office.h — the officers' side of the intake: approvals, revocations, reports, the trail, metrics, as JSON over the
 * same mutual TLS and the same book (docs/PROTOCOLS.md). Handlers for front.c's rows; the context is a struct hall. */
#ifndef JPKI_CA_OFFICE_H
#define JPKI_CA_OFFICE_H

#include "net/server.h"

enum rc office_list(void *context, const struct request *request, struct response *response,
                    struct err *err) MUST_CHECK;
enum rc office_show(void *context, const struct request *request, struct response *response,
                    struct err *err) MUST_CHECK;
enum rc office_decide(void *context, const struct request *request, struct response *response,
                      struct err *err) MUST_CHECK;
enum rc office_revoke(void *context, const struct request *request, struct response *response,
                      struct err *err) MUST_CHECK;
enum rc office_report(void *context, const struct request *request, struct response *response,
                      struct err *err) MUST_CHECK;
enum rc office_audit(void *context, const struct request *request, struct response *response,
                     struct err *err) MUST_CHECK;
enum rc office_metrics(void *context, const struct request *request, struct response *response,
                       struct err *err) MUST_CHECK;

#endif

/* provide_node.c — provision over the wire. */
#include "registry/provide_node.h"

#include "base/fault.h"
#include "registry/provide.h"

static enum rc provide_handle(struct node *node, const struct request *request, bool batch, struct response *response,
                              struct err *err)
{
    json_t *body = NULL, *answer = NULL;
    struct provision *provision = NULL;
    enum rc rc = node_body(request, &body, err);
    if (!rc)
        rc = provide_read(request->peer, body, batch, &provision, err);
    json_decref(body);
    if (!rc)
        rc = storegroup_run_many(node->group, provide_run, provision, err);
    fault_point("registry.after_provide");
    if (!rc)
        rc = provide_tell(provision, &answer, err);
    provide_free(provision);
    return rc ? rc : node_answer(response, answer, err);
}

enum rc provide_on_one(void *context, const struct request *request, struct response *response, struct err *err)
{
    return provide_handle(context, request, false, response, err);
}

enum rc provide_on_batch(void *context, const struct request *request, struct response *response, struct err *err)
{
    return provide_handle(context, request, true, response, err);
}

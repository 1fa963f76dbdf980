/* program.c — the frames of the commands: a look into a store on one's own machine, a question to a node, one line of
 * JSON out. */
#include "registry/program.h"

#include "base/opt.h"
#include "base/proc.h"

#include <stdio.h>
#include <stdlib.h>

int program_in_store(const char *url, program_store_fn run, void *context)
{
    struct program_store it = {0};
    struct err err = {0};
    proc_harden();
    enum rc rc = ledger_open_any(url, &it.role, it.municipality, &it.store, &err);
    if (!rc)
        rc = run(context, &it, &err);
    store_close(it.store);
    return opt_end(rc, &err);
}

int program_at_node(const char *node, const char *folder, program_node_fn ask, const void *context)
{
    struct identity identity = {0};
    struct registry_client *client = NULL;
    struct err err = {0};
    json_t *answer = NULL;
    proc_harden();
    enum rc rc = identity_open(folder, &identity, &err);
    if (!rc)
        rc = registry_open(node, &identity, &client, &err);
    if (!rc)
        rc = ask(context, client, &answer, &err);
    registry_close(client);
    identity_close(&identity);
    if (rc)
        return program_failed(&err, rc);
    return answer ? program_print(answer) : EXIT_DONE;
}

int program_failed(struct err *err, enum rc rc)
{
    return opt_fail("%s: %s", rc_name(rc), err_text(err, rc));
}

enum rc program_line(const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    if (!text)
        return RC_NOMEM;
    puts(text);
    free(text);
    return RC_OK;
}

int program_print(json_t *value)
{
    enum rc rc = program_line(value);
    json_decref(value);
    return rc ? opt_fail("%s", rc_text(rc)) : EXIT_DONE;
}

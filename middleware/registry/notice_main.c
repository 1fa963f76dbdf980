/* notice_main.c — `jpki-registry notice show`: a signed notice that a node has kept, and whether its signature holds.
 */
#include "registry/program.h"
#include "registry/received.h"
#include "registry/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct notice_wish {
    const char *folder;
    char municipality[7];
    int64_t sequence;
    bool valid;
};

/* A look into somebody's notice is a use of their record. */
static enum rc notice_record(const struct program_store *it, const struct notice_wish *wish, struct err *err)
{
    struct peer self = {.role = ROLE_NONE, .name = "notice"};
    char code[12];
    snprintf(self.municipality, sizeof self.municipality, "%s", it->municipality);
    enum rc rc = received_code(it->store, wish->municipality, wish->sequence, code, err);
    if (!rc)
        rc = store_begin(it->store, err);
    if (!rc)
        rc = usage_write(it->store, &self, "notice", code, rc_name(RC_OK), err);
    if (!rc)
        rc = store_commit(it->store, err);
    store_rollback(it->store);
    return rc;
}

static enum rc notice_run(void *context, const struct program_store *it, struct err *err)
{
    struct notice_wish *wish = context;
    struct identity identity = {0};
    struct opseal *seal = NULL;
    struct err why = {0};
    json_t *out = NULL;
    enum rc rc = identity_open(wish->folder, &identity, err);
    if (!rc)
        rc = opseal_open(&identity, &seal, err);
    if (!rc)
        rc = notice_record(it, wish, err);
    if (!rc)
        rc = received_show(it->store, seal, wish->municipality, wish->sequence, &out, &wish->valid, &why, err);
    if (!rc && (json_object_set_new(out, "valid", json_boolean(wish->valid)) ||
                (!wish->valid && json_object_set_new(out, "why", json_string(why.text)))))
        rc = RC_NOMEM;
    if (!rc)
        rc = program_line(out);
    json_decref(out);
    opseal_close(seal);
    identity_close(&identity);
    return rc;
}

/* "462012/17" */
static bool notice_parse(const char *text, struct notice_wish *wish)
{
    int end = 0;
    long long number = 0;
    if (sscanf(text, "%6[0-9]/%lld%n", wish->municipality, &number, &end) != 2 || text[end] ||
        strlen(wish->municipality) != 6 || number < 1)
        return false;
    wish->sequence = number;
    return true;
}

static int show_main(int argc, char **argv)
{
    const char *url = NULL;
    struct notice_wish wish = {0};
    const struct opt opts[] = {
        {"--store", "URL", "the national or a prefectural node's store", OPT_TEXT, &url, true},
        {"--identity", "FOLDER", "the node's identity: its authority is the one that is trusted", OPT_TEXT,
         &wish.folder, true},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-registry notice show [OPTIONS] MUNICIPALITY/NUMBER",
                  "Prints a signed notice that the node has kept, who signed it, and whether the signature holds: by a "
                  "certificate of "
                  "the\n"
                  "operations authority that was valid when the notice was recorded. Exit status 0: it holds; 1: it "
                  "does not, or there "
                  "is no\n"
                  "such notice. The look is in the record of use.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest + 1 != argc || !notice_parse(argv[rest], &wish))
        return opt_misuse("one notice is wanted: MUNICIPALITY/NUMBER, as 462012/17");
    status = program_in_store(url, notice_run, &wish);
    return status == EXIT_DONE && !wish.valid ? EXIT_FAILED : status;
}

int notice_main(int argc, char **argv)
{
    static const struct command commands[] = {
        {"show", "MUNICIPALITY/NUMBER", "one kept notice, and whether its signature holds", show_main},
        {0},
    };
    return opt_dispatch("jpki-registry notice", "The signed notices that a node has received and keeps.", commands,
                        argc, argv);
}

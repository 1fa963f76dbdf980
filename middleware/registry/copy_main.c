/* copy_main.c — `jpki-registry copy …`: copies at a counter, as signed PDF files. */
#include "base/file.h"
#include "base/opt.h"
#include "base/proc.h"
#include "net/client.h"
#include "net/json.h"
#include "registry/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPY_MAX (8u << 20)

static enum rc copy_get(struct client *client, const json_t *answer, const char *file, struct err *err)
{
    struct buf pdf = {.max = COPY_MAX};
    const char *number;
    char path[100];
    unsigned status = 0;
    enum rc rc = json_want_text(answer, "copy", 64, &number, err);
    if (rc)
        return rc;
    snprintf(path, sizeof path, "/v1/copies/%s", number);
    rc = client_send(client, "GET", path, NULL, NULL, &status, &pdf, err);
    if (!rc && status != 200)
        rc = err_set(err, RC_REFUSED, "the copy was not given out: status %u", status);
    if (!rc)
        rc = file_write_atomic(file, buf_bytes(&pdf), 0600, err);
    buf_wipe(&pdf);
    return rc;
}

int copy_fetch(const char *node, const char *folder, const char *path, json_t *body, const char *file)
{
    struct identity identity = {0};
    struct client *client = NULL;
    struct err err = {0};
    json_t *answer = NULL;
    enum rc rc = body ? identity_open(folder, &identity, &err) : err_set(&err, RC_FORMAT, "an option is not UTF-8");
    if (!rc)
        rc = client_open(node, &identity, 0, &client, &err);
    if (!rc)
        client_expect(client, ROLE_BIT(ROLE_NODE_MUNICIPAL));
    if (!rc)
        rc = client_json(client, "POST", path, body, &answer, &err);
    if (!rc)
        rc = copy_get(client, answer, file, &err);
    client_close(client);
    identity_close(&identity);
    json_decref(body);
    char *text = rc ? NULL : json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    if (rc)
        return opt_fail("%s: %s", rc_name(rc), err_text(&err, rc));
    puts(text ? text : "");
    free(text);
    return EXIT_DONE;
}

struct copy_options {
    const char *node, *folder, *card, *code, *name, *request, *file;
    struct opt_list members;
    bool relation, number, show_code;
};

#define COPY_OPTIONS(o)                                                                                                \
    {"--node", "URL", "this municipality's node", OPT_TEXT, &(o).node, true},                                          \
        {"--identity", "FOLDER", "a counter of the municipality", OPT_TEXT, &(o).folder, true},                        \
        {"--card", "SERIAL", "the card that the requester shows and opens with its PIN", OPT_TEXT, &(o).card, true},   \
        {"--code", "CODE", "the 住民票コード that was read from its chip", OPT_TEXT, &(o).code, true},                 \
        {"--name", "NAME", "the requester's name", OPT_TEXT, &(o).name, true},                                         \
        {"--member", "NAME",       "who shall be on the copy, also several times (default: the requester)",            \
         OPT_LIST,   &(o).members, false},                                                                             \
        {"--relation", NULL, "with 世帯主 and 続柄", OPT_FLAG, &(o).relation, false},                                  \
        {"--number", NULL, "with 個人番号", OPT_FLAG, &(o).number, false},                                             \
        {"--show-code", NULL, "with 住民票コード", OPT_FLAG, &(o).show_code, false},                                   \
        {"--request", "ID", "a name for this request: the same again is the same copy", OPT_TEXT, &(o).request, true}, \
    {                                                                                                                  \
        "--out", "FILE", "the PDF", OPT_TEXT, &(o).file, true                                                          \
    }

static int copy_run(const struct copy_options *o, const char *path, const char *home)
{
    proc_harden();
    json_t *members = json_array();
    for (unsigned i = 0; i < o->members.count; i++)
        (void)json_array_append_new(members, json_string(o->members.items[i]));
    return copy_fetch(o->node, o->folder, path,
                      json_pack("{s:s*, s:s, s:s, s:s, s:o, s:b, s:b, s:b, s:s}", "home", home, "card", o->card, "code",
                                o->code, "name", o->name, "members", members, "relation", o->relation, "number",
                                o->number, "show_code", o->show_code, "request", o->request),
                      o->file);
}

static int copy_elsewhere_main(int argc, char **argv)
{
    struct copy_options o = {0};
    const char *home = NULL;
    const struct opt opts[] = {
        COPY_OPTIONS(o),
        {"--home", "CODE", "the municipality of residence, 6 digits", OPT_TEXT, &home, true},
        {0},
    };
    int status;
    if (opt_only(
            "jpki-registry copy elsewhere [OPTIONS]",
            "A copy for a resident of another municipality (広域交付), without 戸籍の表示: the two nodes settle it.",
            opts, argc, argv, &status))
        return status;
    return copy_run(&o, "/v1/copies/elsewhere", home);
}

static int copy_own_main(int argc, char **argv)
{
    struct copy_options o = {0};
    const struct opt opts[] = {COPY_OPTIONS(o), {0}};
    int status;
    if (opt_only("jpki-registry copy own [OPTIONS]", "A copy for a resident of this municipality.", opts, argc, argv, &status))
        return status;
    return copy_run(&o, "/v1/copies/own", NULL);
}

static int copy_withhold_main(int argc, char **argv)
{
    const char *node = NULL, *folder = NULL, *code = NULL, *until = "", *request = NULL;
    const struct opt opts[] = {
        {"--node", "URL", "the municipal node", OPT_TEXT, &node, true},
        {"--identity", "FOLDER", "a registrar of the municipality", OPT_TEXT, &folder, true},
        {"--code", "CODE", "the resident's 住民票コード", OPT_TEXT, &code, true},
        {"--until", "DATE", "the last day; without it copies are given out again", OPT_TEXT, &until, false},
        {"--request", "ID", "a name for this request", OPT_TEXT, &request, true},
        {0},
    };
    int status;
    if (opt_only("jpki-registry copy withhold [OPTIONS]", "No copies of a resident's record until a day (支援措置).",
                 opts, argc, argv, &status))
        return status;
    proc_harden();
    return ask_post(node, folder, "/v1/copies/withhold",
                    json_pack("{s:s, s:s, s:s}", "code", code, "until", until, "request", request));
}

static const struct command copy_commands[] = {
    {"elsewhere", NULL, "広域交付: a copy of another municipality's register", copy_elsewhere_main},
    {"own", NULL, "a copy of this municipality's register", copy_own_main},
    {"withhold", NULL, "支援措置: give out none of a resident", copy_withhold_main},
    {0},
};

int copy_main(int argc, char **argv)
{
    return opt_dispatch("jpki-registry copy",
                        "住民票の写し, sealed with the issuing municipality's key. Every sheet says that it is a\n"
                        "specimen.",
                        copy_commands, argc, argv);
}

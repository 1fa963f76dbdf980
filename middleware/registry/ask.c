/* ask.c — `jpki-registry find`, `move`, `record` and `confirm`: an officer's or a verifier's questions to a node, answers as one
 * line of JSON. */
#include "base/clock.h"
#include "base/opt.h"
#include "base/proc.h"
#include "net/client.h"
#include "net/json.h"
#include "registry/confirm.h"
#include "registry/notice.h"
#include "registry/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "1980-02-29" becomes the register's "319800229"; anything else stays. */
static void ask_birth(const char *typed, char out[16])
{
    snprintf(out, 16, "%s", typed);
    if (date_check(typed))
        return;
    int year = atoi(typed), month = atoi(typed + 5), day = atoi(typed + 8);
    snprintf(out, 16, "%c%04d%02d%02d", attributes_era(year, month, day), year, month, day);
}

struct find_wish {
    const char *code, *name, *birth, *address;
};

static enum rc find_ask(const void *context, struct registry_client *client, json_t **answer, struct err *err)
{
    const struct find_wish *wish = context;
    struct resident resident;
    char day[16] = "";
    if (wish->birth)
        ask_birth(wish->birth, day);
    enum rc rc = registry_find_resident(client, wish->code, wish->name, wish->birth ? day : NULL, wish->address, &resident, err);
    if (!rc && !(*answer = resident_to_json(&resident)))
        rc = RC_NOMEM;
    return rc;
}

int find_main(int argc, char **argv)
{
    const char *node = NULL, *folder = NULL;
    struct find_wish wish = { 0 };
    const struct opt opts[] = {
        { "--node", "URL", "the municipal node", OPT_TEXT, &node, true },
        { "--identity", "FOLDER", "an officer of the municipality", OPT_TEXT, &folder, true },
        { "--code", "CODE", "住民票コード, 11 digits", OPT_TEXT, &wish.code, false },
        { "--name", "NAME", "or by name,", OPT_TEXT, &wish.name, false },
        { "--birth", "BIRTH", "birth (1980-02-29, or as the register writes it)", OPT_TEXT, &wish.birth, false },
        { "--address", "ADDRESS", "and address together", OPT_TEXT, &wish.address, false },
        { 0 },
    };
    int status;
    if (opt_only("jpki-registry find [OPTIONS]", "Finds one resident.", opts, argc, argv, &status))
        return status;
    bool some = wish.name || wish.birth || wish.address, all = wish.name && wish.birth && wish.address;
    if (wish.code ? some : !all)
        return opt_misuse("either --code, or --name, --birth and --address together");
    return program_at_node(node, folder, find_ask, &wish);
}

int ask_post(const char *node, const char *folder, const char *path, json_t *body)
{
    struct identity identity = { 0 };
    struct client *client = NULL;
    struct err err = { 0 };
    json_t *answer = NULL;
    enum rc rc = body ? RC_OK : err_set(&err, RC_FORMAT, "an option is not UTF-8");
    if (!rc)
        rc = identity_open(folder, &identity, &err);
    if (!rc)
        rc = client_open(node, &identity, 0, &client, &err);
    if (!rc)
        client_expect(client, ROLE_BIT(ROLE_NODE_MUNICIPAL)); /* a registrar's acts go to no other node */
    if (!rc)
        rc = client_json(client, "POST", path, body, &answer, &err);
    client_close(client);
    identity_close(&identity);
    json_decref(body);
    return rc ? program_failed(&err, rc) : program_print(answer);
}

int move_main(int argc, char **argv)
{
    const char *node = NULL, *folder = NULL, *code = NULL, *address = NULL, *date = NULL, *request = NULL;
    const struct opt opts[] = {
        { "--node", "URL", "the municipal node", OPT_TEXT, &node, true },
        { "--identity", "FOLDER", "a registrar of the municipality", OPT_TEXT, &folder, true },
        { "--code", "CODE", "住民票コード, 11 digits", OPT_TEXT, &code, true },
        { "--address", "ADDRESS", "the new address, in the same municipality", OPT_TEXT, &address, true },
        { "--date", "DATE", "when they moved, YYYY-MM-DD", OPT_TEXT, &date, true },
        { "--request", "ID", "a name for this request: the same again is the same move", OPT_TEXT, &request, true },
        { 0 },
    };
    int status;
    if (opt_only("jpki-registry move [OPTIONS]", "Records a move within the municipality (転居).", opts, argc, argv, &status))
        return status;
    proc_harden();
    return ask_post(node, folder, "/v1/residents/move",
                    json_pack("{s:s, s:s, s:s, s:s}", "code", code, "address", address, "date", date, "request", request));
}

/* What `record` takes for the fields of a record, in the order of record_fields. */
static const char *const record_helps[RECORD_FIELDS] = {
    "name", "one 0 or 1 a character: which ones stand for others", "birth (1980-02-29, or as the register writes it)",
    "1 male, 2 female, 3 or 9 other", "address, in this municipality", "as --name-substitutes", "振り仮名, katakana",
    "旧氏; empty: removed", "its 振り仮名", "通称; empty: removed", "(the national node's to make)", "世帯番号",
    "place in the household, 01 to 99", "続柄", "1: a foreign resident", "ローマ字氏名", "住民となった日", "住所を定めた日", "届出日",
    "従前の住所", "the name as the register writes it", "the address likewise",
};

/* The acts of docs/PROTOCOLS.md as options: --former-name for former_name. */
static void record_option(struct opt *opt, char name[32], size_t i, const char **to)
{
    snprintf(name, 32, "--%s", record_fields[i].name);
    for (char *c = name; *c; c++)
        if (*c == '_')
            *c = '-';
    *opt = (struct opt) { name, "TEXT", record_helps[i], OPT_TEXT, to, false };
}

static json_t *record_body(const char *act, const char *code, const char *date, const char *request, const char *why,
                           const char *const *fields)
{
    json_t *body = json_pack("{s:s, s:s, s:s, s:s*, s:s*}", "act", act, "date", date, "request", request, "code", code, "why",
                             why);
    for (size_t i = 0; body && i < RECORD_FIELDS; i++)
        if (fields[i] && json_object_set_new(body, record_fields[i].name, json_string(fields[i]))) {
            json_decref(body);
            return NULL;
        }
    return body;
}

int record_main(int argc, char **argv)
{
    const char *node = NULL, *folder = NULL, *code = NULL, *date = NULL, *request = NULL, *why = NULL;
    const char *fields[RECORD_FIELDS] = { 0 };
    char names[RECORD_FIELDS][32];
    struct opt opts[6 + RECORD_FIELDS + 1] = {
        { "--node", "URL", "the municipal node", OPT_TEXT, &node, true },
        { "--identity", "FOLDER", "a registrar of the municipality", OPT_TEXT, &folder, true },
        { "--date", "DATE", "when it happened, YYYY-MM-DD", OPT_TEXT, &date, true },
        { "--request", "ID", "a name for this request: the same again is the same act", OPT_TEXT, &request, true },
        { "--code", "CODE", "住民票コード, 11 digits; a birth gets a new one", OPT_TEXT, &code, false },
        { "--why", "TEXT", "the reason of a change of 個人番号", OPT_TEXT, &why, false },
    };
    for (size_t i = 0; i < RECORD_FIELDS; i++)
        record_option(&opts[6 + i], names[i], i, &fields[i]);
    int rest, status;
    if (opt_parse("jpki-registry record [OPTIONS] ACT",
                  "Records an act: birth, enter (職権記載), from-abroad, death, leave (転出), abroad, abroad-continued (国外転出, the card\n"
                  "kept), strike (職権消除), correct (職権修正), rename, minor (軽微な修正: changes no certificate), furigana, former-name,\n"
                  "alias, slip (誤記修正), household-split, -join, -change, head-change, remake (改製), undo-entry, -removal,\n"
                  "-correction, naturalised-out and -in, nationality-out and -in, code-change, code-correct, number-change,\n"
                  "number-correct.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest + 1 != argc)
        return opt_misuse("one act is wanted");
    proc_harden();
    char day[16] = "";
    if (fields[2]) {
        ask_birth(fields[2], day);
        fields[2] = day;
    }
    return ask_post(node, folder, "/v1/residents/record", record_body(argv[rest], code, date, request, why, fields));
}

int program_authority(const char *name, enum authority *authority)
{
    if (authority_parse(name, authority) || *authority == AUTHORITY_OPS)
        return opt_misuse("--authority takes sign or auth, not '%s'", name);
    return EXIT_DONE;
}

struct confirm_wish {
    enum authority authority;
    const char *serial;
    bool attributes;
};

static enum rc confirm_ask(const void *context, struct registry_client *client, json_t **answer, struct err *err)
{
    const struct confirm_wish *wish = context;
    struct confirmation confirmation;
    struct attributes attributes = { 0 };
    enum rc rc = wish->attributes ? registry_confirm_attributes(client, wish->authority, wish->serial, &confirmation, &attributes, err)
                                  : registry_confirm(client, wish->authority, wish->serial, &confirmation, err);
    if (rc)
        return rc;
    char as_of[CLOCK_TEXT_SIZE], since[CLOCK_TEXT_SIZE];
    clock_format(confirmation.as_of, as_of);
    clock_format(confirmation.since, since);
    json_t *value = json_pack("{s:s, s:s, s:s}", "status", confirm_status_name(confirmation.status), "as_of", as_of, "node",
                              confirmation.node);
    if (value && confirmation.since)
        (void)json_object_set_new(value, "since", json_string(since));
    if (value && wish->attributes)
        (void)json_object_set_new(value, "attributes", json_pack("{s:s, s:s, s:s, s:s}", "name", attributes.name, "birth",
                                                                 attributes.birth, "sex", attributes.sex, "address",
                                                                 attributes.address));
    *answer = value;
    return value ? RC_OK : RC_NOMEM;
}

int confirm_main(int argc, char **argv)
{
    const char *node = NULL, *folder = NULL, *name = NULL;
    struct confirm_wish wish = { 0 };
    const struct opt opts[] = {
        { "--attributes", NULL, "with the newest four attributes, under the resident's consent", OPT_FLAG, &wish.attributes, false },
        { "--node", "URL", "the national node", OPT_TEXT, &node, true },
        { "--identity", "FOLDER", "a verifier", OPT_TEXT, &folder, true },
        { "--authority", "A", "sign or auth", OPT_TEXT, &name, true },
        { "--serial", "HEX", "the certificate's serial number", OPT_TEXT, &wish.serial, true },
        { 0 },
    };
    int status;
    if (opt_only("jpki-registry confirm [OPTIONS]", "Is the person of this certificate still as it says?", opts, argc, argv, &status) ||
        (status = program_authority(name, &wish.authority)) != EXIT_DONE)
        return status;
    return program_at_node(node, folder, confirm_ask, &wish);
}

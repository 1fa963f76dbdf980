/* service_main.c — `jpki-registry service …`, the services by ordinance, and `jpki-registry kiosk …`. */
#include "base/clock.h"
#include "base/hex.h"
#include "base/opt.h"
#include "base/proc.h"
#include "pki/cert.h"
#include "registry/confirm.h"
#include "registry/kiosk.h"
#include "registry/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct service_options {
    const char *node, *folder, *card, *code, *date, *request, *place, *file;
    bool minors, wards, withdrawn, ward, given_up;
};

#define NODE_OPTIONS(o, who)                                                                                           \
    {"--node", "URL", "the municipal node", OPT_TEXT, &(o).node, true},                                                \
        {"--identity", "FOLDER", who, OPT_TEXT, &(o).folder, true},                                                    \
    {                                                                                                                  \
        "--request", "ID", "a name for this request: the same again is the same deed", OPT_TEXT, &(o).request, true    \
    }

#define CARD_OPTION(o)                                                                                                 \
    {                                                                                                                  \
        "--card", "SERIAL", "the card's serial number, 16 characters", OPT_TEXT, &(o).card, true                       \
    }

/* Options, and one word: the service (NULL: none is wanted). *status is set when it is not RC_OK. */
static enum rc service_parse_line(const char *usage, const char *about, const struct opt *opts, int argc, char **argv,
                                  const char **service, int *status)
{
    int rest;
    enum rc rc = service ? opt_parse(usage, about, opts, argc, argv, &rest, status)
                         : opt_only(usage, about, opts, argc, argv, status);
    if (rc)
        return rc;
    if (service && rest + 1 != argc) {
        *status = opt_misuse("one service is wanted: vending, forms, seal, video or kiosk");
        return RC_USAGE;
    }
    if (service)
        *service = argv[rest];
    proc_harden();
    return RC_OK;
}

static int service_offer_main(int argc, char **argv)
{
    struct service_options o = {0};
    const char *service;
    const struct opt opts[] = {
        NODE_OPTIONS(o, "a registrar of the municipality"),
        {"--minors", NULL, "holders under 15 are admitted", OPT_FLAG, &o.minors, false},
        {"--wards", NULL, "成年被後見人 are admitted", OPT_FLAG, &o.wards, false},
        {"--withdrawn", NULL, "it is offered no longer", OPT_FLAG, &o.withdrawn, false},
        {0},
    };
    int status;
    if (service_parse_line("jpki-registry service offer [OPTIONS] SERVICE",
                           "What the municipality's ordinance offers, and to whom.", opts, argc, argv, &service,
                           &status))
        return status;
    return ask_post(o.node, o.folder, "/v1/services/offer",
                    json_pack("{s:s, s:b, s:b, s:b, s:s}", "service", service, "offered", !o.withdrawn, "minors",
                              o.minors, "wards", o.wards, "request", o.request));
}

/* argv[0]: choose or leave. */
static int service_choice_main(int argc, char **argv)
{
    struct service_options o = {0};
    const char *service;
    bool choose = strcmp(argv[0], "choose") == 0;
    const struct opt opts[] = {
        NODE_OPTIONS(o, "a counter of the municipality"),
        CARD_OPTION(o),
        {"--date", "DATE", "the day of the application, YYYY-MM-DD", OPT_TEXT, &o.date, true},
        {"--ward", NULL, "the holder is a 成年被後見人", OPT_FLAG, &o.ward, false},
        {0},
    };
    int status;
    if (service_parse_line(
            choose ? "jpki-registry service choose [OPTIONS] SERVICE" : "jpki-registry service leave [OPTIONS] SERVICE",
            "A holder's choice: services are for those who ask for them.", opts, argc, argv, &service, &status))
        return status;
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:s}", "service", service, "card", o.card, "date", o.date, "request", o.request);
    if (body && choose && json_object_set_new(body, "ward", json_boolean(o.ward))) {
        json_decref(body);
        body = NULL;
    }
    return ask_post(o.node, o.folder, choose ? "/v1/services/choose" : "/v1/services/leave", body);
}

static int service_paper_main(int argc, char **argv)
{
    struct service_options o = {0};
    const struct opt opts[] = {
        NODE_OPTIONS(o, "a counter of the municipality"),
        {"--code", "CODE", "the resident's 住民票コード", OPT_TEXT, &o.code, true},
        {"--given-up", NULL, "it was handed in", OPT_FLAG, &o.given_up, false},
        {0},
    };
    int status;
    if (service_parse_line("jpki-registry service paper [OPTIONS]",
                           "A 印鑑登録証 of paper: not beside a card that is one.", opts, argc, argv, NULL, &status))
        return status;
    return ask_post(o.node, o.folder, "/v1/services/paper",
                    json_pack("{s:s, s:b, s:s}", "code", o.code, "held", !o.given_up, "request", o.request));
}

static int service_use_main(int argc, char **argv)
{
    struct service_options o = {0};
    const char *service;
    const struct opt opts[] = {
        NODE_OPTIONS(o, "a counter or a machine of the municipality"),
        CARD_OPTION(o),
        {"--place", "PLACE", "where", OPT_TEXT, &o.place, true},
        {"--out", "FILE", "the sheet, with vending and forms", OPT_TEXT, &o.file, false},
        {0},
    };
    int status;
    if (service_parse_line("jpki-registry service use [OPTIONS] SERVICE",
                           "A use of a service that the holder chose: vending prints a copy, forms a form with the "
                           "holder's particulars,\n"
                           "seal and video are kept as records.",
                           opts, argc, argv, &service, &status))
        return status;
    bool sheet = strcmp(service, "vending") == 0 || strcmp(service, "forms") == 0;
    if (sheet != (o.file != NULL))
        return opt_misuse(sheet ? "--out is wanted: the service gives a sheet" : "--out: the service gives no sheet");
    json_t *body =
        json_pack("{s:s, s:s, s:s, s:s}", "service", service, "card", o.card, "place", o.place, "request", o.request);
    return sheet ? copy_fetch(o.node, o.folder, "/v1/services/sheet", body, o.file)
                 : ask_post(o.node, o.folder, "/v1/services/use", body);
}

static const struct command service_commands[] = {
    {"offer", "SERVICE", "what this municipality offers, and to whom", service_offer_main},
    {"choose", "SERVICE", "a holder chooses a service", service_choice_main},
    {"leave", "SERVICE", "and gives it up", service_choice_main},
    {"use", "SERVICE", "vending, forms, seal or video", service_use_main},
    {"paper", NULL, "a 印鑑登録証 of paper", service_paper_main},
    {0},
};

int service_main(int argc, char **argv)
{
    return opt_dispatch("jpki-registry service",
                        "Services by ordinance on the card: vending (自動交付機), forms (申請書自動作成), seal "
                        "(印鑑登録証), video (テレビ対話);\n"
                        "kiosk (コンビニ交付) is offered or not, and chosen by nobody.",
                        service_commands, argc, argv);
}

/* --- kiosk
 * -------------------------------------------------------------------------------------------------------------------
 */

/* The nation's word on the certificate: its person is registered. A change of the four attributes does not end an
 * authentication certificate. */
static enum rc kiosk_ask_nation(const char *url, const struct identity *identity, const char *serial, struct err *err)
{
    struct registry_client *client = NULL;
    struct confirmation confirmation = {0};
    enum rc rc = registry_open(url, identity, &client, err);
    if (!rc)
        rc = registry_confirm(client, AUTHORITY_AUTH, serial, &confirmation, err);
    registry_close(client);
    if (!rc && confirmation.status != CONFIRM_CURRENT && confirmation.status != CONFIRM_CHANGED)
        rc = err_set(err, RC_STATE, "the certificate is %s", confirm_status_name(confirmation.status));
    return rc;
}

/* The certificate in hex (caller frees) and its serial number. */
static enum rc kiosk_read_certificate(const char *path, char **hex, struct buf *serial, struct err *err)
{
    X509 *cert = NULL;
    struct buf der = {0};
    enum rc rc = cert_read(path, &cert, err);
    if (!rc)
        rc = cert_serial(cert, serial);
    if (!rc)
        rc = cert_encode(cert, &der);
    if (!rc && (!buf_string(serial) || !(*hex = malloc(2 * der.len + 1))))
        rc = RC_NOMEM;
    if (!rc)
        hex_encode(buf_bytes(&der), *hex);
    X509_free(cert);
    buf_wipe(&der);
    return rc;
}

static int kiosk_copy_main(int argc, char **argv)
{
    const char *node = NULL, *national = NULL, *folder = NULL, *path = NULL, *request = NULL, *file = NULL;
    bool relation = false, number = false, show_code = false;
    const struct opt opts[] = {
        {"--national", "URL", "the national node, which is asked about the certificate first", OPT_TEXT, &national,
         true},
        {"--node", "URL", "the node of the municipality of residence", OPT_TEXT, &node, true},
        {"--identity", "FOLDER", "a kiosk", OPT_TEXT, &folder, true},
        {"--certificate", "FILE", "the authentication certificate of the card, opened with its PIN (PEM or DER)", OPT_TEXT, &path, true},
        {"--relation", NULL, "with 世帯主 and 続柄", OPT_FLAG, &relation, false},
        {"--number", NULL, "with 個人番号", OPT_FLAG, &number, false},
        {"--show-code", NULL, "with 住民票コード", OPT_FLAG, &show_code, false},
        {"--request", "ID", "a name for this request: the same again is the same copy", OPT_TEXT, &request, true},
        {"--out", "FILE", "the PDF", OPT_TEXT, &file, true},
        {0},
    };
    int status;
    if (service_parse_line("jpki-registry kiosk copy [OPTIONS]", "A copy at a kiosk (コンビニ交付).", opts, argc, argv,
                           NULL, &status))
        return status;
    struct identity identity = {0};
    struct err err = {0};
    char *hex = NULL;
    struct buf serial = {0};
    enum rc rc = kiosk_read_certificate(path, &hex, &serial, &err);
    if (!rc)
        rc = identity_open(folder, &identity, &err);
    if (!rc)
        rc = kiosk_ask_nation(national, &identity, buf_string(&serial), &err);
    identity_close(&identity);
    buf_wipe(&serial);
    status = rc ? program_failed(&err, rc)
                : copy_fetch(node, folder, "/v1/copies/kiosk",
                             json_pack("{s:s, s:b, s:b, s:b, s:s}", "certificate", hex, "relation", relation, "number", number,
                                       "show_code", show_code, "request", request),
                             file);
    free(hex);
    return status;
}

static enum rc kiosk_hours(void *context, const struct program_store *it, struct err *err)
{
    const char *const *values = context;
    struct store *store = it->store;
    enum rc rc = store_begin(store, err);
    for (int i = 0; !rc && i < KIOSK_HOURS; i++)
        if (values[i])
            rc = kiosk_hour_set(store, (enum kiosk_hour)i, values[i], err);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    for (int i = 0; !rc && i < KIOSK_HOURS; i++) {
        char value[6];
        rc = kiosk_hour_get(store, (enum kiosk_hour)i, value, err);
        if (!rc)
            printf("%s %s\n", kiosk_rows[i].name, value);
    }
    return rc;
}

static int kiosk_hours_main(int argc, char **argv)
{
    const char *url = NULL, *values[KIOSK_HOURS] = {NULL};
    const struct opt opts[] = {
        {"--store", "URL", "a municipal node's store", OPT_TEXT, &url, true},
        {"--open", "HH:MM", "another time to begin", OPT_TEXT, &values[KIOSK_OPEN], false},
        {"--close", "HH:MM", "another time to end", OPT_TEXT, &values[KIOSK_CLOSE], false},
        {"--rest-from", "MM-DD", "the first day of the rest at the turn of the year, or none", OPT_TEXT,
         &values[KIOSK_REST_FROM], false},
        {"--rest-until", "MM-DD", "and its last", OPT_TEXT, &values[KIOSK_REST_UNTIL], false},
        {0},
    };
    int status;
    if (service_parse_line("jpki-registry kiosk hours [OPTIONS]",
                           "Prints or changes the hours of kiosks; a running node heeds them at once.", opts, argc,
                           argv, NULL, &status))
        return status;
    return program_in_store(url, kiosk_hours, values);
}

static const struct command kiosk_commands[] = {
    {"copy", NULL, "a copy with the authentication certificate", kiosk_copy_main},
    {"hours", NULL, "print or change the hours", kiosk_hours_main},
    {0},
};

int kiosk_main(int argc, char **argv)
{
    return opt_dispatch("jpki-registry kiosk", "コンビニ交付: copies at a kiosk.", kiosk_commands, argc, argv);
}

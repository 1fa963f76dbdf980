/* moves_main.c — `jpki-registry leave` and `arrive`: a registrar's part of a move between municipalities. */
#include "base/opt.h"
#include "base/proc.h"
#include "registry/program.h"

#include <jansson.h>

int leave_main(int argc, char **argv)
{
    const char *node = NULL, *folder = NULL, *code = NULL, *to = NULL, *address = NULL, *date = NULL, *request = NULL;
    const struct opt opts[] = {
        {"--node", "URL", "the municipal node", OPT_TEXT, &node, true},
        {"--identity", "FOLDER", "a registrar of the municipality", OPT_TEXT, &folder, true},
        {"--code", "CODE", "住民票コード, 11 digits", OPT_TEXT, &code, true},
        {"--to", "MUNICIPALITY", "where they move, 6 digits", OPT_TEXT, &to, true},
        {"--address", "ADDRESS", "the address there", OPT_TEXT, &address, true},
        {"--date", "DATE", "the planned day, up to 60 days ahead", OPT_TEXT, &date, true},
        {"--request", "ID", "a name for this request: the same again is the same", OPT_TEXT, &request, true},
        {0},
    };
    int status;
    if (opt_only("jpki-registry leave [OPTIONS]",
                 "Records a 転出届: the record goes to the other municipality's node at once, and is struck out here "
                 "on the planned\n"
                 "day, or when the person has arrived there.",
                 opts, argc, argv, &status))
        return status;
    proc_harden();
    return ask_post(node, folder, "/v1/moves/leave",
                    json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", code, "to", to, "address", address, "date", date,
                              "request", request));
}

int leave_withdraw_main(int argc, char **argv)
{
    const char *node = NULL, *folder = NULL, *code = NULL, *request = NULL;
    const struct opt opts[] = {
        {"--node", "URL", "the municipal node", OPT_TEXT, &node, true},
        {"--identity", "FOLDER", "a registrar of the municipality", OPT_TEXT, &folder, true},
        {"--code", "CODE", "住民票コード, 11 digits", OPT_TEXT, &code, true},
        {"--request", "ID", "a name for this request: the same again is the same", OPT_TEXT, &request, true},
        {0},
    };
    int status;
    if (opt_only("jpki-registry leave-withdraw [OPTIONS]",
                 "Withdraws a 転出届 whose planned day has not come (転出取消): the person stays, the other municipality "
                 "forgets what\n"
                 "it was sent, card and certificates go on.",
                 opts, argc, argv, &status))
        return status;
    proc_harden();
    return ask_post(node, folder, "/v1/moves/withdraw", json_pack("{s:s, s:s}", "code", code, "request", request));
}

int arrive_main(int argc, char **argv)
{
    const char *node = NULL, *folder = NULL, *code = NULL, *from = NULL, *address = NULL, *date = NULL, *request = NULL;
    const char *household = NULL, *position = NULL, *relation = NULL;
    const struct opt opts[] = {
        {"--node", "URL", "the municipal node", OPT_TEXT, &node, true},
        {"--identity", "FOLDER", "a registrar of the municipality", OPT_TEXT, &folder, true},
        {"--code", "CODE", "住民票コード, 11 digits", OPT_TEXT, &code, true},
        {"--address", "ADDRESS", "the new address", OPT_TEXT, &address, true},
        {"--date", "DATE", "when they moved in", OPT_TEXT, &date, true},
        {"--request", "ID", "a name for this request: the same again is the same", OPT_TEXT, &request, true},
        {"--from", "MUNICIPALITY", "whom to ask when the 転出証明書情報 has not come", OPT_TEXT, &from, false},
        {"--household", "NUMBER", "世帯番号 to join (default: a new one, as its head)", OPT_TEXT, &household, false},
        {"--position", "NN", "place in the household", OPT_TEXT, &position, false},
        {"--relation", "TEXT", "続柄", OPT_TEXT, &relation, false},
        {0},
    };
    int status;
    if (opt_only("jpki-registry arrive [OPTIONS]",
                 "Records a 転入届: takes over the record that the other municipality sent, under the same code, and "
                 "tells that\n"
                 "municipality (転入通知). Exit status 1 with RC_STATE: it was asked for; come again.",
                 opts, argc, argv, &status))
        return status;
    proc_harden();
    return ask_post(node, folder, "/v1/moves/arrive",
                    json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*, s:s*, s:s*}", "code", code, "address", address, "date",
                              date, "request", request, "from", from, "household", household, "position", position,
                              "relation", relation));
}

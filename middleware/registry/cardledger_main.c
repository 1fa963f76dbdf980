/* cardledger_main.c — `jpki-registry card …`: the card ledger of a municipal node. */
#include "base/opt.h"
#include "base/proc.h"
#include "registry/program.h"

#include <stdio.h>
#include <string.h>

struct card_options {
    const char *node, *folder, *card, *code, *date, *request;
};

/* What all commands about one card have in common. */
#define CARD_OPTIONS(o)                                                                                                \
    {"--node", "URL", "the municipal node", OPT_TEXT, &(o).node, true},                                                \
    {                                                                                                                  \
        "--identity", "FOLDER", "a card officer of the municipality", OPT_TEXT, &(o).folder, true                      \
    }

#define DEED_OPTIONS(o)                                                                                                \
    CARD_OPTIONS(o), {"--card", "SERIAL", "the card's serial number, 16 characters", OPT_TEXT, &(o).card, true},       \
        {"--date", "DATE", "when it happened, YYYY-MM-DD", OPT_TEXT, &(o).date, true},                                 \
    {                                                                                                                  \
        "--request", "ID", "a name for this request: the same again is the same deed", OPT_TEXT, &(o).request, true    \
    }

static int card_parse(const char *usage, const char *about, const struct opt *opts, int argc, char **argv, int *status)
{
    if (opt_only(usage, about, opts, argc, argv, status))
        return -1;
    proc_harden();
    return 0;
}

static int card_issue_main(int argc, char **argv)
{
    struct card_options o = {0};
    const char *type = NULL, *grounds = NULL, *old = NULL, *stay = NULL;
    const struct opt opts[] = {
        DEED_OPTIONS(o),
        {"--code", "CODE", "the resident's 住民票コード", OPT_TEXT, &o.code, true},
        {"--type", "TYPE", "juki-a (name only), juki-b (photo) or number (個人番号カード)", OPT_TEXT, &type, true},
        {"--grounds", "WHY", "first (default), reissue (lost), ending (last 3 months), full, damaged", OPT_TEXT,
         &grounds, false},
        {"--old", "FATE", "the present card: returned (destroyed), or kept (void, handed back)", OPT_TEXT, &old, false},
        {"--stay", "DATE", "the end of a foreign resident's stay", OPT_TEXT, &stay, false},
        {0},
    };
    int status;
    if (card_parse("jpki-registry card issue [OPTIONS]",
                   "Enters a card that is issued (交付). A 個人番号カード ends the 住民基本台帳カード, which must be "
                   "handed in.",
                   opts, argc, argv, &status))
        return status;
    return ask_post(o.node, o.folder, "/v1/cards/issue",
                    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:s*, s:s*}", "code", o.code, "card", o.card, "type",
                              type, "date", o.date, "request", o.request, "grounds", grounds, "old", old, "stay",
                              stay));
}

/* argv[0] is the event. */
static int card_event_main(int argc, char **argv)
{
    struct card_options o = {0};
    const char *reason = NULL;
    const struct opt opts[] = {
        DEED_OPTIONS(o),
        {"--reason", "WHY", "with void: wish or order", OPT_TEXT, &reason, false},
        {0},
    };
    int status;
    char usage[64];
    snprintf(usage, sizeof usage, "jpki-registry card %.16s [OPTIONS]", argv[0]);
    if (card_parse(usage, "Enters what happened to a card into the ledger.", opts, argc, argv, &status))
        return status;
    return ask_post(o.node, o.folder, "/v1/cards/event",
                    json_pack("{s:s, s:s, s:s, s:s, s:s*}", "card", o.card, "event", argv[0], "date", o.date, "request",
                              o.request, "reason", reason));
}

static int card_show_main(int argc, char **argv)
{
    struct card_options o = {0};
    const struct opt opts[] = {
        CARD_OPTIONS(o),
        {"--card", "SERIAL", "one of the resident's cards,", OPT_TEXT, &o.card, false},
        {"--code", "CODE", "or the 住民票コード", OPT_TEXT, &o.code, false},
        {0},
    };
    int status;
    if (card_parse("jpki-registry card show [OPTIONS]",
                   "Prints all cards of a resident with their events. The use is recorded.", opts, argc, argv, &status))
        return status;
    if (!o.card == !o.code)
        return opt_misuse("either --card or --code");
    return ask_post(o.node, o.folder, "/v1/cards/show", json_pack("{s:s*, s:s*}", "card", o.card, "code", o.code));
}

static int card_check_main(int argc, char **argv)
{
    struct card_options o = {0};
    const char *use = NULL;
    const struct opt opts[] = {
        CARD_OPTIONS(o),
        {"--card", "SERIAL", "the card's serial number", OPT_TEXT, &o.card, true},
        {"--use", "USE", "network: the code in the chip finds the holder; identity: the face with its photo", OPT_TEXT,
         &use, true},
        {"--code", "CODE", "with network: the code that was read from the chip", OPT_TEXT, &o.code, false},
        {0},
    };
    int status;
    if (card_parse("jpki-registry card check [OPTIONS]",
                   "May this card be used so, and whose is it? The use is recorded.", opts, argc, argv, &status))
        return status;
    return ask_post(o.node, o.folder, "/v1/cards/check",
                    json_pack("{s:s, s:s, s:s*}", "card", o.card, "use", use, "code", o.code));
}

static int card_leaving_main(int argc, char **argv)
{
    struct card_options o = {0};
    const char *to = NULL, *address = NULL, *planned = NULL, *channel = NULL, *with = NULL;
    const struct opt opts[] = {
        {"--node", "URL", "the municipal node", OPT_TEXT, &o.node, true},
        {"--identity", "FOLDER", "a registrar of the municipality", OPT_TEXT, &o.folder, true},
        {"--with", "CODE", "who has no card comes with that of this member of the household", OPT_TEXT, &with, false},
        {"--code", "CODE", "the resident's 住民票コード", OPT_TEXT, &o.code, true},
        {"--to", "MUNICIPALITY", "where they move, 6 digits", OPT_TEXT, &to, true},
        {"--address", "ADDRESS", "the address there", OPT_TEXT, &address, true},
        {"--planned", "DATE", "the day on which they will leave", OPT_TEXT, &planned, true},
        {"--channel", "HOW", "counter, post or online", OPT_TEXT, &channel, true},
        {"--date", "DATE", "the day of the 転出届", OPT_TEXT, &o.date, true},
        {"--request", "ID", "a name for this request: the same again is the same deed", OPT_TEXT, &o.request, true},
        {0},
    };
    int status;
    if (card_parse("jpki-registry card leaving [OPTIONS]",
                   "Enters a 転出届 with how it was made: the rules of post and online, then the leaving itself as "
                   "'leave' does it.",
                   opts, argc, argv, &status))
        return status;
    return ask_post(o.node, o.folder, "/v1/cards/leaving",
                    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s*}", "code", o.code, "to", to, "address", address,
                              "planned", planned, "channel", channel, "date", o.date, "request", o.request, "with", with));
}

static int card_arrive_main(int argc, char **argv)
{
    struct card_options o = {0};
    const char *home = NULL, *moved = NULL, *arrival = NULL, *handed_in = "";
    const struct opt opts[] = {
        CARD_OPTIONS(o),
        {"--home", "CODE", "the municipality that they left, 6 digits", OPT_TEXT, &home, true},
        {"--card", "SERIAL", "the card's serial number", OPT_TEXT, &o.card, true},
        {"--code", "CODE", "the 住民票コード that was read from its chip", OPT_TEXT, &o.code, true},
        {"--moved", "DATE", "the day of the move", OPT_TEXT, &moved, true},
        {"--arrival", "DATE", "the day of the 転入届", OPT_TEXT, &arrival, true},
        {"--handed-in", "DATE", "the day on which the card was handed in; without it it still will be", OPT_TEXT,
         &handed_in, false},
        {"--request", "ID", "a name for this request: the same again is the same deed", OPT_TEXT, &o.request, true},
        {0},
    };
    int status;
    if (card_parse(
            "jpki-registry card arrive [OPTIONS]",
            "A card at the 転入届: is one visit enough, and does the card go on (継続利用)? The two nodes settle it.",
            opts, argc, argv, &status))
        return status;
    return ask_post(o.node, o.folder, "/v1/cards/arrive",
                    json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "home", home, "card", o.card, "code", o.code,
                              "moved", moved, "arrival", arrival, "handed_in", handed_in, "request", o.request));
}

static int card_sweep_main(int argc, char **argv)
{
    struct card_options o = {0};
    const struct opt opts[] = {CARD_OPTIONS(o), {0}};
    int status;
    if (card_parse("jpki-registry card sweep [OPTIONS]",
                   "The morning's work: ends the cards whose last day or deadline is past, forgets old sheets.", opts,
                   argc, argv, &status))
        return status;
    return ask_post(o.node, o.folder, "/v1/cards/sweep", json_object());
}

static const struct command card_commands[] = {
    {"issue", NULL, "交付: a new card, and the end of the one before", card_issue_main},
    {"lost", NULL, "紛失: its certificates are held at once", card_event_main},
    {"found", NULL, "発見", card_event_main},
    {"lock", NULL, "the PIN is locked", card_event_main},
    {"unlock", NULL, "暗証番号再設定", card_event_main},
    {"annotate", NULL, "追記: the face was brought up to date", card_event_main},
    {"void", NULL, "失効 at the holder's wish or by order", card_event_main},
    {"return", NULL, "返納: destroyed", card_event_main},
    {"keep", NULL, "返納 of a Juki card: made unusable and handed back", card_event_main},
    {"show", NULL, "print a resident's cards with their events", card_show_main},
    {"check", NULL, "may a card that is shown be used, and whose is it", card_check_main},
    {"leaving", NULL, "転出届 by post, online or at the counter", card_leaving_main},
    {"arrive", NULL, "転入届 with the card: 継続利用", card_arrive_main},
    {"sweep", NULL, "each morning: cards past their last day or deadline, old sheets", card_sweep_main},
    {0},
};

int card_main(int argc, char **argv)
{
    return opt_dispatch("jpki-registry card",
                        "The card ledger of a municipal node (住民基本台帳カード, 個人番号カード).", card_commands,
                        argc, argv);
}

/* sim_switch.c — the switches as rows. */
#include "applet-sim/sim_switch.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES "1", "2", "3", "4", "5", "6", "7", "8", "9", "11", "12", "13", "14", "15"

static const struct sim_switch_row rows[SIM_SWITCHES] = {
    [SIM_BLOCKED_VERIFY] = { "blocked-verify", { "6984", "6983" },
                             "VERIFY of a blocked PIN (6984: three sources; 6983: assumed by two programs)" },
    [SIM_BLOCKED_QUERY] = { "blocked-query", { "63C0", "6984", "6983" },
                            "the query of a blocked PIN (63C0: two sources; the others: nobody's, but breaks clients)" },
    [SIM_VERIFIED_QUERY] = { "verified-query", { "counter", "9000" },
                             "the query of a presented PIN (counter: one source; 9000: \"some cards\")" },
    [SIM_RESELECT] = { "reselect", { "keeps", "drops" }, "SELECT of the same application and presented PINs (keeps: one source)" },
    [SIM_WARM_RESET] = { "warm-reset", { "keeps", "drops" }, "a warm reset and presented PINs (keeps: one source)" },
    [SIM_FILLER] = { "filler", { "FF", "00", "none" },
                     "what stands behind a certificate in its file (FF: likely; none: the file ends there)" },
    [SIM_SHORT_IDS] = { "short-ids", { "yes", "no", "6A82" },
                        "short EF identifiers (yes: two sources; no: answers 6A86, or 6A82; phones are unknown)" },
    [SIM_LENGTHS] = { "lengths", { "extended", "short" },
                      "length fields that are taken (extended: two sources; short: extended ones answer 6700)" },
    [SIM_SCHEMES] = { "schemes", { "all", "00" }, "signature schemes (all: one source, on a test card; 00: others answer 6A86)" },
    [SIM_PHONE] = { "phone", { "no", "android", "iphone" },
                    "a phone: its label, the authentication certificate behind its PIN, no application but JPKI (one source)" },
    [SIM_TRIES_A] = { "tries-a", { "10", TRIES }, "tries of 照合番号A (10: one page that calls it unofficial; another says 3)" },
    [SIM_TRIES_B] = { "tries-b", { "10", TRIES }, "tries of 照合番号B (as for A)" },
    [SIM_FIRST_COMMAND] = { "first-command", { "done", "6F00" },
                            "the first command after power on (6F00: seen on one card; done: on all others)" },
    [SIM_PUPI] = { "pupi", { "no", "yes" }, "a contactless reader that puts the card's random number into the ATR (two sources)" },
};

const struct sim_switch_row *sim_switch_row(enum sim_switch which)
{
    return &rows[which];
}

const char *sim_switch_word(const struct sim_switches *switches, enum sim_switch which)
{
    return rows[which].values[switches->at[which]];
}

unsigned sim_switch_number(const struct sim_switches *switches, enum sim_switch which)
{
    bool tries = which == SIM_TRIES_A || which == SIM_TRIES_B;
    return (unsigned)strtoul(sim_switch_word(switches, which), NULL, tries ? 10 : 16);
}

static bool switch_is(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(text, word, len) == 0;
}

static enum rc switch_bad_value(const struct sim_switch_row *row, struct err *err)
{
    char words[160] = "";
    for (size_t v = 0; v < SIM_SWITCH_VALUES && row->values[v]; v++) {
        size_t len = strlen(words);
        (void)snprintf(words + len, sizeof words - len, "%s%s", v ? ", " : "", row->values[v]);
    }
    return err_set(err, RC_RANGE, "switch %s: one of %s", row->name, words);
}

static enum rc switch_set(struct sim_switches *switches, const char *text, size_t len, struct err *err)
{
    const char *equals = memchr(text, '=', len);
    size_t name = equals ? (size_t)(equals - text) : len, value = equals ? len - name - 1 : 0;
    for (size_t i = 0; i < SIM_SWITCHES; i++) {
        if (!switch_is(text, name, rows[i].name))
            continue;
        for (size_t v = 0; equals && v < SIM_SWITCH_VALUES && rows[i].values[v]; v++)
            if (switch_is(equals + 1, value, rows[i].values[v])) {
                switches->at[i] = (uint8_t)v;
                return RC_OK;
            }
        return switch_bad_value(&rows[i], err);
    }
    return err_set(err, RC_RANGE, "no switch '%.*s'", (int)(name < 40 ? name : 40), text);
}

enum rc sim_switch_parse(struct sim_switches *switches, const char *text, struct err *err)
{
    struct sim_switches made = *switches;
    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        enum rc rc = switch_set(&made, at, strcspn(at, ","), err);
        if (rc)
            return rc;
    }
    *switches = made;
    return RC_OK;
}

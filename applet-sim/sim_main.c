/* sim_main.c — jpki-sim: makes a software card and shows it; sim_main_*.c have the other commands. */
#include "applet-sim/sim_main.h"
#include "applet-sim/sim_seed.h"
#include "applet-sim/sim_specimen.h"
#include "applet-sim/sim_store.h"
#include "base/file.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/proc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


/* --- create -------------------------------------------------------------------------------------------------------- */

/* Sixteen digits: those asked for with zeroes before them, or random ones. */
static enum rc main_serial(const char *asked, char *serial)
{
    size_t len = asked ? strlen(asked) : 0;
    if (len > SIM_SERIAL_LEN || (asked && (len == 0 || strspn(asked, "0123456789") != len)))
        return RC_RANGE;
    memset(serial, '0', SIM_SERIAL_LEN);
    serial[SIM_SERIAL_LEN] = '\0';
    if (asked) {
        memcpy(serial + SIM_SERIAL_LEN - len, asked, len);
        return RC_OK;
    }
    for (size_t i = 0; i < SIM_SERIAL_LEN;) {
        uint8_t byte;
        enum rc rc = sim_seed_bytes(&byte, 1);
        if (rc)
            return rc;
        if (byte < 250)
            serial[i++] = (char)('0' + byte % 10);
    }
    return RC_OK;
}

static enum rc main_fill(struct sim *sim, const char *path, struct err *err)
{
    enum rc rc = sim_specimen_face(sim, NULL);
    if (rc == RC_OK)
        rc = sim_specimen_fill(sim, NULL);
    return rc ? err_set(err, rc, "%s: made, but not filled: %s", path, rc_text(rc)) : RC_OK;
}

static int main_create(int argc, char **argv)
{
    const char *card = NULL, *seal_key = NULL, *issuer = NULL, *serial = NULL, *switches = NULL, *profile = NULL;
    bool contactless = false, specimen = false;
    long seed = -1;
    const struct opt opts[] = {
        CARD_OPTION(&card),
        SEAL_KEY_OPTION(&seal_key),
        { "--issuer-key", "FILE", "the issuer's master key (0600; 16 bytes in hex or raw); made when missing", OPT_TEXT,
          &issuer, true },
        { "--contactless", NULL, "answer to reset as a contactless card (default: contact)", OPT_FLAG, &contactless, false },
        { "--serial", "N", "serial number, up to 16 digits (default: random)", OPT_TEXT, &serial, false },
        { "--profile", "NAME", "mynumber (default), juki or next", OPT_TEXT, &profile, false },
        { "--switch", "NAME=VALUE", "a doubtful behaviour, several with commas between; `show` lists them all", OPT_TEXT,
          &switches, false },
        { "--specimen", NULL, "a filled card, not a blank one: an invented person, certificates of no authority, PINs 1234, ABC123",
          OPT_FLAG, &specimen, false },
        { "--seed", "N", "predictable randomness: a card that is marked for tests only", OPT_NUMBER, &seed, false },
        { 0 },
    };
    int status;
    if (opt_only("jpki-sim create --card FILE --issuer-key FILE [OPTIONS]", "Makes a card: blank, or a specimen that is filled.", opts, argc, argv, &status))
        return status;
    struct sim_birth birth = { .contactless = contactless };
    struct secret master = { 0 };
    struct sim_store *store = NULL;
    struct err err = { 0 };
    enum rc rc = seed >= 0 ? sim_seed_use((uint64_t)seed) : RC_OK;
    if (rc == RC_OK)
        rc = main_serial(serial, birth.serial);
    if (rc == RC_RANGE)
        return opt_misuse("--serial: up to 16 digits");
    birth.profile = sim_profile_find(profile ? profile : "mynumber");
    if (!birth.profile)
        return opt_misuse("--profile: mynumber, juki or next");
    if (rc == RC_OK && switches && sim_switch_parse(&birth.switches, switches, &err))
        return opt_misuse("--switch: %s", err.text);
    if (rc == RC_OK)
        rc = sim_store_master(issuer, &master, &err);
    if (rc == RC_OK)
        rc = sim_store_create(card, seal_key, &birth, &master, &store, &err);
    if (rc == RC_OK && specimen)
        rc = main_fill(sim_store_get(store), card, &err);
    if (rc == RC_OK)
        printf("%s\n", birth.serial);
    sim_store_close(store);
    secret_wipe(&master);
    return opt_end(rc, &err);
}

/* --- show ---------------------------------------------------------------------------------------------------------- */

static const char *main_life(enum applet_life life)
{
    switch (life) {
    case APPLET_LIFE_BLANK:
        return "blank";
    case APPLET_LIFE_PERSONALISED:
        return "in personalisation";
    case APPLET_LIFE_ACTIVE:
        return "active";
    case APPLET_LIFE_BLOCKED:
        return "blocked";
    case APPLET_LIFE_TERMINATED:
        return "terminated";
    }
    return "?";
}

static void main_show_half(const char *name, bool key, bool cert, bool ca_cert, bool pin, unsigned tries, unsigned max)
{
    printf("%s: key %s, certificate %s, CA certificate %s, PIN %s", name, key ? "yes" : "no", cert ? "yes" : "no",
           ca_cert ? "yes" : "no", pin ? "yes" : "no");
    if (pin)
        printf(", %u of %u tries left", tries, max);
    printf("\n");
}

static int main_show(int argc, char **argv)
{
    const char *card = NULL, *seal_key = NULL;
    const struct opt opts[] = { CARD_OPTION(&card), SEAL_KEY_OPTION(&seal_key), { 0 } };
    int status;
    if (opt_only("jpki-sim show --card FILE", "Shows what a card holds: no secrets, no personal data.", opts, argc, argv,
                 &status))
        return status;
    struct sim_store *store = NULL;
    struct err err = { 0 };
    enum rc rc = sim_store_open(card, seal_key, &store, &err);
    if (rc)
        return opt_fail("%s", err_text(&err, rc));
    struct sim_summary s;
    sim_summarise(sim_store_get(store), &s);
    if (sim_store_test_only(store))
        printf("FOR TESTS ONLY: made from a seed, its keys can be made again\n");
    printf("profile: %s (%s)\nserial number: %s\nreader side: %s\nlife: %s\n", s.profile->name, s.profile->about, s.serial,
           s.contactless ? "contactless" : "contact", s.dead ? "dead: tampered with" : main_life(s.life));
    main_show_half("sign", s.sign.key, s.sign.cert, s.sign.ca_cert, s.sign.pin, s.sign.tries, s.sign.tries_max);
    main_show_half("auth", s.auth.key, s.auth.cert, s.auth.ca_cert, s.auth.pin, s.auth.tries, s.auth.tries_max);
    for (int i = 0; i < SIM_SWITCHES; i++)
        printf("switch %s=%s\n", sim_switch_row((enum sim_switch)i)->name, sim_switch_word(&s.switches, (enum sim_switch)i));
    sim_store_close(store);
    return EXIT_DONE;
}

static int main_tamper(int argc, char **argv)
{
    const char *card = NULL, *seal_key = NULL;
    bool yes = false;
    const struct opt opts[] = { CARD_OPTION(&card),
                                SEAL_KEY_OPTION(&seal_key),
                                { "--yes", NULL, "really: there is no way back", OPT_FLAG, &yes, false },
                                { 0 } };
    int status;
    if (opt_only("jpki-sim tamper --card FILE --yes",
                 "Attacks the chip: its sensors destroy keys, PINs and content, and the card is dead.", opts, argc, argv, &status))
        return status;
    if (!yes)
        return opt_misuse("tamper: the card would be destroyed; --yes says that this is meant");
    struct sim_store *store = NULL;
    struct err err = { 0 };
    enum rc rc = sim_store_open(card, seal_key, &store, &err);
    if (!rc && (rc = sim_tamper(sim_store_get(store))))
        err_set(&err, rc, "%s: the attack could not be written down: %s", card, rc_text(rc));
    sim_store_close(store);
    return opt_end(rc, &err);
}

int main(int argc, char **argv)
{
    static const struct command commands[] = {
        { "create", "--card FILE --issuer-key FILE", "make a card, blank or filled", main_create },
        { "run", "--card FILE", "put cards into readers", sim_main_run },
        { "slots", "--control SOCKET", "what a running jpki-sim has in its readers", sim_main_slots },
        { "insert", "--control SOCKET N", "put a card into a reader", sim_main_insert },
        { "eject", "--control SOCKET N", "take a card out", sim_main_eject },
        { "show", "--card FILE", "what a card holds", main_show },
        { "export", "--card FILE --out FOLDER", "certificates and token information as files", sim_main_export },
        { "draw", "--face FILE --out FILE", "a card's face as SVG or PNG", sim_main_draw },
        { "script", "--card FILE SCRIPT", "talk to a card", sim_main_script },
        { "tamper", "--card FILE --yes", "attack the chip: the card destroys itself", main_tamper },
        { 0 },
    };
    proc_harden();
    log_open("jpki-sim", LOG_WARNING);
    return opt_dispatch("jpki-sim", "A software card that behaves as the JPKI application of a My Number card does.", commands,
                        argc, argv);
}

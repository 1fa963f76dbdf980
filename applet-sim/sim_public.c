/* sim_public.c — libjpki-sim: the public face of the card in process. A card here is engine, link and a place for its
 * image, in memory or in a file. */
#include "applet-sim/jpki-sim.h"

#include "applet-sim/sim_link.h"
#include "applet-sim/sim_script.h"
#include "applet-sim/sim_specimen.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

struct jpki_sim {
    struct sim_link *link;
    struct sim_plan *plan;
    struct sim_time time;
    struct sim_store *store; /* NULL: in memory, as follows */
    struct secret seal_key;
    struct buf image; /* what is durable */
    struct sim *sim;
};

_Static_assert(JPKI_SIM_WHY == sizeof((struct err *)NULL)->text, "the words of an error record fit");

static const struct jpki_sim_options no_options;

/* --- the image in memory ------------------------------------------------------------------------------------------ */

static enum rc public_save(void *context, struct bytes image)
{
    struct jpki_sim *card = context;
    if (card->link && sim_link_write(card->link) != SIM_WRITE_WHOLE)
        return RC_IO;
    struct buf kept = {0};
    enum rc rc = buf_append_bytes(&kept, image);
    if (rc)
        return rc;
    buf_wipe(&card->image);
    card->image = kept;
    return RC_OK;
}

static enum rc public_reopen(void *context, struct sim **sim)
{
    struct jpki_sim *card = context;
    const struct sim_config config = {&card->seal_key, public_save, card};
    sim_free(card->sim);
    card->sim = NULL;
    enum rc rc = sim_open(&config, buf_bytes(&card->image), &card->sim);
    *sim = card->sim;
    return rc;
}

/* --- making ------------------------------------------------------------------------------------------------------- */

static enum rc public_random(struct secret *secret, size_t len)
{
    uint8_t bytes[SIM_SEAL_KEY_LEN];
    enum rc rc = random_bytes(bytes, len);
    if (rc == RC_OK)
        rc = secret_dup(secret, bytes, len);
    explicit_bzero(bytes, sizeof bytes);
    return rc;
}

static enum rc public_birth(const struct jpki_sim_options *options, struct sim_birth *birth, struct err *err)
{
    const char *profile = options->profile ? options->profile : "mynumber";
    uint8_t digits[SIM_SERIAL_LEN];
    *birth = (struct sim_birth){.contactless = options->contactless, .profile = sim_profile_find(profile)};
    if (!birth->profile)
        return err_set(err, RC_RANGE, "no profile '%s': mynumber, juki or next", profile);
    enum rc rc = options->switches ? sim_switch_parse(&birth->switches, options->switches, err) : RC_OK;
    if (rc == RC_OK)
        rc = random_bytes(digits, sizeof digits);
    for (size_t i = 0; rc == RC_OK && i < SIM_SERIAL_LEN; i++)
        birth->serial[i] = (char)('0' + digits[i] % 10);
    return rc;
}

static enum rc public_make(struct jpki_sim *card, const struct jpki_sim_options *options, struct err *err)
{
    const struct sim_config config = {&card->seal_key, public_save, card};
    struct secret master = {0};
    struct sim_birth birth;
    enum rc rc = public_birth(options, &birth, err);
    if (rc == RC_OK)
        rc = public_random(&card->seal_key, SIM_SEAL_KEY_LEN);
    if (rc == RC_OK)
        rc = options->issuer_key ? secret_dup(&master, options->issuer_key, APPLET_ISSUER_KEY_LEN)
                                 : public_random(&master, APPLET_ISSUER_KEY_LEN);
    if (rc == RC_OK)
        rc = sim_create(&config, &birth, &master, &card->sim);
    secret_wipe(&master);
    if (rc == RC_OK && !options->blank)
        rc = sim_specimen_face(card->sim, NULL);
    if (rc == RC_OK && !options->blank)
        rc = sim_specimen_fill(card->sim, NULL);
    return rc;
}

static enum rc public_dup(struct jpki_sim *card, const struct jpki_sim *of, const struct jpki_sim_options *options,
                          struct err *err)
{
    struct sim_summary summary;
    struct sim *unused;
    enum rc rc = secret_dup(&card->seal_key, of->seal_key.data, of->seal_key.len);
    if (rc == RC_OK)
        rc = buf_append_bytes(&card->image, buf_bytes(&of->image));
    if (rc == RC_OK)
        rc = public_reopen(card, &unused);
    if (rc || !options->switches)
        return rc;
    sim_summarise(card->sim, &summary);
    rc = sim_switch_parse(&summary.switches, options->switches, err);
    return rc ? rc : sim_set_switches(card->sim, &summary.switches);
}

/* Plan, time and link before a card that is there. */
static enum rc public_link(struct jpki_sim *card, const struct jpki_sim_options *options, struct err *err)
{
    enum rc rc = sim_plan_parse(options->faults ? options->faults : "", &card->plan, err);
    if (rc == RC_OK && options->time)
        rc = sim_time_parse(options->time, &card->time, err);
    const struct sim_link_config config = {.store = card->store,
                                           .sim = card->sim,
                                           .reopen = public_reopen,
                                           .context = card,
                                           .time = options->time ? &card->time : NULL,
                                           .plan = card->plan};
    if (rc == RC_OK)
        rc = sim_link_new(&config, &card->link);
    if (rc == RC_OK)
        sim_link_power_on(card->link);
    return rc;
}

/* The card when all went well; else the words, and NULL. */
static struct jpki_sim *public_finish(struct jpki_sim *card, enum rc rc, const struct err *err, char *why)
{
    if (rc == RC_OK)
        return card;
    if (why)
        memcpy(why, err_text(err, rc), strlen(err_text(err, rc)) + 1);
    jpki_sim_free(card);
    return NULL;
}

struct jpki_sim *jpki_sim_new(const struct jpki_sim_options *options, char *why)
{
    struct jpki_sim *card = calloc(1, sizeof *card);
    struct err err = {0};
    options = options ? options : &no_options;
    enum rc rc = card ? public_make(card, options, &err) : RC_NOMEM;
    if (rc == RC_OK)
        rc = public_link(card, options, &err);
    return public_finish(card, rc, &err, why);
}

struct jpki_sim *jpki_sim_copy(const struct jpki_sim *of, const struct jpki_sim_options *options, char *why)
{
    struct jpki_sim *card = calloc(1, sizeof *card);
    struct err err = {0};
    options = options ? options : &no_options;
    enum rc rc = card ? RC_OK : RC_NOMEM;
    if (rc == RC_OK && of->store)
        rc = err_set(&err, RC_UNSUPPORTED, "a card in a file is not copied");
    if (rc == RC_OK)
        rc = public_dup(card, of, options, &err);
    if (rc == RC_OK)
        rc = public_link(card, options, &err);
    return public_finish(card, rc, &err, why);
}

struct jpki_sim *jpki_sim_open(const char *path, const struct jpki_sim_options *options, char *why)
{
    struct jpki_sim *card = calloc(1, sizeof *card);
    struct err err = {0};
    options = options ? options : &no_options;
    enum rc rc = card ? sim_store_open(path, options->seal_key, &card->store, &err) : RC_NOMEM;
    if (rc == RC_OK)
        rc = public_link(card, options, &err);
    return public_finish(card, rc, &err, why);
}

void jpki_sim_free(struct jpki_sim *card)
{
    if (!card)
        return;
    sim_link_free(card->link);
    sim_store_close(card->store);
    sim_free(card->sim);
    sim_plan_free(card->plan);
    secret_wipe(&card->seal_key);
    buf_wipe(&card->image);
    free(card);
}

/* --- use ---------------------------------------------------------------------------------------------------------- */

static enum jpki_sim_outcome public_outcome(enum rc rc, enum sim_outcome outcome)
{
    if (rc)
        return rc == RC_STATE ? JPKI_SIM_NO_POWER : JPKI_SIM_FAILED;
    switch (outcome) {
    case SIM_ANSWERED:
        return JPKI_SIM_ANSWERED;
    case SIM_LOST:
        return JPKI_SIM_LOST;
    case SIM_PULLED:
        return JPKI_SIM_PULLED;
    case SIM_SHARED:
        return JPKI_SIM_SHARED;
    }
    return JPKI_SIM_FAILED;
}

enum jpki_sim_outcome jpki_sim_transmit(struct jpki_sim *card, const uint8_t *command, size_t command_len,
                                        uint8_t *answer, size_t *answer_len)
{
    struct buf whole = {0};
    enum sim_outcome outcome = SIM_ANSWERED;
    const size_t space = *answer_len;
    *answer_len = 0;
    enum rc rc = sim_link_transmit(card->link, bytes_of(command, command_len), &whole, &outcome);
    enum jpki_sim_outcome came = public_outcome(rc, outcome);
    if (came == JPKI_SIM_ANSWERED && whole.len > space)
        came = JPKI_SIM_TOO_LONG;
    if (came == JPKI_SIM_ANSWERED && whole.len) {
        memcpy(answer, whole.data, whole.len);
        *answer_len = whole.len;
    }
    buf_wipe(&whole);
    return came;
}

void jpki_sim_power_on(struct jpki_sim *card)
{
    sim_link_power_on(card->link);
}

void jpki_sim_power_off(struct jpki_sim *card)
{
    sim_link_power_off(card->link);
}

void jpki_sim_reset(struct jpki_sim *card)
{
    sim_link_reset(card->link);
}

void jpki_sim_put_back(struct jpki_sim *card)
{
    sim_link_put_back(card->link);
    sim_link_power_on(card->link);
}

size_t jpki_sim_atr(const struct jpki_sim *card, uint8_t atr[JPKI_SIM_ATR_MAX])
{
    struct bytes all = sim_link_atr(card->link);
    if (all.len)
        memcpy(atr, all.data, all.len);
    return all.len;
}

bool jpki_sim_play(struct jpki_sim *card, const char *script, char *why)
{
    struct err err = {0};
    char *text = strdup(script); /* it is changed while it runs */
    enum rc rc = text ? sim_script_play(card->link, text, &err) : RC_NOMEM;
    if (rc && why)
        memcpy(why, err_text(&err, rc), strlen(err_text(&err, rc)) + 1);
    free(text);
    return rc == RC_OK;
}

size_t jpki_sim_certificate(const struct jpki_sim *card, unsigned file, uint8_t *der, size_t size)
{
    const struct sim *sim = sim_link_sim(card->link);
    struct bytes cert = sim ? sim_certificate(sim, file) : bytes_of(NULL, 0);
    if (cert.len && cert.len <= size)
        memcpy(der, cert.data, cert.len);
    return cert.len;
}

uint64_t jpki_sim_time(const struct jpki_sim *card)
{
    return (uint64_t)sim_link_totals(card->link).ns;
}

bool jpki_sim_tamper(struct jpki_sim *card)
{
    struct sim *sim = sim_link_sim(card->link);
    return sim && sim_tamper(sim) == RC_OK;
}

const char *jpki_sim_version(void)
{
    return JPKI_VERSION;
}

/* sim_link.c — one command on its way: what the plan does to it, what the card says, how long it takes, one line of trace. */
#include "applet-sim/sim_link.h"

#include "base/log.h"
#include "wire/apdu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct sim_link {
    struct sim_link_config config;
    struct sim *sim;
    struct sim_time time;
    struct sim_link_totals totals;
    struct buf stale; /* an answer that comes again in place of the next */
    bool has_stale;
    bool pulled;
    bool cut;         /* a write was the last: the power is gone */
    enum sim_fault cut_fault;
    unsigned tear;    /* writes until the power is cut, 0 for none */
    bool tear_after;
};

enum rc sim_link_new(const struct sim_link_config *config, struct sim_link **link)
{
    struct sim_link *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    made->config = *config;
    made->sim = config->store ? sim_store_get(config->store) : config->sim;
    if (config->time)
        made->time = *config->time;
    made->config.time = config->time ? &made->time : NULL;
    if (config->store)
        sim_store_watch(config->store, sim_link_write, made);
    *link = made;
    return RC_OK;
}

void sim_link_free(struct sim_link *link)
{
    if (!link)
        return;
    if (link->sim)
        sim_power_off(link->sim);
    if (link->config.store)
        sim_store_watch(link->config.store, NULL, NULL);
    buf_wipe(&link->stale);
    free(link);
}

struct sim *sim_link_sim(const struct sim_link *link)
{
    return link->sim;
}

/* --- power --------------------------------------------------------------------------------------------------------- */

static void link_forget(struct sim_link *link)
{
    buf_wipe(&link->stale);
    link->has_stale = false;
}

void sim_link_power_on(struct sim_link *link)
{
    if (!link->pulled && link->sim)
        sim_power_on(link->sim);
}

void sim_link_power_off(struct sim_link *link)
{
    link_forget(link);
    if (link->sim)
        sim_power_off(link->sim);
}

void sim_link_reset(struct sim_link *link)
{
    link_forget(link);
    if (!link->pulled && link->sim)
        sim_reset(link->sim);
}

struct bytes sim_link_atr(const struct sim_link *link)
{
    return link->pulled || !link->sim ? bytes_of(NULL, 0) : sim_atr(link->sim);
}

bool sim_link_pulled(const struct sim_link *link)
{
    return link->pulled;
}

void sim_link_put_back(struct sim_link *link)
{
    link->pulled = false;
}

/* --- writes -------------------------------------------------------------------------------------------------------- */

enum sim_write sim_link_write(void *context)
{
    struct sim_link *link = context;
    if (link->cut)
        return SIM_WRITE_NONE;
    link->totals.writes++;
    enum sim_fault fault = sim_plan_write(link->config.plan);
    if (link->tear && --link->tear == 0)
        fault = link->tear_after ? SIM_FAULT_CUT_AFTER : SIM_FAULT_CUT;
    if (fault == SIM_FAULT_NONE)
        return SIM_WRITE_WHOLE;
    link->cut = true;
    link->cut_fault = fault;
    return fault == SIM_FAULT_CUT ? SIM_WRITE_TORN : SIM_WRITE_WHOLE;
}

void sim_link_tear(struct sim_link *link, unsigned n, bool after)
{
    link->tear = n;
    link->tear_after = after;
}

/* After a cut nothing that the engine still holds is true: the card is what is durable. */
static enum rc link_recover(struct sim_link *link)
{
    enum rc rc = RC_OK;
    link->cut = false;
    sim_power_off(link->sim);
    if (link->config.store) {
        rc = sim_store_reopen(link->config.store);
        link->sim = sim_store_get(link->config.store);
    } else if (link->config.reopen) {
        rc = link->config.reopen(link->config.context, &link->sim);
    }
    return rc;
}

/* --- one command --------------------------------------------------------------------------------------------------- */

static void link_trace(const struct sim_link *link, struct bytes command, struct bytes answer, enum sim_fault fault)
{
    struct buf line = { 0 };
    FILE *to = link->config.trace;
    if (!to)
        return;
    const int64_t ns = link->totals.ns;
    enum rc rc = apdu_trace(command, answer, &line);
    if (rc == RC_OK && link->config.name)
        rc = buf_printf(&line, " ; %s", link->config.name);
    if (rc == RC_OK && link->config.time)
        rc = buf_printf(&line, " ; at %lld.%03lld ms", (long long)(ns / 1000000), (long long)(ns / 1000 % 1000));
    if (rc == RC_OK && fault != SIM_FAULT_NONE)
        rc = buf_printf(&line, " ; fault: %s", sim_fault_name(fault));
    const char *text = rc == RC_OK ? buf_string(&line) : NULL;
    if (text && (fprintf(to, "%s\n", text) < 0 || fflush(to) != 0))
        log_warning("the trace cannot be written");
    buf_wipe(&line);
}

static void link_take_time(struct sim_link *link, struct bytes command, struct bytes answer, unsigned writes)
{
    if (!link->config.time)
        return;
    int64_t ns = sim_time_exchange(link->config.time, command, answer, writes);
    link->totals.ns += ns;
    link->totals.last_ns = ns;
    struct timespec left = { .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };
    while (link->config.sleep && nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

/* What the host gets of a whole answer. */
static enum rc link_deliver(struct sim_link *link, enum sim_fault fault, const struct buf *whole, struct buf *answer)
{
    struct buf held = link->stale;
    bool again = link->has_stale;
    link->stale = (struct buf) { 0 };
    link->has_stale = false;
    enum rc rc = RC_OK;
    if (fault == SIM_FAULT_DUPLICATED) {
        rc = buf_append_bytes(&link->stale, buf_bytes(whole));
        link->has_stale = rc == RC_OK;
    }
    size_t start = answer->len;
    struct buf given = { 0 };
    if (rc == RC_OK)
        rc = buf_append_bytes(&given, again ? buf_bytes(&held) : buf_bytes(whole));
    if (rc == RC_OK)
        sim_plan_spoil(link->config.plan, fault, &given);
    if (rc == RC_OK)
        rc = buf_append_bytes(answer, buf_bytes(&given));
    if (rc)
        buf_truncate(answer, start);
    buf_wipe(&given);
    buf_wipe(&held);
    return rc;
}

static enum rc link_run(struct sim_link *link, struct bytes command, enum sim_fault *fault, struct buf *whole)
{
    uint64_t writes = link->totals.writes;
    if (*fault == SIM_FAULT_RESET)
        sim_reset(link->sim);
    if (*fault == SIM_FAULT_POWER) {
        sim_power_off(link->sim);
        sim_power_on(link->sim);
    }
    enum rc rc = sim_transmit(link->sim, command, whole);
    link->tear = 0;
    link_take_time(link, command, buf_bytes(whole), (unsigned)(link->totals.writes - writes));
    if (link->cut) {
        *fault = link->cut_fault;
        buf_truncate(whole, 0);
        enum rc recovered = link_recover(link);
        rc = recovered ? recovered : rc;
    }
    return rc;
}

static enum sim_outcome link_outcome(enum sim_fault fault)
{
    switch (fault) {
    case SIM_FAULT_PULLED:
    case SIM_FAULT_PULLED_AFTER:
    case SIM_FAULT_CUT:
    case SIM_FAULT_CUT_AFTER:
        return SIM_PULLED;
    case SIM_FAULT_LOST:
        return SIM_LOST;
    case SIM_FAULT_SHARED:
        return SIM_SHARED;
    case SIM_FAULT_NONE:
    case SIM_FAULT_TRUNCATED:
    case SIM_FAULT_DUPLICATED:
    case SIM_FAULT_GARBLED:
    case SIM_FAULT_RESET:
    case SIM_FAULT_POWER:
    case SIM_FAULT_COUNT:
        break;
    }
    return SIM_ANSWERED;
}

enum rc sim_link_transmit(struct sim_link *link, struct bytes command, struct buf *answer, enum sim_outcome *outcome)
{
    struct buf whole = { 0 };
    if (link->pulled || !link->sim)
        return RC_STATE;
    enum rc rc = RC_OK;
    enum sim_fault fault = sim_plan_command(link->config.plan, command);
    link->totals.last_ns = 0;
    if (fault != SIM_FAULT_PULLED && fault != SIM_FAULT_SHARED)
        rc = link_run(link, command, &fault, &whole);
    link->totals.commands++;
    link->totals.bytes += command.len + whole.len;
    link->totals.faults += fault != SIM_FAULT_NONE;
    if (rc) {
        buf_wipe(&whole);
        return rc;
    }
    link_trace(link, command, buf_bytes(&whole), fault);
    enum sim_outcome came = link_outcome(fault);
    if (came == SIM_PULLED) {
        sim_link_power_off(link);
        link->pulled = true;
    }
    if (came == SIM_ANSWERED)
        rc = link_deliver(link, fault, &whole, answer);
    if (rc == RC_OK)
        *outcome = came;
    buf_wipe(&whole);
    return rc;
}

struct sim_link_totals sim_link_totals(const struct sim_link *link)
{
    return link->totals;
}

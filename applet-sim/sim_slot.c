/* sim_slot.c — a card in a reader: whose turn it is among the clients, what a message means, what coming and going looks
 * like from outside. An empty reader does not call vpcd and does not listen: that is how both show an absent card. */
#include "applet-sim/sim_slot.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_MS 300 /* how often an absent vpcd is called */
#define HANDOVER_MS 200

/* The last two are ours, and not vpcd's: a client of the socket has the card for itself from one to the other. */
enum control { CONTROL_OFF = 0, CONTROL_ON = 1, CONTROL_RESET = 2, CONTROL_ATR = 4, CONTROL_BEGIN = 5, CONTROL_END = 6 };

static bool slot_present(const struct slot *slot)
{
    return slot->link && !sim_link_pulled(slot->link);
}

/* --- coming and going ---------------------------------------------------------------------------------------------- */

static void slot_close_peer(struct slot *slot, int index)
{
    bool vpcd = index == 0 && slot->peers[0].fd >= 0;
    sim_peer_close(&slot->peers[index]);
    if (vpcd && slot->link) { /* the reader has gone: the card is out of it */
        log_info("%s: vpcd has gone", slot->name);
        sim_link_power_off(slot->link);
    }
    if (slot->holder == index) {
        slot->holder = -1;
        slot->locked = false;
        slot->spoke = 0; /* who waits need not wait longer */
    }
    if (slot->held_for == index) {
        slot->held_for = -1;
        buf_wipe(&slot->held);
    }
}

/* The card leaves the reader, whether pulled or ejected. */
static void slot_withdraw(struct slot *slot)
{
    if (slot->listener >= 0) { /* first: who sees the end of a connection must not find the door still open */
        unlink(slot->config->socket);
        close(slot->listener);
    }
    slot->listener = -1;
    if (slot->calling >= 0)
        close(slot->calling);
    slot->calling = -1;
    for (int i = 0; i < SLOT_PEERS; i++)
        slot_close_peer(slot, i);
    slot->back = -1;
    sim_link_power_off(slot->link);
}

static enum rc slot_offer(struct slot *slot, struct err *err)
{
    slot->called = -RETRY_MS;
    return slot->config->socket && slot->listener < 0 ? sim_peer_listen(slot->config->socket, &slot->listener, err) : RC_OK;
}

static enum rc slot_put_in(struct slot *slot, struct sim *sim, struct err *err)
{
    const struct sim_link_config config = {
        .store = slot->store,
        .sim = sim,
        .time = slot->reader->time,
        .plan = slot->plan,
        .trace = slot->trace,
        .name = slot->reader->count > 1 ? slot->name : NULL,
    };
    enum rc rc = sim_link_new(&config, &slot->link);
    if (rc == RC_OK)
        rc = slot_offer(slot, err);
    if (rc && slot->link) {
        sim_link_free(slot->link);
        slot->link = NULL;
    }
    return rc;
}

static enum rc slot_put_back(struct slot *slot, struct err *err)
{
    enum rc rc = slot_offer(slot, err);
    if (rc == RC_OK) {
        slot->back = -1;
        sim_link_put_back(slot->link);
    }
    return rc;
}

enum rc slot_insert(struct slot *slot, const char *path, struct err *err)
{
    if (slot_present(slot))
        return err_set(err, RC_STATE, "%s: there is a card in it already", slot->name);
    if (slot->link && path)
        return err_set(err, RC_STATE, "%s: its card was pulled and comes back; eject it first", slot->name);
    if (slot->link)
        return slot_put_back(slot, err);
    if (!path)
        return err_set(err, RC_STATE, "%s: no card was pulled from it; name one", slot->name);
    enum rc rc = sim_store_open(path, slot->reader->seal_key, &slot->store, err);
    if (rc == RC_OK)
        rc = slot_put_in(slot, NULL, err);
    if (rc) {
        sim_store_close(slot->store);
        slot->store = NULL;
    }
    return rc;
}

static void slot_take_out(struct slot *slot)
{
    slot_withdraw(slot);
    sim_link_free(slot->link);
    slot->link = NULL;
    sim_store_close(slot->store);
    slot->store = NULL;
}

enum rc slot_eject(struct slot *slot, struct err *err)
{
    if (!slot->link)
        return err_set(err, RC_STATE, "%s: there is no card in it", slot->name);
    slot_take_out(slot);
    return RC_OK;
}

enum rc slot_open(struct slot *slot, const struct sim_reader *reader, size_t number, FILE *trace, struct err *err)
{
    *slot = (struct slot) { .config = &reader->slots[number], .reader = reader, .trace = trace, .listener = -1, .calling = -1,
                            .holder = -1, .held_for = -1, .back = -1, .called = -RETRY_MS };
    for (int i = 0; i < SLOT_PEERS; i++)
        slot->peers[i].fd = -1;
    (void)snprintf(slot->name, sizeof slot->name, "reader %zu", number);
    enum rc rc = RC_OK;
    if (reader->plan)
        rc = sim_plan_parse(reader->plan, &slot->plan, err);
    if (rc == RC_OK && slot->config->vpcd)
        rc = sim_peer_resolve(slot->config->vpcd, &slot->vpcd, err);
    if (rc == RC_OK && slot->config->sim)
        rc = slot_put_in(slot, slot->config->sim, err);
    else if (rc == RC_OK && slot->config->card)
        rc = slot_insert(slot, slot->config->card, err);
    return rc;
}

void slot_close(struct slot *slot)
{
    if (slot->link)
        slot_take_out(slot);
    if (slot->vpcd)
        freeaddrinfo(slot->vpcd);
    sim_plan_free(slot->plan);
    *slot = (struct slot) { .listener = -1, .calling = -1 };
}

/* --- messages ------------------------------------------------------------------------------------------------------ */

static void slot_pulled(struct slot *slot)
{
    unsigned after = sim_plan_back_ms(slot->plan);
    slot_withdraw(slot);
    slot->back = after ? clock_ticks() + after : -1;
}

/* RC_IO: this peer gets no answer and is let go. */
static enum rc slot_command(struct slot *slot, int index, struct bytes command)
{
    struct buf answer = { 0 };
    enum sim_outcome outcome = SIM_ANSWERED;
    int64_t began = clock_ticks();
    enum rc rc = sim_link_transmit(slot->link, command, &answer, &outcome);
    if (rc) { /* a card without power, or without memory: a reader must have some answer */
        buf_truncate(&answer, 0);
        rc = buf_append(&answer, "\x6F\x00", 2);
    }
    if (outcome == SIM_PULLED)
        slot_pulled(slot);
    else if (outcome == SIM_SHARED || (rc == RC_OK && index == 0 && answer.len == 0))
        rc = RC_IO; /* vpcd would wait for ever behind an empty answer: the connection goes and comes again */
    else if (rc == RC_OK && slot->reader->sleep) {
        slot->held = answer;
        slot->held_for = index;
        slot->due = began + sim_link_totals(slot->link).last_ns / 1000000;
        return RC_OK;
    } else if (rc == RC_OK)
        rc = sim_peer_send(&slot->peers[index], buf_bytes(&answer));
    buf_wipe(&answer);
    return rc;
}

/* May this peer's message be done now? Asking for the answer to reset and switching on disturb nobody. */
static bool slot_may(const struct slot *slot, int index, struct bytes message)
{
    bool mine = slot->holder < 0 || slot->holder == index;
    if (message.len == 1 && message.data[0] != CONTROL_BEGIN)
        return mine || !slot->locked || message.data[0] == CONTROL_ATR || message.data[0] == CONTROL_ON;
    return mine || (!slot->locked && clock_ticks() - slot->spoke >= HANDOVER_MS);
}

static enum rc slot_message(struct slot *slot, int index, struct bytes message)
{
    if (message.len != 1)
        return message.len ? slot_command(slot, index, message) : RC_OK;
    switch (message.data[0]) {
    case CONTROL_OFF:
        sim_link_power_off(slot->link);
        return RC_OK;
    case CONTROL_ON:
        sim_link_power_on(slot->link);
        return RC_OK;
    case CONTROL_RESET:
        sim_link_reset(slot->link);
        return RC_OK;
    case CONTROL_ATR:
        return sim_peer_send(&slot->peers[index], sim_link_atr(slot->link));
    case CONTROL_BEGIN:
        if (index != 0) {
            slot->holder = index;
            slot->locked = true;
        }
        return RC_OK;
    case CONTROL_END:
        if (slot->locked && slot->holder == index) {
            slot->holder = -1;
            slot->locked = false;
            slot->spoke = 0;
        }
        return RC_OK;
    default:
        return RC_OK;
    }
}

/* Whole messages of one peer, as far as it is its turn. A control byte other than reset and power disturbs nobody. */
static void slot_drain(struct slot *slot, int index)
{
    struct sim_peer *peer = &slot->peers[index];
    struct bytes message;
    while (peer->fd >= 0 && slot->held_for < 0 && sim_peer_message(peer, &message)) {
        size_t len = message.len;
        if (!slot_may(slot, index, message)) {
            slot->waiting = true;
            return;
        }
        if (len > 1)
            slot->holder = index;
        enum rc rc = slot_message(slot, index, message);
        if (peer->fd < 0) /* the card was pulled, and with it the peer */
            return;
        if (len > 1)
            slot->spoke = clock_ticks();
        if (rc == RC_OK)
            rc = sim_peer_take(peer, 2 + len);
        if (rc)
            slot_close_peer(slot, index);
    }
}

/* --- the loop's face ----------------------------------------------------------------------------------------------- */

void slot_receive(struct slot *slot, int index)
{
    if (index == 0)
        sim_peer_hurry(slot->peers[0].fd);
    if (!sim_peer_receive(&slot->peers[index]))
        slot_close_peer(slot, index);
}

void slot_accept(struct slot *slot)
{
    int fd = sim_peer_accept(slot->listener);
    if (fd < 0)
        return;
    for (int i = 1; i < SLOT_PEERS; i++)
        if (slot->peers[i].fd < 0) {
            slot->peers[i] = (struct sim_peer) { .fd = fd };
            return;
        }
    close(fd);
}

void slot_called(struct slot *slot)
{
    int fd = slot->calling;
    slot->calling = -1;
    if (sim_peer_called(fd)) {
        slot->peers[0] = (struct sim_peer) { .fd = fd };
        log_info("%s: the card is in vpcd's reader", slot->name);
    } else {
        close(fd);
    }
}

static void slot_send_held(struct slot *slot)
{
    int index = slot->held_for;
    struct buf answer = slot->held;
    slot->held = (struct buf) { 0 };
    slot->held_for = -1;
    slot->spoke = clock_ticks();
    if (sim_peer_send(&slot->peers[index], buf_bytes(&answer)))
        slot_close_peer(slot, index);
    buf_wipe(&answer);
}

static bool slot_wants_vpcd(const struct slot *slot)
{
    return slot->vpcd && slot->peers[0].fd < 0 && slot->calling < 0 && slot_present(slot);
}

void slot_serve(struct slot *slot)
{
    struct err err = { 0 };
    if (slot->back >= 0 && clock_ticks() >= slot->back && slot_put_back(slot, &err)) {
        log_warning("%s: %s", slot->name, err.text);
        slot->back = -1;
    }
    if (slot->held_for >= 0 && clock_ticks() >= slot->due)
        slot_send_held(slot);
    slot->waiting = false;
    for (int i = 0; i < SLOT_PEERS; i++)
        slot_drain(slot, i);
    if (slot_wants_vpcd(slot) && clock_ticks() - slot->called >= RETRY_MS) {
        slot->called = clock_ticks();
        slot->calling = sim_peer_call(slot->vpcd);
    }
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 || b < a ? b : a;
}

int64_t slot_until(const struct slot *slot)
{
    int64_t until = -1;
    if (slot_wants_vpcd(slot))
        until = sooner(until, slot->called + RETRY_MS);
    if (slot->waiting && !slot->locked)
        until = sooner(until, slot->spoke + HANDOVER_MS);
    if (slot->held_for >= 0)
        until = sooner(until, slot->due);
    if (slot->back >= 0)
        until = sooner(until, slot->back);
    return until;
}

enum rc slot_describe(const struct slot *slot, struct buf *out)
{
    enum rc rc = buf_printf(out, "%s:", slot->name);
    if (rc == RC_OK && !slot->link)
        rc = buf_append_text(out, " empty");
    if (rc == RC_OK && slot->link) {
        struct sim_summary summary = { 0 };
        if (sim_link_sim(slot->link))
            sim_summarise(sim_link_sim(slot->link), &summary);
        rc = buf_printf(out, " card %s (%s)%s%s", slot->store ? sim_store_path(slot->store) : "in memory", summary.serial,
                        slot->store && sim_store_test_only(slot->store) ? ", for tests only" : "",
                        sim_link_pulled(slot->link) ? ", pulled" : "");
    }
    if (rc == RC_OK && slot->config->vpcd)
        rc = buf_printf(out, ", vpcd %s (%s)", slot->config->vpcd, slot->peers[0].fd >= 0 ? "connected" : "not connected");
    unsigned clients = 0;
    for (int i = 1; i < SLOT_PEERS; i++)
        clients += slot->peers[i].fd >= 0;
    if (rc == RC_OK && slot->config->socket)
        rc = buf_printf(out, ", socket %s (%u clients)", slot->config->socket, clients);
    if (rc == RC_OK && slot->link) {
        struct sim_link_totals totals = sim_link_totals(slot->link);
        rc = buf_printf(out, ", %llu commands, %llu bytes, %llu faults", (unsigned long long)totals.commands,
                        (unsigned long long)totals.bytes, (unsigned long long)totals.faults);
        if (rc == RC_OK && slot->reader->time)
            rc = buf_printf(out, ", %lld.%03lld ms", (long long)(totals.ns / 1000000), (long long)(totals.ns / 1000 % 1000));
    }
    return rc;
}

/* faulty.c — a transport of the test's own over the software card, with one fault. It keeps to the contract of
 * card/transport.h also when it fails. */
#include "faulty.h"

#include "card/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct faulty the_reader;

struct faulty_transport {
    struct transport transport;
};
struct faulty_link {
    struct transport_link link;
    bool held, dead, was_reset;
    uint32_t state; /* the reader's when it was connected */
};

static const char *const names[FAULTY_KINDS] = {
    [FAULTY_NONE] = "none",
    [FAULTY_REMOVED_BEFORE] = "removed before",
    [FAULTY_REMOVED_AFTER] = "removed after",
    [FAULTY_NOT_SENT] = "not sent",
    [FAULTY_LOST] = "answer lost",
    [FAULTY_RESET] = "reset",
    [FAULTY_POWERED] = "power lost",
    [FAULTY_CUT] = "cut",
    [FAULTY_SHORT] = "short",
    [FAULTY_TWICE] = "sent twice",
    [FAULTY_DOUBLED] = "doubled",
    [FAULTY_GARBLED] = "garbled",
    [FAULTY_NO_STATUS] = "6F00",
    [FAULTY_STRANGE_STATUS] = "0000",
    [FAULTY_NOTHING] = "nothing but 9000",
    [FAULTY_EMPTY] = "empty",
};

const char *faulty_name(enum faulty_kind kind)
{
    return names[kind];
}

/* --- the transport ------------------------------------------------------------------------------------------------------- */

static void pull_out(void)
{
    sim_power_off(the_reader.sim);
    the_reader.in = false;
    the_reader.state++;
}

static enum rc faulty_list(struct transport *transport, struct transport_reader *readers, size_t max, size_t *count,
                           struct err *err)
{
    (void)transport;
    (void)err;
    *count = max ? 1 : 0;
    if (max) {
        readers[0] = (struct transport_reader) { .card_present = the_reader.in, .state = the_reader.state };
        strcpy(readers[0].name, "a faulty reader");
    }
    return RC_OK;
}

static const struct transport_ops ops;

static enum rc faulty_connect(struct transport *transport, const char *reader, struct transport_link **link, struct err *err)
{
    (void)transport;
    if (!the_reader.in)
        return err_set(err, RC_CARD_ABSENT, "%s: no card", reader);
    struct faulty_link *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    *made = (struct faulty_link) { .link.ops = &ops, .state = the_reader.state };
    sim_power_on(the_reader.sim);
    *link = &made->link;
    return RC_OK;
}

static enum rc gone(struct faulty_link *self, struct err *err)
{
    self->dead = true;
    return err_set(err, RC_CARD_GONE, "the card is gone");
}

static enum rc faulty_begin(struct transport_link *link, bool *was_reset, struct err *err)
{
    struct faulty_link *self = (struct faulty_link *)link;
    if (self->held)
        return err_set(err, RC_STATE, "a transaction is held already");
    if (self->dead || !the_reader.in || self->state != the_reader.state)
        return gone(self, err);
    *was_reset = self->was_reset;
    self->was_reset = false;
    self->held = true;
    the_reader.open++;
    return RC_OK;
}

static void let_go(struct faulty_link *self)
{
    the_reader.open -= self->held;
    self->held = false;
}

static void faulty_end(struct transport_link *link, enum transport_disposition disposition)
{
    struct faulty_link *self = (struct faulty_link *)link;
    bool there = self->held && !self->dead && the_reader.in;
    let_go(self);
    if (!there || disposition == TRANSPORT_LEAVE)
        return;
    self->was_reset = true;
    if (disposition == TRANSPORT_RESET) {
        sim_reset(the_reader.sim);
    } else {
        sim_power_off(the_reader.sim);
        sim_power_on(the_reader.sim);
    }
}

static enum rc card_answers(struct bytes command, struct buf *response)
{
    if (the_reader.answer)
        return the_reader.answer(command, response);
    the_reader.presented += command.len > 5 && (command.data[1] == APPLET_INS_VERIFY || command.data[1] == 0x24);
    return sim_transmit(the_reader.sim, command, response);
}

/* What becomes of an answer; start is where it begins. */
static enum rc spoil(enum faulty_kind kind, struct buf *response, size_t start)
{
    static const uint8_t failure[] = { 0x6F, 0x00 }, strange[] = { 0x00, 0x00 }, fine[] = { 0x90, 0x00 };
    size_t len = response->len - start;
    const uint8_t *status = kind == FAULTY_NO_STATUS ? failure : kind == FAULTY_STRANGE_STATUS ? strange : fine;
    struct buf copy = { 0 };
    enum rc rc = RC_OK;
    switch (kind) {
    case FAULTY_CUT:
        buf_truncate(response, start + (len > 2 ? len / 2 : 1));
        if (len > 4)
            response->data[response->len - 2] &= 0x1F; /* bytes of a signature may be a status word by chance */
        return RC_OK;
    case FAULTY_SHORT:
        if (len > 2) {
            memmove(response->data + response->len - 3, response->data + response->len - 2, 2);
            buf_truncate(response, response->len - 1);
        }
        return RC_OK;
    case FAULTY_DOUBLED:
        rc = buf_append(&copy, response->data + start, len);
        if (!rc)
            rc = buf_append_bytes(response, buf_bytes(&copy));
        buf_wipe(&copy);
        return rc;
    case FAULTY_GARBLED:
        for (size_t i = start; i + 2 < response->len; i++)
            response->data[i] ^= (uint8_t)(1u << i % 8);
        return RC_OK;
    case FAULTY_NO_STATUS:
    case FAULTY_STRANGE_STATUS:
    case FAULTY_NOTHING:
        buf_truncate(response, start);
        return buf_append(response, status, 2);
    case FAULTY_EMPTY:
        buf_truncate(response, start);
        return RC_OK;
    case FAULTY_NONE:
    case FAULTY_REMOVED_BEFORE:
    case FAULTY_REMOVED_AFTER:
    case FAULTY_NOT_SENT:
    case FAULTY_LOST:
    case FAULTY_RESET:
    case FAULTY_POWERED:
    case FAULTY_TWICE:
    case FAULTY_KINDS:
        break;
    }
    return RC_OK;
}

static enum rc strike(struct faulty_link *self, struct bytes command, struct buf *response, struct err *err)
{
    size_t start = response->len;
    enum rc rc = RC_OK;
    the_reader.struck = true;
    if (the_reader.kind == FAULTY_REMOVED_BEFORE) {
        pull_out();
        return gone(self, err);
    }
    if (the_reader.kind == FAULTY_NOT_SENT)
        return err_set(err, RC_IO, "the reader failed");
    if (the_reader.kind == FAULTY_RESET) {
        let_go(self);
        self->was_reset = true;
        sim_reset(the_reader.sim);
        return err_set(err, RC_CARD_RESET, "another program reset the card");
    }
    if (the_reader.kind == FAULTY_POWERED) {
        sim_power_off(the_reader.sim);
        sim_power_on(the_reader.sim);
    }
    if (the_reader.kind == FAULTY_TWICE)
        rc = card_answers(command, response);
    buf_truncate(response, start);
    if (!rc)
        rc = card_answers(command, response);
    if (rc)
        return rc;
    if (the_reader.kind == FAULTY_REMOVED_AFTER || the_reader.kind == FAULTY_LOST)
        buf_truncate(response, start);
    if (the_reader.kind == FAULTY_REMOVED_AFTER) {
        pull_out();
        return gone(self, err);
    }
    if (the_reader.kind == FAULTY_LOST)
        return err_set(err, RC_IO, "the answer is lost");
    return spoil(the_reader.kind, response, start);
}

static enum rc faulty_transmit(struct transport_link *link, struct bytes command, struct buf *response, struct err *err)
{
    struct faulty_link *self = (struct faulty_link *)link;
    if (self->dead || !the_reader.in)
        return gone(self, err);
    bool now = the_reader.kind != FAULTY_NONE && !the_reader.struck && the_reader.commands == the_reader.at;
    the_reader.commands++;
    return now ? strike(self, command, response, err) : card_answers(command, response);
}

static struct bytes faulty_atr(const struct transport_link *link)
{
    (void)link;
    return sim_atr(the_reader.sim);
}

static void faulty_disconnect(struct transport_link *link, enum transport_disposition disposition)
{
    faulty_end(link, disposition);
    free(link);
}

static enum rc faulty_wait(struct transport *transport, const struct transport_reader *known, size_t count, int milliseconds,
                           struct err *err)
{
    (void)transport;
    (void)known;
    (void)count;
    (void)milliseconds;
    (void)err;
    return RC_UNSUPPORTED;
}

static void faulty_cancel(struct transport *transport)
{
    (void)transport;
}

static void faulty_close(struct transport *transport, bool forked)
{
    (void)forked;
    free(transport);
}

static const struct transport_ops ops = {
    .kind = "faulty",
    .list = faulty_list,
    .connect = faulty_connect,
    .begin = faulty_begin,
    .end = faulty_end,
    .transmit = faulty_transmit,
    .atr = faulty_atr,
    .disconnect = faulty_disconnect,
    .wait = faulty_wait,
    .cancel = faulty_cancel,
    .close = faulty_close,
};

enum rc __wrap_reader_open(const char *spec, struct transport **transport, struct err *err);

enum rc __wrap_reader_open(const char *spec, struct transport **transport, struct err *err)
{
    (void)spec;
    (void)err;
    struct faulty_transport *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    made->transport.ops = &ops;
    *transport = &made->transport;
    return RC_OK;
}

/* --- the test's side ----------------------------------------------------------------------------------------------------- */

void faulty_start(struct testcard *card)
{
    uint32_t state = the_reader.state + 1;
    the_reader = (struct faulty) { .card = card, .sim = testcard_sim(card), .in = true, .state = state };
}

void faulty_arm(enum faulty_kind kind, unsigned at)
{
    the_reader.kind = kind;
    the_reader.at = at;
    the_reader.commands = the_reader.presented = 0;
    the_reader.struck = false;
}

void faulty_put_in(void)
{
    if (the_reader.in)
        return;
    the_reader.in = true;
    the_reader.state++;
}

/* Selecting the same application again keeps what is presented: that is why the question can be asked. */
bool faulty_is_presented(bool sign)
{
    if (!the_reader.in)
        return false;
    (void)testcard_send(the_reader.card, "00A4040C0AD392F000260100000001");
    return testcard_send(the_reader.card, sign ? "802A009A057468696566" "00" : "802A0097057468696566" "00") == 0x9000;
}

unsigned faulty_tries(bool sign)
{
    struct sim_summary summary;
    sim_summarise(the_reader.sim, &summary);
    return sign ? summary.sign.tries : summary.auth.tries;
}

bool faulty_pin_is(bool sign, const char *pin)
{
    struct testcard *copy = testcard_copy(the_reader.card);
    char command[80];
    int len = snprintf(command, sizeof command, "002000%s%02zX", sign ? "9B" : "98", strlen(pin));
    for (const char *c = pin; *c; c++)
        len += snprintf(command + len, sizeof command - (size_t)len, "%02X", (unsigned)*c);
    sim_power_on(testcard_sim(copy));
    (void)testcard_send(copy, "00A4040C0AD392F000260100000001");
    bool is = testcard_send(copy, command) == 0x9000;
    testcard_free(copy);
    return is;
}

/* transport_tape.c — a recorded conversation played back. Compares bytes with bytes; knows nothing of what they mean. */
#include "card/transport_tape.h"

#include "base/hex.h"

#include <stdlib.h>
#include <string.h>

enum tape_kind { TAPE_EXCHANGE, TAPE_WAS_RESET };

struct tape_step {
    enum tape_kind kind;
    struct buf command, response;
    enum rc rc; /* what the exchange ends with */
};

struct tape {
    struct transport transport;
    struct tape_step *steps;
    size_t count, next, strays;
};

struct tape_link {
    struct transport_link link;
    struct tape *tape;
    bool held, dead;
};

static const uint8_t tape_atr_bytes[] = { 0x3B, 0x80, 0x80, 0x01, 0x01 };

static const struct {
    const char *word;
    enum rc rc;
} tape_failures[] = {
    { "gone", RC_CARD_GONE },
    { "reader-gone", RC_READER_GONE },
    { "reset", RC_CARD_RESET },
    { "io", RC_IO },
};

static enum rc tape_add_step(struct tape *tape, enum tape_kind kind)
{
    struct tape_step *steps = realloc(tape->steps, (tape->count + 1) * sizeof *steps);
    if (!steps)
        return RC_NOMEM;
    tape->steps = steps;
    steps[tape->count++] = (struct tape_step) { .kind = kind, .rc = RC_BUG }; /* no answer yet */
    return RC_OK;
}

static enum rc tape_parse_failure(struct tape *tape, const char *word, struct tape_step *last)
{
    if (strcmp(word, "was-reset") == 0)
        return tape_add_step(tape, TAPE_WAS_RESET);
    for (size_t i = 0; i < sizeof tape_failures / sizeof *tape_failures; i++)
        if (strcmp(word, tape_failures[i].word) == 0 && last) {
            last->rc = tape_failures[i].rc;
            return RC_OK;
        }
    return RC_FORMAT;
}

/* line is changed: cut at '#' and at trailing blanks. */
static enum rc tape_parse_line(struct tape *tape, char *line)
{
    line[strcspn(line, "#")] = '\0';
    line += strspn(line, " \t");
    for (size_t len = strlen(line); len && strchr(" \t\r", line[len - 1]); len--)
        line[len - 1] = '\0';
    if (!*line)
        return RC_OK;
    char mark = *line++;
    line += strspn(line, " \t");
    struct tape_step *last = tape->count ? &tape->steps[tape->count - 1] : NULL;
    if (last && (last->kind != TAPE_EXCHANGE || last->rc != RC_BUG))
        last = NULL; /* has its answer already */
    if (mark == '>' && !last) {
        enum rc rc = tape_add_step(tape, TAPE_EXCHANGE);
        return rc ? rc : hex_decode(line, &tape->steps[tape->count - 1].command);
    }
    if (mark == '<' && last) {
        last->rc = RC_OK;
        return hex_decode(line, &last->response);
    }
    return mark == '!' ? tape_parse_failure(tape, line, last) : RC_FORMAT;
}

static void tape_close(struct transport *transport, bool forked)
{
    (void)forked;
    struct tape *tape = (struct tape *)transport;
    for (size_t i = 0; i < tape->count; i++) {
        buf_wipe(&tape->steps[i].command);
        buf_wipe(&tape->steps[i].response);
    }
    free(tape->steps);
    free(tape);
}

static enum rc tape_list(struct transport *transport, struct transport_reader *readers, size_t max, size_t *count,
                         struct err *err)
{
    (void)transport;
    (void)err;
    *count = max ? 1 : 0;
    if (max)
        readers[0] = (struct transport_reader) { .name = "tape", .card_present = true, .state = 1 };
    return RC_OK;
}

static const struct transport_ops tape_ops;

static enum rc tape_connect(struct transport *transport, const char *reader, struct transport_link **link,
                            struct err *err)
{
    if (strcmp(reader, "tape") != 0)
        return err_set(err, RC_READER_GONE, "reader '%s': there is only 'tape'", reader);
    struct tape_link *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    made->link.ops = &tape_ops;
    made->tape = (struct tape *)transport;
    *link = &made->link;
    return RC_OK;
}

static enum rc tape_begin(struct transport_link *link, bool *was_reset, struct err *err)
{
    struct tape_link *self = (struct tape_link *)link;
    struct tape *tape = self->tape;
    if (self->dead)
        return err_set(err, RC_CARD_GONE, "tape: the card is gone");
    if (self->held)
        return err_set(err, RC_STATE, "tape: a transaction is held already");
    self->held = true;
    *was_reset = tape->next < tape->count && tape->steps[tape->next].kind == TAPE_WAS_RESET;
    if (*was_reset)
        tape->next++;
    return RC_OK;
}

static void tape_end(struct transport_link *link, enum transport_disposition disposition)
{
    (void)disposition;
    ((struct tape_link *)link)->held = false;
}

static enum rc tape_stray(struct tape *tape, struct bytes command, struct err *err)
{
    char got[2 * 64 + 1] = "", want[2 * 64 + 1] = "nothing more";
    tape->strays++;
    hex_encode(bytes_of(command.data, command.len < 64 ? command.len : 64), got);
    if (tape->next < tape->count) {
        struct bytes next = buf_bytes(&tape->steps[tape->next].command);
        hex_encode(bytes_of(next.data, next.len < 64 ? next.len : 64), want);
    }
    return err_set(err, RC_BUG, "tape: step %zu expects %s, got %s", tape->next + 1, want, got);
}

static enum rc tape_transmit(struct transport_link *link, struct bytes command, struct buf *response, struct err *err)
{
    struct tape_link *self = (struct tape_link *)link;
    struct tape *tape = self->tape;
    if (self->dead)
        return err_set(err, RC_CARD_GONE, "tape: the card is gone");
    if (!self->held)
        return err_set(err, RC_BUG, "tape: a command outside a transaction");
    if (tape->next == tape->count || !bytes_equal(command, buf_bytes(&tape->steps[tape->next].command)))
        return tape_stray(tape, command, err);
    const struct tape_step *step = &tape->steps[tape->next++];
    if (step->rc == RC_OK)
        return buf_append_bytes(response, buf_bytes(&step->response));
    if (step->rc != RC_IO)
        self->held = false;
    self->dead = step->rc == RC_CARD_GONE || step->rc == RC_READER_GONE;
    return err_set(err, step->rc, "tape: %s", rc_text(step->rc));
}

static struct bytes tape_atr(const struct transport_link *link)
{
    (void)link;
    return bytes_of(tape_atr_bytes, sizeof tape_atr_bytes);
}

static void tape_disconnect(struct transport_link *link, enum transport_disposition disposition)
{
    (void)disposition;
    free(link);
}

static const struct transport_ops tape_ops = {
    .kind = "tape",
    .list = tape_list,
    .connect = tape_connect,
    .begin = tape_begin,
    .end = tape_end,
    .transmit = tape_transmit,
    .atr = tape_atr,
    .disconnect = tape_disconnect,
    .close = tape_close,
};

enum rc transport_tape_new(const char *text, struct transport **transport, struct err *err)
{
    char *copy = strdup(text);
    struct tape *tape = calloc(1, sizeof *tape);
    enum rc rc = copy && tape ? RC_OK : RC_NOMEM;
    if (rc)
        goto out;
    tape->transport.ops = &tape_ops;
    size_t number = 1;
    for (char *line = copy, *next; line && !rc; line = next, number++) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        rc = tape_parse_line(tape, line);
        if (rc)
            err_set(err, rc, "tape: line %zu: %s", number, rc_text(rc));
    }
    if (!rc && tape->count && tape->steps[tape->count - 1].rc == RC_BUG && tape->steps[tape->count - 1].kind == TAPE_EXCHANGE)
        rc = err_set(err, RC_FORMAT, "tape: the last command has no answer");
    if (rc)
        goto out;
    *transport = &tape->transport;
    tape = NULL;
out:
    free(copy);
    if (tape)
        tape_close(&tape->transport, false);
    return rc;
}

size_t transport_tape_left(const struct transport *transport)
{
    const struct tape *tape = (const struct tape *)transport;
    return tape->count - tape->next;
}

size_t transport_tape_strays(const struct transport *transport)
{
    return ((const struct tape *)transport)->strays;
}

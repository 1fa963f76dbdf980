/* sim_script.c — running a conversation line by line. */
#include "applet-sim/sim_script.h"

#include "base/hex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 32u

/* Compares an answer with hex in which one '*' may stand for any bytes. */
static enum rc script_matches(struct bytes answer, char *want, bool *matches)
{
    struct buf head = { 0 }, tail = { 0 };
    char *star = strchr(want, '*');
    if (star)
        *star = '\0';
    enum rc rc = hex_decode(want, &head);
    if (rc == RC_OK && star)
        rc = hex_decode(star + 1, &tail);
    size_t fixed = head.len + tail.len;
    if (rc == RC_OK)
        *matches = (star ? answer.len >= fixed : answer.len == fixed)
            && bytes_equal(bytes_of(answer.data, answer.len < head.len ? 0 : head.len), buf_bytes(&head))
            && (!star || tail.len == 0 || memcmp(answer.data + answer.len - tail.len, tail.data, tail.len) == 0);
    buf_wipe(&head);
    buf_wipe(&tail);
    return rc;
}

/* The line is this word and nothing else but blanks. */
static bool script_is(const char *line, const char *word)
{
    size_t len = strcspn(line, " \t");
    return len == strlen(word) && memcmp(line, word, len) == 0 && strspn(line + len, " \t") == strlen(line + len);
}

static enum rc script_line(struct sim *sim, char *line, unsigned number, struct buf *answer, struct err *err)
{
    struct buf command = { 0 };
    enum rc rc = RC_OK;
    bool matches = false;
    line += strspn(line, " \t\r");
    line[strcspn(line, "#\r")] = '\0';
    if (*line == '\0')
        return RC_OK;
    if (*line == '>') {
        buf_truncate(answer, 0);
        rc = hex_decode(line + 1, &command);
        if (rc == RC_OK)
            rc = sim_transmit(sim, buf_bytes(&command), answer);
    } else if (*line == '<') {
        rc = script_matches(buf_bytes(answer), line + 1, &matches);
        if (rc == RC_OK && !matches) {
            char hex[2 * SHOWN_MAX + 1];
            bool cut = answer->len > SHOWN_MAX;
            hex_encode(bytes_of(answer->data, cut ? SHOWN_MAX : answer->len), hex);
            rc = err_set(err, RC_CONFLICT, "line %u: the card answered %s%s", number, hex, cut ? "…" : "");
        }
    } else if (script_is(line, "reset")) {
        sim_reset(sim);
    } else if (script_is(line, "power")) {
        sim_power_off(sim);
        sim_power_on(sim);
    } else {
        rc = RC_FORMAT;
    }
    buf_wipe(&command);
    return rc ? err_set(err, rc, "line %u: %s", number, rc_text(rc)) : RC_OK;
}

enum rc sim_script_run(struct sim *sim, char *text, struct err *err)
{
    struct buf answer = { 0 };
    enum rc rc = RC_OK;
    unsigned number = 0;
    sim_power_on(sim);
    for (char *rest = text, *line; rc == RC_OK && (line = strsep(&rest, "\n"));)
        rc = script_line(sim, line, ++number, &answer, err);
    buf_wipe(&answer);
    return rc;
}

/* sim_script.c — running a conversation line by line. */
#include "applet-sim/sim_script.h"

#include "applet-sim/sim_link.h"
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

/* What a script has heard last. */
struct script {
    struct sim_link *link;
    struct buf answer;
    bool came;
    bool tearing; /* the next command must be cut */
};

static enum rc script_command(struct script *script, const char *hex, struct err *err)
{
    struct buf command = { 0 };
    enum sim_outcome outcome = SIM_ANSWERED;
    buf_truncate(&script->answer, 0);
    enum rc rc = hex_decode(hex, &command);
    uint64_t faults = sim_link_totals(script->link).faults, writes = sim_link_totals(script->link).writes;
    if (rc == RC_OK)
        rc = sim_link_transmit(script->link, buf_bytes(&command), &script->answer, &outcome);
    if (rc == RC_OK && script->tearing && sim_link_totals(script->link).faults == faults)
        rc = err_set(err, RC_CONFLICT, "the card wrote only %llu times: nothing was torn",
                     (unsigned long long)(sim_link_totals(script->link).writes - writes));
    script->came = outcome == SIM_ANSWERED;
    script->tearing = false;
    buf_wipe(&command);
    return rc;
}

static enum rc script_judge(const struct script *script, char *want, struct err *err)
{
    bool matches = false;
    enum rc rc = RC_OK;
    if (strcmp(want + strspn(want, " \t"), "none") == 0)
        matches = !script->came;
    else if (script->came)
        rc = script_matches(buf_bytes(&script->answer), want, &matches);
    if (rc || matches)
        return rc;
    if (!script->came)
        return err_set(err, RC_CONFLICT, "no answer came");
    char hex[2 * SHOWN_MAX + 1];
    bool cut = script->answer.len > SHOWN_MAX;
    hex_encode(bytes_of(script->answer.data, cut ? SHOWN_MAX : script->answer.len), hex);
    return err_set(err, RC_CONFLICT, "the card answered %s%s", hex, cut ? "…" : "");
}

static enum rc script_tear(struct script *script, const char *arguments)
{
    unsigned n;
    int end = 0;
    if (sscanf(arguments, " %u%n", &n, &end) != 1 || n == 0)
        return RC_FORMAT;
    const char *rest = arguments + end + strspn(arguments + end, " \t");
    if (*rest && strcmp(rest, "after") != 0)
        return RC_FORMAT;
    sim_link_tear(script->link, n, *rest != '\0');
    script->tearing = true;
    return RC_OK;
}

static enum rc script_word(struct script *script, const char *line)
{
    if (strncmp(line, "tear", 4) == 0 && (line[4] == ' ' || line[4] == '\t'))
        return script_tear(script, line + 4);
    if (strcmp(line, "reset") == 0) {
        sim_link_reset(script->link);
    } else if (strcmp(line, "power") == 0) {
        sim_link_power_off(script->link);
        sim_link_put_back(script->link);
        sim_link_power_on(script->link);
    } else if (strcmp(line, "atr") == 0) {
        struct bytes atr = sim_link_atr(script->link);
        buf_truncate(&script->answer, 0);
        script->came = atr.len != 0;
        return buf_append_bytes(&script->answer, atr);
    } else {
        return RC_FORMAT;
    }
    return RC_OK;
}

static enum rc script_line(struct script *script, char *line, unsigned number, struct err *err)
{
    struct err why = { 0 };
    enum rc rc;
    line += strspn(line, " \t\r");
    line[strcspn(line, "#\r")] = '\0';
    for (size_t len = strlen(line); len && (line[len - 1] == ' ' || line[len - 1] == '\t');)
        line[--len] = '\0';
    if (*line == '\0')
        return RC_OK;
    if (*line == '>')
        rc = script_command(script, line + 1, &why);
    else if (*line == '<')
        rc = script_judge(script, line + 1, &why);
    else
        rc = script_word(script, line);
    return rc ? err_set(err, rc, "line %u: %s", number, err_text(&why, rc)) : RC_OK;
}

enum rc sim_script_play(struct sim_link *link, char *text, struct err *err)
{
    struct script script = { .link = link };
    enum rc rc = RC_OK;
    unsigned number = 0;
    sim_link_power_on(link);
    for (char *rest = text, *line; rc == RC_OK && (line = strsep(&rest, "\n"));)
        rc = script_line(&script, line, ++number, err);
    buf_wipe(&script.answer);
    return rc;
}

enum rc sim_script_run(struct sim *sim, char *text, struct err *err)
{
    const struct sim_link_config config = { .sim = sim };
    struct sim_link *link;
    enum rc rc = sim_link_new(&config, &link);
    if (rc)
        return rc;
    rc = sim_script_play(link, text, err);
    sim_link_free(link);
    return rc;
}

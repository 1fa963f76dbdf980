/* sim_time.c — the time model: arithmetic over lengths. All in nanoseconds, so that sums stay exact. */
#include "applet-sim/sim_time.h"

#include "wire/apdu.h"
#include "wire/applet.h"
#include "wire/sw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1000000000
#define CARRIER_HZ 13560000
#define TURN_AROUND_NS 308000     /* contactless, both ways together: TR0 and TR1 */
#define EXTENSION_NS 1500000      /* one S(WTX) request and its answer */
#define FRAME_WAITING_NS 302065   /* 4096 / carrier */
#define RSA_SIGNATURE_LEN 128u    /* a signature from here on is RSA's: EC of 521 bits has 132, but no card here has it */
#define RSA_PUBLIC_KEY_LEN 200u   /* in a template */

/* --- reading a specification --------------------------------------------------------------------------------------- */

/* Milliseconds with up to three decimals, as microseconds, at most an hour. */
static bool time_milliseconds(const char *text, uint32_t *us)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long whole = strtoul(text, &end, 10), part = 0;
    if (*end == '.') {
        size_t digits = strspn(end + 1, "0123456789");
        if (digits < 1 || digits > 3)
            return false;
        part = strtoul(end + 1, &end, 10);
        for (; digits < 3; digits++)
            part *= 10;
    }
    if (*end || whole > 3600000)
        return false;
    *us = (uint32_t)(whole * 1000 + part);
    return true;
}

static bool time_whole(const char *text, unsigned long max, unsigned long *value)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    *value = strtoul(text, &end, 10);
    return *end == '\0' && *value <= max;
}

static bool time_medium(struct sim_time *time, const char *word)
{
    unsigned long rate;
    const char *colon = strchr(word, ':');
    if (!colon || !time_whole(colon + 1, 1000000, &rate))
        return false;
    size_t len = (size_t)(colon - word);
    time->rate = (uint32_t)rate;
    if (len == 7 && memcmp(word, "contact", len) == 0)
        return rate >= 1200;
    time->contactless = true;
    return len == 11 && memcmp(word, "contactless", len) == 0 && (rate == 106 || rate == 212 || rate == 424 || rate == 848);
}

static bool time_setting(struct sim_time *time, const char *word)
{
    const struct {
        const char *name;
        uint32_t *us;
    } rows[] = {
        { "reader=", &time->reader_us },
        { "rsa=", &time->rsa_us },
        { "ec=", &time->ec_us },
        { "rsa-generate=", &time->rsa_generate_us },
        { "ec-generate=", &time->ec_generate_us },
        { "write=", &time->write_us },
        { "command=", &time->command_us },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strncmp(word, rows[i].name, strlen(rows[i].name)) == 0)
            return time_milliseconds(word + strlen(rows[i].name), rows[i].us);
    unsigned long fwi;
    if (strncmp(word, "fwi=", 4) != 0 || !time_whole(word + 4, 14, &fwi))
        return false;
    time->fwi = (unsigned)fwi;
    return true;
}

enum rc sim_time_parse(const char *spec, struct sim_time *time, struct err *err)
{
    struct sim_time made = { .reader_us = 2000, .rsa_us = 200000, .ec_us = 75000, .rsa_generate_us = 10400000,
                             .ec_generate_us = 340000, .fwi = 8 };
    char *copy = strdup(spec);
    if (!copy)
        return RC_NOMEM;
    enum rc rc = RC_OK;
    bool first = true;
    for (char *rest = copy, *word; rc == RC_OK && (word = strsep(&rest, ",")); first = false)
        if (first ? !time_medium(&made, word) : !time_setting(&made, word))
            rc = err_set(err, RC_USAGE, first ? "'%s': neither contact:BAUD nor contactless:106, :212, :424 or :848"
                                              : "'%s': not a setting of the time model", word);
    free(copy);
    if (rc == RC_OK)
        *time = made;
    return rc;
}

/* --- the model ----------------------------------------------------------------------------------------------------- */

static int64_t time_blocks(size_t bytes, size_t in_block)
{
    return bytes <= in_block ? 1 : (int64_t)((bytes + in_block - 1) / in_block);
}

int64_t sim_time_link(const struct sim_time *time, size_t to_card, size_t from_card)
{
    size_t in_block = time->contactless ? 253 : 254;
    int64_t pairs = time_blocks(to_card, in_block) + time_blocks(from_card, in_block) - 1;
    int64_t bytes = (int64_t)(to_card + from_card), ns = (int64_t)time->reader_us * 1000;
    if (!time->contactless)
        return ns + (11 * bytes + 2 * (4 * 11 + 22) * pairs) * NS_PER_S / (int64_t)time->rate;
    int64_t bit_rate = CARRIER_HZ / 128 * (int64_t)(time->rate / 106);
    return ns + TURN_AROUND_NS * pairs + (10 * bytes + 2 * (3 * 10 + 22) * pairs) * NS_PER_S / bit_rate;
}

int64_t sim_time_card(const struct sim_time *time, struct bytes command, struct bytes answer, unsigned writes)
{
    int64_t us = time->command_us + (int64_t)time->write_us * writes;
    struct apdu_response response;
    if (command.len < 4 || apdu_parse_response(answer, &response) || response.sw != SW_OK)
        return us * 1000;
    if (command.data[1] == APPLET_INS_COMPUTE_SIGNATURE)
        us += response.data.len >= RSA_SIGNATURE_LEN ? time->rsa_us : time->ec_us;
    if (command.data[1] == APPLET_INS_GENERATE_KEY_PAIR && command.data[2] == 0x80)
        us += response.data.len >= RSA_PUBLIC_KEY_LEN ? time->rsa_generate_us : time->ec_generate_us;
    return us * 1000;
}

int64_t sim_time_exchange(const struct sim_time *time, struct bytes command, struct bytes answer, unsigned writes)
{
    int64_t card = sim_time_card(time, command, answer, writes);
    int64_t ns = sim_time_link(time, command.len, answer.len) + card;
    if (time->contactless)
        ns += card / ((int64_t)FRAME_WAITING_NS << time->fwi) * EXTENSION_NS;
    return ns;
}

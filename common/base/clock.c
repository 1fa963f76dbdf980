/* clock.c — the injected clock. Nothing that is recorded is finer than a second. */
#include "base/clock.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool fixed;
static int64_t value; /* the fixed time, or an offset to the real one */

static enum rc clock_apply(const char *setting)
{
    if (setting[0] == '+' || setting[0] == '-') {
        char *end;
        long long offset = strtoll(setting, &end, 10);
        if (end == setting + 1 || *end)
            return RC_FORMAT;
        fixed = false;
        value = offset;
        return RC_OK;
    }
    int64_t time;
    enum rc rc = clock_parse(setting, &time);
    if (rc)
        return rc;
    fixed = true;
    value = time;
    return RC_OK;
}

static void clock_from_environment(void)
{
    const char *setting = getenv("JPKI_CLOCK");
    if (setting && *setting && clock_apply(setting) != RC_OK) {
        fprintf(stderr, "JPKI_CLOCK: \"%s\" is neither an offset in seconds nor a time like 2031-02-17T00:00:00Z\n",
                setting);
        exit(2); /* going on with another time than the one asked for would make every record wrong */
    }
}

enum rc clock_set(const char *setting)
{
    pthread_once(&once, clock_from_environment);
    return clock_apply(setting);
}

int64_t clock_now(void)
{
    pthread_once(&once, clock_from_environment);
    return fixed ? value : (int64_t)time(NULL) + value;
}

void clock_format(int64_t time, char *out)
{
    time_t t = (time_t)time;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099) {
        strcpy(out, "?");
        return;
    }
    strftime(out, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

enum rc clock_parse(const char *text, int64_t *time)
{
    struct tm tm = { 0 };
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    char again[CLOCK_TEXT_SIZE];
    if (!end || *end)
        return RC_FORMAT;
    int64_t made = (int64_t)timegm(&tm);
    clock_format(made, again); /* refuses 02-30 and short fields, which strptime lets pass */
    if (strcmp(again, text) != 0)
        return RC_FORMAT;
    *time = made;
    return RC_OK;
}

int64_t clock_from_date(int year, int month, int day)
{
    struct tm tm = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };
    return (int64_t)timegm(&tm);
}

int64_t clock_ticks(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

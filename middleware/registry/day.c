/* day.c — days. */
#include "registry/day.h"

#include "base/clock.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JAPAN (9 * 3600)

enum rc date_check(const char *date)
{
    static const char shape[] = "dddd-dd-dd";
    for (size_t i = 0; i < sizeof shape; i++)
        if (shape[i] == 'd' ? date[i] < '0' || date[i] > '9' : date[i] != shape[i])
            return RC_FORMAT;
    char back[CLOCK_TEXT_SIZE]; /* a date that does not exist comes back as another one */
    int month = atoi(date + 5), day = atoi(date + 8);
    if (month < 1 || month > 12 || day < 1 || day > 31)
        return RC_FORMAT;
    clock_format(clock_from_date(atoi(date), month, day), back);
    return strncmp(back, date, 10) == 0 ? RC_OK : RC_FORMAT;
}

void day_of(int64_t time, char date[11])
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(time + JAPAN, text);
    snprintf(date, 11, "%.10s", text);
}

static int64_t day_start(const char *date, int years)
{
    return clock_from_date(atoi(date) + years, atoi(date + 5), atoi(date + 8));
}

void day_add(const char *date, int days, char out[11])
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(day_start(date, 0) + 86400 * (int64_t)days, text);
    snprintf(out, 11, "%.10s", text);
}

void day_add_years(const char *date, int years, char out[11])
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(day_start(date, years), text);
    snprintf(out, 11, "%.10s", text);
}

/* day.c — days. */
#include "registry/day.h"

#include "base/clock.h"

#include <stdbool.h>
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

int day_last_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

enum rc day_write(int year, int month, int day, char out[11])
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31)
        return RC_FORMAT;
    int last = day_last_of_month(year, month);
    snprintf(out, 11, "%04u-%02u-%02u", (unsigned)year % 10000, (unsigned)month % 100,
             (unsigned)(day > last ? last : day) % 100);
    return RC_OK;
}

enum rc day_add_months(const char *date, int months, char out[11])
{
    if (date_check(date))
        return RC_FORMAT;
    int all = atoi(date) * 12 + atoi(date + 5) - 1 + months;
    return day_write(all / 12, all % 12 + 1, atoi(date + 8), out);
}

int day_age(const char *birth, const char *on)
{
    int year, month, day;
    if (strlen(birth) != 9 || sscanf(birth + 1, "%4d%2d%2d", &year, &month, &day) != 3 || date_check(on))
        return -1;
    if (month == 0)
        month = 12;
    if (day == 0)
        day = day_last_of_month(year, month);
    bool had = atoi(on + 5) > month || (atoi(on + 5) == month && atoi(on + 8) >= day);
    return atoi(on) - year - (had ? 0 : 1);
}

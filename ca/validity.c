/* validity.c — civil dates in Japan. A day that a month has not is taken as its last one, as 29 February: the earlier end. */
#include "ca/validity.h"

#include "base/clock.h"

#include <string.h>
#include <time.h>

#define JST_OFFSET 32400
#define DAY 86400
#define MAJORITY 18

struct date {
    int year, month, day;
};

static struct date date_in_japan(int64_t time)
{
    time_t local = (time_t)(time + JST_OFFSET);
    struct tm tm;
    gmtime_r(&local, &tm);
    return (struct date) { tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday };
}

static bool date_has_29_february(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* 23:59:59 in Japan of the month and day in that year; months above 12 are the next year's. */
static int64_t date_end(int year, int month, int day)
{
    static const int last[] = { 31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    year += (month - 1) / 12;
    month = (month - 1) % 12 + 1;
    if (day > last[month])
        day = last[month] + (month == 2 && date_has_29_february(year));
    return clock_from_date(year, month, day) + DAY - 1 - JST_OFFSET;
}

static enum rc birth_parse(const char *birth, struct date *date, struct err *err)
{
    if (!birth || strlen(birth) != 9 || strspn(birth, "0123456789") != 9 || birth[0] > '5')
        return err_set(err, RC_FORMAT, "the birth date is not EYYYYMMDD");
    int digits[9];
    for (int i = 0; i < 9; i++)
        digits[i] = birth[i] - '0';
    struct date found = { .year = digits[1] * 1000 + digits[2] * 100 + digits[3] * 10 + digits[4],
                          .month = digits[5] * 10 + digits[6],
                          .day = digits[7] * 10 + digits[8] };
    static const int last[] = { 31, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (found.month > 12 || found.day > last[found.month])
        return err_set(err, RC_FORMAT, "the birth date is no date");
    if (found.month == 0)
        found.month = 1;
    if (found.day == 0)
        found.day = 1;
    *date = found;
    return RC_OK;
}

/* The last 23:59:59 in Japan that is not after time. */
static int64_t validity_floor(int64_t time)
{
    int64_t behind = (time + 1 + JST_OFFSET) % DAY;
    return time - behind;
}

/* The first second of the last months: the same day of the month so many months before, or the month's last. */
static int64_t validity_renewal(int64_t end, int months)
{
    struct date date = date_in_japan(end);
    date.month -= months;
    if (date.month < 1) {
        date.month += 12;
        date.year--;
    }
    static const int last[] = { 31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (date.day > last[date.month])
        date.day = last[date.month];
    return clock_from_date(date.year, date.month, date.day) - JST_OFFSET;
}

enum rc validity_leaf(const struct validity_limits *limits, int64_t *not_after, struct err *err)
{
    struct date birth;
    enum rc rc = birth_parse(limits->birth, &birth, err);
    if (rc)
        return rc;
    const struct suite_row *suite = suite_row(limits->suite);
    bool of_age;
    rc = validity_has_age(limits->birth, limits->now, MAJORITY, &of_age, err);
    if (rc)
        return rc;
    int birthdays = of_age ? suite->birthdays : suite->birthdays_of_minors, grace = of_age ? suite->grace_months : 0;
    struct date today = date_in_japan(limits->now);
    int year = today.year;
    /* the first birthday after today: this year's when it is still to come */
    if (clock_from_date(year, today.month, today.day) >=
        date_end(year, birth.month, birth.day) + JST_OFFSET + 1 - DAY)
        year++;
    if (limits->renews && (limits->now < validity_renewal(limits->renews, suite->renewal_months) || limits->now > limits->renews))
        return err_set(err, RC_STATE, "a certificate is renewed in the last %s months of its life",
                       suite->renewal_months == 3 ? "three" : "twelve");
    if (limits->renews && date_end(year, birth.month, birth.day) <= limits->renews)
        year++;
    int64_t end = date_end(year + birthdays - 1, birth.month + grace, birth.day);
    if (end > validity_floor(limits->card_expiry))
        end = validity_floor(limits->card_expiry);
    if (end > validity_floor(limits->ca_not_after))
        end = validity_floor(limits->ca_not_after);
    if (limits->auth_not_after && end > validity_floor(limits->auth_not_after))
        end = validity_floor(limits->auth_not_after);
    if (end <= limits->now)
        return err_set(err, RC_RANGE, "the certificate would end before it begins (card or other certificate over)");
    *not_after = end;
    return RC_OK;
}

enum rc validity_has_age(const char *birth, int64_t now, int years, bool *has, struct err *err)
{
    struct date date;
    enum rc rc = birth_parse(birth, &date, err);
    if (rc)
        return rc;
    struct date today = date_in_japan(now);
    *has = date_end(date.year + years, date.month, date.day) - DAY <
           clock_from_date(today.year, today.month, today.day) - JST_OFFSET;
    return RC_OK;
}

int64_t validity_years(int64_t now, int years)
{
    struct date today = date_in_japan(now);
    return date_end(today.year + years, today.month, today.day) - DAY;
}

int64_t validity_days(int64_t now, int days)
{
    return validity_floor(now + (int64_t)days * DAY);
}

/* day.h — days of the calendar as the register writes them: "2026-11-23". Japan has one time zone and no summer time.
 * Pure, but for the clock. */
#ifndef JPKI_REGISTRY_DAY_H
#define JPKI_REGISTRY_DAY_H

#include "base/rc.h"

#include <stdint.h>

/* A real calendar date "YYYY-MM-DD". RC_FORMAT. */
enum rc date_check(const char *date) MUST_CHECK;

/* The day of a time in Japan. */
void day_of(int64_t time, char date[11]);

/* The day so many days or years later (earlier when negative); 29 February becomes 1 March where there is none. The
 * date must be one. */
void day_add(const char *date, int days, char out[11]);
void day_add_years(const char *date, int years, char out[11]);

int day_last_of_month(int year, int month); /* 28 to 31 */

/* A day that a month does not have becomes its last one (民法143条2項). RC_FORMAT month or year outside. */
enum rc day_write(int year, int month, int day, char out[11]) MUST_CHECK;
enum rc day_add_months(const char *date, int months, char out[11]) MUST_CHECK; /* RC_FORMAT also: the date is none */

/* Full years on a date of who was born as the register writes it ("319800229"; zeros are unknown and count as the last
 * that it may have been). -1: not a birth. */
int day_age(const char *birth, const char *on);

#endif

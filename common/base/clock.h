/* clock.h — the time of day as the house sees it: one injected clock for everything that is recorded or compared.
 *
 * Times are int64_t seconds since 1970-01-01T00:00:00Z. JPKI_CLOCK in the environment moves the clock: "+86400" or
 * "-3600" is an offset in seconds, "2031-02-17T00:00:00Z" a fixed time. It is read once, at the first clock_now. */
#ifndef JPKI_BASE_CLOCK_H
#define JPKI_BASE_CLOCK_H

#include "base/rc.h"

#include <stdint.h>

#define CLOCK_TEXT_SIZE 21 /* "2026-11-23T09:30:00Z" and NUL */

int64_t clock_now(void);

/* Milliseconds that only go on, for waiting and for measuring: of no time of day, and nobody's to inject. */
int64_t clock_ticks(void);

/* For tests and for programs with a --clock option; takes the forms of JPKI_CLOCK. RC_FORMAT. */
enum rc clock_set(const char *setting) MUST_CHECK;

/* RFC 3339 in UTC with seconds. out holds CLOCK_TEXT_SIZE; years 0..9999, others give "?". */
void clock_format(int64_t time, char *out);

/* The one form that clock_format writes. RC_FORMAT. */
enum rc clock_parse(const char *text, int64_t *time) MUST_CHECK;

/* A civil date (proleptic Gregorian) at 00:00:00Z. month 1..12, day 1..31, not checked. */
int64_t clock_from_date(int year, int month, int day);

#endif

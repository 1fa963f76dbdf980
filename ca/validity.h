/* validity.h — how long a certificate lives: the birthday rules (docs/PROFILE.md), pure arithmetic on civil dates in
 * Japan. Every certificate ends at 14:59:59Z = 23:59:59 in Japan. */
#ifndef JPKI_CA_VALIDITY_H
#define JPKI_CA_VALIDITY_H

#include "base/err.h"
#include "pki/suite.h"

#include <stdbool.h>
#include <stdint.h>

struct validity_limits {
    enum suite suite;       /* whose years and months count */
    int64_t now;
    const char *birth;      /* EYYYYMMDD; a zero month or day counts as the first, a zero year as long ago */
    int64_t card_expiry;    /* no certificate outlives the card */
    int64_t auth_not_after; /* for the signature certificate: the other one's end; 0: no such cap */
    int64_t ca_not_after;   /* nor its authority */
    int64_t renews;         /* the end of the certificate that is renewed; 0: none */
};

/* The end of the fifth birthday after today (of the sixth, when a certificate is renewed in its last three months and the
 * next birthday still lies in its life; with P-384 the tenth, the eleventh and twelve months, and a month of grace behind
 * that birthday; below the age of 18 as with RSA), or the last 23:59:59 in Japan inside every cap. RC_FORMAT: birth;
 * RC_STATE: a renewal before the last three months, or after the end;
 * RC_RANGE: that end is not after now. */
enum rc validity_leaf(const struct validity_limits *limits, int64_t *not_after, struct err *err) MUST_CHECK;

/* Whether a person of that birth date has reached the age in years today (in Japan). RC_FORMAT. */
enum rc validity_has_age(const char *birth, int64_t now, int years, bool *has, struct err *err) MUST_CHECK;

/* The end of the day before today's date, `years` years on: certificates of authorities (10) and of operations (2). */
int64_t validity_years(int64_t now, int years);

/* The last 23:59:59 in Japan within so many days: certificates of OCSP responders (9). */
int64_t validity_days(int64_t now, int days);

#endif

/* test_validity.c — the birthday rules, row by row. */
#include "base/clock.h"
#include "ca/validity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#define FAR "2099-01-01T14:59:59Z"

static int64_t at(const char *text)
{
    int64_t time = 0;
    if (text)
        assert_int_equal(clock_parse(text, &time), RC_OK);
    return time;
}

static const struct {
    const char *what, *now, *birth, *card, *other, *ca, *end;
    enum rc rc;
} leaves[] = {
    { "as on the published test card", "2025-10-27T03:00:00Z", "319800217", FAR, NULL, FAR, "2030-02-17T14:59:59Z", 0 },
    { "birthday still to come this year", "2026-01-05T00:00:00Z", "319800217", FAR, NULL, FAR, "2030-02-17T14:59:59Z", 0 },
    { "on the birthday: the next one is the first", "2026-02-17T03:00:00Z", "319800217", FAR, NULL, FAR,
      "2031-02-17T14:59:59Z", 0 },
    { "still the day before in UTC, birthday in Japan", "2026-02-16T15:00:00Z", "319800217", FAR, NULL, FAR,
      "2031-02-17T14:59:59Z", 0 },
    { "last second of the day before in Japan", "2026-02-16T14:59:59Z", "319800217", FAR, NULL, FAR,
      "2030-02-17T14:59:59Z", 0 },
    { "29 February ends on the 28th", "2025-06-01T00:00:00Z", "320040229", FAR, NULL, FAR, "2030-02-28T14:59:59Z", 0 },
    { "29 February in a leap year", "2023-06-01T00:00:00Z", "320040229", FAR, NULL, FAR, "2028-02-29T14:59:59Z", 0 },
    { "card expiry caps", "2025-10-27T03:00:00Z", "319800217", "2027-03-01T14:59:59Z", NULL, FAR,
      "2027-03-01T14:59:59Z", 0 },
    { "a cap in the middle of a day gives the day before", "2025-10-27T03:00:00Z", "319800217", "2027-03-01T14:59:58Z",
      NULL, FAR, "2027-02-28T14:59:59Z", 0 },
    { "the other certificate caps", "2025-10-27T03:00:00Z", "319800217", FAR, "2028-01-01T14:59:59Z", FAR,
      "2028-01-01T14:59:59Z", 0 },
    { "the authority caps", "2025-10-27T03:00:00Z", "319800217", FAR, NULL, "2026-01-01T14:59:59Z",
      "2026-01-01T14:59:59Z", 0 },
    { "unknown month and day count as the first", "2025-10-27T03:00:00Z", "319800000", FAR, NULL, FAR,
      "2030-01-01T14:59:59Z", 0 },
    { "card already over", "2025-10-27T03:00:00Z", "319800217", "2025-10-26T14:59:59Z", NULL, FAR, NULL, RC_RANGE },
    { "month 13", "2025-10-27T03:00:00Z", "319801317", FAR, NULL, FAR, NULL, RC_FORMAT },
    { "31 April", "2025-10-27T03:00:00Z", "319800431", FAR, NULL, FAR, NULL, RC_FORMAT },
    { "era 6", "2025-10-27T03:00:00Z", "619800217", FAR, NULL, FAR, NULL, RC_FORMAT },
    { "a letter", "2025-10-27T03:00:00Z", "31980021x", FAR, NULL, FAR, NULL, RC_FORMAT },
    { "too short", "2025-10-27T03:00:00Z", "31980021", FAR, NULL, FAR, NULL, RC_FORMAT },
};

static void test_leaf(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
        struct validity_limits limits = { .now = at(leaves[i].now), .birth = leaves[i].birth,
                                          .card_expiry = at(leaves[i].card), .auth_not_after = at(leaves[i].other),
                                          .ca_not_after = at(leaves[i].ca) };
        int64_t end = -1;
        struct err err = { 0 };
        enum rc rc = validity_leaf(&limits, &end, &err);
        char text[CLOCK_TEXT_SIZE] = "";
        if (!rc)
            clock_format(end, text);
        if (rc != leaves[i].rc || (leaves[i].end && strcmp(text, leaves[i].end) != 0))
            fail_msg("%s: %s %s", leaves[i].what, rc_name(rc), text);
        if (rc)
            assert_int_equal(end, -1); /* outputs only on RC_OK */
    }
}

/* The same of P-384: ten birthdays, five for minors, a year for renewals. */
static const struct {
    const char *what, *now, *birth, *renews, *end;
    enum rc rc;
} next[] = {
    { "the tenth birthday", "2028-10-27T03:00:00Z", "319800217", NULL, "2038-03-17T14:59:59Z", 0 },
    { "the day before coming of age: the fifth", "2028-10-27T03:00:00Z", "520101028", NULL, "2032-10-28T14:59:59Z", 0 },
    { "eighteen today: the tenth", "2028-10-27T15:00:00Z", "520101028", NULL, "2038-11-28T14:59:59Z", 0 },
    { "a month from 31 January is the end of February", "2028-10-27T03:00:00Z", "319800131", NULL, "2038-02-28T14:59:59Z", 0 },
    { "which has a 29th", "2030-10-27T03:00:00Z", "319800131", NULL, "2040-02-29T14:59:59Z", 0 },
    { "a month from December is the next year's", "2028-10-27T03:00:00Z", "319801231", NULL, "2038-01-31T14:59:59Z", 0 },
    { "a year before its end: the birthday still in its life, the eleventh", "2037-03-16T15:00:00Z", "319800217",
      "2038-03-17T14:59:59Z", "2048-03-17T14:59:59Z", 0 },
    { "in its month of grace: ten years from the birthday that was", "2038-03-01T00:00:00Z", "319800217", "2038-03-17T14:59:59Z",
      "2048-03-17T14:59:59Z", 0 },
    { "a second earlier", "2037-03-16T14:59:59Z", "319800217", "2038-03-17T14:59:59Z", NULL, RC_STATE },
};

static void test_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof next / sizeof next[0]; i++) {
        struct validity_limits limits = { .suite = SUITE_P_384, .now = at(next[i].now), .birth = next[i].birth,
                                          .card_expiry = at(FAR), .ca_not_after = at(FAR), .renews = at(next[i].renews) };
        int64_t end = -1;
        char text[CLOCK_TEXT_SIZE] = "";
        enum rc rc = validity_leaf(&limits, &end, NULL);
        if (!rc)
            clock_format(end, text);
        if (rc != next[i].rc || (next[i].end && strcmp(text, next[i].end) != 0))
            fail_msg("%s: %s %s", next[i].what, rc_name(rc), text);
    }
}

/* Renewals of a certificate: when, to which end. */
static const struct {
    const char *what, *now, *old, *card, *end;
    enum rc rc;
} renewals[] = {
    { "in the last three months: the sixth birthday", "2029-12-01T00:00:00Z", "2030-02-17T14:59:59Z", FAR,
      "2035-02-17T14:59:59Z", 0 },
    { "the first second of them", "2029-11-16T15:00:00Z", "2030-02-17T14:59:59Z", FAR, "2035-02-17T14:59:59Z", 0 },
    { "a second before", "2029-11-16T14:59:59Z", "2030-02-17T14:59:59Z", FAR, NULL, RC_STATE },
    { "on the last day: that birthday is not after today", "2030-02-17T14:59:59Z", "2030-02-17T14:59:59Z", FAR,
      "2035-02-17T14:59:59Z", 0 },
    { "a second late", "2030-02-17T15:00:00Z", "2030-02-17T14:59:59Z", FAR, NULL, RC_STATE },
    { "three months before 31 May is the end of February", "2029-02-27T15:00:00Z", "2029-05-31T14:59:59Z", FAR,
      "2034-02-17T14:59:59Z", 0 },
    { "ended by its card before the birthday: the fifth", "2029-12-01T00:00:00Z", "2029-12-20T14:59:59Z", FAR,
      "2034-02-17T14:59:59Z", 0 },
    { "the new card caps", "2029-12-01T00:00:00Z", "2030-02-17T14:59:59Z", "2033-01-01T14:59:59Z",
      "2033-01-01T14:59:59Z", 0 },
};

static void test_renewal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof renewals / sizeof renewals[0]; i++) {
        struct validity_limits limits = { .now = at(renewals[i].now), .birth = "319800217", .ca_not_after = at(FAR),
                                          .card_expiry = at(renewals[i].card), .renews = at(renewals[i].old) };
        int64_t end = -1;
        char text[CLOCK_TEXT_SIZE] = "";
        enum rc rc = validity_leaf(&limits, &end, NULL);
        if (!rc)
            clock_format(end, text);
        if (rc != renewals[i].rc || (renewals[i].end && strcmp(text, renewals[i].end) != 0))
            fail_msg("%s: %s %s", renewals[i].what, rc_name(rc), text);
    }
}

static const struct {
    const char *what, *birth, *now;
    bool has;
} ages[] = {
    { "the day before the 15th birthday", "420110401", "2026-03-31T14:59:59Z", false },
    { "the 15th birthday begins in Japan", "420110401", "2026-03-31T15:00:00Z", true },
    { "long past", "319800217", "2026-01-01T00:00:00Z", true },
    { "a year that is not known", "000000000", "2026-01-01T00:00:00Z", true },
    { "born yesterday", "520251231", "2026-01-01T00:00:00Z", false },
};

static void test_age(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ages / sizeof ages[0]; i++) {
        bool has = !ages[i].has;
        assert_int_equal(validity_has_age(ages[i].birth, at(ages[i].now), 15, &has, NULL), RC_OK);
        if (has != ages[i].has)
            fail_msg("%s", ages[i].what);
    }
}

/* The three known certificates of the signature authority (docs/PROFILE.md): ten years minus a day. */
static void test_authority(void **state)
{
    (void)state;
    static const char *const rows[][2] = { { "2015-10-20T02:40:28Z", "2025-10-19T14:59:59Z" },
                                           { "2019-09-14T23:41:56Z", "2029-09-14T14:59:59Z" },
                                           { "2023-07-16T00:50:27Z", "2033-07-15T14:59:59Z" } };
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(validity_years(at(rows[i][0]), 10), at(rows[i][1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_leaf), cmocka_unit_test(test_next), cmocka_unit_test(test_renewal), cmocka_unit_test(test_age),
                                        cmocka_unit_test(test_authority) };
    return cmocka_run_group_tests_name("ca-validity", tests, NULL, NULL);
}

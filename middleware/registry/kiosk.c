/* kiosk.c — who stands before the kiosk, and when. */
#include "registry/kiosk.h"

#include "base/clock.h"
#include "registry/cards.h"
#include "registry/certlink.h"
#include "registry/setting.h"

#include <stdio.h>
#include <string.h>

#define JAPAN (9 * 3600)

const struct kiosk_row kiosk_rows[KIOSK_HOURS] = {
    [KIOSK_OPEN] = {"kiosk-open", "06:30"},
    [KIOSK_CLOSE] = {"kiosk-close", "23:00"},
    [KIOSK_REST_FROM] = {"kiosk-rest-from", "12-29"},
    [KIOSK_REST_UNTIL] = {"kiosk-rest-until", "01-03"},
};

enum rc kiosk_hour_get(struct store *store, enum kiosk_hour hour, char value[6], struct err *err)
{
    return setting_get(store, kiosk_rows[hour].name, kiosk_rows[hour].usual, value, 6, err);
}

/* "HH:MM" up to "24:00", or "MM-DD". */
static bool kiosk_is_value(enum kiosk_hour hour, const char *value)
{
    int first, second, end = 0;
    if (hour == KIOSK_OPEN || hour == KIOSK_CLOSE)
        return strlen(value) == 5 && sscanf(value, "%2d:%2d%n", &first, &second, &end) == 2 && end == 5 && first >= 0 &&
               second >= 0 && second <= 59 && first * 60 + second <= 24 * 60;
    if (strcmp(value, "none") == 0)
        return true;
    return strlen(value) == 5 && sscanf(value, "%2d-%2d%n", &first, &second, &end) == 2 && end == 5 && first >= 1 &&
           first <= 12 && second >= 1 && second <= 31;
}

enum rc kiosk_hour_set(struct store *store, enum kiosk_hour hour, const char *value, struct err *err)
{
    if (!kiosk_is_value(hour, value))
        return err_set(err, RC_FORMAT, "%s: %s", kiosk_rows[hour].name,
                       hour == KIOSK_OPEN || hour == KIOSK_CLOSE ? "a time HH:MM is wanted"
                                                                 : "a day MM-DD or 'none' is wanted");
    return setting_set(store, kiosk_rows[hour].name, value, err);
}

/* Whether a day lies between two, the turn of the year between them or not; "none" ends nothing. */
static bool kiosk_rests(const char *day, const char *from, const char *until)
{
    if (strcmp(from, "none") == 0 || strcmp(until, "none") == 0)
        return false;
    bool after = strcmp(day, from) >= 0, before = strcmp(day, until) <= 0;
    return strcmp(from, until) <= 0 ? after && before : after || before;
}

enum rc kiosk_check_open(struct store *store, struct err *err)
{
    char now[CLOCK_TEXT_SIZE], time[6], day[6], value[KIOSK_HOURS][6];
    clock_format(clock_now() + JAPAN, now);
    snprintf(time, sizeof time, "%.5s", now + 11);
    snprintf(day, sizeof day, "%.5s", now + 5);
    for (int i = 0; i < KIOSK_HOURS; i++) {
        enum rc rc = kiosk_hour_get(store, (enum kiosk_hour)i, value[i], err);
        if (rc)
            return rc;
    }
    if (kiosk_rests(day, value[KIOSK_REST_FROM], value[KIOSK_REST_UNTIL]))
        return err_set(err, RC_STATE, "kiosks rest from %s to %s", value[KIOSK_REST_FROM], value[KIOSK_REST_UNTIL]);
    if (strcmp(time, value[KIOSK_OPEN]) < 0 || strcmp(time, value[KIOSK_CLOSE]) >= 0)
        return err_set(err, RC_STATE, "kiosks are open from %s to %s", value[KIOSK_OPEN], value[KIOSK_CLOSE]);
    return RC_OK;
}

enum rc kiosk_find_holder(struct store *store, const char *serial, struct resident *holder, struct card_row *card,
                          struct err *err)
{
    struct certificate name;
    struct certlink link;
    enum rc rc = certificate_name("auth", serial, &name, err);
    if (!rc)
        rc = certlink_find(store, AUTHORITY_AUTH, serial, &link, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "this register knows no such certificate") : rc;
    if (link.removed || link.certificate.not_after <= clock_now())
        return err_set(err, RC_STATE, "the certificate is not valid any more");
    rc = cardbook_find_certificate(store, AUTHORITY_AUTH, serial, card, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, RC_STATE, "no card of the ledger holds this certificate") : rc;
    return cards_judge(store, card->card, link.code, false, card, holder, err);
}

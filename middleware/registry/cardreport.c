/* cardreport.c — cards in notices. */
#include "registry/cardreport.h"

#include "net/json.h"
#include "registry/day.h"

#include <string.h>

json_t *card_report_to_json(const struct card_report *report)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s*}", "card", report->card, "type", card_type_name(report->type),
                     "event", card_event_name(report->event), "reason", card_reason_name(report->reason), "issued",
                     report->issued, "expires", report->expires, "state",
                     report->event == CARD_RESTATE ? card_state_name(report->state) : NULL);
}

enum rc card_report_from_json(const json_t *json, struct card_report *out, struct err *err)
{
    struct card_report report = {0};
    const char *card, *type, *event, *reason, *issued, *expires;
    enum rc rc;
    if ((rc = json_want_text(json, "card", 16, &card, err)) || (rc = json_want_text(json, "type", 16, &type, err)) ||
        (rc = json_want_text(json, "event", 16, &event, err)) ||
        (rc = json_want_text(json, "reason", 16, &reason, err)) ||
        (rc = json_want_text(json, "issued", 10, &issued, err)) ||
        (rc = json_want_text(json, "expires", 10, &expires, err)))
        return rc;
    if (strlen(card) != 16)
        return err_set(err, RC_FORMAT, "card: 16 characters");
    if (card_type_parse(type, &report.type))
        return err_set(err, RC_FORMAT, "type: not a known kind of card");
    if (card_event_parse(event, &report.event) || !cardlife_report(report.event))
        return err_set(err, RC_FORMAT, "event: not one that is reported");
    if (card_reason_parse(reason, &report.reason))
        return err_set(err, RC_FORMAT, "reason: not a known one");
    if (report.event == CARD_RESTATE) {
        const char *state;
        if ((rc = json_want_text(json, "state", 16, &state, err)))
            return rc;
        if (card_state_parse(state, &report.state) || report.state == CARD_NONE || cardlife_told(report.state) != report.state)
            return err_set(err, RC_FORMAT, "state: not one that is told");
    }
    if (date_check(issued) || date_check(expires))
        return err_set(err, RC_FORMAT, "issued, expires: dates YYYY-MM-DD");
    memcpy(report.card, card, sizeof report.card);
    memcpy(report.issued, issued, sizeof report.issued);
    memcpy(report.expires, expires, sizeof report.expires);
    *out = report;
    return RC_OK;
}

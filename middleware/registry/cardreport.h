/* cardreport.h — a card's event as the JSON of a notice: {"card","type","event","reason","issued","expires"}. */
#ifndef JPKI_REGISTRY_CARDREPORT_H
#define JPKI_REGISTRY_CARDREPORT_H

#include "registry/notice.h"

json_t *card_report_to_json(const struct card_report *report); /* a new reference; NULL when out of memory */
enum rc card_report_from_json(const json_t *json, struct card_report *report,
                              struct err *err) MUST_CHECK; /* RC_FORMAT */

#endif

/* ordinance.c — services by ordinance. */
#include "registry/ordinance.h"

#include "base/clock.h"
#include "net/json.h"
#include "registry/code.h"
#include "registry/day.h"
#include "registry/municipal.h"

#include <stdio.h>
#include <string.h>

#define MINOR 15
#define PLACE_MAX 100

/* What each is; whether a holder chooses it, and whether its use is a record alone. */
static const struct {
    const char *name, *title;
    bool chosen, recorded;
} rows[SERVICE_COUNT] = {
    [SERVICE_VENDING] = {"vending", "自動交付機による証明書交付", true, false},
    [SERVICE_FORMS] = {"forms", "申請書の自動作成", true, false},
    [SERVICE_SEAL] = {"seal", "印鑑登録証", true, true},
    [SERVICE_VIDEO] = {"video", "本庁と支所とのテレビ対話", true, true},
    [SERVICE_KIOSK] = {"kiosk", "コンビニ交付", false, false},
};

const char *service_name(enum service service)
{
    return rows[service].name;
}

enum rc service_parse(const char *name, enum service *service)
{
    for (unsigned i = 0; i < SERVICE_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0) {
            *service = (enum service)i;
            return RC_OK;
        }
    return RC_NOT_FOUND;
}

static enum rc ordinance_read_service(const json_t *body, enum service *service, struct err *err)
{
    const char *name;
    enum rc rc = json_want_text(body, "service", 16, &name, err);
    return rc                             ? rc
           : service_parse(name, service) ? err_set(err, RC_FORMAT, "service: vending, forms, seal, video or kiosk")
                                          : RC_OK;
}

struct offer {
    bool offered, minors, wards;
};

static enum rc ordinance_offered(struct store *store, enum service service, struct offer *offer, struct err *err)
{
    struct statement *s = NULL;
    *offer = (struct offer){0};
    enum rc rc = store_row(store, "SELECT offered, minors, wards FROM service_offer WHERE service = ?1",
                           BINDS(BIND_TEXT(rows[service].name)), &s, err);
    if (!rc)
        *offer = (struct offer){column_integer(s, 0), column_integer(s, 1), column_integer(s, 2)};
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc ordinance_want(struct store *store, enum service service, struct err *err)
{
    struct offer offer;
    enum rc rc = ordinance_offered(store, service, &offer, err);
    return rc || offer.offered
               ? rc
               : err_set(err, RC_UNSUPPORTED, "%s: this municipality does not offer it", rows[service].name);
}

enum rc ordinance_list(struct store *store, json_t **out, struct err *err)
{
    json_t *array = json_array();
    enum rc rc = array ? RC_OK : RC_NOMEM;
    for (unsigned i = 0; !rc && i < SERVICE_COUNT; i++) {
        struct offer offer;
        rc = ordinance_offered(store, (enum service)i, &offer, err);
        if (!rc &&
            json_array_append_new(array, json_pack("{s:s, s:s, s:b, s:b, s:b, s:b}", "service", rows[i].name, "title",
                                                   rows[i].title, "offered", offer.offered, "chosen", rows[i].chosen,
                                                   "minors", offer.minors, "wards", offer.wards)))
            rc = RC_NOMEM;
    }
    if (rc)
        json_decref(array);
    else
        *out = array;
    return rc;
}

enum rc ordinance_offer(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    (void)context;
    enum service service;
    struct offer offer;
    enum rc rc;
    if ((rc = ordinance_read_service(body, &service, err)) ||
        (rc = json_want_bool(body, "offered", &offer.offered, err)) ||
        (rc = json_want_bool(body, "minors", &offer.minors, err)) ||
        (rc = json_want_bool(body, "wards", &offer.wards, err)))
        return rc;
    rc = store_run(store,
                   "INSERT INTO service_offer (service, offered, minors, wards) VALUES (?1, ?2, ?3, ?4) "
                   "ON CONFLICT (service) DO UPDATE SET offered = ?2, minors = ?3, wards = ?4",
                   BINDS(BIND_TEXT(rows[service].name), BIND_INTEGER(offer.offered), BIND_INTEGER(offer.minors),
                         BIND_INTEGER(offer.wards)), NULL, err);
    *answer = rc ? NULL
                 : json_pack("{s:s, s:b, s:b, s:b}", "service", rows[service].name, "offered", offer.offered, "minors",
                             offer.minors, "wards", offer.wards);
    return rc || *answer ? rc : RC_NOMEM;
}

/* --- a holder's choice
 * -------------------------------------------------------------------------------------------------- */

static enum rc ordinance_chosen(struct store *store, enum service service, const char *card, bool *chosen,
                                struct err *err)
{
    int64_t count;
    enum rc rc = store_integer(store, "SELECT count(*) FROM service_choice WHERE card = ?1 AND service = ?2 AND ended = ''",
                               BINDS(BIND_TEXT(card), BIND_TEXT(rows[service].name)), &count, err);
    if (!rc)
        *chosen = count > 0;
    return rc;
}

static enum rc ordinance_paper_held(struct store *store, const char *code, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT code FROM seal_paper WHERE code = ?1 AND held = 1",
                           BINDS(BIND_TEXT(code)), &s, err);
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK
           : rc               ? rc
                : err_set(err, RC_STATE, "seal: the holder has a 印鑑登録証 of paper; it is handed in first");
}

/* A card that is valid here, and its holder. */
static enum rc ordinance_card(struct store *store, const char *card, struct card_row *row, struct resident *holder,
                              struct err *err)
{
    enum rc rc = card_check(card) ? err_set(err, RC_FORMAT, "card: not 16 digits or capital letters")
                                  : cardbook_find(store, card, row, err);
    if (rc == RC_NOT_FOUND)
        return err_set(err, rc, "no such card");
    return rc ? rc : cards_judge(store, card, row->code, false, row, holder, err);
}

static enum rc ordinance_admit(struct store *store, enum service service, bool ward, const struct card_row *card,
                               const struct resident *holder, struct err *err)
{
    struct offer offer;
    char today[11];
    bool chosen = false;
    municipal_today(today);
    enum rc rc = ordinance_want(store, service, err);
    if (!rc)
        rc = ordinance_offered(store, service, &offer, err);
    if (rc)
        return rc;
    if (!rows[service].chosen)
        return err_set(err, RC_UNSUPPORTED, "%s: it is there for every holder", rows[service].name);
    if (!offer.minors && day_age(holder->attributes.birth, today) < MINOR)
        return err_set(err, RC_DENIED, "%s: not for holders under %d here", rows[service].name, MINOR);
    if (!offer.wards && ward)
        return err_set(err, RC_DENIED, "%s: not for 成年被後見人 here", rows[service].name);
    rc = ordinance_chosen(store, service, card->card, &chosen, err);
    if (!rc && chosen)
        rc = err_set(err, RC_EXISTS, "%s: chosen already", rows[service].name);
    return rc || service != SERVICE_SEAL ? rc : ordinance_paper_held(store, card->code, err);
}

static enum rc ordinance_read(const json_t *body, enum service *service, const char **card, const char **date,
                              struct err *err)
{
    const char *request;
    enum rc rc;
    if ((rc = ordinance_read_service(body, service, err)) || (rc = json_want_text(body, "card", 64, card, err)) ||
        (rc = json_want_text(body, "date", 10, date, err)) ||
        (rc = json_want_text(body, "request", REQUEST_MAX, &request, err)))
        return rc;
    return municipal_check_form(*date, request, err);
}

enum rc ordinance_choose(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    (void)context;
    enum service service;
    const char *card, *date;
    bool ward;
    struct card_row row;
    struct resident holder;
    enum rc rc = ordinance_read(body, &service, &card, &date, err);
    if (!rc)
        rc = json_want_bool(body, "ward", &ward, err);
    if (!rc)
        rc = ordinance_card(store, card, &row, &holder, err);
    if (!rc)
        rc = ordinance_admit(store, service, ward, &row, &holder, err);
    if (!rc)
        rc = store_run(store,
                       "INSERT INTO service_choice (card, service, chosen, ended) VALUES (?1, ?2, ?3, '') "
                       "ON CONFLICT (card, service) DO UPDATE SET chosen = ?3, ended = ''",
                       BINDS(BIND_TEXT(card), BIND_TEXT(rows[service].name), BIND_TEXT(date)), NULL, err);
    explicit_bzero(&holder, sizeof holder);
    *answer = rc ? NULL : json_pack("{s:s, s:s}", "card", card, "service", rows[service].name);
    return rc || *answer ? rc : RC_NOMEM;
}

enum rc ordinance_leave(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    (void)context;
    enum service service;
    const char *card, *date;
    int64_t changes = 0;
    enum rc rc = ordinance_read(body, &service, &card, &date, err);
    if (!rc)
        rc = store_run(store, "UPDATE service_choice SET ended = ?3 WHERE card = ?1 AND service = ?2 AND ended = ''",
                       BINDS(BIND_TEXT(card), BIND_TEXT(rows[service].name), BIND_TEXT(date)), &changes, err);
    if (!rc && changes == 0)
        rc = err_set(err, RC_NOT_FOUND, "%s: it was not chosen", rows[service].name);
    *answer = rc ? NULL : json_pack("{s:s, s:s}", "card", card, "service", rows[service].name);
    return rc || *answer ? rc : RC_NOMEM;
}

enum rc ordinance_end(struct store *store, const char *card, const char *date, struct err *err)
{
    return store_run(store, "UPDATE service_choice SET ended = ?2 WHERE card = ?1 AND ended = ''",
                     BINDS(BIND_TEXT(card), BIND_TEXT(date)), NULL, err);
}

enum rc ordinance_paper(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    (void)context;
    const char *code;
    bool held, chosen = false;
    struct card_row card;
    enum rc rc;
    if ((rc = json_want_text(body, "code", 64, &code, err)) || (rc = json_want_bool(body, "held", &held, err)))
        return rc;
    if (code_check(code))
        return err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    rc = held ? cardbook_find_alive(store, code, &card, err) : RC_NOT_FOUND;
    if (!rc)
        rc = ordinance_chosen(store, SERVICE_SEAL, card.card, &chosen, err);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    if (chosen)
        return err_set(err, RC_STATE, "seal: the holder's card is the 印鑑登録証; a paper one would be a second");
    rc = store_run(store,
                   "INSERT INTO seal_paper (code, held) VALUES (?1, ?2) ON CONFLICT (code) DO UPDATE SET held = ?2",
                   BINDS(BIND_TEXT(code), BIND_INTEGER(held)), NULL, err);
    *answer = rc ? NULL : json_pack("{s:s, s:b}", "code", code, "held", held);
    return rc || *answer ? rc : RC_NOMEM;
}

/* --- use
 * ----------------------------------------------------------------------------------------------------------------- */

enum rc ordinance_may_use(struct store *store, enum service service, const char *card, struct card_row *row,
                          struct err *err)
{
    struct resident holder;
    bool chosen = false;
    enum rc rc = ordinance_want(store, service, err);
    if (!rc)
        rc = ordinance_card(store, card, row, &holder, err);
    if (!rc)
        rc = ordinance_chosen(store, service, card, &chosen, err);
    explicit_bzero(&holder, sizeof holder);
    return rc || chosen ? rc : err_set(err, RC_DENIED, "%s: the holder did not choose it", rows[service].name);
}

enum rc ordinance_record(struct store *store, enum service service, const char *card, const char *place,
                         const char *peer, struct err *err)
{
    return store_run(store,
                     "INSERT INTO service_use (time, service, card, place, name) VALUES (?1, ?2, ?3, ?4, ?5)",
                     BINDS(BIND_INTEGER(clock_now()), BIND_TEXT(rows[service].name), BIND_TEXT(card), BIND_TEXT(place),
                           BIND_TEXT(peer)), NULL, err);
}

enum rc ordinance_use(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    enum service service;
    const char *card, *place;
    struct card_row row;
    char time[CLOCK_TEXT_SIZE];
    enum rc rc;
    if ((rc = ordinance_read_service(body, &service, err)) || (rc = json_want_text(body, "card", 64, &card, err)) ||
        (rc = json_want_text(body, "place", PLACE_MAX, &place, err)))
        return rc;
    if (!rows[service].recorded)
        return err_set(err, RC_UNSUPPORTED, "%s: its use gives a sheet; ask for that", rows[service].name);
    rc = ordinance_may_use(store, service, card, &row, err);
    if (!rc)
        rc = ordinance_record(store, service, card, place, context, err);
    clock_format(clock_now(), time);
    *answer = rc ? NULL
                 : json_pack("{s:s, s:s, s:s, s:s}", "card", card, "service", rows[service].name, "place", place,
                             "time", time);
    return rc || *answer ? rc : RC_NOMEM;
}

/* agency.c — two residents, and an agency that asks about them. */
#include "agency.h"

#include "registry/task.h"

#include "net/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

const struct peer agency = {.role = ROLE_AGENCY, .municipality = "000000", .name = "nenkin", .serial = "01"};

static const char tasks[] = "{\"tasks\":["
                            "{\"agency\":\"nenkin\",\"task\":\"77\",\"law\":\"別表第一の七十七の項\",\"title\":"
                            "\"国民年金\",\"fields\":[\"name\",\"birth\",\"sex\","
                            "\"address\",\"furigana\",\"personal_number\",\"code\",\"change\"],\"keys\":["
                            "\"attributes\",\"number\",\"code\"],\"from\":\"2002-01-01\"},"
                            "{\"agency\":\"nenkin\",\"task\":\"legacy\",\"law\":\"令附則4条\",\"title\":\"t\","
                            "\"fields\":[\"name\",\"code\"],\"keys\":[\"code\"],"
                            "\"legacy_code\":true,\"from\":\"2002-08-05\"},"
                            "{\"agency\":\"nenkin\",\"task\":\"short\",\"law\":\"l\",\"title\":\"t\",\"fields\":["
                            "\"name\"],\"keys\":[\"attributes\"],"
                            "\"from\":\"2010-01-01\",\"until\":\"2012-03-31\"},"
                            "{\"agency\":\"builder\",\"task\":\"101\",\"law\":\"l\",\"title\":\"t\",\"fields\":["
                            "\"name\"],\"keys\":[\"attributes\"],\"from\":\"2002-08-05\"}]}";
enum rc agency_load(struct store *nation, const char *text)
{
    json_t *json = NULL;
    struct err err = {0};
    int64_t count;
    assert_int_equal(json_read(bytes_of(text, strlen(text)), &json, &err), RC_OK);
    assert_int_equal(store_begin(nation, NULL), RC_OK);
    enum rc rc = task_load(nation, json, &count, &err);
    if (rc)
        assert_non_null(strstr(err.text, "tasks"));
    else
        assert_int_equal(store_commit(nation, NULL), RC_OK);
    store_rollback(nation);
    json_decref(json);
    return rc;
}

void agency_enter(struct store *nation, const char *code, const char *name, const char *birth, const char *address,
                  const char *number, enum reason reason)
{
    struct resident r = {.attributes = {.sex = "2"}};
    struct ledger_change change;
    struct err err = {0};
    snprintf(r.code, sizeof r.code, "%s", code);
    snprintf(r.municipality, sizeof r.municipality, HERE);
    snprintf(r.attributes.name, sizeof r.attributes.name, "%s", name);
    snprintf(r.attributes.birth, sizeof r.attributes.birth, "%s", birth);
    snprintf(r.attributes.address, sizeof r.attributes.address, "%s", address);
    snprintf(r.particulars.personal_number, sizeof r.particulars.personal_number, "%s", number);
    snprintf(r.particulars.furigana, sizeof r.particulars.furigana, "コウテキ　ハナコ");
    attributes_no_substitutes(&r.attributes);
    assert_int_equal(store_begin(nation, NULL), RC_OK);
    enum rc rc = reason == REASON_CODE_REQUESTED
                     ? ledger_recode(nation, HANAKO, &r, reason, "2016-02-01", 1454284800, &change, &err)
                     : ledger_put(nation, &r, reason, "2016-02-01", 1454284800, &change, &err);
    if (rc)
        fail_msg("%s: %s", name, err.text);
    assert_int_equal(store_commit(nation, NULL), RC_OK);
}

void agency_open(struct townpair *pair)
{
    townpair_on("2016-02-01");
    townpair_open(pair, HERE);
    assert_int_equal(agency_load(pair->nation, tasks), RC_OK);
    agency_enter(pair->nation, HANAKO, "公的　花子", "319800229", ADDRESS, NUMBER, REASON_FIRST);
    agency_enter(pair->nation, TARO, "公的　太郎", "319751103", ADDRESS, "", REASON_FIRST);
}

enum rc agency_ask(struct store *nation, const struct peer *peer, const char *task, const char *key, json_t **answer)
{
    char text[1024];
    json_t *body = NULL, *got = NULL;
    struct err err = {0};
    snprintf(text, sizeof text, "{\"task\":\"%s\",\"key\":%s,\"why\":\"現況\"}", task, key);
    assert_int_equal(json_read(bytes_of(text, strlen(text)), &body, NULL), RC_OK);
    enum rc rc = provide_answer(nation, peer, body, false, &got, &err);
    if (rc && (rc != err.rc || strstr(err.text, "花子") || strstr(err.text, HANAKO)))
        fail_msg("%s: words are missing, or hold personal data: %s", key, err.text);
    json_decref(body);
    if (answer && !rc)
        *answer = got;
    else
        json_decref(got);
    return rc;
}

const char *agency_result(struct store *nation, const char *task, const char *key)
{
    static char text[16];
    json_t *answer = NULL;
    const char *result;
    assert_int_equal(agency_ask(nation, &agency, task, key, &answer), RC_OK);
    assert_int_equal(json_want_text(answer, "result", 15, &result, NULL), RC_OK);
    snprintf(text, sizeof text, "%s", result);
    bool given = json_object_get(answer, "record") != NULL;
    assert_int_equal(given, strcmp(text, "none") != 0 && strcmp(text, "many") != 0);
    json_decref(answer);
    return text;
}

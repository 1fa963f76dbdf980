/* townpair.c — a town's and the nation's store. */
#include "townpair.h"

#include "scratch.h"
#include "teststore.h"

#include "base/clock.h"
#include "registry/designate.h"
#include "registry/intake.h"
#include "registry/municipal.h"
#include "registry/outbox.h"
#include "registry/spare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FAR_FUTURE 4000000000

void townpair_open(struct townpair *pair, const char *municipality)
{
    char path[TESTSTORE_URL_SIZE];
    *pair = (struct townpair){.folder = "/tmp/jpki-town-XXXXXX"};
    assert_non_null(mkdtemp(pair->folder));
    snprintf(pair->municipality, sizeof pair->municipality, "%s", municipality);
    teststore_url(pair->folder, "town", path);
    assert_int_equal(ledger_open(path, NODE_MUNICIPAL, municipality, &pair->town, NULL), RC_OK);
    teststore_url(pair->folder, "nation", path);
    assert_int_equal(ledger_open(path, NODE_NATIONAL, "000000", &pair->nation, NULL), RC_OK);
}

void townpair_close(struct townpair *pair)
{
    store_close(pair->town);
    store_close(pair->nation);
    assert_int_equal(scratch_remove(pair->folder), 0);
}

void townpair_enter(struct townpair *pair, const char *code, const char *name, const char *birth, const char *address)
{
    struct resident r = {.attributes = {.sex = "2"}};
    char today[11];
    int64_t notice;
    struct err err = {0};
    municipal_today(today);
    snprintf(r.code, sizeof r.code, "%s", code);
    memcpy(r.municipality, pair->municipality, sizeof r.municipality);
    snprintf(r.attributes.name, sizeof r.attributes.name, "%s", name);
    snprintf(r.attributes.birth, sizeof r.attributes.birth, "%s", birth);
    snprintf(r.attributes.address, sizeof r.attributes.address, "%s", address);
    attributes_no_substitutes(&r.attributes);
    assert_int_equal(store_begin(pair->town, NULL), RC_OK);
    if (municipal_enter(pair->town, &r, REASON_FIRST, today, &notice, &err))
        fail_msg("enter: %s", err.text);
    assert_int_equal(store_commit(pair->town, NULL), RC_OK);
}

void townpair_carry(struct townpair *pair)
{
    struct outbox_state outbox;
    json_t *notices = NULL;
    int64_t acknowledged, expected;
    struct err err = {0};
    assert_int_equal(outbox_read(pair->town, OUTBOX_NATIONAL, &outbox, NULL), RC_OK);
    assert_int_equal(outbox_notices(pair->town, outbox.acknowledged + 1, NOTICE_BATCH, &notices, NULL), RC_OK);
    if (intake_take(pair->nation, pair->municipality, notices, &acknowledged, &expected, &err))
        fail_msg("intake: %s", err.text);
    json_decref(notices);
    assert_int_equal(outbox_acknowledge(pair->town, OUTBOX_NATIONAL, acknowledged, NULL), RC_OK);
}

void townpair_on(const char *day)
{
    char text[32];
    snprintf(text, sizeof text, "%sT03:00:00Z", day);
    assert_int_equal(clock_set(text), RC_OK);
}

int64_t townpair_count(struct store *store, const char *sql)
{
    int64_t n = -1;
    assert_int_equal(ledger_count(store, sql, &n, NULL), RC_OK);
    return n;
}

void townpair_link(struct townpair *pair, const char *code, const char *sign, const char *auth)
{
    struct ledger_row row;
    struct certificate both[2];
    int64_t notice;
    assert_int_equal(certificate_name("sign", sign, &both[0], NULL), RC_OK);
    assert_int_equal(certificate_name("auth", auth, &both[1], NULL), RC_OK);
    both[0].not_after = both[1].not_after = FAR_FUTURE;
    assert_int_equal(ledger_find_code(pair->town, code, &row, NULL), RC_OK);
    assert_int_equal(
        municipal_link(pair->town, pair->municipality, code, &row.resident.attributes, both, 2, &notice, NULL), RC_OK);
}

void townpair_stock(struct store *town, struct store *nation, const struct secret *key, const char *municipality)
{
    static char codes[SPARE_BLOCK][12];
    const char *pointers[SPARE_BLOCK];
    char request[32];
    int64_t left;
    struct err err = {0};
    assert_int_equal(spare_left(town, &left, NULL), RC_OK);
    if (left >= SPARE_LOW)
        return;
    assert_int_equal(spare_request(town, request, NULL), RC_OK);
    assert_int_equal(store_begin(nation, NULL), RC_OK);
    if (designate_codes(nation, key, municipality, request, SPARE_BLOCK, codes, &err))
        fail_msg("codes: %s", err.text);
    assert_int_equal(store_commit(nation, NULL), RC_OK);
    for (size_t i = 0; i < SPARE_BLOCK; i++)
        pointers[i] = codes[i];
    assert_int_equal(store_begin(town, NULL), RC_OK);
    if (spare_stock(town, request, pointers, SPARE_BLOCK, &err))
        fail_msg("stock: %s", err.text);
    assert_int_equal(store_commit(town, NULL), RC_OK);
}

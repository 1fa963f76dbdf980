/* test_book.c — counters, derived states, the event table and the audit chain, on a store in a temporary folder. */
#include "support/scratch.h"
#include "support/teststore.h"
#include "base/clock.h"
#include "base/hex.h"
#include "ca/book.h"
#include "ca/revoke.h"
#include "ca/trail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <string.h>

static char folder[] = "/tmp/jpki-book-XXXXXX";
static struct store *store;

static int setup(void **state)
{
    (void)state;
    char url[TESTSTORE_URL_SIZE];
    if (!mkdtemp(folder))
        return -1;
    teststore_url(folder, "ca", url);
    if (book_open(url, &store, NULL))
        return -1;
    return book_add_authority(store, AUTHORITY_SIGN, 0x00FFFFFF, bytes_of("ca", 2), NULL) ||
                   book_add_authority(store, AUTHORITY_AUTH, 0x01000000, bytes_of("ca", 2), NULL)
               ? -1
               : 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(store);
    return scratch_remove(folder);
}

static int64_t add(enum authority a, const char *request, int64_t created)
{
    struct book_cert row = { .authority = a, .municipality = "462012", .list = "462012", .officer = "officer 01",
                             .key_hash = "AB", .created = created, .not_after = created + 1000 };
    char subject[64];
    snprintf(row.request, sizeof row.request, "%s", request);
    assert_int_equal(store_begin(store, NULL), RC_OK);
    assert_int_equal(book_take_serial(store, a, false, row.serial, NULL), RC_OK);
    assert_int_equal(buf_append_text(&row.tbs, "tbs"), RC_OK);
    snprintf(subject, sizeof subject, "%s %s", authority_name(a), row.serial);
    assert_int_equal(trail_append(store, "test", "recorded", subject, NULL, NULL, "%s", request), RC_OK);
    assert_int_equal(book_add_cert(store, &row, NULL), RC_OK);
    assert_int_equal(store_commit(store, NULL), RC_OK);
    int64_t id = row.id;
    book_cert_wipe(&row);
    return id;
}

static void check_state(int64_t id, enum book_state wanted)
{
    struct book_cert row = { 0 };
    assert_int_equal(book_find_id(store, id, &row, NULL), RC_OK);
    assert_string_equal(book_state_name(book_cert_state(&row)), book_state_name(wanted));
    book_cert_wipe(&row);
}

static void test_serials(void **state)
{
    (void)state;
    char serial[BOOK_SERIAL_SIZE];
    assert_int_equal(store_begin(store, NULL), RC_OK);
    assert_int_equal(book_take_serial(store, AUTHORITY_SIGN, false, serial, NULL), RC_OK);
    assert_string_equal(serial, "FFFFFF");
    assert_int_equal(book_take_serial(store, AUTHORITY_SIGN, false, serial, NULL), RC_OK);
    assert_string_equal(serial, "01000000"); /* whole bytes, no leading zero byte */
    store_rollback(store);
    assert_int_equal(store_begin(store, NULL), RC_OK);
    assert_int_equal(book_take_serial(store, AUTHORITY_SIGN, false, serial, NULL), RC_OK);
    assert_string_equal(serial, "FFFFFF"); /* what was rolled back was never given */
    assert_int_equal(store_commit(store, NULL), RC_OK);
    assert_int_not_equal(book_take_serial(store, AUTHORITY_OPS, false, serial, NULL), RC_OK); /* not founded */
}

/* 128 bits behind a byte 01: positive, of one length, none twice, every bit seen set and clear. */
static void test_random_serials(void **state)
{
    (void)state;
    static char given[256][BOOK_SERIAL_SIZE];
    uint8_t ones[17] = { 0 }, zeros[17] = { 0 };
    for (size_t i = 0; i < 256; i++) {
        struct buf bytes = { 0 };
        assert_int_equal(book_take_serial(store, AUTHORITY_SIGN, true, given[i], NULL), RC_OK);
        assert_int_equal(hex_decode(given[i], &bytes), RC_OK);
        assert_int_equal(bytes.len, 17);
        for (size_t k = 0; k < 17; k++) {
            ones[k] |= bytes.data[k];
            zeros[k] |= (uint8_t)~bytes.data[k];
        }
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(given[k], given[i]);
        buf_wipe(&bytes);
    }
    assert_int_equal(ones[0], 1);
    for (size_t k = 1; k < 17; k++)
        assert_true(ones[k] == 0xFF && zeros[k] == 0xFF);
}

static void test_states(void **state)
{
    (void)state;
    int64_t id = add(AUTHORITY_AUTH, "states", 100);
    check_state(id, BOOK_RECORDED);
    assert_int_equal(book_set_confirmed(store, id, 200, NULL), RC_STATE); /* not signed yet */
    assert_int_equal(book_set_certificate(store, id, bytes_of("cert", 4), NULL), RC_OK);
    check_state(id, BOOK_PENDING);
    assert_int_equal(book_set_certificate(store, id, bytes_of("other", 5), NULL), RC_STATE); /* once only */
    assert_int_equal(book_set_confirmed(store, id, 200, NULL), RC_OK);
    check_state(id, BOOK_ACTIVE);
    assert_int_equal(book_set_revoked(store, id, 300, 3, 9, NULL), RC_OK);
    check_state(id, BOOK_REVOKED);
    assert_int_equal(book_set_revoked(store, id, 400, 1, 10, NULL), RC_STATE); /* the first stands */
    int64_t other = add(AUTHORITY_AUTH, "overdue", 100);
    int64_t ids[8];
    size_t count;
    assert_int_equal(book_list_overdue(store, 100, ids, 8, &count, NULL), RC_OK);
    assert_int_equal(count, 0); /* strictly older */
    assert_int_equal(book_list_overdue(store, 101, ids, 8, &count, NULL), RC_OK);
    assert_int_equal(count, 1);
    assert_int_equal(ids[0], other);
    assert_int_equal(book_list_unsigned(store, ids, 8, &count, NULL), RC_OK);
    assert_int_equal(count, 1);
}

static void test_one_request(void **state)
{
    (void)state;
    add(AUTHORITY_AUTH, "twice", 100);
    struct book_cert row = { .authority = AUTHORITY_AUTH, .serial = "7F", .request = "twice" };
    assert_int_equal(buf_append_text(&row.tbs, "tbs"), RC_OK);
    assert_int_equal(book_add_cert(store, &row, NULL), RC_EXISTS);
    book_cert_wipe(&row);
}

struct seen {
    int count;
    char last[BOOK_SERIAL_SIZE];
};

static enum rc see(void *context, const char *serial, int64_t revoked_at, int reason)
{
    struct seen *seen = context;
    (void)revoked_at, (void)reason;
    seen->count++;
    snprintf(seen->last, sizeof seen->last, "%s", serial);
    return RC_OK;
}

/* An entry stays on one list after the certificate's end, and then goes (RFC 5280 §3.3). */
static void test_entries(void **state)
{
    (void)state;
    int64_t id = add(AUTHORITY_SIGN, "entry", 5000); /* ends at 6000 */
    assert_int_equal(book_set_revoked(store, id, 5500, 3, 77, NULL), RC_OK);
    static const struct {
        int64_t last_issued;
        int count;
    } rows[] = { { 0, 1 }, { 5900, 1 }, { 6000, 1 }, { 6001, 0 } };
    for (size_t i = 0; i < 4; i++) {
        struct seen seen = { 0 };
        assert_int_equal(book_each_revoked(store, AUTHORITY_SIGN, "462012", rows[i].last_issued, see, &seen, NULL), RC_OK);
        assert_int_equal(seen.count, rows[i].count);
    }
    struct seen all = { 0 };
    assert_int_equal(book_each_revoked(store, AUTHORITY_SIGN, "all", 6000, see, &all, NULL), RC_OK);
    assert_int_equal(all.count, 1);
    int64_t revocation;
    assert_int_equal(book_last_revocation(store, AUTHORITY_SIGN, "462012", &revocation, NULL), RC_OK);
    assert_int_equal(revocation, 77);
}

static void test_lists(void **state)
{
    (void)state;
    struct book_list list = { .authority = AUTHORITY_SIGN, .list = "462012", .issued = 1000, .covers = 76 };
    struct book_list due[4];
    size_t count;
    int64_t number;
    assert_int_equal(book_take_crl_numbers(store, AUTHORITY_SIGN, "462012", 1, &number, NULL), RC_OK);
    assert_int_equal(number, 1);
    assert_int_equal(book_due_lists(store, 0, 0, due, 4, &count, NULL), RC_OK);
    assert_int_equal(count, 1); /* never issued */
    assert_int_equal(book_take_crl_numbers(store, AUTHORITY_SIGN, "462012", 1, &number, NULL), RC_OK);
    assert_int_equal(number, 2); /* a number taken by a torn run is never given again */
    list.number = number;
    assert_int_equal(book_set_list(store, &list, NULL), RC_OK);
    assert_int_equal(book_set_list(store, &list, NULL), RC_CONFLICT); /* the number must rise */
    assert_int_equal(book_due_lists(store, 999, 0, due, 4, &count, NULL), RC_OK);
    assert_int_equal(count, 1); /* revocation 77 is not covered */
    assert_int_equal(book_take_crl_numbers(store, AUTHORITY_SIGN, "462012", 2, &list.number, NULL), RC_OK);
    list.covers = 77;
    assert_int_equal(book_set_list(store, &list, NULL), RC_OK);
    assert_int_equal(book_due_lists(store, 999, 0, due, 4, &count, NULL), RC_OK);
    assert_int_equal(count, 0);
    assert_int_equal(book_due_lists(store, 1000, 0, due, 4, &count, NULL), RC_OK);
    assert_int_equal(count, 1); /* a day old */
    struct book_list all = { .authority = AUTHORITY_SIGN, .list = "all", .issued = 1000, .covers = 76 };
    assert_int_equal(book_take_crl_numbers(store, AUTHORITY_SIGN, "all", 2, &all.number, NULL), RC_OK);
    assert_int_equal(all.number, 1);
    assert_int_equal(book_set_list(store, &all, NULL), RC_OK);
    assert_int_equal(book_due_lists(store, 999, 999, due, 4, &count, NULL), RC_OK);
    assert_int_equal(count, 0); /* a list of everything is not made for every revocation */
    assert_int_equal(book_due_lists(store, 999, 1000, due, 4, &count, NULL), RC_OK);
    assert_int_equal(count, 1);
}

static const struct {
    const char *event;
    int sign, auth;
} events[] = { { "attributes-changed", 3, -1 }, { "removed", 3, 3 }, { "removed-abroad", 3, -1 },
               { "card-lost", 6, 6 },           { "card-returned", 5, 5 } };

static void test_events(void **state)
{
    (void)state;
    int reason;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        assert_int_equal(revoke_event_reason(events[i].event, AUTHORITY_SIGN, &reason), RC_OK);
        assert_int_equal(reason, events[i].sign);
        assert_int_equal(revoke_event_reason(events[i].event, AUTHORITY_AUTH, &reason), RC_OK);
        assert_int_equal(reason, events[i].auth);
        assert_int_equal(revoke_event_reason(events[i].event, AUTHORITY_OPS, &reason), RC_OK);
        assert_int_equal(reason, -1); /* the registry says nothing of computers and officers */
    }
    assert_int_equal(revoke_event_reason("moon", AUTHORITY_SIGN, &reason), RC_NOT_FOUND);
}

static const struct {
    const char *flaw, *sql;
} tampers[] = {
    { "a word changed", "UPDATE audit SET detail = detail || ' ' WHERE sequence = 2" },
    { "a time changed", "UPDATE audit SET time = time + 1 WHERE sequence = 1" },
    { "an actor changed", "UPDATE audit SET actor = 'nobody' WHERE sequence = 3" },
    { "a row taken out", "DELETE FROM audit WHERE sequence = 2" },
    { "the first row taken out", "DELETE FROM audit WHERE sequence = 1" },
    { "a row moved to the end", "UPDATE audit SET sequence = (SELECT MAX(sequence) + 1 FROM audit) WHERE sequence = 2" },
    { "a hash changed", "UPDATE audit SET hash = (SELECT hash FROM audit WHERE sequence = 1) WHERE sequence = 3" },
    { "a certificate that nobody issued", "UPDATE certificates SET certificate = 'x' WHERE request = 'overdue'" },
};

static void test_trail(void **state)
{
    (void)state;
    int64_t rows;
    struct err err = { 0 };
    /* the earlier tests wrote certificates and revocations without telling: begin clean */
    assert_int_equal(store_exec(store, "UPDATE certificates SET certificate = NULL, revoked_at = NULL", NULL), RC_OK);
    enum rc rc = trail_verify(store, &rows, &err);
    if (rc)
        fail_msg("%s", err.text);
    assert_true(rows >= 3);
    for (size_t i = 0; i < sizeof tampers / sizeof tampers[0]; i++) {
        assert_int_equal(store_begin(store, NULL), RC_OK);
        assert_int_equal(store_exec(store, tampers[i].sql, &err), RC_OK);
        if (trail_verify(store, &rows, NULL) != RC_CONFLICT)
            fail_msg("%s: not found", tampers[i].flaw);
        store_rollback(store);
    }
    assert_int_equal(trail_verify(store, &rows, NULL), RC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serials), cmocka_unit_test(test_random_serials), cmocka_unit_test(test_states), cmocka_unit_test(test_one_request),
        cmocka_unit_test(test_entries), cmocka_unit_test(test_lists),  cmocka_unit_test(test_events),
        cmocka_unit_test(test_trail),
    };
    return cmocka_run_group_tests_name("ca-book", tests, setup, teardown);
}

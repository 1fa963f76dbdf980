/* test_wire.c — the wire room against bytes that stand in the standard or in other programs' traces, then every cut and
 * every flipped bit of the good ones. */
#include "base/hex.h"
#include "wire/apdu.h"
#include "wire/sw.h"
#include "wire/tlv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Exactly as many heap bytes as the input has, so that the sanitizers see an over-read. */
static struct bytes exact(const char *hex)
{
    struct buf buf = { 0 };
    assert_int_equal(hex_decode(hex, &buf), RC_OK);
    uint8_t *data = malloc(buf.len ? buf.len : 1);
    assert_non_null(data);
    if (buf.len)
        memcpy(data, buf.data, buf.len);
    struct bytes bytes = bytes_of(data, buf.len);
    buf_wipe(&buf);
    return bytes;
}

static void drop(struct bytes bytes)
{
    free((void *)(uintptr_t)bytes.data);
}

struct apdu_row {
    const char *what, *hex;
    size_t data_at, data_len;
    uint32_t le;
    bool extended;
};

static const struct apdu_row good_apdus[] = {
    { "case 1: the retry query of VERIFY", "00200080", 0, 0, 0, false },
    { "case 2S: READ BINARY, Le 00 is 256", "00B0000000", 0, 0, 256, false },
    { "case 2S: Le 4", "00B0000004", 0, 0, 4, false },
    { "case 3S: SELECT of the JPKI application", "00A4040C0AD392F000260100000001", 5, 10, 0, false },
    { "case 3S: one byte", "0020008001FF", 5, 1, 0, false },
    { "case 4S: SELECT with FCI", "00A404000AD392F00026010000000100", 5, 10, 256, false },
    { "case 2E: Le 0000 is 65536", "00B00000000000", 0, 0, 65536, true },
    { "case 2E: Le 0100", "00B00000000100", 0, 0, 256, true },
    { "case 3E: two bytes", "00D60000000002AABB", 7, 2, 0, true },
    { "case 4E: two bytes, Le 0000", "802A00800000024142" "0000", 7, 2, 65536, true },
    { "case 4E: Le 0010", "802A00800000024142" "0010", 7, 2, 16, true },
};

static void test_apdu_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good_apdus / sizeof *good_apdus; i++) {
        const struct apdu_row *row = &good_apdus[i];
        struct bytes bytes = exact(row->hex);
        struct apdu_command command;
        print_message("  %s\n", row->what);
        assert_int_equal(apdu_parse(bytes, &command), RC_OK);
        assert_int_equal(command.cla, bytes.data[0]);
        assert_int_equal(command.ins, bytes.data[1]);
        assert_int_equal(command.p1, bytes.data[2]);
        assert_int_equal(command.p2, bytes.data[3]);
        assert_int_equal(command.data.len, row->data_len);
        if (row->data_len)
            assert_ptr_equal(command.data.data, bytes.data + row->data_at);
        assert_int_equal(command.le, row->le);
        assert_int_equal(command.extended, row->extended);
        struct buf again = { 0 };
        assert_int_equal(apdu_encode(&command, &again), RC_OK);
        assert_true(bytes_equal(buf_bytes(&again), bytes));
        buf_wipe(&again);
        drop(bytes);
    }
}

static void test_apdu_refuse(void **state)
{
    (void)state;
    static const struct {
        const char *what, *hex;
    } rows[] = {
        { "nothing", "" },
        { "three bytes", "00A404" },
        { "Lc larger than the data", "00A4040C0BD392F000260100000001" },
        { "two bytes behind the data of the short form", "00200080013100" "00" },
        { "the extended form cut in its length", "00B000000001" },
        { "extended Lc 0 with data", "00B0000000000041" },
        { "extended Lc larger than the data", "00D60000000003AABB" },
        { "one byte of Le behind extended data", "00D60000000002AABB00" },
        { "three bytes of Le behind extended data", "00D60000000002AABB000000" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes bytes = exact(rows[i].hex);
        struct apdu_command command = { .cla = 0x5A };
        print_message("  %s\n", rows[i].what);
        assert_int_equal(apdu_parse(bytes, &command), RC_FORMAT);
        assert_int_equal(command.cla, 0x5A); /* outputs are written only on RC_OK */
        drop(bytes);
    }
}

static void apdu_parse_stays_inside(struct bytes bytes)
{
    struct apdu_command command;
    if (apdu_parse(bytes, &command) != RC_OK)
        return;
    if (command.data.len) {
        assert_true(command.data.data >= bytes.data);
        assert_true(command.data.data + command.data.len <= bytes.data + bytes.len);
    }
    struct buf again = { 0 };
    assert_int_equal(apdu_encode(&command, &again), RC_OK);
    assert_true(bytes_equal(buf_bytes(&again), bytes)); /* one command, one encoding of it in each form */
    buf_wipe(&again);
}

static void test_apdu_cut_and_flip(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good_apdus / sizeof *good_apdus; i++) {
        struct bytes whole = exact(good_apdus[i].hex);
        for (size_t len = 0; len < whole.len; len++) {
            uint8_t *cut = malloc(len ? len : 1);
            assert_non_null(cut);
            memcpy(cut, whole.data, len);
            apdu_parse_stays_inside(bytes_of(cut, len));
            free(cut);
        }
        for (size_t bit = 0; bit < 8 * whole.len; bit++) {
            uint8_t *flipped = malloc(whole.len);
            assert_non_null(flipped);
            memcpy(flipped, whole.data, whole.len);
            flipped[bit / 8] ^= (uint8_t)(1u << bit % 8);
            apdu_parse_stays_inside(bytes_of(flipped, whole.len));
            free(flipped);
        }
        drop(whole);
    }
}

static void test_apdu_encode(void **state)
{
    (void)state;
    uint8_t data[256] = { 0 };
    struct apdu_command command = { .ins = 0xD6, .data = bytes_of(data, 256), .le = 256 };
    struct buf out = { 0 };
    assert_int_equal(apdu_encode(&command, &out), RC_OK); /* 256 bytes need the extended form */
    assert_int_equal(out.len, 4 + 3 + 256 + 2);
    assert_memory_equal(out.data, "\x00\xD6\x00\x00\x00\x01\x00", 7);
    assert_memory_equal(out.data + 7 + 256, "\x01\x00", 2);
    buf_truncate(&out, 0);
    command = (struct apdu_command) { .ins = 0xB0, .le = 257 };
    assert_int_equal(apdu_encode(&command, &out), RC_OK);
    assert_true(bytes_equal(buf_bytes(&out), bytes_of("\x00\xB0\x00\x00\x00\x01\x01", 7)));
    command.le = 65537;
    assert_int_equal(apdu_encode(&command, &out), RC_RANGE);
    assert_int_equal(out.len, 7);
    buf_wipe(&out);
}

static void test_response(void **state)
{
    (void)state;
    struct apdu_response response;
    assert_int_equal(apdu_parse_response(bytes_of("\x90", 1), &response), RC_FORMAT);
    assert_int_equal(apdu_parse_response(bytes_of("\x63\xC3", 2), &response), RC_OK);
    assert_int_equal(response.sw, 0x63C3);
    assert_int_equal(response.data.len, 0);
    assert_int_equal(apdu_parse_response(bytes_of("\x41\x42\x90\x00", 4), &response), RC_OK);
    assert_int_equal(response.sw, SW_OK);
    assert_true(bytes_equal(response.data, bytes_of("AB", 2)));
}

static void test_tlv(void **state)
{
    (void)state;
    static const struct {
        const char *what, *hex;
        enum rc rc;
        uint32_t tag;
        size_t len;
    } rows[] = {
        { "one-byte tag, short length", "3003020105", RC_OK, 0x30, 3 },
        { "two-byte tag", "7F210141", RC_OK, 0x7F21, 1 },
        { "two-byte tag of the public key template", "7F490141", RC_OK, 0x7F49, 1 },
        { "three-byte tag", "DF81410100", RC_OK, 0xDF8141, 1 },
        { "empty value", "5F3700", RC_OK, 0x5F37, 0 },
        { "length in the 81 form", "04810141", RC_OK, 4, 1 },
        { "length in the 82 form", "0482000141", RC_OK, 4, 1 },
        { "length in the 84 form", "04840000000141", RC_OK, 4, 1 },
        { "nothing", "", RC_NOT_FOUND, 0, 0 },
        { "tag alone", "30", RC_FORMAT, 0, 0 },
        { "long tag alone", "7F", RC_FORMAT, 0, 0 },
        { "tag of four bytes", "DF81814101" "00", RC_FORMAT, 0, 0 },
        { "tag number with a leading zero", "5F80370100", RC_FORMAT, 0, 0 },
        { "indefinite length", "30800000", RC_FORMAT, 0, 0 },
        { "length of five bytes", "3085000000000141", RC_FORMAT, 0, 0 },
        { "length bytes missing", "308201", RC_FORMAT, 0, 0 },
        { "value overruns by one", "30030201", RC_FORMAT, 0, 0 },
        { "length of 4 GiB", "3084FFFFFFFF41", RC_FORMAT, 0, 0 },
        { "filler at the end", "FFFF", RC_FORMAT, 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes bytes = exact(rows[i].hex);
        struct cursor cursor = cursor_of(bytes);
        struct tlv tlv = { 0 };
        print_message("  %s\n", rows[i].what);
        assert_int_equal(tlv_next(&cursor, &tlv), rows[i].rc);
        if (rows[i].rc == RC_OK) {
            assert_int_equal(tlv.tag, rows[i].tag);
            assert_int_equal(tlv.value.len, rows[i].len);
            assert_int_equal(tlv.whole.len + cursor.left, bytes.len);
        } else {
            assert_int_equal(cursor.left, bytes.len); /* a failed read leaves the cursor */
        }
        drop(bytes);
    }
}

static void test_tlv_find_append(void **state)
{
    (void)state;
    struct buf out = { 0 };
    uint8_t value[300] = { 1 };
    assert_int_equal(tlv_append(&out, 0x81, bytes_of("A", 1)), RC_OK);
    assert_int_equal(tlv_append(&out, 0x7F49, bytes_of(value, 300)), RC_OK);
    assert_int_equal(tlv_append(&out, 0x5F37, bytes_of(value, 200)), RC_OK);
    assert_memory_equal(out.data, "\x81\x01" "A" "\x7F\x49\x82\x01\x2C", 8);
    assert_memory_equal(out.data + 8 + 300, "\x5F\x37\x81\xC8", 4);
    struct tlv tlv;
    assert_int_equal(tlv_find(buf_bytes(&out), 0x5F37, &tlv), RC_OK);
    assert_int_equal(tlv.value.len, 200);
    assert_int_equal(tlv_find(buf_bytes(&out), 0x82, &tlv), RC_NOT_FOUND);
    size_t len = out.len;
    static const uint32_t not_tags[] = { 0x7F, 0x3001, 0x5F8037, 0xDF818141, 0x5F80 };
    for (size_t i = 0; i < sizeof not_tags / sizeof *not_tags; i++)
        assert_int_equal(tlv_append(&out, not_tags[i], bytes_of("A", 1)), RC_FORMAT);
    assert_int_equal(out.len, len);
    buf_wipe(&out);
}

static void test_cursor(void **state)
{
    (void)state;
    struct cursor cursor = cursor_of(bytes_of("\x01\x02\x03\x04\x05\x06", 6));
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    assert_int_equal(cursor_u8(&cursor, &u8), RC_OK);
    assert_int_equal(u8, 1);
    assert_int_equal(cursor_u16(&cursor, &u16), RC_OK);
    assert_int_equal(u16, 0x0203);
    assert_int_equal(cursor_u32(&cursor, &u32), RC_FORMAT);
    assert_int_equal(cursor.left, 3);
    assert_int_equal(cursor_u16(&cursor, &u16), RC_OK);
    assert_int_equal(u16, 0x0405);
    assert_int_equal(cursor_u16(&cursor, &u16), RC_FORMAT);
    assert_int_equal(cursor_u8(&cursor, &u8), RC_OK);
    assert_int_equal(cursor_u8(&cursor, &u8), RC_FORMAT);
    struct cursor four = cursor_of(bytes_of("\xFF\x00\x00\x01", 4));
    assert_int_equal(cursor_u32(&four, &u32), RC_OK);
    assert_int_equal(u32, 0xFF000001u);
}

static void test_sw_text(void **state)
{
    (void)state;
    assert_string_equal(sw_text(0x9000), "done");
    assert_string_equal(sw_text(0x63C0), "no tries left");
    assert_string_equal(sw_text(0x63C1), "1 try left");
    assert_string_equal(sw_text(0x63CF), "15 tries left");
    assert_string_equal(sw_text(0x6300), "verification failed");
    assert_string_equal(sw_text(0x6105), "more data to fetch");
    assert_string_equal(sw_text(0x6C10), "wrong Le, the right one is told");
    assert_string_equal(sw_text(0x6984), "referenced file locked");
    assert_string_equal(sw_text(0x1234), "unknown status word");
}

static void test_trace(void **state)
{
    (void)state;
    static const struct {
        const char *what, *command, *response, *line;
    } rows[] = {
        { "SELECT shows the AID", "00A4040C07D392F000260100", "6A82",
          "> 00 A4 04 0C SELECT [7] D392F000260100 < 6A82 file or application not found" },
        { "GET DATA shows the object", "00CADF3000", "419000", "> 00 CA DF 30 GET DATA Le 256 < 9000 done [1] 41" },
        { "VERIFY never shows the PIN", "0020008004" "31323334", "9000", "> 00 20 00 80 VERIFY [4] < 9000 done" },
        { "CHANGE REFERENCE DATA never shows the PIN", "0024018004" "31323334", "9000",
          "> 00 24 01 80 CHANGE REFERENCE DATA [4] < 9000 done" },
        { "READ BINARY never shows what is read", "00B0000002", "41429000", "> 00 B0 00 00 READ BINARY Le 2 < 9000 done [2]" },
        { "an unknown command shows nothing", "00EE000002" "4142", "6D00",
          "> 00 EE 00 00 ? [2] < 6D00 instruction not supported" },
        { "a SELECT in the text application's secure messaging shows nothing", "08A4020C02" "4142", "9000",
          "> 08 A4 02 0C secured SELECT [2] < 9000 done" },
        { "CHANGE KEY never shows the PIN", "8032008004" "31323334", "9000", "> 80 32 00 80 CHANGE KEY [4] < 9000 done" },
        { "a secured SELECT shows nothing", "04A4040C02" "4142", "6882",
          "> 04 A4 04 0C secured SELECT [2] < 6882 secure messaging not supported" },
        { "a VERIFY with a broken length is no APDU and shows nothing", "0020008005" "31323334", "6700",
          "> not an APDU [9] < 6700 wrong length" },
        { "an answer without status word", "00200080", "90", "> 00 20 00 80 VERIFY < not a response [1]" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes command = exact(rows[i].command), response = exact(rows[i].response);
        struct buf line = { 0 };
        print_message("  %s\n", rows[i].what);
        assert_int_equal(apdu_trace(command, response, &line), RC_OK);
        assert_string_equal(buf_string(&line), rows[i].line);
        buf_wipe(&line);
        drop(command);
        drop(response);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_apdu_parse),     cmocka_unit_test(test_apdu_refuse), cmocka_unit_test(test_apdu_cut_and_flip),
        cmocka_unit_test(test_apdu_encode),    cmocka_unit_test(test_response),    cmocka_unit_test(test_tlv),
        cmocka_unit_test(test_tlv_find_append), cmocka_unit_test(test_cursor),     cmocka_unit_test(test_sw_text),
        cmocka_unit_test(test_trace),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}

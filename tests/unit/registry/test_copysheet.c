/* test_copysheet.c — the sheet of a copy: dates as people read them, several pages, and a signature that is put on nothing but a whole
 * document. What a signed copy looks like to other programs: registry-copies. */
#include "registry/copypage.h"
#include "registry/pdfseal.h"

#include "base/file.h"
#include "testops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        bool birth;
        const char *in, *out;
    } rows[] = {
        { true, "319800229", "昭和55年2月29日" }, { true, "420190430", "平成31年4月30日" }, { true, "520190501", "令和元年5月1日" },
        { true, "319470000", "昭和22年月日不詳" }, { true, "319470300", "昭和22年3月日不詳" }, { true, "000000000", "不詳" },
        { true, "019991231", "1999年12月31日" }, { true, "nonsense", "不詳" }, { true, "919991231", "不詳" },
        { false, "2026-11-26", "令和8年11月26日" }, { false, "2019-04-30", "平成31年4月30日" }, { false, "1989-01-07", "昭和64年1月7日" },
        { false, "1926-12-25", "昭和元年12月25日" }, { false, "1912-07-29", "明治45年7月29日" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[64];
        if (rows[i].birth)
            copypage_birth(rows[i].in, out);
        else
            copypage_day(rows[i].in, out);
        assert_string_equal(out, rows[i].out);
    }
}

static void draw(size_t people, size_t lines, struct buf *pdf)
{
    struct copypage_block *blocks = calloc(people, sizeof *blocks);
    char text[820] = "";
    for (size_t i = 0; i < 60; i++)
        strcat(text, "鹿児島");
    for (size_t i = 0; i < people; i++)
        for (size_t k = 0; k < lines; k++)
            assert_int_equal(copypage_add(&blocks[i], "住所", text), RC_OK);
    const struct copypage page = { .title = "住民票の写し", .kind = "（広域交付）", .blocks = blocks, .count = people, .closing = text,
                                   .issuer = "鹿児島県鹿児島市長", .number = "1", .date = "2026-11-26", .created = 1795651200 };
    assert_int_equal(copypage_draw(&page, pdf, NULL), RC_OK);
    free(blocks);
}

static bool holds(struct buf *pdf, const char *words)
{
    return memmem(pdf->data, pdf->len, words, strlen(words)) != NULL;
}

static void test_pages(void **state)
{
    (void)state;
    static const struct {
        size_t people, lines;
        const char *count;
    } rows[] = { { 1, 3, "/Count 1\n" }, { 3, 8, "/Count 4\n" }, { 1, 24, "/Count 4\n" } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf pdf = { 0 };
        draw(rows[i].people, rows[i].lines, &pdf);
        if (!holds(&pdf, rows[i].count))
            fail_msg("%zu people of %zu lines: not %s", rows[i].people, rows[i].lines, rows[i].count);
        buf_wipe(&pdf);
    }
    struct copypage_block block = { 0 };
    assert_int_equal(copypage_add(&block, "旧氏", ""), RC_OK);
    assert_int_equal(block.count, 0);
    for (int i = 0; i < COPYPAGE_ROWS; i++)
        assert_int_equal(copypage_add(&block, "旧氏", "x"), RC_OK);
    assert_int_equal(copypage_add(&block, "旧氏", "x"), RC_RANGE);
}

static void test_seal(void **state)
{
    (void)state;
    struct testops ops;
    struct identity id;
    struct buf pdf = { 0 };
    testops_new(&ops);
    char *path = testops_identity(&ops, ROLE_DOCUMENT_SEAL, "462012", "sealer");
    assert_int_equal(identity_open(path, &id, NULL), RC_OK);
    struct pdfseal seal = { .key_pem = buf_bytes(&id.key_pem), .cert_pem = buf_bytes(&id.cert_pem), .ca_pem = buf_bytes(&id.ca_pem),
                            .name = "Kagoshima-shi", .reason = "Copy", .time = 1795651200 };
    draw(1, 3, &pdf);
    for (size_t len = 0; len < pdf.len; len += 1 + pdf.len / 97) { /* a part of a document is none, and stays as it was */
        struct buf part = { 0 };
        assert_int_equal(buf_append(&part, pdf.data, len), RC_OK);
        assert_int_equal(pdfseal_sign(&seal, &part, NULL), RC_FORMAT);
        assert_int_equal(part.len, len);
        buf_wipe(&part);
    }
    static const char *const wrong[] = {
        "%PDF-1.5\nstartxref\n9\n%%EOF\n", "trailer\n<< /Size 3 /Root 1 0 R >>\nstartxref\n0\n%%EOF\n",
        "xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 999999 /Root 1 0 R >>\nstartxref\n-5\n%%EOF\n",
        " xref\n0 2\n0000000000 65535 f \n0000000099 00000 n \ntrailer\n<< /Size 2 /Root 1 0 R >>\nstartxref\n1\n%%EOF\n",
        " xref\n0 2\n0000000000 65535 f \n9999999999 00000 n \ntrailer\n<< /Size 9 /Root 1 0 R >>\nstartxref\n1\n%%EOF\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct buf document = { 0 };
        assert_int_equal(buf_append_text(&document, wrong[i]), RC_OK);
        assert_int_equal(pdfseal_sign(&seal, &document, NULL), RC_FORMAT);
        buf_wipe(&document);
    }
    size_t before = pdf.len;
    seal.key_pem = seal.cert_pem;
    assert_int_equal(pdfseal_sign(&seal, &pdf, NULL), RC_CRYPTO);
    assert_int_equal(pdf.len, before);
    seal.key_pem = buf_bytes(&id.key_pem);
    assert_int_equal(pdfseal_sign(&seal, &pdf, NULL), RC_OK);
    assert_true(pdf.len > before);
    assert_true(holds(&pdf, "/SubFilter /adbe.pkcs7.detached"));
    assert_true(holds(&pdf, "/M (D:20261126000000Z)"));
    buf_wipe(&pdf);
    identity_close(&id);
    free(path);
    testops_free(&ops);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_dates), cmocka_unit_test(test_pages), cmocka_unit_test(test_seal) };
    return cmocka_run_group_tests_name("registry-copysheet", tests, NULL, NULL);
}

/* test_sim_access.c — the access rules of every file and key of every profile, against a table of this test's own: with no
 * PIN presented, and with each one alone, after power on. So each rule has a row that nothing else refuses. */
#include "base/hex.h"
#include "support/testface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#define MANAGER "00A4040C07A0000001510000"
#define JPKI "00A4040C0AD392F000260100000001"
#define TEXT "00A4040C0AD3921000310001010408"
#define VISUAL "00A4040C0AD3921000310001010402"
#define RESIDENT "00A4040C0AD3921000310001010401"
#define COMMON "00A4040C0AD3921000310001010100"
#define ORDINANCE "00A4040C06F04A554B4901"

#define PINS_MAX 3

struct app {
    const char *what, *select;
    struct {
        char letter;
        unsigned ef;
        const char *value;
    } pins[PINS_MAX];
    /* Each " EF:letters": the PINs of which one opens it; * for everybody, - for nobody; K before it: the use of a key, R: a
     * record, S: SET SESSION KEY. */
    const char *rules;
};

static const struct app mynumber[] = {
    { "JPKI", JPKI, { { 'a', 0x18, "1234" }, { 's', 0x1B, "ABC123" } },
      "01:s 02:* 05:- 06:* 08:* 09:- 0A:* 0B:* K17:a K1A:s" },
    { "text", TEXT, { { 'p', 0x11, TESTFACE_PIN }, { 'a', 0x14, TESTFACE_NUMBER }, { 'b', 0x15, TESTFACE_B } },
      "01:pa 02:pb 03:pab 04:* 05:* 06:pab 07:pab 08:* K13:* S00:p" },
    { "visual", VISUAL, { { 'd', 0x11, TESTFACE_BIRTH }, { 'b', 0x12, TESTFACE_B }, { 'a', 0x13, TESTFACE_NUMBER } },
      "01:d 02:ab 03:* 04:* 05:a 06:ab K1A:*" },
    { "resident", RESIDENT, { { 'p', 0x1C, TESTFACE_PIN } }, "R02:*" },
    { "common", COMMON, { { 'p', 0x1C, TESTFACE_PIN } }, "R01:* R02:* K19:*" },
};

static const struct app phone[] = {
    { "JPKI on a phone", JPKI, { { 'a', 0x18, "1234" }, { 's', 0x1B, "ABC123" } }, "01:s 02:* 06:* 08:* 0A:a 0B:* K17:a K1A:s" },
};

static const struct app juki[] = {
    { "JPKI", JPKI, { { 's', 0x1B, "ABC123" } }, "01:s 02:* 06:* K1A:s" },
    { "resident", RESIDENT, { { 'p', 0x1C, "2580" } }, "01:p" },
    { "visual", VISUAL, { { 'b', 0x12, "1234" } }, "02:b" },
    { "ordinance", ORDINANCE, { { 0 } }, "01:*" },
};

/* The stronger PIN opens what the weaker opens, and not the other way round. */
static const struct app next[] = {
    { "authentication", JPKI, { { 'a', 0x18, "1234" }, { 's', 0x1B, "ABC123" } },
      "01:s 02:* 06:* 08:* 0A:* 0B:* 0C:as 0D:as K17:as K1A:s" },
    { "face", VISUAL, { { 'b', 0x12, "345678" } }, "02:b 04:* K1A:*" },
};

static unsigned probe(struct testcard *card, char kind, unsigned ef)
{
    char hex[2 * 60];
    if (kind == 'K')
        (void)snprintf(hex, sizeof hex, "802A00%02X30%096d00", ef | 0x80u, 0);
    else if (kind == 'R')
        (void)snprintf(hex, sizeof hex, "00B201%02X00", ef << 3 | 4u);
    else if (kind == 'S')
        (void)snprintf(hex, sizeof hex, "80AE00000400000000");
    else
        (void)snprintf(hex, sizeof hex, "00B0%02X0001", ef | 0x80u);
    return testcard_send(card, hex);
}

static void present(struct testcard *card, unsigned ef, const char *value)
{
    char hex[64];
    size_t at = (size_t)snprintf(hex, sizeof hex, "002000%02X%02zX", ef | 0x80u, strlen(value));
    for (size_t i = 0; value[i]; i++)
        at += (size_t)snprintf(hex + at, sizeof hex - at, "%02X", (unsigned)value[i]);
    assert_int_equal(testcard_send(card, hex), 0x9000);
}

/* Every file that is read and every key that is used stands in the table: nothing of a profile is left to chance. */
static void check_complete(const char *profile_name, const struct app *apps, size_t count)
{
    const struct sim_profile *profile = sim_profile_find(profile_name);
    for (size_t a = 0; a < profile->app_count; a++) {
        const struct sim_app *app = &profile->apps[a];
        const struct app *row = NULL;
        char aid[40];
        hex_encode(bytes_of(app->aid, app->aid_len), aid);
        for (size_t i = 0; i < count; i++)
            if (strcasecmp(apps[i].select + 10, aid) == 0)
                row = &apps[i];
        for (size_t i = 0; i < app->ef_count; i++) {
            const struct sim_ef *ef = &app->efs[i];
            char rule[8];
            if (ef->kind == SIM_KIND_PIN || ef->kind == SIM_KIND_LOCKED || ef->kind == SIM_KIND_REFERENCE)
                continue;
            (void)snprintf(rule, sizeof rule, "%s%02X:", ef->kind == SIM_KIND_KEY ? "K" : ef->kind == SIM_KIND_RECORDS ? "R" : "",
                           ef->id);
            const char *at = row ? strstr(row->rules, rule) : NULL;
            if (!at || (at != row->rules && at[-1] != ' '))
                fail_msg("%s, %s: no row has %s", profile_name, app->name, rule);
        }
    }
}

static unsigned check_app(struct testcard *card, const struct app *app)
{
    unsigned checked = 0;
    for (int pin = -1; pin < PINS_MAX && (pin < 0 || app->pins[pin].letter); pin++) {
        testcard_cut(card);
        assert_int_equal(testcard_send(card, app->select), 0x9000);
        if (pin >= 0)
            present(card, app->pins[pin].ef, app->pins[pin].value);
        for (const char *at = app->rules; *at; at += strcspn(at, " "), at += *at == ' ') {
            char kind = *at == 'K' || *at == 'R' || *at == 'S' ? *at : 0, opens[8] = "";
            unsigned ef;
            assert_int_equal(sscanf(at + (kind != 0), "%2X:%7[a-z*-]", &ef, opens), 2);
            bool open = strcmp(opens, "*") == 0 || (pin >= 0 && strchr(opens, app->pins[pin].letter));
            unsigned want = !open ? 0x6982 : kind == 'S' ? 0x6700 : 0x9000, sw = probe(card, kind, ef);
            if (sw != want)
                fail_msg("%s, %c%02X with PIN '%c': %04X, not %04X", app->what, kind ? kind : ' ', ef,
                         pin < 0 ? '-' : app->pins[pin].letter, sw, want);
            checked++;
        }
    }
    return checked;
}

static unsigned check_card(struct testcard *card, const struct app *apps, size_t count)
{
    unsigned checked = 0;
    for (size_t i = 0; i < count; i++) {
        print_message("  %s\n", apps[i].what);
        checked += check_app(card, &apps[i]);
    }
    return checked;
}
#define CHECK(card, apps) check_card(card, apps, sizeof(apps) / sizeof *(apps))

static void test_mynumber(void **state)
{
    (void)state;
    check_complete("mynumber", mynumber, sizeof mynumber / sizeof *mynumber);
    check_complete("juki", juki, sizeof juki / sizeof *juki);
    check_complete("next", next, sizeof next / sizeof *next);
    struct testcard *card = testface_new(NULL);
    assert_true(CHECK(card, mynumber) > 70);
    testcard_switch(card, "phone=iphone");
    assert_true(CHECK(card, phone) > 20);
    assert_int_equal(testcard_send(card, TEXT), 0x6A82); /* a phone has no such application */
    assert_int_equal(testcard_send(card, MANAGER), 0x9000);
    testcard_free(card);
}

/* PINs and one byte of content for what testcard_personalise does not know. */
static void fill(struct testcard *card, const char *select, unsigned pin, const char *value, const unsigned *files)
{
    struct buf answer = { 0 };
    testcard_open_channel_to(card, select);
    if (pin)
        testcard_issue(card, APPLET_INS_PUT_REFERENCE_DATA, 0, 0x80 | pin, bytes_of(value, strlen(value)), 0, &answer);
    for (; *files; files++)
        testcard_issue(card, APPLET_INS_UPDATE_BINARY, 0x80 | *files, 0, bytes_of("x", 1), 0, &answer);
    buf_wipe(&answer);
}

static void test_juki(void **state)
{
    (void)state;
    struct testcard *card = testcard_new_profile("juki", false, NULL);
    fill(card, RESIDENT, 0x1C, "2580", (const unsigned[]) { 1, 0 });
    fill(card, VISUAL, 0x12, "1234", (const unsigned[]) { 2, 0 });
    fill(card, ORDINANCE, 0, NULL, (const unsigned[]) { 1, 0 });
    testcard_personalise(card);
    assert_true(CHECK(card, juki) > 10);
    assert_int_equal(testcard_send(card, TEXT), 0x6A82);
    testcard_free(card);
}

static void test_next(void **state)
{
    (void)state;
    struct testcard *card = testcard_new_profile("next", false, NULL);
    struct buf answer = { 0 };
    fill(card, VISUAL, 0x12, "345678", (const unsigned[]) { 2, 4, 0 });
    testcard_issue(card, APPLET_INS_GENERATE_KEY_PAIR, 0x80, 0x1A, bytes_of(NULL, 0), 65536, &answer);
    fill(card, JPKI, 0, NULL, (const unsigned[]) { 0x0C, 0x0D, 0 });
    testcard_personalise(card);
    assert_true(CHECK(card, next) > 30);
    /* The weaker PIN blocked: the stronger one still opens what it guards. */
    testcard_cut(card);
    assert_int_equal(testcard_send(card, JPKI), 0x9000);
    for (int i = 2; i >= 0; i--)
        assert_int_equal(testcard_send(card, "002000980430303030"), 0x63C0 | (unsigned)i);
    assert_int_equal(probe(card, 'K', 0x17), 0x6982);
    present(card, 0x1B, "ABC123");
    assert_int_equal(probe(card, 'K', 0x17), 0x9000);
    buf_wipe(&answer);
    testcard_free(card);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_mynumber), cmocka_unit_test(test_juki), cmocka_unit_test(test_next) };
    return cmocka_run_group_tests_name("sim-access", tests, NULL, NULL);
}

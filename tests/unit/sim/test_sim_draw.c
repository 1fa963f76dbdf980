/* test_sim_draw.c — what a card's face may hold, and that every picture is a picture and says that it is a specimen. */
#include "applet-sim/sim_draw.h"

#include <cairo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRONT(name) "{\"layout\":\"mynumber-front\",\"name\":\"" name "\",\"birth\":\"平成31年4月30日\",\"sex\":\"女\"," \
                    "\"address\":\"架空県見本市中央1-2-3\",\"expires\":\"2035年4月30日\",\"issuer\":\"見本市長\"}"
#define BACK "{\"layout\":\"mynumber-back\",\"name\":\"見本 花子\",\"birth\":\"平成31年4月30日\",\"number\":\"1234 5678 9018\"}"
#define JUKI_A "{\"layout\":\"juki-a\",\"name\":\"見本 太郎\",\"expires\":\"2025年12月31日\",\"issuer\":\"架空県見本市\"}"
#define JUKI_B "{\"layout\":\"juki-b\",\"name\":\"見本 太郎\",\"birth\":\"昭和50年1月2日\",\"sex\":\"男\"," \
               "\"address\":\"架空県見本市中央1-2-3\",\"expires\":\"2025年12月31日\",\"issuer\":\"架空県見本市\"}"

static const char *const good[] = { FRONT("見本 花子"), BACK, JUKI_A, JUKI_B };

static void load(const char *json, struct sim_face *face)
{
    struct err err = { 0 };
    if (sim_face_parse(bytes_of(json, strlen(json)), face, &err))
        fail_msg("%s", err.text);
}

static void test_parse(void **state)
{
    (void)state;
    char many[512] = "";
    (void)snprintf(many, sizeof many, "{\"layout\":\"juki-a\",\"expires\":\"x\",\"issuer\":\"x\",\"name\":\"%0*d\"}", 201, 0);
    const struct {
        const char *json, *said;
    } bad[] = {
        { "", "JSON object" },
        { "[]", "JSON object" },
        { "{\"layout\":\"juki-a\"", "JSON object" },
        { "{}", "layout" },
        { "{\"layout\":7}", "layout" },
        { "{\"layout\":\"passport\"}", "layout" },
        { "{\"layout\":\"juki-a\",\"expires\":\"x\",\"issuer\":\"x\"}", "name: missing" },
        { "{\"layout\":\"juki-a\",\"name\":\"x\",\"name\":\"y\",\"expires\":\"x\",\"issuer\":\"x\"}", "JSON object" },
        { "{\"layout\":\"juki-a\",\"name\":\"x\",\"expires\":\"x\",\"issuer\":\"x\",\"sex\":\"x\"}", "sex: the layout juki-a" },
        { "{\"layout\":\"juki-a\",\"name\":\"x\",\"expires\":\"x\",\"issuer\":\"x\",\"blood\":\"x\"}", "blood" },
        { "{\"layout\":\"juki-a\",\"name\":\"\",\"expires\":\"x\",\"issuer\":\"x\"}", "name: text" },
        { "{\"layout\":\"juki-a\",\"name\":1,\"expires\":\"x\",\"issuer\":\"x\"}", "name: text" },
        { "{\"layout\":\"juki-a\",\"name\":\"a\\nb\",\"expires\":\"x\",\"issuer\":\"x\"}", "name: text" },
        { "{\"layout\":\"juki-a\",\"name\":\"a\\u0000b\",\"expires\":\"x\",\"issuer\":\"x\"}", "JSON object" },
        { "{\"layout\":\"juki-a\",\"name\":\"\xFF\",\"expires\":\"x\",\"issuer\":\"x\"}", "JSON object" },
        { many, "name: text" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct sim_face face = { 0 };
        struct err err = { 0 };
        print_message("  %.60s\n", bad[i].json);
        assert_int_equal(sim_face_parse(bytes_of(bad[i].json, strlen(bad[i].json)), &face, &err), RC_FORMAT);
        if (!strstr(err.text, bad[i].said))
            fail_msg("'%s' is not in '%s'", bad[i].said, err.text);
        for (int j = 0; j < SIM_FACE_FIELDS; j++)
            assert_null(face.text[j]);
    }
    for (size_t cut = 0; cut < strlen(JUKI_A); cut++) { /* at each length, from memory of exactly that size */
        struct sim_face face = { 0 };
        char *exact = strndup(JUKI_A, cut);
        assert_int_equal(sim_face_parse(bytes_of(exact, cut), &face, NULL), RC_FORMAT);
        free(exact);
    }
}

struct reading {
    const struct buf *png;
    size_t at;
};

static cairo_status_t read_png(void *closure, unsigned char *data, unsigned int len)
{
    struct reading *reading = closure;
    if (reading->png->len - reading->at < len)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(data, reading->png->data + reading->at, len);
    reading->at += len;
    return CAIRO_STATUS_SUCCESS;
}

/* How many pixels of a thousand are reddish: the mark. */
static unsigned marked(const struct buf *png, int width, int height)
{
    struct reading reading = { png, 0 };
    cairo_surface_t *surface = cairo_image_surface_create_from_png_stream(read_png, &reading);
    assert_int_equal(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
    assert_int_equal(cairo_image_surface_get_width(surface), width);
    assert_int_equal(cairo_image_surface_get_height(surface), height);
    const unsigned char *pixels = cairo_image_surface_get_data(surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(surface), red = 0;
    for (size_t y = 0; y < (size_t)height; y++)
        for (size_t x = 0; x < (size_t)width; x++) {
            uint32_t pixel;
            memcpy(&pixel, pixels + y * stride + 4 * x, 4);
            red += (pixel >> 16 & 0xFF) > (pixel >> 8 & 0xFF) + 50;
        }
    cairo_surface_destroy(surface);
    return (unsigned)(red * 1000 / ((size_t)width * (size_t)height));
}

static void test_pictures(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct sim_face face = { 0 };
        struct buf png = { 0 }, svg = { 0 };
        struct err err = { 0 };
        load(good[i], &face);
        print_message("  layout %d\n", face.layout);
        if (sim_draw_png(&face, 100, &png, &err) || sim_draw_svg(&face, &svg, &err))
            fail_msg("%s", err.text);
        unsigned red = marked(&png, 337, 213);
        print_message("    %u of 1000 pixels are the mark's\n", red);
        assert_true(red > 40);
        assert_true(memmem(svg.data, svg.len, "<svg ", 5) != NULL);
        assert_true(memmem(svg.data, svg.len, "</svg>", 6) != NULL);
        assert_true(memmem(svg.data, svg.len, "width=\"242.6", 12) != NULL); /* points */
        buf_wipe(&png);
        buf_wipe(&svg);
        sim_face_wipe(&face);
    }
}

/* The text is in the picture, the longest that is allowed too, and the same face is the same picture. */
static void test_text(void **state)
{
    (void)state;
    static const char *const faces[] = { FRONT("見本 花子"), FRONT("見本 花子"), FRONT("見本 太郎"),
                                         FRONT("とてもとてもとてもとてもとてもとてもとてもとてもとてもとてもとてもながいなまえのひと") };
    struct buf png[4] = { { 0 } };
    struct sim_face face = { 0 };
    struct err err = { 0 };
    for (int i = 0; i < 4; i++) {
        load(faces[i], &face);
        assert_int_equal(sim_draw_png(&face, 80, &png[i], NULL), RC_OK);
        sim_face_wipe(&face);
    }
    assert_true(bytes_equal(buf_bytes(&png[0]), buf_bytes(&png[1])));
    assert_false(bytes_equal(buf_bytes(&png[0]), buf_bytes(&png[2])));
    assert_false(bytes_equal(buf_bytes(&png[2]), buf_bytes(&png[3])));
    load(FRONT("\xF0\x92\x80\x80\xF3\xA0\x87\xB0\xF4\x8F\xBF\xBD"), &face); /* cuneiform and a private character */
    assert_int_equal(sim_draw_png(&face, 80, &png[0], &err), RC_UNSUPPORTED);
    assert_non_null(strstr(err.text, "font"));
    assert_int_equal(sim_draw_png(&face, 49, &png[0], NULL), RC_RANGE);
    assert_int_equal(sim_draw_png(&face, 1201, &png[0], NULL), RC_RANGE);
    sim_face_wipe(&face);
    for (int i = 0; i < 4; i++)
        buf_wipe(&png[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse), cmocka_unit_test(test_pictures), cmocka_unit_test(test_text) };
    return cmocka_run_group_tests_name("sim-draw", tests, NULL, NULL);
}

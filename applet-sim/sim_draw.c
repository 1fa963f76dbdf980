/* sim_draw.c — layouts as rows, drawn with cairo and pango. Lengths are millimetres. */
#include "applet-sim/sim_draw.h"

#include "applet-sim/sim_portrait.h"

#include <cairo-svg.h>
#include <jansson.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>

#define CARD_W 85.6
#define CARD_H 53.98
#define CORNER 3.18
#define MM_PER_INCH 25.4
#define POINTS_PER_MM (72.0 / MM_PER_INCH)
#define TEXT_MAX 200u
#define FAMILY "IPAexGothic,sans-serif"

struct box {
    double x, y, w, h;
};

/* One field: a label in small letters, the text below or beside it in its box, smaller when it does not fit. */
struct row {
    enum sim_face_field field;
    const char *label;
    struct box box;
    double size;
};

struct layout {
    const char *name, *title;
    double tint[3];
    struct box photo, chip; /* without width: none */
    struct row rows[6];
    size_t count;
};

static const struct layout layouts[SIM_LAYOUTS] = {
    [SIM_LAYOUT_MYNUMBER_FRONT] = {
        "mynumber-front", "個人番号カード", { 0.91, 0.95, 0.99 }, { 61, 14, 19.5, 25 }, { 0 },
        { { SIM_FACE_NAME, "氏名", { 5, 12, 53, 6 }, 4.0 },
          { SIM_FACE_ADDRESS, "住所", { 5, 20.5, 53, 8 }, 2.9 },
          { SIM_FACE_BIRTH, "生年月日", { 5, 31, 33, 4.5 }, 3.2 },
          { SIM_FACE_SEX, "性別", { 42, 31, 16, 4.5 }, 3.2 },
          { SIM_FACE_EXPIRES, "有効期限", { 5, 37.5, 33, 4.5 }, 3.2 },
          { SIM_FACE_ISSUER, "発行", { 5, 43.8, 53, 4 }, 2.7 } },
        6,
    },
    [SIM_LAYOUT_MYNUMBER_BACK] = {
        "mynumber-back", "個人番号カード（裏）", { 0.95, 0.96, 0.92 }, { 0 }, { 8, 20, 13, 11 },
        { { SIM_FACE_NUMBER, "個人番号", { 28, 14, 52, 7.5 }, 5.4 },
          { SIM_FACE_NAME, "氏名", { 28, 26, 52, 6 }, 3.6 },
          { SIM_FACE_BIRTH, "生年月日", { 28, 36, 52, 4.5 }, 3.2 } },
        3,
    },
    [SIM_LAYOUT_JUKI_A] = {
        "juki-a", "住民基本台帳カード", { 0.97, 0.94, 0.97 }, { 0 }, { 8, 20, 13, 11 },
        { { SIM_FACE_NAME, "氏名", { 28, 20, 52, 8 }, 5.0 },
          { SIM_FACE_EXPIRES, "有効期限", { 28, 34, 52, 4.5 }, 3.2 },
          { SIM_FACE_ISSUER, "発行", { 28, 43, 52, 4.5 }, 3.0 } },
        3,
    },
    [SIM_LAYOUT_JUKI_B] = {
        "juki-b", "住民基本台帳カード", { 0.97, 0.94, 0.97 }, { 61, 14, 19.5, 25 }, { 0 },
        { { SIM_FACE_NAME, "氏名", { 5, 12, 53, 6 }, 4.0 },
          { SIM_FACE_BIRTH, "生年月日", { 5, 21, 33, 4.5 }, 3.2 },
          { SIM_FACE_SEX, "性別", { 42, 21, 16, 4.5 }, 3.2 },
          { SIM_FACE_ADDRESS, "住所", { 5, 28.5, 53, 8 }, 2.9 },
          { SIM_FACE_EXPIRES, "有効期限", { 5, 37.7, 53, 4 }, 3.0 },
          { SIM_FACE_ISSUER, "発行", { 5, 43.8, 53, 4 }, 2.7 } },
        6,
    },
};

static const char *const field_names[SIM_FACE_FIELDS] = { "name", "birth", "sex", "address", "expires", "issuer", "number" };

/* --- the data ------------------------------------------------------------------------------------------------------ */

void sim_face_wipe(struct sim_face *face)
{
    for (int i = 0; i < SIM_FACE_FIELDS; i++) {
        if (face->text[i])
            explicit_bzero(face->text[i], strlen(face->text[i]));
        free(face->text[i]);
        face->text[i] = NULL;
    }
}

static bool face_shows(enum sim_layout layout, int field)
{
    for (size_t i = 0; i < layouts[layout].count; i++)
        if (layouts[layout].rows[i].field == (enum sim_face_field)field)
            return true;
    return false;
}

static enum rc face_layout(const json_t *object, enum sim_layout *layout, struct err *err)
{
    const char *name = json_string_value(json_object_get(object, "layout"));
    for (int i = 0; name && i < SIM_LAYOUTS; i++)
        if (strcmp(layouts[i].name, name) == 0) {
            *layout = (enum sim_layout)i;
            return RC_OK;
        }
    return err_set(err, RC_FORMAT, "layout: mynumber-front, mynumber-back, juki-a or juki-b");
}

static enum rc face_member(struct sim_face *face, const char *key, const json_t *value, struct err *err)
{
    if (strcmp(key, "layout") == 0)
        return RC_OK;
    for (int i = 0; i < SIM_FACE_FIELDS; i++) {
        if (strcmp(field_names[i], key) != 0)
            continue;
        if (!face_shows(face->layout, i))
            return err_set(err, RC_FORMAT, "%s: the layout %s does not show it", key, layouts[face->layout].name);
        const char *text = json_string_value(value);
        if (!text || !*text || strlen(text) > TEXT_MAX || strpbrk(text, "\r\n\t"))
            return err_set(err, RC_FORMAT, "%s: text of 1 to %u bytes in one line", key, TEXT_MAX);
        face->text[i] = strdup(text);
        return face->text[i] ? RC_OK : RC_NOMEM;
    }
    return err_set(err, RC_FORMAT, "%.40s: no member of a card's face", key);
}

enum rc sim_face_parse(struct bytes json, struct sim_face *face, struct err *err)
{
    struct sim_face made = { 0 };
    json_error_t why;
    json_t *object = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(object)) {
        json_decref(object);
        return err_set(err, RC_FORMAT, "a card's face is a JSON object: %s", object ? "another thing" : why.text);
    }
    const char *key;
    json_t *value;
    enum rc rc = face_layout(object, &made.layout, err);
    if (rc == RC_OK)
        json_object_foreach(object, key, value)
            if (rc == RC_OK)
                rc = face_member(&made, key, value, err);
    for (int i = 0; rc == RC_OK && i < SIM_FACE_FIELDS; i++)
        if (face_shows(made.layout, i) && !made.text[i])
            rc = err_set(err, RC_FORMAT, "%s: missing; the layout %s shows it", field_names[i], layouts[made.layout].name);
    json_decref(object);
    if (rc)
        sim_face_wipe(&made);
    else
        *face = made;
    return rc;
}

/* --- drawing ------------------------------------------------------------------------------------------------------- */

struct canvas {
    cairo_t *cr;
    PangoFontMap *fonts;
    bool unknown; /* a character that no font has */
};

/* Text into a box: as large as asked for, or as large as fits, not smaller than a third. Returns its height. */
static void canvas_text(struct canvas *canvas, const char *text, const struct box *box, double size, PangoAlignment alignment)
{
    PangoContext *context = pango_font_map_create_context(canvas->fonts);
    PangoLayout *layout = pango_layout_new(context);
    PangoFontDescription *font = pango_font_description_from_string(FAMILY);
    PangoRectangle extents;
    pango_cairo_context_set_resolution(context, 72);
    pango_layout_set_text(layout, text, -1);
    pango_layout_set_alignment(layout, alignment);
    pango_layout_set_width(layout, (int)(box->w * PANGO_SCALE * 10));
    pango_layout_set_wrap(layout, PANGO_WRAP_CHAR);
    for (double now = size; now >= size / 3; now *= 0.93) { /* in tenths of a millimetre, so that hinting does no harm */
        pango_font_description_set_absolute_size(font, now * PANGO_SCALE * 10);
        pango_layout_set_font_description(layout, font);
        pango_layout_get_extents(layout, NULL, &extents);
        if (extents.height <= (int)(box->h * PANGO_SCALE * 10))
            break;
    }
    canvas->unknown |= pango_layout_get_unknown_glyphs_count(layout) != 0;
    cairo_save(canvas->cr);
    cairo_move_to(canvas->cr, box->x, box->y);
    cairo_scale(canvas->cr, 0.1, 0.1);
    pango_cairo_show_layout(canvas->cr, layout);
    cairo_restore(canvas->cr);
    pango_font_description_free(font);
    g_object_unref(layout);
    g_object_unref(context);
}

static void canvas_rounded(cairo_t *cr, const struct box *box, double r)
{
    const double quarter = 1.5707963267948966, right = box->x + box->w, low = box->y + box->h;
    cairo_new_sub_path(cr);
    cairo_arc(cr, right - r, box->y + r, r, -quarter, 0);
    cairo_arc(cr, right - r, low - r, r, 0, quarter);
    cairo_arc(cr, box->x + r, low - r, r, quarter, 2 * quarter);
    cairo_arc(cr, box->x + r, box->y + r, r, 2 * quarter, 3 * quarter);
    cairo_close_path(cr);
}

static void canvas_photo(cairo_t *cr, const struct box *box)
{
    cairo_save(cr);
    canvas_rounded(cr, box, 1);
    cairo_clip(cr);
    sim_portrait_draw(cr, box->x, box->y, box->w, box->h);
    cairo_restore(cr);
}

static void canvas_chip(cairo_t *cr, const struct box *box)
{
    canvas_rounded(cr, box, 1.5);
    cairo_set_source_rgb(cr, 0.86, 0.78, 0.5);
    cairo_fill_preserve(cr);
    cairo_set_source_rgb(cr, 0.55, 0.48, 0.25);
    cairo_set_line_width(cr, 0.25);
    cairo_stroke(cr);
    for (int i = 1; i <= 2; i++) {
        cairo_move_to(cr, box->x, box->y + box->h * i / 3);
        cairo_rel_line_to(cr, box->w, 0);
        cairo_move_to(cr, box->x + box->w * i / 3, box->y);
        cairo_rel_line_to(cr, 0, box->h);
    }
    cairo_stroke(cr);
}

/* Over everything, corner to corner. */
static void canvas_specimen(struct canvas *canvas)
{
    static const struct box japanese = { -40, -21, 80, 26 }, english = { -40, 2, 80, 16 }, note = { 5, 50, 75.6, 3 };
    cairo_set_source_rgba(canvas->cr, 0.85, 0.1, 0.1, 0.42);
    cairo_save(canvas->cr);
    cairo_translate(canvas->cr, CARD_W / 2, CARD_H / 2);
    cairo_rotate(canvas->cr, -0.42);
    canvas_text(canvas, "見 本", &japanese, 20, PANGO_ALIGN_CENTER);
    canvas_text(canvas, "SPECIMEN", &english, 13, PANGO_ALIGN_CENTER);
    cairo_restore(canvas->cr);
    cairo_set_source_rgba(canvas->cr, 0.85, 0.1, 0.1, 0.9);
    canvas_text(canvas, "見本 SPECIMEN — open-jpki software card, not an identity document", &note, 2.0, PANGO_ALIGN_CENTER);
}

static void canvas_face(struct canvas *canvas, const struct sim_face *face)
{
    static const struct box card = { 0, 0, CARD_W, CARD_H }, title = { 5, 3, 75.6, 6 };
    const struct layout *layout = &layouts[face->layout];
    cairo_t *cr = canvas->cr;
    canvas_rounded(cr, &card, CORNER);
    cairo_clip(cr);
    cairo_set_source_rgb(cr, layout->tint[0], layout->tint[1], layout->tint[2]);
    cairo_paint(cr);
    cairo_set_source_rgb(cr, layout->tint[0] * 0.8, layout->tint[1] * 0.8, layout->tint[2] * 0.8);
    cairo_rectangle(cr, 0, 0, CARD_W, 10);
    cairo_fill(cr);
    cairo_set_source_rgb(cr, 0.1, 0.12, 0.15);
    canvas_text(canvas, layout->title, &title, 4.4, PANGO_ALIGN_LEFT);
    if (layout->photo.w > 0)
        canvas_photo(cr, &layout->photo);
    if (layout->chip.w > 0)
        canvas_chip(cr, &layout->chip);
    for (size_t i = 0; i < layout->count; i++) {
        const struct row *row = &layout->rows[i];
        struct box label = { row->box.x, row->box.y, row->box.w, 2.2 }, text = row->box;
        text.y += 2.1;
        cairo_set_source_rgb(cr, 0.35, 0.38, 0.42);
        canvas_text(canvas, row->label, &label, 1.7, PANGO_ALIGN_LEFT);
        cairo_set_source_rgb(cr, 0.05, 0.05, 0.08);
        canvas_text(canvas, face->text[row->field], &text, row->size, PANGO_ALIGN_LEFT);
    }
    canvas_specimen(canvas);
}

static cairo_status_t draw_write(void *closure, const unsigned char *data, unsigned int len)
{
    return buf_append(closure, data, len) == RC_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static enum rc draw_on(cairo_surface_t *surface, double scale, const struct sim_face *face, struct err *err)
{
    struct canvas canvas = { .cr = cairo_create(surface), .fonts = pango_cairo_font_map_new() };
    enum rc rc = RC_OK;
    cairo_scale(canvas.cr, scale, scale);
    canvas_face(&canvas, face);
    if (cairo_status(canvas.cr) != CAIRO_STATUS_SUCCESS)
        rc = err_set(err, RC_IO, "cairo: %s", cairo_status_to_string(cairo_status(canvas.cr)));
    else if (canvas.unknown)
        rc = err_set(err, RC_UNSUPPORTED, "no font here has every character of this face; is fonts-ipaexfont installed?");
    cairo_destroy(canvas.cr);
    g_object_unref(canvas.fonts);
    return rc;
}

enum rc sim_draw_svg(const struct sim_face *face, struct buf *out, struct err *err)
{
    size_t start = out->len;
    cairo_surface_t *surface =
        cairo_svg_surface_create_for_stream(draw_write, out, CARD_W * POINTS_PER_MM, CARD_H * POINTS_PER_MM);
    enum rc rc = draw_on(surface, POINTS_PER_MM, face, err);
    cairo_surface_finish(surface);
    if (rc == RC_OK && cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS)
        rc = err_set(err, RC_IO, "cairo: %s", cairo_status_to_string(cairo_surface_status(surface)));
    cairo_surface_destroy(surface);
    if (rc)
        buf_truncate(out, start);
    return rc;
}

enum rc sim_draw_png(const struct sim_face *face, unsigned dpi, struct buf *out, struct err *err)
{
    if (dpi < 50 || dpi > 1200)
        return err_set(err, RC_RANGE, "%u dpi: 50 to 1200", dpi);
    size_t start = out->len;
    double scale = dpi / MM_PER_INCH;
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)(CARD_W * scale + 0.5), (int)(CARD_H * scale + 0.5));
    enum rc rc = draw_on(surface, scale, face, err);
    if (rc == RC_OK && cairo_surface_write_to_png_stream(surface, draw_write, out) != CAIRO_STATUS_SUCCESS)
        rc = err_set(err, RC_IO, "the picture cannot be written");
    cairo_surface_destroy(surface);
    if (rc)
        buf_truncate(out, start);
    return rc;
}

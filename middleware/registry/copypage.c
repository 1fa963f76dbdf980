/* copypage.c — the sheet. Lengths are points, 72 an inch. */
#include "registry/copypage.h"

#include "base/clock.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_W 595.28
#define PAGE_H 841.89
#define LEFT 62.0
#define RIGHT (PAGE_W - LEFT)
#define LABEL_W 118.0
#define PAD 5.0
#define FAMILY "IPAexMincho,serif"
#define MARK "見本　SPECIMEN　試験用"

struct sheet {
    cairo_t *cairo;
    const struct copypage *page;
    double y;
    int number;
};

enum rc copypage_add(struct copypage_block *block, const char *label, const char *value)
{
    if (!value[0])
        return RC_OK;
    if (block->count == COPYPAGE_ROWS)
        return RC_RANGE;
    struct copypage_row *row = &block->rows[block->count++];
    row->label = label;
    snprintf(row->value, sizeof row->value, "%s", value);
    return RC_OK;
}

static const struct {
    const char *name;
    int first; /* the year before its first */
} eras[] = {{"", 0}, {"明治", 1867}, {"大正", 1911}, {"昭和", 1925}, {"平成", 1988}, {"令和", 2018}};

static void copypage_write_day(int era, int year, int month, int day, char out[64])
{
    int of = year - eras[era].first;
    char when[24];
    if (of == 1 && era)
        snprintf(when, sizeof when, "元年");
    else
        snprintf(when, sizeof when, "%d年", of);
    if (month && day)
        snprintf(out, 64, "%s%s%d月%d日", eras[era].name, when, month, day);
    else if (month)
        snprintf(out, 64, "%s%s%d月日不詳", eras[era].name, when, month);
    else
        snprintf(out, 64, year ? "%s%s月日不詳" : "不詳", eras[era].name, when);
}

void copypage_birth(const char *birth, char out[64])
{
    int era = 0, year = 0, month = 0, day = 0;
    if (strlen(birth) != 9 || sscanf(birth, "%1d%4d%2d%2d", &era, &year, &month, &day) != 4 || era < 0 || era > 5)
        era = year = month = day = 0;
    copypage_write_day(era, year, month, day, out);
}

void copypage_day(const char *date, char out[64])
{
    int era = strcmp(date, "2019-05-01") >= 0   ? 5
              : strcmp(date, "1989-01-08") >= 0 ? 4
              : strcmp(date, "1926-12-25") >= 0 ? 3
              : strcmp(date, "1912-07-30") >= 0 ? 2
                                                : 1;
    copypage_write_day(era, atoi(date), atoi(date + 5), atoi(date + 8), out);
}

/* A text in a width at a place; the height that it takes. Drawn only when it is wanted. */
static double sheet_text(struct sheet *sheet, const char *text, double size, double x, double y, double width,
                         PangoAlignment alignment, bool draw)
{
    PangoLayout *layout = pango_cairo_create_layout(sheet->cairo);
    PangoFontDescription *font = pango_font_description_from_string(FAMILY);
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    pango_layout_set_font_description(layout, font);
    pango_layout_set_width(layout, (int)(width * PANGO_SCALE));
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_alignment(layout, alignment);
    pango_layout_set_text(layout, text, -1);
    int height = 0;
    pango_layout_get_size(layout, NULL, &height);
    if (draw) {
        cairo_move_to(sheet->cairo, x, y);
        pango_cairo_show_layout(sheet->cairo, layout);
    }
    pango_font_description_free(font);
    g_object_unref(layout);
    return (double)height / PANGO_SCALE;
}

/* The ground that a copy machine spoils, and the mark that this is no real one. */
static void sheet_ground(struct sheet *sheet)
{
    cairo_t *cairo = sheet->cairo;
    cairo_set_source_rgb(cairo, 0.90, 0.94, 0.97);
    cairo_set_line_width(cairo, 0.4);
    for (double x = 12; x < PAGE_W - 12; x += 9)
        for (double y = 12; y < PAGE_H - 12; y += 9) {
            cairo_move_to(cairo, x, y);
            cairo_line_to(cairo, x + 5, y + 5);
        }
    cairo_stroke(cairo);
    cairo_save(cairo);
    cairo_set_source_rgb(cairo, 0.80, 0.86, 0.92);
    cairo_translate(cairo, PAGE_W / 2, PAGE_H / 2);
    cairo_rotate(cairo, -0.9);
    sheet_text(sheet, MARK, 46, -400, -28, 800, PANGO_ALIGN_CENTER, true);
    cairo_restore(cairo);
    cairo_set_source_rgb(cairo, 0, 0, 0);
}

static void sheet_begin(struct sheet *sheet)
{
    const struct copypage *page = sheet->page;
    char line[160];
    if (sheet->number++ > 0)
        cairo_show_page(sheet->cairo);
    sheet_ground(sheet);
    sheet->y = 58;
    sheet->y += sheet_text(sheet, page->title, 24, LEFT, sheet->y, RIGHT - LEFT, PANGO_ALIGN_CENTER, true) + 4;
    if (page->kind[0])
        sheet->y += sheet_text(sheet, page->kind, 12, LEFT, sheet->y, RIGHT - LEFT, PANGO_ALIGN_CENTER, true);
    snprintf(line, sizeof line, "交付番号　%s　　%d枚目", page->number, sheet->number);
    sheet_text(sheet, line, 9, LEFT, PAGE_H - 46, RIGHT - LEFT, PANGO_ALIGN_RIGHT, true);
    sheet->y += 16;
}

static void sheet_box(struct sheet *sheet, double x, double y, double w, double h, double width)
{
    cairo_set_line_width(sheet->cairo, width);
    cairo_rectangle(sheet->cairo, x, y, w, h);
    cairo_stroke(sheet->cairo);
}

static void sheet_row(struct sheet *sheet, const struct copypage_row *row)
{
    double value_x = LEFT + LABEL_W + PAD, value_w = RIGHT - value_x - PAD;
    double height = sheet_text(sheet, row->value, 11, 0, 0, value_w, PANGO_ALIGN_LEFT, false) + 2 * PAD;
    if (sheet->y + height > PAGE_H - 70)
        sheet_begin(sheet);
    sheet_text(sheet, row->label, 9.5, LEFT + PAD, sheet->y + PAD + 1, LABEL_W - PAD, PANGO_ALIGN_LEFT, true);
    sheet_text(sheet, row->value, 11, value_x, sheet->y + PAD, value_w, PANGO_ALIGN_LEFT, true);
    sheet_box(sheet, LEFT, sheet->y, LABEL_W, height, 0.5);
    sheet_box(sheet, LEFT + LABEL_W, sheet->y, RIGHT - LEFT - LABEL_W, height, 0.5);
    sheet->y += height;
}

static double sheet_block_height(struct sheet *sheet, const struct copypage_block *block)
{
    double height = 0;
    for (size_t i = 0; i < block->count; i++)
        height += sheet_text(sheet, block->rows[i].value, 11, 0, 0, RIGHT - LEFT - LABEL_W - 2 * PAD, PANGO_ALIGN_LEFT,
                             false) +
                  2 * PAD;
    return height;
}

/* What is certified, by whom, with a red square where the seal stands. */
static void sheet_close(struct sheet *sheet)
{
    const struct copypage *page = sheet->page;
    char day[64];
    copypage_day(page->date, day);
    if (sheet->y > PAGE_H - 220)
        sheet_begin(sheet);
    sheet->y += 18;
    sheet->y += sheet_text(sheet, page->closing, 11, LEFT, sheet->y, RIGHT - LEFT, PANGO_ALIGN_LEFT, true) + 18;
    sheet->y += sheet_text(sheet, day, 11, LEFT + 20, sheet->y, RIGHT - LEFT, PANGO_ALIGN_LEFT, true) + 14;
    sheet_text(sheet, page->issuer, 15, LEFT, sheet->y + 12, RIGHT - LEFT - 80, PANGO_ALIGN_RIGHT, true);
    cairo_set_source_rgb(sheet->cairo, 0.78, 0.12, 0.10);
    sheet_box(sheet, RIGHT - 62, sheet->y, 46, 46, 1.6);
    sheet_text(sheet, "見本\n職印", 16, RIGHT - 62, sheet->y + 5, 46, PANGO_ALIGN_CENTER, true);
    cairo_set_source_rgb(sheet->cairo, 0, 0, 0);
}

static cairo_status_t sheet_write(void *closure, const unsigned char *data, unsigned length)
{
    return buf_append(closure, data, length) ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

enum rc copypage_draw(const struct copypage *page, struct buf *pdf, struct err *err)
{
    char created[CLOCK_TEXT_SIZE];
    clock_format(page->created, created);
    cairo_surface_t *surface = cairo_pdf_surface_create_for_stream(sheet_write, pdf, PAGE_W, PAGE_H);
    cairo_pdf_surface_restrict_to_version(surface, CAIRO_PDF_VERSION_1_5);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, page->title);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_SUBJECT, MARK);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, created);
    cairo_t *cairo = cairo_create(surface);
    struct sheet sheet = {.cairo = cairo, .page = page};
    sheet_begin(&sheet);
    for (size_t i = 0; i < page->count; i++) {
        if (i > 0 && sheet.y + sheet_block_height(&sheet, &page->blocks[i]) > PAGE_H - 70)
            sheet_begin(&sheet);
        double top = sheet.y;
        int number = sheet.number;
        for (size_t k = 0; k < page->blocks[i].count; k++)
            sheet_row(&sheet, &page->blocks[i].rows[k]);
        if (number == sheet.number)
            sheet_box(&sheet, LEFT, top, RIGHT - LEFT, sheet.y - top, 1.4);
        sheet.y += 8;
    }
    sheet_close(&sheet);
    cairo_show_page(cairo);
    cairo_status_t status = cairo_status(cairo);
    cairo_destroy(cairo);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    return status == CAIRO_STATUS_SUCCESS
               ? RC_OK
               : err_set(err, RC_NOMEM, "drawing a copy: %s", cairo_status_to_string(status));
}

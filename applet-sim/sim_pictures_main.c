/* sim_pictures_main.c — run by the build: draws the pictures of a specimen card and writes them as a C source.
 * Photograph and lines have the formats of a real card (docs/APPLET.md, visual application), the sizes of name, address
 * and photograph are ours. */
#include "applet-sim/sim_pictures.h"
#include "applet-sim/sim_portrait.h"
#include "applet-sim/sim_specimen.h"
#include "base/file.h"

#include <openjpeg.h>
#include <pango/pangocairo.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#define PHOTO_W 240u
#define PHOTO_H 320u
#define PHOTO_RATE 16.0f /* to one */
#define FAMILY "IPAexGothic,sans-serif"

/* Text at this size in pixels; false: no font has all of its characters. */
static bool pictures_text(cairo_t *cr, const char *text, int size, double x, double y)
{
    cairo_font_options_t *options = cairo_font_options_create();
    PangoLayout *layout = pango_cairo_create_layout(cr);
    PangoFontDescription *font = pango_font_description_from_string(FAMILY);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_NONE);
    pango_cairo_context_set_font_options(pango_layout_get_context(layout), options);
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    pango_layout_set_font_description(layout, font);
    pango_layout_set_text(layout, text, -1);
    bool known = pango_layout_get_unknown_glyphs_count(layout) == 0;
    cairo_move_to(cr, x, y);
    pango_cairo_show_layout(cr, layout);
    pango_font_description_free(font);
    g_object_unref(layout);
    cairo_font_options_destroy(options);
    return known;
}

/* cairo writes no PNG of one bit. */
static bool pictures_png(cairo_surface_t *mask, FILE *to)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info || setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        return false;
    }
    const unsigned w = (unsigned)cairo_image_surface_get_width(mask), h = (unsigned)cairo_image_surface_get_height(mask);
    const size_t stride = (size_t)cairo_image_surface_get_stride(mask);
    cairo_surface_flush(mask);
    png_init_io(png, to);
    png_set_IHDR(png, info, w, h, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    if (G_BYTE_ORDER == G_LITTLE_ENDIAN)
        png_set_packswap(png); /* the first pixel is the lowest bit in a mask here, the highest in a PNG */
    for (size_t y = 0; y < h; y++)
        png_write_row(png, cairo_image_surface_get_data(mask) + y * stride);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return true;
}

/* Black letters on white. */
static bool pictures_line(const char *text, int w, int h, int size, struct buf *out)
{
    char *bytes = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&bytes, &len);
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A1, w, h);
    cairo_t *cr = cairo_create(surface);
    cairo_paint(cr);
    cairo_set_operator(cr, CAIRO_OPERATOR_CLEAR);
    bool done = pictures_text(cr, text, size, 0, (h - size) / 2);
    cairo_destroy(cr);
    done = done && to && pictures_png(surface, to);
    cairo_surface_destroy(surface);
    done = to && fclose(to) == 0 && done && buf_append(out, bytes, len) == RC_OK;
    free(bytes);
    return done;
}

/* --- the photograph ----------------------------------------------------------------------------------------------- */

static opj_image_t *pictures_grey(cairo_surface_t *surface)
{
    opj_image_cmptparm_t parameters = {.dx = 1, .dy = 1, .w = PHOTO_W, .h = PHOTO_H, .prec = 8};
    opj_image_t *image = opj_image_create(1, &parameters, OPJ_CLRSPC_GRAY);
    if (!image)
        return NULL;
    image->x1 = PHOTO_W;
    image->y1 = PHOTO_H;
    cairo_surface_flush(surface);
    const unsigned char *pixels = cairo_image_surface_get_data(surface);
    const size_t stride = (size_t)cairo_image_surface_get_stride(surface);
    for (size_t y = 0; y < PHOTO_H; y++)
        for (size_t x = 0; x < PHOTO_W; x++)
            image->comps[0].data[y * PHOTO_W + x] =
                pixels[y * stride + 4 * x + 1]; /* what is drawn is grey: any channel */
    return image;
}

/* OpenJPEG wants a file that it can seek in. */
static bool pictures_encode(opj_image_t *image, const char *path)
{
    opj_cparameters_t parameters;
    opj_set_default_encoder_parameters(&parameters);
    parameters.tcp_numlayers = 1;
    parameters.tcp_rates[0] = PHOTO_RATE;
    parameters.cp_disto_alloc = 1;
    opj_codec_t *codec = opj_create_compress(OPJ_CODEC_JP2);
    opj_stream_t *stream = opj_stream_create_default_file_stream(path, OPJ_FALSE);
    bool done = codec && stream && opj_setup_encoder(codec, &parameters, image) &&
                opj_start_compress(codec, image, stream) && opj_encode(codec, stream) &&
                opj_end_compress(codec, stream);
    opj_stream_destroy(stream);
    opj_destroy_codec(codec);
    return done;
}

static bool pictures_photo(const char *path, struct buf *out)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, PHOTO_W, PHOTO_H);
    cairo_t *cr = cairo_create(surface);
    sim_portrait_draw(cr, 0, 0, PHOTO_W, PHOTO_H);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_rectangle(cr, 0, 262, PHOTO_W, 46);
    cairo_fill(cr);
    cairo_set_source_rgb(cr, 0, 0, 0);
    bool done = pictures_text(cr, "見本 SPECIMEN", 28, 20, 270);
    cairo_destroy(cr);
    opj_image_t *image = done ? pictures_grey(surface) : NULL;
    cairo_surface_destroy(surface);
    done = image && pictures_encode(image, path) && file_read(path, out, NULL) == RC_OK;
    opj_image_destroy(image);
    return done;
}

/* --- the source --------------------------------------------------------------------------------------------------- */

static bool pictures_source(const char *path, const struct buf *pictures)
{
    FILE *to = fopen(path, "w");
    if (!to)
        return false;
    (void)fprintf(to, "/* Made by the build. */\n#include \"applet-sim/sim_pictures.h\"\n");
    for (int i = 0; i < SIM_PICTURES; i++) {
        (void)fprintf(to, "\nstatic const uint8_t picture%d[] = {", i);
        for (size_t at = 0; at < pictures[i].len; at++)
            (void)fprintf(to, "%s%u,", at % 24 ? "" : "\n    ", pictures[i].data[at]);
        (void)fprintf(to, "\n};\n");
    }
    (void)fprintf(
        to, "\nstruct bytes sim_picture(enum sim_picture which)\n{\n    static const struct bytes pictures[] = {\n");
    for (int i = 0; i < SIM_PICTURES; i++)
        (void)fprintf(to, "        { picture%d, sizeof picture%d },\n", i, i);
    (void)fprintf(to, "    };\n    return pictures[which];\n}\n");
    return fclose(to) == 0;
}

int main(int argc, char **argv)
{
    struct buf pictures[SIM_PICTURES] = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: sim_pictures SOURCE.c PHOTO.jp2\n");
        return 2;
    }
    bool done = pictures_photo(argv[2], &pictures[SIM_PICTURE_PHOTO]) &&
                pictures_line(SIM_SPECIMEN_NAME, 200, 24, 20, &pictures[SIM_PICTURE_NAME]) &&
                pictures_line(SIM_SPECIMEN_ADDRESS, 200, 24, 14, &pictures[SIM_PICTURE_ADDRESS]) &&
                pictures_line(SIM_SPECIMEN_NUMBER, 72, 12, 12, &pictures[SIM_PICTURE_NUMBER]) &&
                pictures_line(SIM_SPECIMEN_CODE, 24, 12, 12, &pictures[SIM_PICTURE_CODE]);
    if (!done)
        fprintf(stderr, "sim_pictures: cannot draw; is fonts-ipaexfont installed?\n");
    done = done && pictures_source(argv[1], pictures);
    for (int i = 0; i < SIM_PICTURES; i++)
        buf_wipe(&pictures[i]);
    return done ? 0 : 1;
}

/* sim_portrait.c — a head and shoulders from a few curves, in a square of one unit that the caller's rectangle
 * stretches. */
#include "applet-sim/sim_portrait.h"

#include <cairo.h>

#define TURN 6.2831853071795862

static void portrait_ellipse(cairo_t *cr, double x, double y, double rx, double ry)
{
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_scale(cr, rx, ry);
    cairo_new_sub_path(cr);
    cairo_arc(cr, 0, 0, 1, 0, TURN);
    cairo_restore(cr);
}

static void portrait_fill(cairo_t *cr, double grey)
{
    cairo_set_source_rgb(cr, grey, grey, grey);
    cairo_fill(cr);
}

static void portrait_background(cairo_t *cr)
{
    cairo_pattern_t *light = cairo_pattern_create_linear(0, 0, 0.3, 1);
    cairo_pattern_add_color_stop_rgb(light, 0, 0.95, 0.95, 0.95);
    cairo_pattern_add_color_stop_rgb(light, 1, 0.72, 0.72, 0.72);
    cairo_rectangle(cr, 0, 0, 1, 1);
    cairo_set_source(cr, light);
    cairo_fill(cr);
    cairo_pattern_destroy(light);
}

static void portrait_shoulders(cairo_t *cr)
{
    cairo_move_to(cr, 0.06, 1);
    cairo_curve_to(cr, 0.08, 0.80, 0.25, 0.77, 0.40, 0.73);
    cairo_line_to(cr, 0.60, 0.73);
    cairo_curve_to(cr, 0.75, 0.77, 0.92, 0.80, 0.94, 1);
    cairo_close_path(cr);
    portrait_fill(cr, 0.25);
    cairo_move_to(cr, 0.39, 0.73); /* the collar */
    cairo_line_to(cr, 0.50, 0.90);
    cairo_line_to(cr, 0.61, 0.73);
    cairo_close_path(cr);
    portrait_fill(cr, 0.97);
    cairo_rectangle(cr, 0.41, 0.60, 0.18, 0.15);
    portrait_ellipse(cr, 0.50, 0.75, 0.09, 0.035);
    portrait_fill(cr, 0.74);
}

static void portrait_head(cairo_t *cr)
{
    portrait_ellipse(cr, 0.50, 0.40, 0.27, 0.26);
    cairo_rectangle(cr, 0.23, 0.40, 0.54, 0.22);
    portrait_fill(cr, 0.14); /* hair */
    portrait_ellipse(cr, 0.29, 0.45, 0.035, 0.05);
    portrait_ellipse(cr, 0.71, 0.45, 0.035, 0.05);
    portrait_fill(cr, 0.76);
    portrait_ellipse(cr, 0.50, 0.44, 0.20, 0.225);
    portrait_fill(cr, 0.83);
    cairo_move_to(cr, 0.29, 0.41); /* the fringe */
    cairo_curve_to(cr, 0.26, 0.10, 0.74, 0.10, 0.71, 0.41);
    cairo_curve_to(cr, 0.62, 0.33, 0.42, 0.30, 0.29, 0.41);
    portrait_fill(cr, 0.14);
}

static void portrait_features(cairo_t *cr)
{
    for (int side = -1; side <= 1; side += 2) {
        const double x = 0.50 + side * 0.085;
        portrait_ellipse(cr, x, 0.44, 0.034, 0.016);
        portrait_fill(cr, 0.98);
        portrait_ellipse(cr, x, 0.44, 0.015, 0.016);
        portrait_fill(cr, 0.10);
        cairo_move_to(cr, x - 0.045, 0.402);
        cairo_curve_to(cr, x - 0.02, 0.386, x + 0.02, 0.386, x + 0.045, 0.402);
        cairo_set_source_rgb(cr, 0.2, 0.2, 0.2);
        cairo_set_line_width(cr, 0.012);
        cairo_stroke(cr);
    }
    cairo_move_to(cr, 0.505, 0.46);
    cairo_curve_to(cr, 0.52, 0.50, 0.53, 0.52, 0.495, 0.525);
    cairo_set_source_rgb(cr, 0.55, 0.55, 0.55);
    cairo_set_line_width(cr, 0.010);
    cairo_stroke(cr);
    cairo_move_to(cr, 0.435, 0.575);
    cairo_curve_to(cr, 0.47, 0.605, 0.53, 0.605, 0.565, 0.575);
    cairo_set_source_rgb(cr, 0.35, 0.35, 0.35);
    cairo_set_line_width(cr, 0.014);
    cairo_stroke(cr);
}

void sim_portrait_draw(cairo_t *cr, double x, double y, double w, double h)
{
    cairo_save(cr);
    cairo_translate(cr, x, y);
    cairo_scale(cr, w, h);
    cairo_rectangle(cr, 0, 0, 1, 1);
    cairo_clip(cr);
    portrait_background(cr);
    portrait_shoulders(cr);
    portrait_head(cr);
    portrait_features(cr);
    cairo_restore(cr);
}

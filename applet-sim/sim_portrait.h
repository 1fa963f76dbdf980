/* sim_portrait.h — the portrait on every specimen: drawn, of nobody. */
#ifndef JPKI_APPLET_SIM_SIM_PORTRAIT_H
#define JPKI_APPLET_SIM_SIM_PORTRAIT_H

typedef struct _cairo cairo_t; /* cairo.h's own */

/* Fills the rectangle; drawn for 3:4, stretched to others. Greys only. */
void sim_portrait_draw(cairo_t *cr, double x, double y, double w, double h);

#endif

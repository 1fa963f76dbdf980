/* sim_draw.h — the face of a card as a picture, for manuals and tests: simple drawings of this project's own, from data that
 * the caller gives. Every picture says 見本 and SPECIMEN across its whole face; there is no way to leave that out. Real
 * cards look different, and nothing of their design is here. */
#ifndef JPKI_APPLET_SIM_SIM_DRAW_H
#define JPKI_APPLET_SIM_SIM_DRAW_H

#include "base/buf.h"
#include "base/err.h"

enum sim_layout { SIM_LAYOUT_MYNUMBER_FRONT, SIM_LAYOUT_MYNUMBER_BACK, SIM_LAYOUT_JUKI_A, SIM_LAYOUT_JUKI_B, SIM_LAYOUTS };

enum sim_face_field {
    SIM_FACE_NAME,
    SIM_FACE_BIRTH,
    SIM_FACE_SEX,
    SIM_FACE_ADDRESS,
    SIM_FACE_EXPIRES,
    SIM_FACE_ISSUER,
    SIM_FACE_NUMBER,
    SIM_FACE_FIELDS
};

struct sim_face {
    enum sim_layout layout;
    char *text[SIM_FACE_FIELDS]; /* UTF-8; NULL where the layout has none */
};

/* A JSON object: "layout": mynumber-front, mynumber-back, juki-a or juki-b; and, as text of up to 200 bytes, what that
 * layout shows: "name", "birth", "sex", "address", "expires", "issuer", "number". Dates are shown as they are written.
 * RC_FORMAT: no JSON, an unknown or missing member. The caller wipes. */
enum rc sim_face_parse(struct bytes json, struct sim_face *face, struct err *err) MUST_CHECK;
void sim_face_wipe(struct sim_face *face);

/* Appends the picture, 85.6 by 54 mm. RC_UNSUPPORTED: no font here has a character of it; RC_RANGE: dpi not 50..1200;
 * RC_IO: the library failed. */
enum rc sim_draw_svg(const struct sim_face *face, struct buf *out, struct err *err) MUST_CHECK;
enum rc sim_draw_png(const struct sim_face *face, unsigned dpi, struct buf *out, struct err *err) MUST_CHECK;

#endif

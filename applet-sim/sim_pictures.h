/* sim_pictures.h — the pictures that stand in a specimen card's files, drawn when this project is built
 * (sim_pictures_main.c), so that who simulates a card links no drawing library. Of nobody, and the photograph says 見本
 * across itself. */
#ifndef JPKI_APPLET_SIM_SIM_PICTURES_H
#define JPKI_APPLET_SIM_SIM_PICTURES_H

#include "base/buf.h"

enum sim_picture {
    SIM_PICTURE_PHOTO,   /* JP2 (ISO/IEC 15444-1), grey, 240×320 */
    SIM_PICTURE_NAME,    /* PNG of one bit a pixel, as the following: 200×24 */
    SIM_PICTURE_ADDRESS, /* 200×24 */
    SIM_PICTURE_NUMBER,  /* 72×12, twelve digits */
    SIM_PICTURE_CODE,    /* 24×12, four digits */
    SIM_PICTURES
};

struct bytes sim_picture(enum sim_picture which); /* static storage */

#endif

/* sim_profile_juki.c — the Juki card (2003 to 2018) as rows. That it has these applications and one key pair is known; the
 * numbers of its files are concluded from the My Number card, whose JPKI application is called an update of it. */
#include "applet-sim/sim_profile.h"

#include "wire/applet.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define BIT SIM_PIN_BIT

static const struct sim_ef jpki_efs[] = {
    { APPLET_EF_SIGN_CERT, SIM_KIND_BINARY, 0, BIT(SIM_PIN_SIGN), 2048, SIM_EF_ISSUED | SIM_EF_CERT, "I: number and rule" },
    { APPLET_EF_SIGN_CA_CERT, SIM_KIND_BINARY, 0, SIM_FREE, 2048, SIM_EF_ISSUED | SIM_EF_CERT, "I" },
    { APPLET_EF_TOKEN_INFO, SIM_KIND_BINARY, 0, SIM_FREE, APPLET_TOKEN_INFO_LEN, SIM_EF_TOKEN, "I; its label C2" },
    { APPLET_EF_SIGN_KEY, SIM_KIND_KEY, SIM_KEY_SIGN, BIT(SIM_PIN_SIGN), 0, 0, "I; one key pair C2" },
    { APPLET_EF_SIGN_PIN, SIM_KIND_PIN, SIM_PIN_SIGN, SIM_NEVER, 0, 0, "I" },
};

static const struct sim_ef resident_efs[] = {
    { APPLET_RESIDENT_CODE, SIM_KIND_BINARY, 0, BIT(SIM_PIN_RESIDENT), 16, SIM_EF_ISSUED,
      "guess: the resident record code, by PIN" },
    { APPLET_RESIDENT_PIN, SIM_KIND_PIN, SIM_PIN_RESIDENT, SIM_NEVER, 0, 0, "I" },
};

static const struct sim_ef visual_efs[] = {
    { APPLET_VISUAL_FACE, SIM_KIND_BINARY, 0, BIT(SIM_PIN_FACE_B), 12288, SIM_EF_ISSUED,
      "guess; the application since 2009 C2" },
    { APPLET_VISUAL_PIN_B, SIM_KIND_PIN, SIM_PIN_FACE_B, SIM_NEVER, 0, 0, "guess" },
};

static const struct sim_ef ordinance_efs[] = {
    { 0x0001, SIM_KIND_BINARY, 0, SIM_FREE, 1024, SIM_EF_ISSUED,
      "ours: the area exists C2, its form is each municipality's" },
};

static const struct sim_app apps[] = {
    { "card manager", APPLET_AID_CARD_MANAGER, APPLET_AID_CARD_MANAGER_LEN, NULL, 0, 0, 0, 0x6D00, false, "I" },
    { "JPKI", APPLET_AID_JPKI, APPLET_AID_JPKI_LEN, jpki_efs, COUNT(jpki_efs), 0, 0, 0x6D00, false, "C2" },
    { "resident", APPLET_AID_RESIDENT, APPLET_AID_FACE_LEN, resident_efs, COUNT(resident_efs), 0, 0, 0x6D00, false,
      "exists C2, name I" },
    { "visual", APPLET_AID_VISUAL, APPLET_AID_FACE_LEN, visual_efs, COUNT(visual_efs), 0, 0, 0x6D00, false,
      "exists C2, name I" },
    { "ordinance", APPLET_AID_ORDINANCE, APPLET_AID_ORDINANCE_LEN, ordinance_efs, COUNT(ordinance_efs), 0, 0, 0x6D00, false,
      "exists C2, name ours" },
};

const struct sim_profile sim_profile_juki = {
    .name = "juki",
    .about = "the Juki card: RSA-1024, SHA-1, one key pair",
    .label = APPLET_TOKEN_LABEL_JUKI,
    .pin_min = APPLET_JUKI_PIN_MIN,
    .pin_max = APPLET_SIGN_PIN_MAX,
    .atr_contact = "3BE000FF8131FE4514",
    .atr_contactless = "3B888001000014E0B38191005E",
    .atr_source = "contact C3, contactless S",
    .raw_only = true,
    .apps = apps,
    .app_count = COUNT(apps),
    .pins = {
        [SIM_PIN_SIGN] = { 5, APPLET_JUKI_PIN_MIN, APPLET_SIGN_PIN_MAX, true, APPLET_INS_CHANGE_REFERENCE_DATA, -1, 0,
                           "length C2, tries I" },
        [SIM_PIN_FACE_B] = { 10, 4, 14, false, 0, SIM_TRIES_B, 0, "guess" },
        [SIM_PIN_RESIDENT] = { 3, 4, 4, false, APPLET_INS_CHANGE_KEY, -1, 0, "I" },
    },
    .keys = { [SIM_KEY_SIGN] = SIM_RSA_1024 },
};

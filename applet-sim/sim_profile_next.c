/* sim_profile_next.c — the next card (from 2028, perhaps) as rows. Public: two applications, two PINs of which the stronger
 * opens what the weaker opens, a printed number of six digits, ECDSA P-384 with SHA-384. Everything else is a guess. */
#include "applet-sim/sim_profile.h"

#include "wire/applet.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define BIT SIM_PIN_BIT

static const struct sim_ef auth_efs[] = {
    { APPLET_EF_SIGN_CERT, SIM_KIND_BINARY, 0, BIT(SIM_PIN_SIGN), 4096, SIM_EF_ISSUED | SIM_EF_CERT, "guess: number as today" },
    { APPLET_EF_SIGN_CA_CERT, SIM_KIND_BINARY, 0, SIM_FREE, 3072, SIM_EF_ISSUED | SIM_EF_CERT, "guess" },
    { APPLET_EF_TOKEN_INFO, SIM_KIND_BINARY, 0, SIM_FREE, APPLET_TOKEN_INFO_LEN, SIM_EF_TOKEN, "guess" },
    { APPLET_EF_CERT_PRESENCE, SIM_KIND_BINARY, 0, SIM_FREE, 3, SIM_EF_ISSUED | SIM_EF_PRESENCE, "guess" },
    { APPLET_EF_AUTH_CERT, SIM_KIND_BINARY, 0, SIM_FREE, 3072, SIM_EF_ISSUED | SIM_EF_CERT, "guess" },
    { APPLET_EF_AUTH_CA_CERT, SIM_KIND_BINARY, 0, SIM_FREE, 3072, SIM_EF_ISSUED | SIM_EF_CERT, "guess" },
    { APPLET_NEXT_MY_NUMBER, SIM_KIND_BINARY, 0, BIT(SIM_PIN_AUTH), 17, SIM_EF_ISSUED,
      "guess; the sign password opens text data C3" },
    { APPLET_NEXT_ATTRIBUTES, SIM_KIND_BINARY, 0, BIT(SIM_PIN_AUTH), 2048, SIM_EF_ISSUED, "guess; the same" },
    { APPLET_EF_AUTH_KEY, SIM_KIND_KEY, SIM_KEY_AUTH, BIT(SIM_PIN_AUTH), 0, 0, "guess; P-384 C3" },
    { APPLET_EF_AUTH_PIN, SIM_KIND_PIN, SIM_PIN_AUTH, SIM_NEVER, 0, 0, "guess; 4 digits C3" },
    { APPLET_EF_SIGN_KEY, SIM_KIND_KEY, SIM_KEY_SIGN, BIT(SIM_PIN_SIGN), 0, 0, "guess; P-384 C3" },
    { APPLET_EF_SIGN_PIN, SIM_KIND_PIN, SIM_PIN_SIGN, SIM_NEVER, 0, 0, "guess; 6 to 16 C3" },
};

static const struct sim_ef face_efs[] = {
    { APPLET_VISUAL_FACE, SIM_KIND_BINARY, 0, BIT(SIM_PIN_FACE_B), 12288, SIM_EF_ISSUED,
      "guess; opened by a printed number C2" },
    { APPLET_VISUAL_CERT, SIM_KIND_BINARY, 0, SIM_FREE, 1024, SIM_EF_ISSUED, "guess" },
    { APPLET_VISUAL_PIN_B, SIM_KIND_PIN, SIM_PIN_FACE_B, SIM_NEVER, 0, 0, "guess; six digits C3" },
    { APPLET_VISUAL_KEY, SIM_KIND_KEY, SIM_KEY_FACE, SIM_FREE, 0, 0, "guess" },
};

static const struct sim_app apps[] = {
    { "card manager", APPLET_AID_CARD_MANAGER, APPLET_AID_CARD_MANAGER_LEN, NULL, 0, 0, 0, 0x6D00, false, "guess" },
    { "authentication", APPLET_AID_JPKI, APPLET_AID_JPKI_LEN, auth_efs, COUNT(auth_efs), 0, 0, 0x6D00, false,
      "exists C2, name guess" },
    { "face", APPLET_AID_VISUAL, APPLET_AID_FACE_LEN, face_efs, COUNT(face_efs), APPLET_VISUAL_KEY, 0, 0x6D00, true,
      "exists C2, name guess" },
};

const struct sim_profile sim_profile_next = {
    .name = "next",
    .about = "the next card: ECDSA P-384, SHA-384, two applications; mostly guesses",
    .label = APPLET_TOKEN_LABEL_NEXT,
    .pin_min = APPLET_SIGN_PIN_MIN,
    .pin_max = APPLET_SIGN_PIN_MAX,
    .atr_contact = "3BDA13FF8131FB468012392F31C173C601C03B",
    .atr_contactless = "3B888001000005E0B381A1007F",
    .atr_source = "guess: as the My Number card",
    .apps = apps,
    .app_count = COUNT(apps),
    .pins = {
        [SIM_PIN_AUTH] = { 3, 4, 4, false, APPLET_INS_CHANGE_REFERENCE_DATA, -1, 0, "length C3, tries guess" },
        [SIM_PIN_SIGN] = { 5, APPLET_SIGN_PIN_MIN, APPLET_SIGN_PIN_MAX, true, APPLET_INS_CHANGE_REFERENCE_DATA, -1,
                           BIT(SIM_PIN_AUTH), "length and covering C3, tries guess" },
        [SIM_PIN_FACE_B] = { 10, 6, 6, false, 0, SIM_TRIES_B, 0, "six digits C3, tries guess" },
    },
    .keys = { [SIM_KEY_AUTH] = SIM_EC_P384, [SIM_KEY_SIGN] = SIM_EC_P384, [SIM_KEY_FACE] = SIM_EC_P384 },
};

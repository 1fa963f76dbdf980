/* sim_profile.c — the My Number card as rows, and the list of profiles. */
#include "applet-sim/sim_profile.h"

#include "wire/applet.h"

#include <string.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))
#define BIT SIM_PIN_BIT
#define TEXT_ANY (BIT(SIM_PIN_TEXT) | BIT(SIM_PIN_TEXT_A) | BIT(SIM_PIN_TEXT_B))

/* Sizes are ours where a row does not say otherwise: larger than what is written; the rest is filler. */
static const struct sim_ef jpki_efs[] = {
    { APPLET_EF_SIGN_CERT, SIM_KIND_BINARY, 0, BIT(SIM_PIN_SIGN), 4096, SIM_EF_ISSUED | SIM_EF_CERT, "C10" },
    { APPLET_EF_SIGN_CA_CERT, SIM_KIND_BINARY, 0, SIM_FREE, 3072, SIM_EF_ISSUED | SIM_EF_CERT, "C8" },
    { 0x0005, SIM_KIND_BINARY, 0, SIM_NEVER, 0, 0, "S: exists; content unknown" },
    { APPLET_EF_TOKEN_INFO, SIM_KIND_BINARY, 0, SIM_FREE, APPLET_TOKEN_INFO_LEN, SIM_EF_TOKEN, "C6, values S" },
    { APPLET_EF_CERT_PRESENCE, SIM_KIND_BINARY, 0, SIM_FREE, 3, SIM_EF_ISSUED | SIM_EF_PRESENCE, "S" },
    { 0x0009, SIM_KIND_BINARY, 0, SIM_NEVER, 0, 0, "S: protected against everything tried" },
    { APPLET_EF_AUTH_CERT, SIM_KIND_BINARY, 0, SIM_FREE, 3072, SIM_EF_ISSUED | SIM_EF_CERT, "C8; on phones by PIN: S" },
    { APPLET_EF_AUTH_CA_CERT, SIM_KIND_BINARY, 0, SIM_FREE, 3072, SIM_EF_ISSUED | SIM_EF_CERT, "C8" },
    { 0x0010, SIM_KIND_REFERENCE, 0, SIM_NEVER, 0, 0, "S" },
    { 0x0016, SIM_KIND_REFERENCE, 0, SIM_NEVER, 0, 0, "C2: the terminals' root key" },
    { APPLET_EF_AUTH_KEY, SIM_KIND_KEY, SIM_KEY_AUTH, BIT(SIM_PIN_AUTH), 0, 0, "C10" },
    { APPLET_EF_AUTH_PIN, SIM_KIND_PIN, SIM_PIN_AUTH, SIM_NEVER, 0, 0, "C10" },
    { 0x0019, SIM_KIND_REFERENCE, 0, SIM_NEVER, 0, 0, "S" },
    { APPLET_EF_SIGN_KEY, SIM_KIND_KEY, SIM_KEY_SIGN, BIT(SIM_PIN_SIGN), 0, 0, "C10" },
    { APPLET_EF_SIGN_PIN, SIM_KIND_PIN, SIM_PIN_SIGN, SIM_NEVER, 0, 0, "C10" },
    { 0x001C, SIM_KIND_REFERENCE, 0, SIM_NEVER, 0, 0, "S" },
    { 0x001E, SIM_KIND_REFERENCE, 0, SIM_NEVER, 0, 0, "S" },
};

static const struct sim_ef text_efs[] = {
    { APPLET_TEXT_MY_NUMBER, SIM_KIND_BINARY, 0, BIT(SIM_PIN_TEXT) | BIT(SIM_PIN_TEXT_A), 17, SIM_EF_ISSUED, "C6; 17 bytes S" },
    { APPLET_TEXT_ATTRIBUTES, SIM_KIND_BINARY, 0, BIT(SIM_PIN_TEXT) | BIT(SIM_PIN_TEXT_B), 2048, SIM_EF_ISSUED, "C6" },
    { APPLET_TEXT_SIGNATURE, SIM_KIND_BINARY, 0, TEXT_ANY, 336, SIM_EF_ISSUED, "C2; rule: PIN, A or B" },
    { APPLET_TEXT_CERT, SIM_KIND_BINARY, 0, SIM_FREE, 568, SIM_EF_ISSUED, "C2" },
    { APPLET_TEXT_BASIC, SIM_KIND_BINARY, 0, SIM_FREE, 168, SIM_EF_ISSUED, "C2" },
    { APPLET_TEXT_SESSION_KEY, SIM_KIND_BINARY, SIM_KEY_SESSION, TEXT_ANY, 269, SIM_EF_SESSION, "S" },
    { APPLET_TEXT_PUBLIC_KEY, SIM_KIND_BINARY, 0, TEXT_ANY, 540, SIM_EF_ISSUED, "S" },
    { 0x0008, SIM_KIND_BINARY, 0, SIM_FREE, 16, 0, "S: sixteen FF; rule I" },
    { APPLET_TEXT_PIN, SIM_KIND_PIN, SIM_PIN_TEXT, SIM_NEVER, 0, 0, "C6" },
    { 0x0012, SIM_KIND_LOCKED, 0, SIM_NEVER, 0, 0, "S: blocked on every card" },
    { APPLET_TEXT_KEY, SIM_KIND_KEY, SIM_KEY_TEXT, SIM_FREE, 0, 0, "S" },
    { APPLET_TEXT_PIN_A, SIM_KIND_PIN, SIM_PIN_TEXT_A, SIM_NEVER, 0, 0, "C4" },
    { APPLET_TEXT_PIN_B, SIM_KIND_PIN, SIM_PIN_TEXT_B, SIM_NEVER, 0, 0, "C4" },
};

static const struct sim_ef visual_efs[] = {
    { APPLET_VISUAL_BIRTH, SIM_KIND_BINARY, 0, BIT(SIM_PIN_BIRTH), 547, SIM_EF_ISSUED, "S" },
    { APPLET_VISUAL_FACE, SIM_KIND_BINARY, 0, BIT(SIM_PIN_FACE_A) | BIT(SIM_PIN_FACE_B), 12288, SIM_EF_ISSUED, "C3" },
    { APPLET_VISUAL_BASIC, SIM_KIND_BINARY, 0, SIM_FREE, 320, SIM_EF_ISSUED, "C2" },
    { APPLET_VISUAL_CERT, SIM_KIND_BINARY, 0, SIM_FREE, 568, SIM_EF_ISSUED, "C2" },
    { APPLET_VISUAL_NUMBER, SIM_KIND_BINARY, 0, BIT(SIM_PIN_FACE_A), 1024, SIM_EF_ISSUED, "C2" },
    { 0x0006, SIM_KIND_BINARY, 0, BIT(SIM_PIN_FACE_A) | BIT(SIM_PIN_FACE_B), 16, 0, "S: content unknown" },
    { APPLET_VISUAL_PIN_BIRTH, SIM_KIND_PIN, SIM_PIN_BIRTH, SIM_NEVER, 0, 0, "C2" },
    { APPLET_VISUAL_PIN_B, SIM_KIND_PIN, SIM_PIN_FACE_B, SIM_NEVER, 0, 0, "C2: another order than in the text application" },
    { APPLET_VISUAL_PIN_A, SIM_KIND_PIN, SIM_PIN_FACE_A, SIM_NEVER, 0, 0, "C2" },
    { APPLET_VISUAL_KEY, SIM_KIND_KEY, SIM_KEY_FACE, SIM_FREE, 0, 0, "S" },
};

static const struct sim_ef resident_efs[] = {
    { 0x0002, SIM_KIND_RECORDS, 0, SIM_FREE, 64, SIM_EF_ISSUED, "C3: a key reference of 16 bytes; record form and rule I" },
    { APPLET_RESIDENT_PIN, SIM_KIND_PIN, SIM_PIN_RESIDENT, SIM_NEVER, 0, 0, "C3" },
};

static const struct sim_ef common_efs[] = {
    { APPLET_COMMON_CARD, SIM_KIND_RECORDS, 0, SIM_FREE, 64, SIM_EF_ISSUED, "C2" },
    { 0x0002, SIM_KIND_RECORDS, 0, SIM_FREE, 64, SIM_EF_ISSUED, "C3: a key reference of 16 bytes; record form and rule I" },
    { APPLET_COMMON_KEY, SIM_KIND_KEY, SIM_KEY_COMMON, SIM_FREE, 0, 0, "C2" },
    { APPLET_COMMON_PIN, SIM_KIND_PIN, SIM_PIN_COMMON, SIM_NEVER, 0, 0, "C3" },
};

/* The card manager stands first: it is what SELECT without a name selects. The others in an order of our own. */
static const struct sim_app apps[] = {
    { "card manager", APPLET_AID_CARD_MANAGER, APPLET_AID_CARD_MANAGER_LEN, NULL, 0, 0, 0, 0x6982, false, "S" },
    { "JPKI", APPLET_AID_JPKI, APPLET_AID_JPKI_LEN, jpki_efs, COUNT(jpki_efs), 0, 0, 0x6982, false, "C10" },
    { "common", APPLET_AID_COMMON, APPLET_AID_FACE_LEN, common_efs, COUNT(common_efs), 0, 0, 0x66F1, true, "C3" },
    { "resident", APPLET_AID_RESIDENT, APPLET_AID_FACE_LEN, resident_efs, COUNT(resident_efs), 0, 0, 0x6982, true, "C4" },
    { "visual", APPLET_AID_VISUAL, APPLET_AID_FACE_LEN, visual_efs, COUNT(visual_efs), APPLET_VISUAL_KEY, 0, 0x66F1, true,
      "C6" },
    { "text", APPLET_AID_TEXT, APPLET_AID_FACE_LEN, text_efs, COUNT(text_efs), APPLET_TEXT_KEY, BIT(SIM_PIN_TEXT), 0x6982, true,
      "C8" },
};

const struct sim_profile sim_profile_mynumber = {
    .name = "mynumber",
    .about = "the My Number card: RSA-2048, SHA-256",
    .label = APPLET_TOKEN_LABEL_MYNUMBER,
    .pin_min = APPLET_SIGN_PIN_MIN,
    .pin_max = APPLET_SIGN_PIN_MAX,
    .atr_contact = "3BDA13FF8131FB468012392F31C173C601C03B",
    .atr_contactless = "3B888001000005E0B381A1007F",
    .atr_source = "contact C3, contactless C2",
    .apps = apps,
    .app_count = COUNT(apps),
    .pins = {
        [SIM_PIN_AUTH] = { APPLET_AUTH_PIN_TRIES, 4, 4, false, APPLET_INS_CHANGE_REFERENCE_DATA, -1, 0, "C10" },
        [SIM_PIN_SIGN] = { APPLET_SIGN_PIN_TRIES, APPLET_SIGN_PIN_MIN, APPLET_SIGN_PIN_MAX, true,
                           APPLET_INS_CHANGE_REFERENCE_DATA, -1, 0, "C10" },
        [SIM_PIN_TEXT] = { 3, 4, 4, false, APPLET_INS_CHANGE_REFERENCE_DATA, -1, 0, "C6" },
        [SIM_PIN_TEXT_A] = { 10, 12, 12, false, 0, SIM_TRIES_A, 0, "C4; tries unsettled" },
        [SIM_PIN_TEXT_B] = { 10, 14, 14, false, 0, SIM_TRIES_B, 0, "C4; tries unsettled" },
        [SIM_PIN_BIRTH] = { 10, 6, 6, false, 0, SIM_TRIES_B, 0, "C2; tries unsettled, here as B" },
        [SIM_PIN_FACE_B] = { 10, 14, 14, false, 0, SIM_TRIES_B, 0, "C2; tries unsettled" },
        [SIM_PIN_FACE_A] = { 10, 12, 12, false, 0, SIM_TRIES_A, 0, "C2; tries unsettled" },
        [SIM_PIN_RESIDENT] = { 3, 4, 4, false, APPLET_INS_CHANGE_KEY, -1, 0, "C3" },
        [SIM_PIN_COMMON] = { 3, 4, 4, false, APPLET_INS_CHANGE_KEY, -1, 0, "C3; tries I" },
    },
    .keys = {
        [SIM_KEY_AUTH] = SIM_RSA_2048, [SIM_KEY_SIGN] = SIM_RSA_2048, [SIM_KEY_TEXT] = SIM_RSA_2048,
        [SIM_KEY_SESSION] = SIM_RSA_2048, [SIM_KEY_FACE] = SIM_RSA_2048, [SIM_KEY_COMMON] = SIM_RSA_2048,
    },
};

/* --- the list ------------------------------------------------------------------------------------------------------ */

static const struct sim_profile *const profiles[] = { &sim_profile_mynumber, &sim_profile_juki, &sim_profile_next };

const struct sim_profile *sim_profile_at(unsigned position)
{
    return position < COUNT(profiles) ? profiles[position] : NULL;
}

const struct sim_profile *sim_profile_find(const char *name)
{
    for (size_t i = 0; i < COUNT(profiles); i++)
        if (strcmp(profiles[i]->name, name) == 0)
            return profiles[i];
    return NULL;
}

unsigned sim_profile_position(const struct sim_profile *profile)
{
    unsigned at = 0;
    while (at < COUNT(profiles) && profiles[at] != profile)
        at++;
    return at;
}

/* sim_profile.h — a kind of card as data: applications, files, access rules, PINs, tries, keys, algorithms, answers to reset.
 * Every row says where it comes from and how sure that is; the engine holds no number of any card. */
#ifndef JPKI_APPLET_SIM_SIM_PROFILE_H
#define JPKI_APPLET_SIM_SIM_PROFILE_H

#include "applet-sim/sim_switch.h"
#include "base/buf.h"

/* How a row's fact is known: "C10" confirmed by ten sources, "S" one source, "I" concluded, "guess", "ours". */

/* The names of PINs and keys over all applications of a card; a profile has some of them. */
enum sim_pin_name {
    SIM_PIN_AUTH,
    SIM_PIN_SIGN,
    SIM_PIN_TEXT,   /* text application: the holder's four digits */
    SIM_PIN_TEXT_A, /* 照合番号A and B, in the order of that application */
    SIM_PIN_TEXT_B,
    SIM_PIN_BIRTH, /* visual application: date of birth */
    SIM_PIN_FACE_B,
    SIM_PIN_FACE_A,
    SIM_PIN_RESIDENT, /* 住基 application */
    SIM_PIN_COMMON,   /* common application */
    SIM_PINS
};

enum sim_key_name {
    SIM_KEY_AUTH,
    SIM_KEY_SIGN,
    SIM_KEY_TEXT,    /* proves the text application's presence, without a PIN */
    SIM_KEY_SESSION, /* session keys are enciphered to it */
    SIM_KEY_FACE,
    SIM_KEY_COMMON, /* INTERNAL AUTHENTICATE, without a PIN */
    SIM_KEYS
};

enum sim_algorithm { SIM_NO_KEY, SIM_RSA_1024, SIM_RSA_2048, SIM_EC_P384 };

#define SIM_PIN_BIT(pin) ((uint16_t)(1u << (pin)))
/* Access rules: any one of these PINs, or everybody, or nobody. */
#define SIM_FREE 0xFFFFu
#define SIM_NEVER 0u

struct sim_pin_row {
    uint8_t tries; /* 0: this profile has no such PIN */
    uint8_t min, max;
    bool letters;
    uint8_t change;                 /* the instruction that the holder changes it with; 0: not at all */
    int tries_switch;               /* -1: none */
    uint16_t covers;                /* PINs that count as presented with this one */
    const char *source;
};

enum sim_kind {
    SIM_KIND_BINARY,
    SIM_KIND_RECORDS, /* simple TLV objects one after the other */
    SIM_KIND_KEY,
    SIM_KIND_PIN,
    SIM_KIND_LOCKED,    /* a PIN that nobody has ever been able to present */
    SIM_KIND_REFERENCE, /* exists, purpose unknown: can be selected, and no more */
};

enum sim_ef_flags {
    SIM_EF_ISSUED = 1,   /* the issuer writes it */
    SIM_EF_CERT = 2,     /* begins with a certificate, or with filler */
    SIM_EF_TOKEN = 4,    /* made from profile and serial number: a CK_TOKEN_INFO */
    SIM_EF_SESSION = 8,  /* made from SIM_KEY_SESSION's public half */
    SIM_EF_PRESENCE = 16 /* which certificates exist; zeroes on a blank card */
};

struct sim_ef {
    uint16_t id;
    enum sim_kind kind;
    uint8_t number; /* of the key or PIN */
    uint16_t rule;  /* who reads it, who uses the key */
    uint16_t size;
    uint8_t flags;
    const char *source;
};

struct sim_app {
    const char *name;
    const char *aid;
    size_t aid_len;
    const struct sim_ef *efs;
    size_t ef_count;
    uint16_t default_key;  /* EF of the key that P2=00 names; 0: none */
    uint16_t session_rule; /* PINs that allow SET SESSION KEY; 0: refused with session_sw */
    uint16_t session_sw;
    bool plastic_only; /* a phone has no such application */
    const char *source;
};

struct sim_profile {
    const char *name, *about;
    const char *label; /* of the token */
    uint8_t pin_min, pin_max;
    const char *atr_contact, *atr_contactless; /* hex */
    const char *atr_source;
    bool raw_only; /* signature scheme 00 and no other */
    const struct sim_app *apps;
    size_t app_count;
    struct sim_pin_row pins[SIM_PINS];
    enum sim_algorithm keys[SIM_KEYS];
};

#define SIM_FILES_MAX 64u /* files of all applications of a profile */

extern const struct sim_profile sim_profile_mynumber, sim_profile_juki, sim_profile_next;

/* By name ("mynumber", "juki", "next"); NULL: none. By position 0… for lists and images; NULL behind the last. */
const struct sim_profile *sim_profile_find(const char *name);
const struct sim_profile *sim_profile_at(unsigned position);
unsigned sim_profile_position(const struct sim_profile *profile);

#endif

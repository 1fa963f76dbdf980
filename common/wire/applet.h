/* applet.h — the card contract as data: what host and card must agree on, and nothing of how either does it.
 *
 * Sources: the published behaviour of the My Number card (docs/APPLET.md names each source and how sure it is).
 * The issuer commands at the end are this project's own: the real ones are not public. Each side keeps its own tables
 * of rules; only numbers stand here. */
#ifndef JPKI_WIRE_APPLET_H
#define JPKI_WIRE_APPLET_H

#include <stdint.h>

/* --- application identifiers ------------------------------------------------------------------------------------ */
#define APPLET_AID_JPKI "\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01"
#define APPLET_AID_JPKI_LEN 10u
#define APPLET_AID_CARD_MANAGER "\xA0\x00\x00\x01\x51\x00\x00"
#define APPLET_AID_CARD_MANAGER_LEN 7u

/* The applications with what is printed on the card: text (券面入力補助), visual (券面事項確認), resident (住基), common. */
#define APPLET_AID_TEXT "\xD3\x92\x10\x00\x31\x00\x01\x01\x04\x08"
#define APPLET_AID_VISUAL "\xD3\x92\x10\x00\x31\x00\x01\x01\x04\x02"
#define APPLET_AID_RESIDENT "\xD3\x92\x10\x00\x31\x00\x01\x01\x04\x01"
#define APPLET_AID_COMMON "\xD3\x92\x10\x00\x31\x00\x01\x01\x01\x00"
#define APPLET_AID_FACE_LEN 10u
/* The Juki card's free area for a municipality's own services; the name is ours (F0: unregistered, "JUKI"). */
#define APPLET_AID_ORDINANCE "\xF0JUKI\x01"
#define APPLET_AID_ORDINANCE_LEN 6u

/* --- elementary files of the JPKI application; the low five bits are the short EF identifier ---------------------- */
enum applet_ef {
    APPLET_EF_SIGN_CERT = 0x0001,
    APPLET_EF_SIGN_CA_CERT = 0x0002,
    APPLET_EF_TOKEN_INFO = 0x0006,
    APPLET_EF_CERT_PRESENCE = 0x0008, /* 3 bytes: 8F sign, 8F auth, 00 when both certificates exist; 00 for absent */
    APPLET_EF_AUTH_CERT = 0x000A,
    APPLET_EF_AUTH_CA_CERT = 0x000B,
    APPLET_EF_AUTH_KEY = 0x0017,
    APPLET_EF_AUTH_PIN = 0x0018,
    APPLET_EF_SIGN_KEY = 0x001A,
    APPLET_EF_SIGN_PIN = 0x001B,
};

/* Of the text application: My Number, attributes, their hashes signed, the signer's card-verifiable certificate, basic data,
 * the key for session keys, the card's own key signed; PIN, the card's own key, 照合番号A and B. */
enum applet_text_ef {
    APPLET_TEXT_MY_NUMBER = 0x0001,
    APPLET_TEXT_ATTRIBUTES = 0x0002,
    APPLET_TEXT_SIGNATURE = 0x0003,
    APPLET_TEXT_CERT = 0x0004,
    APPLET_TEXT_BASIC = 0x0005,
    APPLET_TEXT_SESSION_KEY = 0x0006,
    APPLET_TEXT_PUBLIC_KEY = 0x0007,
    APPLET_TEXT_PIN = 0x0011,
    APPLET_TEXT_KEY = 0x0013,
    APPLET_TEXT_PIN_A = 0x0014,
    APPLET_TEXT_PIN_B = 0x0015,
};

/* Of the visual application: proof of age, the face, basic data, the signer's certificate, the My Number's image; date of
 * birth as a PIN, 照合番号B and A (in this order), the card's own key. */
enum applet_visual_ef {
    APPLET_VISUAL_BIRTH = 0x0001,
    APPLET_VISUAL_FACE = 0x0002,
    APPLET_VISUAL_BASIC = 0x0003,
    APPLET_VISUAL_CERT = 0x0004,
    APPLET_VISUAL_NUMBER = 0x0005,
    APPLET_VISUAL_PIN_BIRTH = 0x0011,
    APPLET_VISUAL_PIN_B = 0x0012,
    APPLET_VISUAL_PIN_A = 0x0013,
    APPLET_VISUAL_KEY = 0x001A,
};

/* Of the common application (record 1 of the first: 01 1C and 28 digits: serial 15, municipality 5, expiry 8), of the
 * resident application, and where the next card is guessed to have its text data. */
enum applet_other_ef {
    APPLET_COMMON_CARD = 0x0001,
    APPLET_COMMON_KEY = 0x0019,
    APPLET_COMMON_PIN = 0x001C,
    APPLET_RESIDENT_CODE = 0x0001, /* Juki card; a guess */
    APPLET_RESIDENT_PIN = 0x001C,
    APPLET_NEXT_MY_NUMBER = 0x000C,
    APPLET_NEXT_ATTRIBUTES = 0x000D,
};

#define APPLET_SFI(ef) ((uint8_t)((ef) & 0x1Fu))
/* P2 of VERIFY and COMPUTE DIGITAL SIGNATURE, P1 of READ BINARY: 80 current EF, 80|sfi a named one */
#define APPLET_P_CURRENT 0x80u
#define APPLET_P_SFI(ef) ((uint8_t)(0x80u | APPLET_SFI(ef)))

/* --- PINs ---------------------------------------------------------------------------------------------------------- */
#define APPLET_AUTH_PIN_LEN 4u /* digits */
#define APPLET_AUTH_PIN_TRIES 3u
#define APPLET_SIGN_PIN_MIN 6u /* A-Z 0-9; by rule at least one letter and one digit */
#define APPLET_SIGN_PIN_MAX 16u
#define APPLET_JUKI_PIN_MIN 4u /* the Juki card's only PIN, of the signature */
#define APPLET_SIGN_PIN_TRIES 5u

/* --- instruction bytes --------------------------------------------------------------------------------------------- */
enum applet_ins {
    APPLET_INS_VERIFY = 0x20,
    APPLET_INS_CHANGE_REFERENCE_DATA = 0x24,
    APPLET_INS_COMPUTE_SIGNATURE = 0x2A, /* with CLA 80 */
    APPLET_INS_CHANGE_KEY = 0x32, /* JICSAP, with CLA 80: the PINs of the common and the resident application */
    APPLET_INS_GET_CHALLENGE = 0x84,
    APPLET_INS_INTERNAL_AUTHENTICATE = 0x88,
    APPLET_INS_SET_TERMINAL_CERT = 0xA2, /* with CLA 80 */
    APPLET_INS_SELECT = 0xA4,
    APPLET_INS_SET_SESSION_KEY = 0xAE, /* with CLA 80 */
    APPLET_INS_READ_BINARY = 0xB0,
    APPLET_INS_READ_RECORD = 0xB2,
    APPLET_INS_GET_DATA = 0xCA,
};

/* --- P1 of COMPUTE DIGITAL SIGNATURE: the signature scheme ---------------------------------------------------------- */
enum applet_scheme {
    APPLET_SCHEME_RAW = 0,             /* 1..245 bytes, PKCS#1 v1.5 type 1 padding, nothing checked */
    APPLET_SCHEME_MESSAGE_BARE = 1,    /* message <= 255, card SHA-256, bare hash padded */
    APPLET_SCHEME_HASH = 2,            /* 32-byte hash, card adds the SHA-256 DigestInfo */
    APPLET_SCHEME_MESSAGE = 3,         /* message <= 255, card SHA-256 and DigestInfo */
    APPLET_SCHEME_PSS_HASH = 4,        /* 32-byte hash, RSASSA-PSS with SHA-256, MGF1-SHA-256, 32-byte random salt */
    APPLET_SCHEME_PSS_MESSAGE = 5,     /* message <= 255, the same with the card's SHA-256 */
};
#define APPLET_RAW_MAX 245u

/* --- EF 0006, a CK_TOKEN_INFO with big-endian 32-bit numbers --------------------------------------------------------- */
#define APPLET_TOKEN_INFO_LEN 160u
#define APPLET_TOKEN_LABEL_AT 0u
#define APPLET_TOKEN_LABEL_LEN 32u
#define APPLET_TOKEN_MANUFACTURER_AT 32u
#define APPLET_TOKEN_MANUFACTURER_LEN 32u
#define APPLET_TOKEN_MODEL_AT 64u
#define APPLET_TOKEN_MODEL_LEN 16u
#define APPLET_TOKEN_SERIAL_AT 80u
#define APPLET_TOKEN_SERIAL_LEN 16u
#define APPLET_TOKEN_LABEL_MYNUMBER "JPKIAPICCTOKEN2"
#define APPLET_TOKEN_LABEL_JUKI "JPKIAPICCTOKEN"
#define APPLET_TOKEN_LABEL_ANDROID "JPKIAPGPSETOKEN"
#define APPLET_TOKEN_LABEL_IPHONE "JPKIAPIOSTOKEN"
#define APPLET_TOKEN_LABEL_NEXT "JPKIAPICCTOKEN3" /* a guess */

/* --- issuer commands (ours), all inside a GlobalPlatform SCP03 secure channel ------------------------------------------
 * The channel is opened with an application that has files selected, and what it carries is about that application: INITIALIZE UPDATE 80 50 00 00 (8-byte host challenge; answer
 * 32 bytes: key diversification data 10, key information FF 03 70 (i=70: pseudo-random card challenge, R-MAC and R-ENC
 * possible), card challenge 8, card cryptogram 8, sequence counter 3), EXTERNAL AUTHENTICATE 84 82 33 00: C-MAC, C-ENC,
 * R-MAC and R-ENC from then on (GPC_SPE_014 v1.1.2, AES-128 session keys, S8 mode: 8-byte MACs).
 * Proof of possession: COMPUTE DIGITAL SIGNATURE inside the channel (84 2A scheme 80|sfi of the key 17 or 1A; the data
 * and the schemes as outside) needs no PIN in state PERSONALISED while no certificate has been written for that key
 * (EF 000A for 17, EF 0001 for 1A empty); at any other time it is refused (6985). It is the only way to a signature
 * before the holder has a PIN, and it closes by itself.
 * Reading back: READ BINARY inside the channel (84 B0 80|sfi offset) reads the signature certificate too, without a PIN, in
 * state PERSONALISED only.
 * Keys of a card are derived from the issuer's master key and the card's 10-byte diversification data
 * (pki/scp03.h). Secured commands carry CLA 84. Without the channel: 6982. */
enum applet_issuer_ins {
    APPLET_INS_INITIALIZE_UPDATE = 0x50,
    APPLET_INS_EXTERNAL_AUTHENTICATE = 0x82,
    APPLET_INS_GENERATE_KEY_PAIR = 0x47, /* ISO/IEC 7816-8 §5.1: P1 80 generate / 81 read the public key again, P2 the
                                            key's sfi (17, 1A); answer 7F49 { 81 modulus, 82 public exponent } */
    APPLET_INS_UPDATE_BINARY = 0xD6,     /* P1 80|sfi P2 00: whole new content of the EF from offset 0 in one command or
                                            P1/P2 offset after a SELECT EF; certificates, 0008 */
    APPLET_INS_PUT_DATA = 0xDA,          /* P1 P2 the tag of a GET DATA object, data its whole value */
    APPLET_INS_PUT_REFERENCE_DATA = 0xD8, /* P1 00, P2 80|sfi (18, 1B): the first or a new PIN; the counter is full again */
    APPLET_INS_SET_STATUS = 0xF0,        /* P1 the new life cycle state, P2 00, no data */
    APPLET_INS_GET_STATUS = 0xF2,        /* P1 00 P2 00: answer: life cycle state 1; sign key, auth key, sign cert,
                                            auth cert, sign PIN, auth PIN present 01/00, one byte each: 7 bytes */
};

/* Life cycle, GET STATUS byte 0. Forward only, BLOCKED<->ACTIVE excepted. */
enum applet_life {
    APPLET_LIFE_BLANK = 0x01,        /* files exist, no key, no PIN: VERIFY and signatures are refused with 6985 */
    APPLET_LIFE_PERSONALISED = 0x03, /* keys, certificates and PINs are being put; the holder cannot use it yet (6985) */
    APPLET_LIFE_ACTIVE = 0x07,       /* the holder's; issuer commands still possible through the channel, key generation
                                        and SET STATUS backwards excepted */
    APPLET_LIFE_BLOCKED = 0x83,
    APPLET_LIFE_TERMINATED = 0xFF,
};

#define APPLET_DIVERSIFICATION_LEN 10u
#define APPLET_ISSUER_KEY_LEN 16u

#endif

/* jpki-sim.h — a Japanese card in a test's own process: bytes in, bytes out, no reader, no daemon, no file. Of the
 * library libjpki-sim (pkg-config jpki-sim); docs/SIMULATOR.md says what cards there are, docs/APPLET.md what they
 * answer.
 *
 *     char why[JPKI_SIM_WHY];
 *     struct jpki_sim *card = jpki_sim_new(NULL, why);      a My Number card of nobody, PINs 1234 and ABC123
 *     jpki_sim_transmit(card, command, sizeof command, answer, &answer_len);
 *     jpki_sim_free(card);
 *
 * Cards are independent of each other; one card is used by one thread at a time. Until version 1 the interface may change with the number in the library's name. */
#ifndef JPKI_SIM_H
#define JPKI_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define JPKI_SIM_API __attribute__((visibility("default")))
#else
#define JPKI_SIM_API
#endif

#define JPKI_SIM_WHY 400u          /* bytes of a sentence that says what went wrong */
#define JPKI_SIM_ANSWER_MAX 65538u /* bytes of the longest answer */
#define JPKI_SIM_ATR_MAX 33u

struct jpki_sim;

/* All zero: a My Number card, filled, contact, without faults and without time. Texts are copied. */
struct jpki_sim_options {
    const char *profile;       /* "mynumber", "juki", "next" */
    const char *switches;      /* "short-ids=no,blocked-verify=6983": docs/APPLET.md, Switches */
    const char *faults;        /* "command=3:lost,write=2:cut": docs/SIMULATOR.md, Faults */
    const char *time;          /* "contact:9600,reader=5": docs/SIMULATOR.md, Time; counted, never slept */
    bool contactless;          /* the other answer to reset */
    bool blank;                /* as it leaves the factory; else filled: an invented person, keys, certificates, PINs */
    const char *seal_key; /* of jpki_sim_open: the file with the key of the seal; NULL: FILE.key */
    const uint8_t *issuer_key; /* 16 bytes: the issuer's master key of a card to personalise; NULL: a random one */
};

/* A card in memory, powered on; NULL options: all zero. Ten key pairs take a second or two: make one card, and copies of it.
 * NULL: why has the words (JPKI_SIM_WHY bytes, or NULL). */
JPKI_SIM_API struct jpki_sim *jpki_sim_new(const struct jpki_sim_options *options, char *why);

/* Another card with the same content, as durable now, powered on: of the options only switches, faults and time are
 * looked at; switches NULL: as they are. */
JPKI_SIM_API struct jpki_sim *jpki_sim_copy(const struct jpki_sim *card, const struct jpki_sim_options *options,
                                            char *why);

/* A card of jpki-sim's (FILE and FILE.key), powered on; what it writes is durable in the file. Held by one process at a
 * time. Of the options only seal_key, faults and time. */
JPKI_SIM_API struct jpki_sim *jpki_sim_open(const char *path, const struct jpki_sim_options *options, char *why);

JPKI_SIM_API void jpki_sim_free(struct jpki_sim *card); /* NULL: nothing */

enum jpki_sim_outcome {
    JPKI_SIM_ANSWERED, /* by the card; under a fault perhaps not as it meant to */
    JPKI_SIM_LOST,     /* a fault: no answer, the card is there */
    JPKI_SIM_PULLED,   /* a fault: no answer, the card is out and without power until it is put back */
    JPKI_SIM_SHARED,   /* a fault: another program holds the card, which did nothing */
    JPKI_SIM_NO_POWER, /* the card has none: it is off or out, and did nothing */
    JPKI_SIM_TOO_LONG, /* the answer does not fit; the card has done the command */
    JPKI_SIM_FAILED    /* memory is short, or the card's file is lost */
};

/* One command APDU; *answer_len is the space at answer before, and the length of data and status word after
 * JPKI_SIM_ANSWERED; else 0. */
JPKI_SIM_API enum jpki_sim_outcome jpki_sim_transmit(struct jpki_sim *card, const uint8_t *command, size_t command_len,
                                                     uint8_t *answer, size_t *answer_len);

JPKI_SIM_API void jpki_sim_power_on(struct jpki_sim *card); /* nothing of a pulled card */
JPKI_SIM_API void jpki_sim_power_off(struct jpki_sim *card);
JPKI_SIM_API void jpki_sim_reset(struct jpki_sim *card);    /* warm */
JPKI_SIM_API void jpki_sim_put_back(struct jpki_sim *card); /* a pulled card, powered on */

/* The answer to reset and its length; 0 of a pulled card. */
JPKI_SIM_API size_t jpki_sim_atr(const struct jpki_sim *card, uint8_t atr[JPKI_SIM_ATR_MAX]);

/* A conversation as text (docs/SIMULATOR.md, Scripts). False: another answer came; why says on which line. */
JPKI_SIM_API bool jpki_sim_play(struct jpki_sim *card, const char *script, char *why);

/* The certificate in a file of the JPKI application (0x0001 signature, 0x0002 its CA's, 0x000A authentication, 0x000B
 * its CA's), PIN or not: what a test compares with. Its length, also when that is more than size; 0: there is none. */
JPKI_SIM_API size_t jpki_sim_certificate(const struct jpki_sim *card, unsigned file, uint8_t *der, size_t size);

/* Nanoseconds that all exchanges so far would have taken; 0 without a time model. */
JPKI_SIM_API uint64_t jpki_sim_time(const struct jpki_sim *card);

/* The attack event: keys, PINs and content are destroyed, the card is dead. False: not durable. */
JPKI_SIM_API bool jpki_sim_tamper(struct jpki_sim *card);

JPKI_SIM_API const char *jpki_sim_version(void);

#ifdef __cplusplus
}
#endif

#endif

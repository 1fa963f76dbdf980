/* sim_time.h — how long a real card and reader would take: a model, computed from the bytes of an exchange, so that
 * slowness can be measured without hardware. Pure: nothing here looks at a clock.
 *
 * Contact: T=1 (ISO/IEC 7816-3), 11 etu a character, 4 bytes and 22 etu of guard time a block, 254 bytes in a block.
 * Contactless: type B (ISO/IEC 14443-3/4), 10 etu a character, 3 bytes and 22 etu of frame delimiters a frame, 253 bytes
 * in a frame, 0.308 ms of turn-around for each pair of frames. A chained block is answered by a block of its own. The
 * reader adds a fixed time to each exchange, the card its computation; over contactless a waiting-time extension of
 * 1.5 ms comes whenever the card computes longer than its frame waiting time. Waiting-time extensions of T=1, antenna
 * activation and errors on the line are not in the model. */
#ifndef JPKI_APPLET_SIM_SIM_TIME_H
#define JPKI_APPLET_SIM_SIM_TIME_H

#include "base/buf.h"
#include "base/err.h"

struct sim_time {
    bool contactless;
    uint32_t rate;       /* contact: bit/s; contactless: 106, 212, 424 or 848 (kbit/s) */
    uint32_t reader_us;  /* the reader's own time for each exchange */
    uint32_t rsa_us, ec_us; /* a signature */
    uint32_t rsa_generate_us, ec_generate_us; /* a key pair */
    uint32_t write_us;   /* each durable write */
    uint32_t command_us; /* every command */
    unsigned fwi;        /* 0..14: frame waiting time 0.302 ms * 2^fwi; contactless only */
};

/* "contact:9600" or "contactless:106", then any of ",reader=MS" (2), ",rsa=MS" (200), ",ec=MS" (75), ",rsa-generate=MS"
 * (10400), ",ec-generate=MS" (340), ",write=MS" (0), ",command=MS" (0), ",fwi=N" (8); MS with up to three decimals.
 * RC_USAGE names the part that is none. */
enum rc sim_time_parse(const char *spec, struct sim_time *time, struct err *err) MUST_CHECK;

/* Nanoseconds on the way: both directions and the reader, for so many bytes to and from the card. */
int64_t sim_time_link(const struct sim_time *time, size_t to_card, size_t from_card);

/* Nanoseconds in the card, judged by the command and a good answer to it (its length tells RSA from EC) and by how often
 * the image was saved. */
int64_t sim_time_card(const struct sim_time *time, struct bytes command, struct bytes answer, unsigned writes);

/* The whole exchange: link, card, waiting-time extensions. */
int64_t sim_time_exchange(const struct sim_time *time, struct bytes command, struct bytes answer, unsigned writes);

#endif

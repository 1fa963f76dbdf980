/* scp03.h — GlobalPlatform Secure Channel Protocol 03 (GPC_SPE_014 v1.1.2), AES-128, S8 mode: key derivation, MAC
 * chaining and wrapping, for both ends. Pure computation over OpenSSL; no I/O.
 *
 * Both ends share this file, so it is tested against vectors of other implementations, not by round trip alone. */
#ifndef JPKI_PKI_SCP03_H
#define JPKI_PKI_SCP03_H

#include "base/buf.h"
#include "base/secret.h"

#define SCP03_KEY_LEN 16u
#define SCP03_CHALLENGE_LEN 8u
#define SCP03_CRYPTOGRAM_LEN 8u
#define SCP03_MAC_LEN 8u

/* The three static keys of one card. */
struct scp03_keys {
    struct secret enc, mac, dek;
};

/* Derives a card's keys from the issuer's 16-byte master key and the card's diversification data, with the KDF in
 * counter mode of NIST SP 800-108 over AES-CMAC (label = "ENC", "MAC", "DEK"). The rule is this project's own.
 * RC_RANGE for a wrong length, RC_CRYPTO, RC_NOMEM. The caller wipes. */
enum rc scp03_diversify(const struct secret *master, struct bytes diversification, struct scp03_keys *keys) MUST_CHECK;
void scp03_keys_wipe(struct scp03_keys *keys);

struct scp03_session {
    struct secret enc, mac, rmac; /* S-ENC, S-MAC, S-RMAC */
    uint8_t chain[16];            /* MAC chaining value */
    uint32_t counter;             /* encryption counter, starts at 1 with the first secured command */
    uint8_t host_cryptogram[SCP03_CRYPTOGRAM_LEN], card_cryptogram[SCP03_CRYPTOGRAM_LEN];
};

/* Session keys and both cryptograms from the two challenges (8 bytes each; §6.2). */
enum rc scp03_open(const struct scp03_keys *keys, struct bytes host_challenge, struct bytes card_challenge,
                   struct scp03_session *session) MUST_CHECK;
void scp03_wipe(struct scp03_session *session);

/* The card challenge of pseudo-random mode (§6.2.2.1): from sequence counter (3 bytes) and the AID. */
enum rc scp03_card_challenge(const struct scp03_keys *keys, struct bytes sequence_counter, struct bytes aid,
                             uint8_t challenge[SCP03_CHALLENGE_LEN]) MUST_CHECK;

/* The host's side of a command: encrypts the data (unless encrypt is false, as for EXTERNAL AUTHENTICATE), sets CLA bit
 * 3, appends the MAC, advances the chain; the result is the complete APDU. */
enum rc scp03_wrap(struct scp03_session *session, bool encrypt, struct bytes command, struct buf *out) MUST_CHECK;

/* The card's side: checks the MAC, decrypts; out is the plain command APDU (CLA without bit 3). RC_BAD_SIGNATURE when
 * the MAC is wrong (the session must then be dropped), RC_FORMAT. */
enum rc scp03_unwrap(struct scp03_session *session, bool encrypted, struct bytes command, struct buf *out) MUST_CHECK;

/* Responses, data without or with R-ENC and with R-MAC: in and out are complete responses with the status word. An error
 * status (not 9000, 62xx, 63xx) travels in clear without a MAC (§6.2.7). */
enum rc scp03_wrap_response(struct scp03_session *session, struct bytes response, struct buf *out) MUST_CHECK;
enum rc scp03_unwrap_response(struct scp03_session *session, struct bytes response, struct buf *out) MUST_CHECK;

#endif

/* characters.h — 代替文字: what stands in a certificate for a character that it cannot hold. The register writes names
 * in 住基統一文字; a certificate holds the Han characters of JIS X 0208 and says at which places another one stands for
 * the register's (docs/PROFILE.md). The table: characters.tsv. Pure. */
#ifndef JPKI_REGISTRY_CHARACTERS_H
#define JPKI_REGISTRY_CHARACTERS_H

#include "registry/record.h"

#include <stddef.h>
#include <stdint.h>

/* Rows of the generated table: 256 code points as bits, lowest first; a character and its substitute, rising. */
struct characters_set {
    uint8_t high, bits[32];
};
struct characters_map {
    uint32_t from, to;
};
extern const struct characters_set characters_sets[];
extern const size_t characters_set_count;
extern const struct characters_map characters_maps[];
extern const size_t characters_map_count;

/* The text with its substitutes, and one '0' or '1' a character of it. A variation selector goes with its character,
 * which then counts as substituted. RC_FORMAT not well-formed; RC_RANGE too long, or a character has no known
 * substitute: the words say at which place. */
enum rc characters_fit(const char *text, char *fitted, size_t size, char *flags, size_t flags_size,
                       struct err *err) MUST_CHECK;

/* Writes name or address into a record: as it can be certified, with the flags, and as it was given when that is
 * another text (original_name, original_address). Errors as above, and RC_FORMAT too long. */
enum rc characters_write_name(struct resident *resident, const char *text, struct err *err) MUST_CHECK;
enum rc characters_write_address(struct resident *resident, const char *text, struct err *err) MUST_CHECK;

#endif

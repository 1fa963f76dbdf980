/* characters.c — substituting. */
#include "registry/characters.h"

#include <stdio.h>
#include <string.h>

static bool characters_is_han(uint32_t c)
{
    return (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x20000 && c <= 0x323AF);
}

static bool characters_is_selector(uint32_t c)
{
    return (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0100 && c <= 0xE01EF);
}

static bool characters_is_held(uint32_t c)
{
    if (!characters_is_han(c))
        return true;
    for (size_t i = 0; i < characters_set_count; i++)
        if (characters_sets[i].high == c >> 8)
            return characters_sets[i].bits[(c & 0xFF) / 8] >> (c % 8) & 1;
    return false;
}

/* 0: no substitute is known. */
static uint32_t characters_substitute(uint32_t c)
{
    size_t low = 0, high = characters_map_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (characters_maps[middle].from < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < characters_map_count && characters_maps[low].from == c ? characters_maps[low].to : 0;
}

static size_t characters_put(uint32_t c, char out[5])
{
    if (c < 0x80)
        return (size_t)snprintf(out, 5, "%c", (char)c);
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char heads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = len; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(heads[len] | c);
    out[len] = '\0';
    return len;
}

enum rc characters_fit(const char *text, char *fitted, size_t size, char *flags, size_t flags_size, struct err *err)
{
    size_t used = 0, count = 0;
    long c;
    while ((c = record_character(&text)) > 0) {
        char bytes[5];
        uint32_t held = (uint32_t)c;
        if (characters_is_selector(held) && count) {
            flags[count - 1] = '1';
            continue;
        }
        bool fits = characters_is_held(held);
        if (!fits && !(held = characters_substitute(held)))
            return err_set(err, RC_RANGE, "character %zu cannot stand in a certificate, and no substitute is known",
                           count + 1);
        size_t len = characters_put(held, bytes);
        if (used + len >= size || count + 1 >= flags_size)
            return err_set(err, RC_RANGE, "too long");
        memcpy(fitted + used, bytes, len);
        used += len;
        flags[count++] = fits ? '0' : '1';
    }
    fitted[used] = '\0';
    flags[count] = '\0';
    return c == 0 ? RC_OK : err_set(err, RC_FORMAT, "not well-formed UTF-8 text");
}

static enum rc characters_keep(const char *text, const char *fitted, char *original, size_t size, struct err *err)
{
    bool same = strcmp(text, fitted) == 0;
    if (!same && strlen(text) >= size)
        return err_set(err, RC_FORMAT, "too long");
    snprintf(original, size, "%s", same ? "" : text);
    return RC_OK;
}

enum rc characters_write_name(struct resident *resident, const char *text, struct err *err)
{
    struct attributes *a = &resident->attributes;
    struct err why = {0};
    enum rc rc = characters_fit(text, a->name, sizeof a->name, a->name_substitutes, sizeof a->name_substitutes, &why);
    if (!rc)
        rc = characters_keep(text, a->name, resident->particulars.original_name,
                             sizeof resident->particulars.original_name, &why);
    return rc ? err_set(err, rc, "name: %s", err_text(&why, rc)) : RC_OK;
}

enum rc characters_write_address(struct resident *resident, const char *text, struct err *err)
{
    struct attributes *a = &resident->attributes;
    struct err why = {0};
    enum rc rc = characters_fit(text, a->address, sizeof a->address, a->address_substitutes,
                                sizeof a->address_substitutes, &why);
    if (!rc)
        rc = characters_keep(text, a->address, resident->particulars.original_address,
                             sizeof resident->particulars.original_address, &why);
    return rc ? err_set(err, rc, "address: %s", err_text(&why, rc)) : RC_OK;
}

/* record.c — the fields of a record as rows, and what is asked of each. */
#include "registry/record.h"

#include "registry/code.h"
#include "registry/day.h"

#include <stddef.h>
#include <string.h>

#define ATTRIBUTE(member)                                                                                              \
    {                                                                                                                  \
#member, offsetof(struct resident, attributes.member), sizeof(((struct attributes *)0)->member), true          \
    }
#define TOLD(member)                                                                                                   \
    {                                                                                                                  \
#member, offsetof(struct resident, particulars.member), sizeof(((struct particulars *)0)->member), true        \
    }
#define KEPT(column, member)                                                                                           \
    {                                                                                                                  \
#column, offsetof(struct resident, household.member), sizeof(((struct household *)0)->member), false           \
    }

const struct record_field record_fields[RECORD_FIELDS] = {
    ATTRIBUTE(name),
    ATTRIBUTE(name_substitutes),
    ATTRIBUTE(birth),
    ATTRIBUTE(sex),
    ATTRIBUTE(address),
    ATTRIBUTE(address_substitutes),
    TOLD(furigana),
    TOLD(former_name),
    TOLD(former_furigana),
    TOLD(alias),
    TOLD(personal_number),
    KEPT(household, number),
    KEPT(position, position),
    KEPT(relation, relation),
    KEPT(foreign_resident, foreign),
    KEPT(romaji, romaji),
    KEPT(resident_since, resident_since),
    KEPT(address_since, address_since),
    KEPT(notified, notified),
    KEPT(former_address, former_address),
    TOLD(original_name),
    TOLD(original_address),
};

/* The next character of well-formed UTF-8; 0 at the end, -1 for what is not well-formed. */
long record_character(const char **text)
{
    const unsigned char *t = (const unsigned char *)*text;
    unsigned more = *t < 0x80 ? 0 : *t >= 0xF0 && *t < 0xF8 ? 3 : *t >= 0xE0 ? 2 : *t >= 0xC2 ? 1 : 9;
    static const unsigned char masks[] = {0x7F, 0x1F, 0x0F, 0x07};
    if (more == 9 || *t >= 0xF8)
        return -1;
    long c = *t & masks[more];
    for (unsigned i = 1; i <= more; i++) {
        if ((t[i] & 0xC0) != 0x80)
            return -1;
        c = c << 6 | (t[i] & 0x3F);
    }
    *text += c ? more + 1 : 0;
    return c;
}

static bool record_is_text(const char *text)
{
    long c;
    while ((c = record_character(&text)) > 0)
        if (c < 0x20 || c == 0x7F)
            return false;
    return c == 0;
}

/* Katakana, the long sound, the middle dot, and the blank between surname and given name. */
static bool record_is_kana(const char *text)
{
    long c;
    while ((c = record_character(&text)) > 0)
        if (!(c >= 0x30A1 && c <= 0x30FC) && c != 0x3000)
            return false;
    return c == 0;
}

static bool record_is_roman(const char *text)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ -'.,") == strlen(text);
}

static enum rc record_check_told(const struct particulars *p, struct err *err)
{
    if (!record_is_kana(p->furigana))
        return err_set(err, RC_FORMAT, "furigana: katakana only");
    if (!record_is_text(p->former_name))
        return err_set(err, RC_FORMAT, "former_name: not well-formed UTF-8 text");
    if (!record_is_kana(p->former_furigana))
        return err_set(err, RC_FORMAT, "former_furigana: katakana only");
    if (p->former_furigana[0] && !p->former_name[0])
        return err_set(err, RC_FORMAT, "former_furigana: there is no former name");
    if (!record_is_text(p->alias))
        return err_set(err, RC_FORMAT, "alias: not well-formed UTF-8 text");
    if (!record_is_text(p->original_name) || !record_is_text(p->original_address))
        return err_set(err, RC_FORMAT, "original_name or original_address: not well-formed UTF-8 text");
    if (p->personal_number[0] && code_check_personal(p->personal_number))
        return err_set(err, RC_FORMAT, "personal_number: not 12 digits with a right check digit");
    return RC_OK;
}

static enum rc record_check_kept(const struct resident *resident, struct err *err)
{
    const struct household *h = &resident->household;
    if (h->number[0] && code_check_household(h->number))
        return err_set(err, RC_FORMAT, "household: not 10 digits with a right check digit");
    if (h->position[0] && (strlen(h->position) != 2 || strspn(h->position, "0123456789") != 2))
        return err_set(err, RC_FORMAT, "position: two digits");
    if (!record_is_text(h->relation) || !record_is_text(h->former_address))
        return err_set(err, RC_FORMAT, "relation or former_address: not well-formed UTF-8 text");
    if (h->foreign[0] && strcmp(h->foreign, "1") != 0)
        return err_set(err, RC_FORMAT, "foreign_resident: 1 or nothing");
    if (resident->particulars.alias[0] && !h->foreign[0])
        return err_set(err, RC_FORMAT, "alias: of foreign residents only");
    if (!record_is_roman(h->romaji))
        return err_set(err, RC_FORMAT, "romaji: capital letters, blanks, '-', ''', '.' and ','");
    const char *const dates[] = {h->resident_since, h->address_since, h->notified};
    static const char *const names[] = {"resident_since", "address_since", "notified"};
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++)
        if (dates[i][0] && date_check(dates[i]))
            return err_set(err, RC_FORMAT, "%s: not a date YYYY-MM-DD", names[i]);
    return RC_OK;
}

enum rc record_check(const struct resident *resident, bool told_only, struct err *err)
{
    for (size_t i = 0; i < RECORD_FIELDS; i++)
        if (!memchr(record_text_of(resident, &record_fields[i]), 0, record_fields[i].size))
            return err_set(err, RC_FORMAT, "%s: too long", record_fields[i].name);
    enum rc rc = attributes_check(&resident->attributes, err);
    if (!rc)
        rc = record_check_told(&resident->particulars, err);
    if (!rc && !told_only)
        rc = record_check_kept(resident, err);
    return rc;
}

bool record_same_person_data(const struct resident *a, const struct resident *b)
{
    return attributes_equal(&a->attributes, &b->attributes) &&
           strcmp(a->particulars.former_name, b->particulars.former_name) == 0 &&
           strcmp(a->particulars.alias, b->particulars.alias) == 0;
}

static bool record_equal(const struct resident *a, const struct resident *b, bool told_only)
{
    for (size_t i = 0; i < RECORD_FIELDS; i++)
        if ((record_fields[i].told || !told_only) &&
            strcmp(record_text_of(a, &record_fields[i]), record_text_of(b, &record_fields[i])) != 0)
            return false;
    return true;
}

bool record_same_told(const struct resident *a, const struct resident *b)
{
    return record_equal(a, b, true);
}

bool record_same(const struct resident *a, const struct resident *b)
{
    return record_equal(a, b, false);
}

void record_keep_told(struct resident *resident)
{
    memset(&resident->household, 0, sizeof resident->household);
}

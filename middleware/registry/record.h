/* record.h — the record of a resident (住民票): 本人確認情報, which the municipality tells the prefecture and the
 * nation, and what stays in the municipality. Its fields as rows, so that store, messages and checks read one table.
 * Personal data. */
#ifndef JPKI_REGISTRY_RECORD_H
#define JPKI_REGISTRY_RECORD_H

#include "pki/attributes.h"

/* 本人確認情報 beside the four attributes (住基法30条の6, 令30条の14): "" where there is none. */
struct particulars {
    char furigana[301];        /* 氏名の振り仮名, katakana; from 2025-05-26 */
    char former_name[121];     /* 旧氏: at most one */
    char former_furigana[121]; /* 旧氏の振り仮名 */
    char alias[301];           /* 通称, of foreign residents only */
    char personal_number[13];  /* 個人番号, 12 digits; "" until it was designated */
    char original_name[400];   /* 氏名 as the register writes it, when a certificate cannot hold it (registry/characters.h) */
    char original_address[801];/* 住所 likewise */
};

/* What stays in the municipality. "" where there is none; dates "YYYY-MM-DD". */
struct household {
    char number[11];          /* 世帯番号: 9 digits and a check digit */
    char position[3];         /* the order of the members: "01" … "99" */
    char relation[61];        /* 続柄: "世帯主", "妻", "長男", "妻の子" … */
    char foreign[2];          /* "1": a foreign resident (法30条の45); "" a Japanese */
    char romaji[201];         /* ローマ字氏名, as the holder wants it on the card */
    char resident_since[11];  /* 住民となった年月日 */
    char address_since[11];   /* 住所を定めた年月日 */
    char notified[11];        /* 届出の年月日 */
    char former_address[801]; /* 従前の住所 */
};

#define RELATION_HEAD "世帯主"

struct resident {
    char code[12];        /* 住民票コード, 11 digits */
    char municipality[7]; /* whose record it is */
    struct attributes attributes;
    struct particulars particulars;
    struct household household;
};

/* The texts of a record: column and message member, where it stands in the struct, whether it is told. The first
 * RECORD_WANTED are always there, the others only when they are not empty. */
struct record_field {
    const char *name;
    size_t offset, size;
    bool told;
};
enum { RECORD_WANTED = 6, RECORD_FIELDS = 22 };
extern const struct record_field record_fields[RECORD_FIELDS];

static inline char *record_text(struct resident *resident, const struct record_field *field)
{
    return (char *)resident + field->offset;
}

static inline const char *record_text_of(const struct resident *resident, const struct record_field *field)
{
    return (const char *)resident + field->offset;
}

/* The form of everything but the codes: lengths, kana, check digits, dates; an alias only of a foreign resident.
 * RC_FORMAT names the field, never its value. told_only: a message of another node, which holds nothing of the
 * household. */
enum rc record_check(const struct resident *resident, bool told_only, struct err *err) MUST_CHECK;

/* Whether certificates made of the one are right for the other: the four attributes, and former name and alias, which
 * are written with the name. */
bool record_same_person_data(const struct resident *a, const struct resident *b);

/* Whether what is told is the same, and whether everything is. */
bool record_same_told(const struct resident *a, const struct resident *b);
bool record_same(const struct resident *a, const struct resident *b);

/* The next character of well-formed UTF-8, *text behind it; 0 at the end, -1 for what is not well-formed. */
long record_character(const char **text);

/* Wipes what stays in the municipality. */
void record_keep_told(struct resident *resident);

#endif

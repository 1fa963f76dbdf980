/* municipality.h — 市区町村: codes with check digit, names in kanji and romaji, and the certificate names made of them. All of the
 * country; a designated city stands as its wards, which keep the records of its residents, and is not found itself. */
#ifndef JPKI_PKI_MUNICIPALITY_H
#define JPKI_PKI_MUNICIPALITY_H

#include "base/rc.h"

#include <stddef.h>

struct municipality {
    const char *code;             /* 6 digits with check digit: "462012" */
    const char *prefecture;       /* "鹿児島県" */
    const char *name;             /* "鹿児島市"; wards with their city: "横浜市中区" */
    const char *prefecture_romaji;/* "Kagoshima-ken" */
    const char *name_romaji;      /* "Kagoshima-shi" */
};

/* By 5 or 6 digits; a wrong check digit is RC_FORMAT, an unknown code RC_NOT_FOUND. The row is static storage. */
enum rc municipality_find(const char *code, const struct municipality **row) MUST_CHECK;

/* The table that the build makes. */
extern const struct municipality municipality_table[];
extern const size_t municipality_count;

/* All rows, in code order. Prefecture and name together are unique, in romaji too. */
const struct municipality *municipality_rows(size_t *count);

/* The check digit of 5 digits (全国地方公共団体コード): (11 - (6a+5b+4c+3d+2e) mod 11) mod 10. */
char municipality_check_digit(const char digits[5]);

#endif

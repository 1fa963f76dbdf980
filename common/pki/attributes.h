/* attributes.h — the four attributes (基本4情報) of a signature certificate: subjectAltName otherNames
 * 1.2.392.200149.8.5.5.1 to .6 (docs/PROFILE.md). Personal data: never logged. */
#ifndef JPKI_PKI_ATTRIBUTES_H
#define JPKI_PKI_ATTRIBUTES_H

#include "base/buf.h"
#include "base/err.h"

#include <openssl/x509v3.h>

struct attributes {
    char name[400];            /* 氏名, UTF-8, U+3000 between surname and given name */
    char name_substitutes[101];/* one '0' or '1' per character (Unicode scalar value) of the name */
    char birth[10];            /* 生年月日, EYYYYMMDD: era digit 0..5, Gregorian date, zero month or day when unknown */
    char sex[2];               /* 性別: "1" male, "2" female, "3" or "9" other */
    char address[801];         /* 住所, UTF-8, at most 200 characters */
    char address_substitutes[201];
};

/* Era digit (1 Meiji .. 5 Reiwa; 0 unknown) for a Gregorian date, by the first days of the eras. */
char attributes_era(int year, int month, int day);

/* Fills the two substitute strings with '0' (no substituted character). */
void attributes_no_substitutes(struct attributes *attributes);

/* Lengths, digits, character counts. RC_FORMAT names the attribute in err, never its value. */
enum rc attributes_check(const struct attributes *attributes, struct err *err) MUST_CHECK;

/* The GENERAL_NAMES in the order 1, 4, 3, 5, 2, 6; caller frees with GENERAL_NAMES_free. */
enum rc attributes_to_names(const struct attributes *attributes, GENERAL_NAMES **names, struct err *err) MUST_CHECK;

/* Reads the six otherNames in any order. RC_NOT_FOUND when there are none, RC_FORMAT when they are not well-formed or one
 * of the first four is missing. */
enum rc attributes_from_names(const GENERAL_NAMES *names, struct attributes *attributes, struct err *err) MUST_CHECK;
enum rc attributes_from_cert(X509 *cert, struct attributes *attributes, struct err *err) MUST_CHECK;

bool attributes_equal(const struct attributes *a, const struct attributes *b); /* the four; not the substitute flags */

#endif

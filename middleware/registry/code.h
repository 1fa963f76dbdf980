/* code.h — the numbers of a resident and their check digits: 住民票コード (11 digits) and 個人番号 (12 digits). Pure. */
#ifndef JPKI_REGISTRY_CODE_H
#define JPKI_REGISTRY_CODE_H

#include "base/rc.h"

#define CODE_LEN 11          /* 住民票コード: 10 random digits and a check digit (住基法施行規則1条) */
#define PERSONAL_NUMBER_LEN 12 /* 個人番号: 11 digits and a check digit (番号法施行令8条) */

/* The check digit behind 10 or 11 digits: modulus 11, weights 2..7 then 2..6 from the right, remainder 0 and 1 give 0
 * (平26総務省令85号5条; the same rule for the 住民票コード). '\0' for another length or anything but digits. */
char code_check_digit(const char *digits);

/* RC_FORMAT: not 11 digits, or the check digit is wrong: a mistyped number is recognised before any look-up. */
enum rc code_check(const char *code) MUST_CHECK;

/* The same for the 12 digits of a 個人番号. */
enum rc code_check_personal(const char *number) MUST_CHECK;

/* 世帯番号, the municipality's own: 9 digits and a check digit of modulus 11 with weights 2..7, where only remainder 0 gives
 * 0 (住民記録システム標準仕様書); numbers of remainder 1 have no check digit ('\0') and are passed over. */
#define HOUSEHOLD_NUMBER_LEN 10
char code_household_digit(const char *digits);
enum rc code_check_household(const char *number) MUST_CHECK;

#endif

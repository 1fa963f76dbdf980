/* code.c — check digits. */
#include "registry/code.h"

#include <string.h>

/* The sum by weights 2..7, 2..7 from the right, modulo 11; 99 for anything but digits. */
static unsigned code_rest(const char *digits, size_t len)
{
    unsigned sum = 0;
    for (unsigned n = 1; n <= len; n++) {
        char digit = digits[len - n];
        if (digit < '0' || digit > '9')
            return 99;
        sum += (unsigned)(digit - '0') * (n <= 6 ? n + 1 : n - 5);
    }
    return sum % 11;
}

char code_check_digit(const char *digits)
{
    size_t len = strlen(digits);
    if (len != CODE_LEN - 1 && len != PERSONAL_NUMBER_LEN - 1)
        return '\0';
    unsigned rest = code_rest(digits, len);
    if (rest == 99)
        return '\0';
    return (char)('0' + (rest <= 1 ? 0 : 11 - rest));
}

char code_household_digit(const char *digits)
{
    unsigned rest = strlen(digits) == HOUSEHOLD_NUMBER_LEN - 1 ? code_rest(digits, HOUSEHOLD_NUMBER_LEN - 1) : 99;
    if (rest == 99 || rest == 1)
        return '\0';
    return (char)('0' + (rest == 0 ? 0 : 11 - rest));
}

static enum rc code_check_len(const char *number, size_t len)
{
    char digits[PERSONAL_NUMBER_LEN];
    if (!number || strlen(number) != len)
        return RC_FORMAT;
    memcpy(digits, number, len - 1);
    digits[len - 1] = '\0';
    char want = len == HOUSEHOLD_NUMBER_LEN ? code_household_digit(digits) : code_check_digit(digits);
    return want && number[len - 1] == want ? RC_OK : RC_FORMAT;
}

enum rc code_check(const char *code)
{
    return code_check_len(code, CODE_LEN);
}

enum rc code_check_personal(const char *number)
{
    return code_check_len(number, PERSONAL_NUMBER_LEN);
}

enum rc code_check_household(const char *number)
{
    return code_check_len(number, HOUSEHOLD_NUMBER_LEN);
}

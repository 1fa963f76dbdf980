/* code.c — check digits. */
#include "registry/code.h"

#include <string.h>

char code_check_digit(const char *digits)
{
    size_t len = strlen(digits);
    if (len != CODE_LEN - 1 && len != PERSONAL_NUMBER_LEN - 1)
        return '\0';
    unsigned sum = 0;
    for (unsigned n = 1; n <= len; n++) {
        char digit = digits[len - n];
        if (digit < '0' || digit > '9')
            return '\0';
        sum += (unsigned)(digit - '0') * (n <= 6 ? n + 1 : n - 5);
    }
    unsigned rest = sum % 11;
    return (char)('0' + (rest <= 1 ? 0 : 11 - rest));
}

static enum rc code_check_len(const char *number, size_t len)
{
    char digits[PERSONAL_NUMBER_LEN];
    if (!number || strlen(number) != len)
        return RC_FORMAT;
    memcpy(digits, number, len - 1);
    digits[len - 1] = '\0';
    char want = code_check_digit(digits);
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

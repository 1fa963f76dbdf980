/* municipality.c — the municipalities: finding one, and the check digit. The table is made by the build out of
 * municipalities.tsv, which says where it comes from. Codes are 全国地方公共団体コード (JIS X 0401 and 0402, check
 * digit); romaji follows the form in certificates, which leaves long vowels unmarked. */
#include "pki/municipality.h"

#include <string.h>

const struct municipality *municipality_rows(size_t *count)
{
    *count = municipality_count;
    return municipality_table;
}

char municipality_check_digit(const char digits[5])
{
    int sum = 0;
    for (int i = 0; i < 5; i++)
        sum += (6 - i) * (digits[i] - '0');
    return (char)('0' + (11 - sum % 11) % 10);
}

enum rc municipality_find(const char *code, const struct municipality **row)
{
    size_t len = strlen(code);
    if ((len != 5 && len != 6) || strspn(code, "0123456789") != len)
        return RC_FORMAT;
    if (len == 6 && code[5] != municipality_check_digit(code))
        return RC_FORMAT;
    size_t low = 0, high = municipality_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(municipality_table[middle].code, code, 5);
        if (order == 0) {
            *row = &municipality_table[middle];
            return RC_OK;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return RC_NOT_FOUND;
}

/* municipality.c — the municipalities that the house knows, as rows: all of Kagoshima prefecture, and three elsewhere
 * so that other prefectures, special wards and a designated city's ward are always among what is tested. Codes are
 * 全国地方公共団体コード (JIS X 0401 and 0402, check digit); spelling in romaji follows the form in certificates, which
 * leaves long vowels unmarked. */
#include "pki/municipality.h"

#include <string.h>

static const struct municipality municipality_table[] = {
    {"131016", "東京都", "千代田区", "Tokyo-to", "Chiyoda-ku"},
    {"132217", "東京都", "清瀬市", "Tokyo-to", "Kiyose-shi"},
    {"141046", "神奈川県", "横浜市中区", "Kanagawa-ken", "Yokohama-shi-Naka-ku"},
    {"462012", "鹿児島県", "鹿児島市", "Kagoshima-ken", "Kagoshima-shi"},
    {"462039", "鹿児島県", "鹿屋市", "Kagoshima-ken", "Kanoya-shi"},
    {"462047", "鹿児島県", "枕崎市", "Kagoshima-ken", "Makurazaki-shi"},
    {"462063", "鹿児島県", "阿久根市", "Kagoshima-ken", "Akune-shi"},
    {"462080", "鹿児島県", "出水市", "Kagoshima-ken", "Izumi-shi"},
    {"462101", "鹿児島県", "指宿市", "Kagoshima-ken", "Ibusuki-shi"},
    {"462136", "鹿児島県", "西之表市", "Kagoshima-ken", "Nishinoomote-shi"},
    {"462144", "鹿児島県", "垂水市", "Kagoshima-ken", "Tarumizu-shi"},
    {"462152", "鹿児島県", "薩摩川内市", "Kagoshima-ken", "Satsumasendai-shi"},
    {"462161", "鹿児島県", "日置市", "Kagoshima-ken", "Hioki-shi"},
    {"462179", "鹿児島県", "曽於市", "Kagoshima-ken", "Soo-shi"},
    {"462187", "鹿児島県", "霧島市", "Kagoshima-ken", "Kirishima-shi"},
    {"462195", "鹿児島県", "いちき串木野市", "Kagoshima-ken", "Ichikikushikino-shi"},
    {"462209", "鹿児島県", "南さつま市", "Kagoshima-ken", "Minamisatsuma-shi"},
    {"462217", "鹿児島県", "志布志市", "Kagoshima-ken", "Shibushi-shi"},
    {"462225", "鹿児島県", "奄美市", "Kagoshima-ken", "Amami-shi"},
    {"462233", "鹿児島県", "南九州市", "Kagoshima-ken", "Minamikyushu-shi"},
    {"462241", "鹿児島県", "伊佐市", "Kagoshima-ken", "Isa-shi"},
    {"462250", "鹿児島県", "姶良市", "Kagoshima-ken", "Aira-shi"},
    {"463035", "鹿児島県", "三島村", "Kagoshima-ken", "Mishima-mura"},
    {"463043", "鹿児島県", "十島村", "Kagoshima-ken", "Toshima-mura"},
    {"463922", "鹿児島県", "さつま町", "Kagoshima-ken", "Satsuma-cho"},
    {"464040", "鹿児島県", "長島町", "Kagoshima-ken", "Nagashima-cho"},
    {"464520", "鹿児島県", "湧水町", "Kagoshima-ken", "Yusui-cho"},
    {"464686", "鹿児島県", "大崎町", "Kagoshima-ken", "Osaki-cho"},
    {"464821", "鹿児島県", "東串良町", "Kagoshima-ken", "Higashikushira-cho"},
    {"464902", "鹿児島県", "錦江町", "Kagoshima-ken", "Kinko-cho"},
    {"464911", "鹿児島県", "南大隅町", "Kagoshima-ken", "Minamiosumi-cho"},
    {"464929", "鹿児島県", "肝付町", "Kagoshima-ken", "Kimotsuki-cho"},
    {"465011", "鹿児島県", "中種子町", "Kagoshima-ken", "Nakatane-cho"},
    {"465020", "鹿児島県", "南種子町", "Kagoshima-ken", "Minamitane-cho"},
    {"465054", "鹿児島県", "屋久島町", "Kagoshima-ken", "Yakushima-cho"},
    {"465232", "鹿児島県", "大和村", "Kagoshima-ken", "Yamato-son"},
    {"465241", "鹿児島県", "宇検村", "Kagoshima-ken", "Uken-son"},
    {"465259", "鹿児島県", "瀬戸内町", "Kagoshima-ken", "Setouchi-cho"},
    {"465275", "鹿児島県", "龍郷町", "Kagoshima-ken", "Tatsugo-cho"},
    {"465291", "鹿児島県", "喜界町", "Kagoshima-ken", "Kikai-cho"},
    {"465305", "鹿児島県", "徳之島町", "Kagoshima-ken", "Tokunoshima-cho"},
    {"465313", "鹿児島県", "天城町", "Kagoshima-ken", "Amagi-cho"},
    {"465321", "鹿児島県", "伊仙町", "Kagoshima-ken", "Isen-cho"},
    {"465330", "鹿児島県", "和泊町", "Kagoshima-ken", "Wadomari-cho"},
    {"465348", "鹿児島県", "知名町", "Kagoshima-ken", "China-cho"},
    {"465356", "鹿児島県", "与論町", "Kagoshima-ken", "Yoron-cho"},
};

const struct municipality *municipality_rows(size_t *count)
{
    *count = sizeof municipality_table / sizeof *municipality_table;
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
    for (size_t i = 0; i < sizeof municipality_table / sizeof *municipality_table; i++) {
        if (memcmp(municipality_table[i].code, code, 5) == 0) {
            *row = &municipality_table[i];
            return RC_OK;
        }
    }
    return RC_NOT_FOUND;
}

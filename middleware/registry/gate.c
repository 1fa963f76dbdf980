/* gate.c — the settings by date. */
#include "registry/gate.h"

#include "registry/day.h"
#include "registry/setting.h"

#include <stdio.h>
#include <string.h>

/* [I]: the day is inferred, no source states it. */
const struct gate_row gate_rows[GATE_COUNT] = {
    [GATE_FIRST_SERVICE] = {"first-service", "2002-08-05", "第1次サービス: 住民票コード, 行政機関への提供"},
    [GATE_SECOND_SERVICE] = {"second-service", "2003-08-25",
                             "第2次サービス: 広域交付, 住基カード, 転入転出手続の簡素化"},
    [GATE_CONTINUED_USE] = {"continued-use", "2012-07-09", "継続利用: a card survives a move to another municipality"},
    [GATE_FOREIGN_RESIDENTS] = {"foreign-residents", "2013-07-08", "住民票コード of foreign residents"},
    [GATE_PERSONAL_NUMBERS] = {"personal-numbers", "2015-10-05",
                               "個人番号, and the 異動事由 of today [I for the latter]"},
    [GATE_JUKI_CARD_END] = {"juki-card-end", "2015-12-28",
                            "the last day of issue of a 住基カード; some cities 2015-12-22"},
    [GATE_MY_NUMBER_CARD] = {"my-number-card", "2016-01-01", "個人番号カード instead"},
    [GATE_LONG_RETENTION] = {"long-retention", "2015-10-05",
                             "150 years for 本人確認情報, 5 before [I: in the text of 2016-04]"},
    [GATE_LONG_REMOVED] = {"long-removed", "2019-06-20", "150 years for 除票, 5 before"},
    [GATE_FORMER_NAMES] = {"former-names", "2019-11-05", "旧氏 in 住民票 [I]"},
    [GATE_ONLINE_MOVE] = {"online-move", "2023-02-06", "転出届 online, 転出証明書情報 pushed ahead"},
    [GATE_ABROAD_CONTINUED] = {"abroad-continued", "2024-05-27", "継続利用 after 国外転出"},
    [GATE_FURIGANA] = {"furigana", "2025-05-26", "氏名の振り仮名; corrected until 2026-05-25"},
};

enum rc gate_date(struct store *store, enum gate gate, char date[11], struct err *err)
{
    return setting_get(store, gate_rows[gate].name, gate_rows[gate].date, date, 11, err);
}

enum rc gate_open(struct store *store, enum gate gate, const char *date, bool *open, struct err *err)
{
    char from[11];
    enum rc rc = gate_date(store, gate, from, err);
    if (!rc)
        *open = strcmp(date, from) >= 0;
    return rc;
}

enum rc gate_open_all(struct store *store, const char *date, unsigned *open, struct err *err)
{
    char from[GATE_COUNT][11];
    struct statement *s = NULL;
    for (int i = 0; i < GATE_COUNT; i++)
        memcpy(from[i], gate_rows[i].date, sizeof from[i]);
    enum rc rc = store_query(store, "SELECT name, value FROM setting", NULL, &s, err);
    while (!rc && !(rc = statement_step(s, err)))
        for (int i = 0; i < GATE_COUNT; i++)
            if (strcmp(column_text(s, 0), gate_rows[i].name) == 0)
                column_copy(s, 1, from[i], sizeof from[i]);
    statement_done(s);
    *open = 0;
    for (int i = 0; i < GATE_COUNT; i++)
        *open |= strcmp(date, from[i]) >= 0 ? GATE_BIT(i) : 0;
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc gate_want(struct store *store, enum gate gate, const char *date, const char *what, struct err *err)
{
    char from[11];
    enum rc rc = gate_date(store, gate, from, err);
    if (!rc && strcmp(date, from) < 0)
        rc = err_set(err, RC_RANGE, "date: there is no %s before %s", what, from);
    return rc;
}

enum rc gate_set(struct store *store, const char *name, const char *date, struct err *err)
{
    size_t i = 0;
    while (i < GATE_COUNT && strcmp(gate_rows[i].name, name) != 0)
        i++;
    if (i == GATE_COUNT)
        return err_set(err, RC_NOT_FOUND, "there is no setting '%s'", name);
    if (date_check(date))
        return err_set(err, RC_FORMAT, "%s: not a date YYYY-MM-DD", name);
    return setting_set(store, name, date, err);
}

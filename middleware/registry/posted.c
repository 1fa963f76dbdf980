/* posted.c — what is written to residents. */
#include "registry/posted.h"

#include "base/clock.h"
#include "pki/municipality.h"
#include "registry/ledger.h"

#include <string.h>

static const struct {
    const char *name, *title, *words;
} kinds[] = {
    [POSTED_CODE] = {"code", "住民票コード通知票", "あなたの住民票に記載された住民票コードをお知らせします。"},
    [POSTED_CODE_CHANGED] =
        {"code-changed", "住民票コード変更通知票",
         "請求により住民票コードを変更しました。従前のコードと、それを記録したカードは使えません。"},
    [POSTED_NUMBER] = {"number", "個人番号通知書", "あなたの個人番号をお知らせします。"},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

enum rc posted_add(struct store *store, enum posted kind, const char *code, int64_t revision, const char *date,
                   struct err *err)
{
    return store_run(store,
                     "INSERT INTO posted (code, revision, kind, date, recorded, printed) "
                     "VALUES (?1, ?2, ?3, ?4, ?5, 0)",
                     BINDS(BIND_TEXT(code), BIND_INTEGER(revision), BIND_TEXT(kinds[kind].name), BIND_TEXT(date),
                           BIND_INTEGER(clock_now())), NULL, err);
}

/* Digits in groups, as such notices have them: "2472-7059-608". */
static enum rc posted_digits(struct buf *out, const char *digits)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; !rc && digits[i]; i++)
        rc = buf_printf(out, "%s%c", i && i % 4 == 0 ? "-" : "", digits[i]);
    return rc;
}

static enum rc posted_write(struct store *store, struct statement *s, struct buf *out, struct err *err)
{
    struct ledger_past past;
    const struct municipality *place = NULL;
    size_t kind = 0;
    while (kind < KINDS && strcmp(kinds[kind].name, column_text(s, 2)) != 0)
        kind++;
    if (kind == KINDS)
        return err_set(err, RC_FORMAT, "the store names a letter that this program does not know");
    enum rc rc = ledger_history(store, column_text(s, 0), column_integer(s, 1), &past, err);
    if (!rc)
        rc = municipality_find(past.resident.municipality, &place);
    if (rc)
        return err_set(err, rc, "a letter has no record");
    const struct resident *r = &past.resident;
    rc = buf_printf(out, "%s\n\n%s\n%s　様\n\n%s\n\n", kinds[kind].title, r->attributes.address, r->attributes.name,
                    kinds[kind].words);
    if (!rc)
        rc = buf_printf(out, kind == POSTED_NUMBER ? "個人番号　　　　" : "住民票コード　　");
    if (!rc)
        rc = posted_digits(out, kind == POSTED_NUMBER ? r->particulars.personal_number : r->code);
    if (!rc)
        rc = buf_printf(out, "\n異動事由　　　　%s\n異動年月日　　　%s\n\n%s%s長\n\f\n", reason_get(past.reason)->name,
                        column_text(s, 3), place->prefecture, place->name);
    return rc ? err_set(err, rc, "letter") : RC_OK;
}

enum rc posted_print(struct store *store, bool all, bool mark, struct buf *out, int64_t *count, struct err *err)
{
    struct statement *s = NULL;
    *count = 0;
    enum rc rc = store_prepare(store,
                               all ? "SELECT code, revision, kind, date FROM posted ORDER BY recorded, code, kind"
                                   : "SELECT code, revision, kind, date FROM posted WHERE printed = 0 "
                                     "ORDER BY recorded, code, kind",
                               &s, err);
    if (rc)
        return rc;
    while (!(rc = statement_step(s, err))) {
        if ((rc = posted_write(store, s, out, err)))
            break;
        ++*count;
    }
    statement_done(s);
    if (rc != RC_NOT_FOUND || !mark)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    return store_run(store, "UPDATE posted SET printed = ?1 WHERE printed = 0",
                     BINDS(BIND_INTEGER(clock_now())), NULL, err);
}

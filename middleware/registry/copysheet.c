/* copysheet.c — items become a sheet with the issuer's signature, which is kept until it is fetched. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/random.h"
#include "pki/municipality.h"
#include "registry/copies.h"
#include "registry/copypage.h"
#include "registry/municipal.h"
#include "registry/pdfseal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES 6
#define FORM_CLOSING "上記のとおり申請します。"
#define OWN_CLOSING "この写しは、住民票の原本と相違ないことを証明する。"

static void copysheet_plain(const char *value, char out[64])
{
    snprintf(out, 64, "%s", value);
}

static void copysheet_sex(const char *value, char out[64])
{
    snprintf(out, 64, "%s", value[0] == '1' ? "男" : value[0] == '2' ? "女" : "その他");
}

/* The items in the order of the sheet, with the words before them; how a value is written when it is not a plain text.
 */
static const struct {
    const char *member, *label;
    void (*write)(const char *value, char out[64]);
} rows[] = {
    {"name", "氏名", NULL},
    {"furigana", "氏名の振り仮名", NULL},
    {"former_name", "旧氏", NULL},
    {"former_furigana", "旧氏の振り仮名", NULL},
    {"alias", "通称", NULL},
    {"birth", "生年月日", copypage_birth},
    {"sex", "性別", copysheet_sex},
    {"head", "世帯主", NULL},
    {"relation", "続柄", NULL},
    {"resident_since", "住民となった年月日", copypage_day},
    {"address", "住所", NULL},
    {"address_since", "住所を定めた年月日", copypage_day},
    {"notified", "届出の年月日", copypage_day},
    {"former_address", "従前の住所", NULL},
    {"personal_number", "個人番号", copysheet_plain},
    {"code", "住民票コード", copysheet_plain},
};

static enum rc copysheet_block(const json_t *item, struct copypage_block *block, struct err *err)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *value = json_string_value(json_object_get(item, rows[i].member));
        char written[64];
        if (!value)
            continue;
        if (rows[i].write)
            rows[i].write(value, written);
        enum rc rc = copypage_add(block, rows[i].label, rows[i].write ? written : value);
        if (rc)
            return err_set(err, rc, "copy: too many items");
    }
    return block->count ? RC_OK : err_set(err, RC_FORMAT, "copy: a person without items");
}

/* The words around the items, by what the sheet is. */
static void copysheet_words(const struct copies_issue *issue, const struct municipality *issuer,
                            const struct municipality *home, struct copypage *page, char name[128], char closing[400])
{
    bool elsewhere = issuer != home;
    page->title = issue->form ? "住民票の写し等交付申請書" : "住民票の写し";
    page->kind = issue->form ? "（自動作成）" : elsewhere ? "（広域交付）" : "";
    snprintf(name, 128, issue->form ? "（宛先）%s%s長" : "%s%s長", issuer->prefecture, issuer->name);
    if (elsewhere)
        snprintf(closing, 400,
                 "この写しは、%s%"
                 "s長から住民基本台帳法第１２条の４第３項の規定により通知された事項に基づいて作成したものであることを"
                 "証明する。",
                 home->prefecture, home->name);
    else
        snprintf(closing, 400, "%s", issue->form ? FORM_CLOSING : OWN_CLOSING);
    page->issuer = name;
    page->closing = closing;
}

static enum rc copysheet_seal(const struct copies_issue *issue, const struct municipality *issuer, struct buf *pdf,
                              struct err *err)
{
    char sealer[100];
    snprintf(sealer, sizeof sealer, "%s %s", issuer->name_romaji, issue->issuer);
    const struct identity *identity = issue->identity;
    const struct pdfseal seal = {.key_pem = buf_bytes(&identity->key_pem),
                                 .cert_pem = buf_bytes(&identity->cert_pem),
                                 .ca_pem = buf_bytes(&identity->ca_pem),
                                 .name = sealer,
                                 .reason = issue->form ? "Form filled from the resident record"
                                                       : "Certified copy of the resident record",
                                 .time = clock_now()};
    return pdfseal_sign(&seal, pdf, err);
}

static enum rc copysheet_draw(const struct copies_issue *issue, const char *number, struct buf *pdf, struct err *err)
{
    const struct municipality *issuer, *home;
    char name[128], closing[400], today[11];
    size_t count = json_array_size(issue->items);
    if (municipality_find(issue->issuer, &issuer) || municipality_find(issue->home, &home))
        return err_set(err, RC_FORMAT, "copy: a municipality is not known");
    struct copypage_block *blocks = calloc(count ? count : 1, sizeof *blocks);
    if (!blocks)
        return RC_NOMEM;
    municipal_today(today);
    struct copypage page = {.blocks = blocks, .count = count, .number = number, .date = today, .created = clock_now()};
    copysheet_words(issue, issuer, home, &page, name, closing);
    enum rc rc = count ? RC_OK : err_set(err, RC_FORMAT, "copy: nobody on it");
    for (size_t i = 0; !rc && i < count; i++)
        rc = copysheet_block(json_array_get(issue->items, i), &blocks[i], err);
    if (!rc)
        rc = copypage_draw(&page, pdf, err);
    explicit_bzero(blocks, count * sizeof *blocks);
    free(blocks);
    return rc ? rc : copysheet_seal(issue, issuer, pdf, err);
}

static enum rc copysheet_keep(struct store *store, const struct copies_issue *issue, const char *number,
                              struct bytes pdf, struct err *err)
{
    return store_run(store,
                     "INSERT INTO copy (number, action, home, asker, issued, pdf) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                     BINDS(BIND_TEXT(number), BIND_TEXT(issue->action), BIND_TEXT(issue->home), BIND_TEXT(issue->asker),
                           BIND_INTEGER(clock_now()), BIND_BLOB(pdf)), NULL, err);
}

enum rc copies_make(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    (void)body;
    const struct copies_issue *issue = context;
    uint8_t chance[NUMBER_BYTES];
    char number[2 * NUMBER_BYTES + 1], issued[CLOCK_TEXT_SIZE];
    struct buf pdf = {0};
    if (!issue->identity)
        return err_set(err, RC_STATE, "this node has no document seal (serve --document-seal): it issues no copies");
    enum rc rc = random_bytes(chance, sizeof chance);
    hex_encode(bytes_of(chance, sizeof chance), number);
    if (!rc)
        rc = copysheet_draw(issue, number, &pdf, err);
    fault_point("registry.copy_drawn");
    if (!rc)
        rc = copysheet_keep(store, issue, number, buf_bytes(&pdf), err);
    buf_wipe(&pdf);
    clock_format(clock_now(), issued);
    *answer = rc ? NULL : json_pack("{s:s, s:s, s:s}", "copy", number, "home", issue->home, "issued", issued);
    return rc || *answer ? rc : RC_NOMEM;
}

enum rc copies_get(struct store *store, const char *number, const char *asker, struct buf *pdf, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT pdf, asker FROM copy WHERE number = ?1", BINDS(BIND_TEXT(number)), &s, err);
    if (!rc && (strcmp(column_text(s, 1), asker) != 0 || column_blob(s, 0).len == 0))
        rc = RC_NOT_FOUND; /* whose number it is, is nobody else's to know */
    if (!rc)
        rc = buf_append_bytes(pdf, column_blob(s, 0));
    statement_done(s);
    return rc == RC_NOT_FOUND ? err_set(err, rc, "no such copy") : rc;
}

enum rc copies_forget(struct store *store, struct err *err)
{
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = store_run(store, "UPDATE copy SET pdf = ?2 WHERE issued < ?1 AND length(pdf) > 0",
                   BINDS(BIND_INTEGER(clock_now() - (int64_t)COPIES_KEPT_DAYS * 86400), BIND_BLOB(bytes_of("", 0))),
                   NULL, err);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    return rc;
}

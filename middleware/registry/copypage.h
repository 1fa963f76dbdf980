/* copypage.h — a certified copy as pages of A4 in PDF: what stands on it, drawn with cairo and pango. It knows nothing of stores or
 * keys. Every page is marked as a specimen: nothing that this program prints is a real copy. */
#ifndef JPKI_REGISTRY_COPYPAGE_H
#define JPKI_REGISTRY_COPYPAGE_H

#include "base/buf.h"
#include "base/err.h"

#define COPYPAGE_ROWS 24

struct copypage_row {
    const char *label; /* "氏名" */
    char value[820];
};

/* One person, or one form. */
struct copypage_block {
    struct copypage_row rows[COPYPAGE_ROWS];
    size_t count;
};

struct copypage {
    const char *title;   /* "住民票の写し" */
    const char *kind;    /* below it: "（広域交付）", or "" */
    const struct copypage_block *blocks;
    size_t count;
    const char *closing; /* what the issuer certifies */
    const char *issuer;  /* "東京都千代田区長" */
    const char *number;  /* of the copy */
    const char *date;    /* "2026-11-26" */
    int64_t created;     /* for the file's own properties */
};

/* A row more in a block; nothing when the value is empty. A block that is full is RC_RANGE. */
enum rc copypage_add(struct copypage_block *block, const char *label, const char *value) MUST_CHECK;

/* A date and the register's birth date as people read them: "令和8年11月26日". out holds 64. */
void copypage_day(const char *date, char out[64]);
void copypage_birth(const char *birth, char out[64]);

/* Appends the PDF. RC_NOMEM; RC_IO no font with Japanese letters. */
enum rc copypage_draw(const struct copypage *page, struct buf *pdf, struct err *err) MUST_CHECK;

#endif

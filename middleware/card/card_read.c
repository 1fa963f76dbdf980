/* card_read.c — a card's files: whole or in part, certificates without their filler, the token information. Judges no
 * certificate. */
#include "card/card_struct.h"

#include "pki/der.h"
#include "wire/cursor.h"
#include "wire/sw.h"

#include <stdio.h>
#include <string.h>

#define READ_SHORT_MAX 256u
#define READ_OFFSET_MAX 0x7FFFu
#define READ_SFI_OFFSET_MAX 0xFFu
#define READ_USUAL 2048u /* no certificate of a card was seen longer; a longer one is read in two parts */
#define READ_USUAL_CA 1536u
#define READ_SW_SHORT 0x6282

static const struct {
    const char *name;
    enum applet_ef ef;
} card_certs[] = {
    [CARD_CERT_AUTH] = { "auth", APPLET_EF_AUTH_CERT },
    [CARD_CERT_SIGN] = { "sign", APPLET_EF_SIGN_CERT },
    [CARD_CERT_AUTH_CA] = { "auth-ca", APPLET_EF_AUTH_CA_CERT },
    [CARD_CERT_SIGN_CA] = { "sign-ca", APPLET_EF_SIGN_CA_CERT },
};

enum rc card_cert_parse(const char *name, enum card_cert *cert)
{
    for (size_t i = 0; i < sizeof card_certs / sizeof *card_certs; i++)
        if (strcmp(card_certs[i].name, name) == 0) {
            *cert = (enum card_cert)i;
            return RC_OK;
        }
    return RC_NOT_FOUND;
}

const char *card_cert_name(enum card_cert cert)
{
    return card_certs[cert].name;
}

enum applet_ef card_cert_ef(enum card_cert cert)
{
    return card_certs[cert].ef;
}

/* One READ BINARY. Some cards say that the file ended before Le bytes where others just give what is left. */
static enum rc card_read_block(struct card *card, const struct apdu_command *read, struct buf *out, uint16_t *sw,
                               struct err *err)
{
    enum rc rc = channel_read(&card->channel, read, out, sw, err);
    if (!rc && *sw == READ_SW_SHORT)
        *sw = SW_OK;
    return rc;
}

/* The first block of a read, which leaves the file the current one: by short identifier, or by SELECT and the current
 * file where the card does not know that form or the offset does not fit it. */
static enum rc card_read_first(struct card *card, enum applet_ef ef, size_t offset, uint32_t le, struct buf *out,
                               uint16_t *sw, struct err *err)
{
    struct apdu_command read = { .ins = APPLET_INS_READ_BINARY, .le = le, .extended = le > READ_SHORT_MAX };
    if (card->sfi[CARD_WAY_READ] != CARD_UNABLE && offset <= READ_SFI_OFFSET_MAX) {
        read.p1 = APPLET_P_SFI(ef);
        read.p2 = (uint8_t)offset;
        enum rc rc = card_read_block(card, &read, out, sw, err);
        if (!rc && *sw == SW_OK)
            card_learn_sfi(card, CARD_WAY_READ, CARD_ABLE);
        if (rc || card->sfi[CARD_WAY_READ] == CARD_ABLE || !card_sw_refuses_sfi(*sw))
            return rc;
    }
    enum rc rc = card_select_ef(card, ef, sw, err);
    if (rc || *sw != SW_OK)
        return rc;
    read.p1 = (uint8_t)(offset >> 8);
    read.p2 = (uint8_t)offset;
    bool refused = card->sfi[CARD_WAY_READ] == CARD_UNTRIED && offset <= READ_SFI_OFFSET_MAX;
    rc = card_read_block(card, &read, out, sw, err);
    if (!rc && *sw == SW_OK && refused)
        card_learn_sfi(card, CARD_WAY_READ, CARD_UNABLE); /* the file is there: it was the form that the card did not take */
    return rc;
}

/* One block of the current file. Extended while the card and the reader are not known to refuse it: a refusal, or a
 * reader that cannot carry it, costs one command once, and a read that failed changed nothing. */
static enum rc card_read_next(struct card *card, size_t offset, size_t len, struct buf *out, uint16_t *sw,
                              struct err *err)
{
    struct apdu_command read = { .ins = APPLET_INS_READ_BINARY, .p1 = (uint8_t)(offset >> 8), .p2 = (uint8_t)offset };
    if (len > READ_SHORT_MAX && card->extended != CARD_UNABLE) {
        struct err lost = { 0 };
        read.le = (uint32_t)len;
        read.extended = true;
        enum rc rc = card_read_block(card, &read, out, sw, &lost);
        if (!rc && *sw == SW_OK) {
            card->extended = CARD_ABLE;
            return RC_OK;
        }
        if (card->extended == CARD_ABLE || (rc && rc != RC_IO))
            return rc ? err_set(err, rc, "%s", err_text(&lost, rc)) : RC_OK;
        card->extended = CARD_UNABLE;
    }
    read.le = (uint32_t)(len < READ_SHORT_MAX ? len : READ_SHORT_MAX);
    read.extended = false;
    return card_read_block(card, &read, out, sw, err);
}

/* Reads on in the current file until len bytes stand in out behind start, or the file ends. */
static enum rc card_read_rest(struct card *card, enum applet_ef ef, size_t offset, size_t start, size_t len,
                              struct buf *out, struct err *err)
{
    char what[32];
    while (out->len - start < len) {
        size_t before = out->len, done = before - start;
        uint16_t sw;
        if (offset + done > READ_OFFSET_MAX)
            return RC_OK;
        size_t room = READ_OFFSET_MAX + 1 - (offset + done), want = len - done < room ? len - done : room;
        enum rc rc = card_read_next(card, offset + done, want, out, &sw, err);
        if (rc)
            return rc;
        if (sw == SW_OFFSET || (sw == SW_OK && out->len == before))
            return RC_OK; /* ended exactly at a block's end */
        snprintf(what, sizeof what, "reading file %04X", ef);
        rc = card_judge(card, sw, what, err);
        if (rc)
            return rc;
        if (out->len - before > want)
            return err_set(err, RC_FORMAT, "%s: file %04X: more bytes than asked for", card->reader, ef);
    }
    return RC_OK;
}

enum rc card_read_ef(struct card *card, enum applet_ef ef, size_t offset, size_t len, struct buf *out, struct err *err)
{
    if (offset > READ_OFFSET_MAX)
        return err_set(err, RC_RANGE, "file %04X: offset %zu", ef, offset);
    if (len == 0)
        return RC_OK;
    size_t start = out->len;
    uint16_t sw;
    char what[32];
    uint32_t le = (uint32_t)(len < READ_SHORT_MAX ? len : READ_SHORT_MAX);
    if (len > READ_SHORT_MAX && card->extended == CARD_ABLE)
        le = (uint32_t)(len < READ_OFFSET_MAX + 1 - offset ? len : READ_OFFSET_MAX + 1 - offset);
    enum rc rc = card_read_first(card, ef, offset, le, out, &sw, err);
    if (!rc) {
        snprintf(what, sizeof what, "reading file %04X", ef);
        rc = card_judge(card, sw, what, err);
    }
    if (!rc && out->len - start > le)
        rc = err_set(err, RC_FORMAT, "%s: file %04X: more bytes than asked for", card->reader, ef);
    if (!rc && out->len - start == le && le < len)
        rc = card_read_rest(card, ef, offset, start, len, out, err);
    if (rc)
        buf_truncate(out, start);
    return rc;
}

/* Reads the file's bytes from 255 on, where the short identifier's offset ends, so that no SELECT is needed; the byte that
 * is read twice is dropped. */
static enum rc card_read_behind(struct card *card, enum applet_ef ef, size_t start, size_t len, struct buf *der, struct err *err)
{
    uint16_t sw = SW_WRONG_P1P2;
    size_t from = card->sfi[CARD_WAY_READ] == CARD_ABLE ? READ_SFI_OFFSET_MAX : READ_SHORT_MAX, want = len - from;
    enum rc rc = RC_OK;
    if (der->len - start < READ_SHORT_MAX) /* the file ended there */
        return RC_OK;
    buf_truncate(der, start + from);
    if (want > READ_SHORT_MAX && card->extended != CARD_UNABLE) {
        struct err lost = { 0 };
        rc = card_read_first(card, ef, from, (uint32_t)want, der, &sw, &lost);
        if (rc && rc != RC_IO)
            return err_set(err, rc, "%s", err_text(&lost, rc));
        card->extended = !rc && sw == SW_OK ? CARD_ABLE : CARD_UNABLE;
    }
    if (card->extended != CARD_ABLE || want <= READ_SHORT_MAX) {
        buf_truncate(der, start + from);
        rc = card_read_first(card, ef, from, (uint32_t)(want < READ_SHORT_MAX ? want : READ_SHORT_MAX), der, &sw, err);
    }
    if (!rc)
        rc = card_judge(card, sw, "reading a certificate", err);
    if (!rc && der->len - start > len)
        rc = err_set(err, RC_FORMAT, "%s: file %04X: more bytes than asked for", card->reader, ef);
    if (!rc && der->len - start < len)
        rc = card_read_rest(card, ef, 0, start, len, der, err);
    return rc;
}

/* The first bytes of the file: all of a usual certificate at once where the card does that. Where that is not known it is
 * tried, at the price of one command once; but not before the short identifier is known to work. */
static enum rc card_read_start(struct card *card, enum card_cert cert, struct buf *der, struct err *err)
{
    size_t usual = cert == CARD_CERT_AUTH_CA || cert == CARD_CERT_SIGN_CA ? READ_USUAL_CA : READ_USUAL;
    bool whole = card->extended == CARD_ABLE && card->sfi[CARD_WAY_READ] != CARD_UNTRIED;
    if (card->extended == CARD_UNTRIED && card->sfi[CARD_WAY_READ] == CARD_ABLE) {
        struct err lost = { 0 };
        uint16_t sw = SW_OK;
        size_t start = der->len;
        enum rc rc = card_read_first(card, card_certs[cert].ef, 0, (uint32_t)usual, der, &sw, &lost);
        if (!rc && sw == SW_OK && der->len - start <= usual) {
            card->extended = CARD_ABLE;
            return RC_OK;
        }
        buf_truncate(der, start);
        if (rc && rc != RC_IO)
            return err_set(err, rc, "%s", err_text(&lost, rc));
        enum rc said = rc ? rc : card_rc_of_sw(sw);
        if (said == RC_PIN_NEEDED || said == RC_NOT_FOUND) /* says nothing about lengths */
            return card_judge(card, sw, "reading a certificate", err);
        card->extended = CARD_UNABLE;
    }
    return card_read_ef(card, card_certs[cert].ef, 0, whole ? usual : READ_SHORT_MAX, der, err);
}

enum rc card_read_cert(struct card *card, enum card_cert cert, struct buf *der, struct err *err)
{
    return card_read_cert_after(card, cert, bytes_of(NULL, 0), der, err);
}

enum rc card_read_cert_after(struct card *card, enum card_cert cert, struct bytes head, struct buf *der, struct err *err)
{
    enum applet_ef ef = card_certs[cert].ef;
    size_t start = der->len, len;
    enum rc rc = head.len ? buf_append_bytes(der, head) : card_read_start(card, cert, der, err);
    if (rc)
        return rc;
    struct bytes block = buf_bytes_from(der, start);
    if (block.len < 4 || block.data[0] != 0x30) {
        rc = err_set(err, RC_NOT_FOUND, "%s: there is no certificate '%s'", card->reader, card_certs[cert].name);
        goto out;
    }
    rc = der_sequence_length(block, &len);
    if (rc) {
        rc = err_set(err, RC_FORMAT, "%s: the certificate '%s' does not begin as one", card->reader, card_certs[cert].name);
        goto out;
    }
    if (len < block.len)
        buf_truncate(der, start + len);
    else if (len > block.len && head.len)
        rc = card_read_behind(card, ef, start, len, der, err);
    else if (len > block.len)
        rc = card_read_rest(card, ef, 0, start, len, der, err);
    if (!rc && der->len - start != len)
        rc = err_set(err, RC_FORMAT, "%s: the certificate '%s' ends after %zu of %zu bytes", card->reader,
                     card_certs[cert].name, der->len - start, len);
out:
    if (rc)
        buf_truncate(der, start);
    return rc;
}

enum rc card_read_presence(struct card *card, struct card_presence *presence, struct err *err)
{
    struct buf file;
    buf_init(&file, 256);
    enum rc rc = card_read_ef(card, APPLET_EF_CERT_PRESENCE, 0, 3, &file, err);
    if (!rc && file.len < 2)
        rc = err_set(err, RC_FORMAT, "%s: file 0008 has %zu bytes", card->reader, file.len);
    if (!rc)
        *presence = (struct card_presence) { .sign = file.data[0] == 0x8F, .auth = file.data[1] == 0x8F };
    buf_wipe(&file);
    return rc;
}

/* A blank-padded field as a string: printable ASCII, without the padding. */
static void card_token_field(struct bytes file, size_t at, size_t len, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = file.data[at + i];
        out[i] = c > 0x1F && c < 0x7F ? (char)c : '?';
        if (c != ' ' && c != 0)
            used = i + 1;
    }
    out[used] = '\0';
}

enum rc card_read_token_info(struct card *card, struct card_token_info *info, struct err *err)
{
    struct buf file;
    struct card_token_info read = { 0 };
    buf_init(&file, 1024);
    enum rc rc = card_read_ef(card, APPLET_EF_TOKEN_INFO, 0, APPLET_TOKEN_INFO_LEN, &file, err);
    if (!rc && file.len != APPLET_TOKEN_INFO_LEN)
        rc = err_set(err, RC_FORMAT, "%s: file 0006 has %zu bytes", card->reader, file.len);
    if (rc)
        goto out;
    struct bytes bytes = buf_bytes(&file);
    memcpy(read.file, bytes.data, sizeof read.file);
    card_token_field(bytes, APPLET_TOKEN_LABEL_AT, APPLET_TOKEN_LABEL_LEN, read.label);
    card_token_field(bytes, APPLET_TOKEN_MANUFACTURER_AT, APPLET_TOKEN_MANUFACTURER_LEN, read.manufacturer);
    card_token_field(bytes, APPLET_TOKEN_MODEL_AT, APPLET_TOKEN_MODEL_LEN, read.model);
    card_token_field(bytes, APPLET_TOKEN_SERIAL_AT, APPLET_TOKEN_SERIAL_LEN, read.serial);
    read.kind = card->kind = card_kind_of_label(read.label);
    *info = read;
out:
    buf_wipe(&file);
    return rc;
}

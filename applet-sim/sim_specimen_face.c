/* sim_specimen_face.c — what is printed on a specimen, in its applications. Layouts as docs/APPLET.md describes them;
 * of the Juki card and the next card the same objects where their profiles have a file for them. */
#include "applet-sim/sim_specimen.h"

#include "applet-sim/sim_pictures.h"
#include "applet-sim/sim_specimen_maker.h"
#include "wire/tlv.h"

#include <openssl/rsa.h>
#include <string.h>

#define HASH_LEN 32u
#define SIGNATURE_LEN 256u
#define KEY_ID_ROOT "6000023\b20260101" /* key ids of tests begin with 6 */
#define KEY_ID_INTERMEDIATE "6000024\b20260101"
#define KEY_ID_BASIC "6000034\b20260101"
#define KEY_ID_OPAQUE "6000099\b20260101"
#define KEY_ID_MUNICIPALITY "6046201\b20260101"
#define MUNICIPALITY "46201"

struct face_maker {
    struct sim_maker maker;
    EVP_PKEY *root, *intermediate, *municipality;
};

/* --- objects ------------------------------------------------------------------------------------------------------ */

static void face_put(struct face_maker *face, struct buf *out, unsigned tag, struct bytes value)
{
    sim_maker_note(&face->maker, tlv_append(out, tag, value));
}

static void face_text(struct face_maker *face, struct buf *out, unsigned tag, const char *text)
{
    face_put(face, out, tag, bytes_of(text, strlen(text)));
}

static void face_picture(struct face_maker *face, struct buf *out, unsigned tag, enum sim_picture which)
{
    face_put(face, out, tag, sim_picture(which));
}

static void face_key(struct face_maker *face, struct buf *out, const EVP_PKEY *key)
{
    sim_maker_note(&face->maker, key ? sim_keys_public(key, 0x91, 0x90, out) : RC_CRYPTO);
}

static void face_public(struct face_maker *face, struct buf *out, unsigned tag, const EVP_PKEY *key)
{
    struct buf inner = {0};
    face_key(face, &inner, key);
    face_put(face, out, tag, buf_bytes(&inner));
    buf_wipe(&inner);
}

static void face_hash(struct face_maker *face, struct bytes what, uint8_t hash[HASH_LEN])
{
    if (!EVP_Digest(what.data, what.len, hash, NULL, EVP_sha256(), NULL))
        sim_maker_note(&face->maker, RC_CRYPTO);
}

/* PKCS#1 v1.5 over a hash; md NULL: the input is the block's content itself. */
static void face_signature(struct face_maker *face, struct buf *out, unsigned tag, EVP_PKEY *key, const EVP_MD *md,
                           struct bytes input)
{
    uint8_t signature[SIGNATURE_LEN];
    size_t len = sizeof signature;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool done = ctx && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                (!md || EVP_PKEY_CTX_set_signature_md(ctx, md) == 1) &&
                EVP_PKEY_sign(ctx, signature, &len, input.data, input.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    sim_maker_note(&face->maker, done ? RC_OK : RC_CRYPTO);
    if (done)
        face_put(face, out, tag, bytes_of(signature, len));
}

/* The signature over everything that stands before it. */
static void face_sign(struct face_maker *face, struct buf *out, unsigned tag, EVP_PKEY *key, struct bytes what)
{
    uint8_t hash[HASH_LEN] = {0};
    face_hash(face, what, hash);
    face_signature(face, out, tag, key, EVP_sha256(), bytes_of(hash, sizeof hash));
}

/* An object around what is in out. */
static void face_wrap(struct face_maker *face, struct buf *out, unsigned tag)
{
    struct buf outer = {0};
    face_put(face, &outer, tag, buf_bytes(out));
    buf_wipe(out);
    *out = outer;
}

/* 7F21 { 5F4E issuer key id, subject key id, key; 5F37 signature }. */
static void face_cvc(struct face_maker *face, struct buf *out, const char *issuer, EVP_PKEY *issuer_key,
                     const char *subject, const EVP_PKEY *key)
{
    struct buf body = {0};
    sim_maker_note(&face->maker, buf_append_text(&body, issuer));
    sim_maker_note(&face->maker, buf_append_text(&body, subject));
    face_key(face, &body, key);
    face_put(face, out, 0x5F4E, buf_bytes(&body));
    face_sign(face, out, 0x5F37, issuer_key, buf_bytes(&body));
    face_wrap(face, out, 0x7F21);
    buf_wipe(&body);
}

/* A table of offsets from the start of the file, two bytes each, to the objects behind it; all of it in one object. */
static void face_offsets(struct face_maker *face, struct buf *file, unsigned outer_tag, unsigned table_tag,
                         const struct buf *objects)
{
    struct cursor cursor = cursor_of(buf_bytes(objects));
    struct buf table = {0};
    struct tlv tlv;
    size_t count = 0;
    while (tlv_next(&cursor, &tlv) == RC_OK)
        count++;
    const size_t header = 3 + 2 * count,
                 inner = header + objects->len; /* the table's tag has two bytes, its length one */
    size_t offset = 2 + (inner < 0x80 ? 1u : inner < 0x100 ? 2u : 3u) + header;
    cursor = cursor_of(buf_bytes(objects));
    while (tlv_next(&cursor, &tlv) == RC_OK) {
        sim_maker_note(&face->maker, buf_append_u16(&table, (unsigned)offset));
        offset += tlv.whole.len;
    }
    face_put(face, file, table_tag, buf_bytes(&table));
    sim_maker_note(&face->maker, buf_append_bytes(file, buf_bytes(objects)));
    face_wrap(face, file, outer_tag);
    buf_wipe(&table);
}

/* --- the card manager's objects ----------------------------------------------------------------------------------- */

static void face_object(struct face_maker *face, unsigned tag, struct bytes value)
{
    struct buf *object = &face->maker.sim->card.objects[sim_data_place(tag)];
    buf_truncate(object, 0);
    sim_maker_note(&face->maker, buf_append_bytes(object, value));
}

static void face_manager(struct face_maker *face)
{
    struct buf cvc = {0};
    face_object(face, 0x0042, bytes_of(KEY_ID_INTERMEDIATE, 16));
    face_object(face, 0x00F0, bytes_of(MUNICIPALITY, 5));
    face_object(face, 0x00F2, bytes_of(SIM_SPECIMEN_EXPIRY, 8));
    face_object(face, 0x00F7, bytes_of(KEY_ID_INTERMEDIATE, 16));
    face_cvc(face, &cvc, KEY_ID_ROOT, face->root, KEY_ID_INTERMEDIATE, face->intermediate);
    face_object(face, 0x00F8, buf_bytes(&cvc));
    buf_wipe(&cvc);
    face_cvc(face, &cvc, KEY_ID_INTERMEDIATE, face->intermediate, KEY_ID_MUNICIPALITY, face->municipality);
    face_object(face, 0x7F21, buf_bytes(&cvc));
    buf_wipe(&cvc);
}

/* --- the text application ----------------------------------------------------------------------------------------- */

static void face_number(struct face_maker *face, struct buf *out)
{
    face_text(face, out, 0xFF10, SIM_SPECIMEN_NUMBER);
    sim_maker_note(&face->maker, buf_append(out, "\xFF\xFF", 2)); /* the hash is of the whole file */
}

static void face_attributes(struct face_maker *face, struct buf *out)
{
    face_text(face, out, 0xDF22, SIM_SPECIMEN_NAME);
    face_text(face, out, 0xDF23, SIM_SPECIMEN_ADDRESS);
    face_text(face, out, 0xDF24, SIM_SPECIMEN_BIRTH);
    face_text(face, out, 0xDF25, SIM_SPECIMEN_SEX);
}

/* The hashes of both, signed. */
static void face_text_signature(struct face_maker *face, struct bytes number, struct bytes attributes)
{
    uint8_t hash[HASH_LEN] = {0};
    struct buf file = {0};
    face_hash(face, number, hash);
    face_put(face, &file, 0xDF31, bytes_of(hash, sizeof hash));
    face_hash(face, attributes, hash); /* not of the offsets */
    face_put(face, &file, 0xDF32, bytes_of(hash, sizeof hash));
    face_sign(face, &file, 0xDF33, face->municipality, buf_bytes(&file));
    face_wrap(face, &file, 0xFF30);
    sim_maker_file(&face->maker, APPLET_TEXT_SIGNATURE, &file);
}

static void face_text_application(struct face_maker *face)
{
    struct buf file = {0}, attributes = {0}, number = {0};
    uint8_t basic[128];
    if (!sim_maker_app(&face->maker, "text"))
        return;
    (void)sim_maker_key(&face->maker, SIM_KEY_SESSION);
    face_number(face, &number);
    face_attributes(face, &attributes);
    face_text_signature(face, buf_bytes(&number), buf_bytes(&attributes));
    face_offsets(face, &file, 0xFF20, 0xDF21, &attributes);
    sim_maker_file(&face->maker, APPLET_TEXT_ATTRIBUTES, &file);
    sim_maker_file(&face->maker, APPLET_TEXT_MY_NUMBER, &number);
    face_cvc(face, &file, KEY_ID_ROOT, face->root, KEY_ID_MUNICIPALITY, face->municipality);
    sim_maker_file(&face->maker, APPLET_TEXT_CERT, &file);
    memset(basic, 0xFF, sizeof basic);
    face_put(face, &file, 0xDF41, bytes_of("\x01\x03\x0E\x01", 4));
    face_text(face, &file, 0xDF42, KEY_ID_BASIC);
    face_put(face, &file, 0xDF43, bytes_of(basic, sizeof basic));
    face_wrap(face, &file, 0xFF40);
    sim_maker_file(&face->maker, APPLET_TEXT_BASIC, &file);
    face_public(face, &file, 0xDF51, sim_maker_key(&face->maker, SIM_KEY_TEXT));
    face_sign(face, &file, 0xDF52, face->municipality, buf_bytes(&file));
    face_wrap(face, &file, 0xFF50);
    sim_maker_file(&face->maker, APPLET_TEXT_PUBLIC_KEY, &file);
    sim_maker_pin(&face->maker, SIM_PIN_TEXT, SIM_SPECIMEN_PIN);
    sim_maker_pin(&face->maker, SIM_PIN_TEXT_A, SIM_SPECIMEN_NUMBER);
    sim_maker_pin(&face->maker, SIM_PIN_TEXT_B, SIM_SPECIMEN_B);
    buf_wipe(&attributes);
}

/* --- the visual application --------------------------------------------------------------------------------------- */

/* Three groups of objects are hashed apart, the three hashes stand in one DigestInfo. own NULL: a card without that
 * key. */
static void face_visual_face(struct face_maker *face, const EVP_PKEY *own)
{
    static const uint8_t info[] = {0x30, 0x71, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                   0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x60};
    struct buf file = {0}, objects = {0};
    uint8_t digest[sizeof info + 3 * HASH_LEN] = {0};
    memcpy(digest, info, sizeof info);
    face_text(face, &objects, 0xDF22, SIM_SPECIMEN_BIRTH);
    face_text(face, &objects, 0xDF23, SIM_SPECIMEN_SEX);
    if (own)
        face_public(face, &objects, 0xDF24, own);
    const size_t first = objects.len;
    face_hash(face, buf_bytes(&objects), digest + sizeof info);
    face_picture(face, &objects, 0xDF25, SIM_PICTURE_NAME);
    face_picture(face, &objects, 0xDF26, SIM_PICTURE_ADDRESS);
    const size_t second = objects.len;
    face_hash(face, bytes_of(objects.data + first, second - first), digest + sizeof info + HASH_LEN);
    face_picture(face, &objects, 0xDF27, SIM_PICTURE_PHOTO);
    face_hash(face, bytes_of(objects.data + second, objects.len - second), digest + sizeof info + 2 * HASH_LEN);
    face_signature(face, &objects, 0xDF28, face->municipality, NULL, bytes_of(digest, sizeof digest));
    face_text(face, &objects, 0xDF29, SIM_SPECIMEN_EXPIRY);
    face_picture(face, &objects, 0xDF2A, SIM_PICTURE_CODE);
    face_offsets(face, &file, 0xFF20, 0xDF21, &objects);
    sim_maker_file(&face->maker, APPLET_VISUAL_FACE, &file);
    buf_wipe(&objects);
}

static void face_visual_application(struct face_maker *face)
{
    struct buf file = {0};
    const uint8_t opaque[272] = KEY_ID_OPAQUE;
    if (!sim_maker_app(&face->maker, "visual"))
        return;
    if (face->maker.sim->card.profile->keys[SIM_KEY_FACE] == SIM_NO_KEY) { /* the Juki card's */
        face_visual_face(face, NULL);
        sim_maker_pin(&face->maker, SIM_PIN_FACE_B, SIM_SPECIMEN_B);
        return;
    }
    const EVP_PKEY *own = sim_maker_key(&face->maker, SIM_KEY_FACE);
    face_visual_face(face, own);
    face_text(face, &file, 0xDF11, SIM_SPECIMEN_BIRTH);
    face_public(face, &file, 0xDF12, own);
    face_sign(face, &file, 0xDF13, face->municipality, buf_bytes(&file));
    face_wrap(face, &file, 0xFF10);
    sim_maker_file(&face->maker, APPLET_VISUAL_BIRTH, &file);
    face_put(face, &file, 0xDF31, bytes_of("\x06\x03\x0E\x01", 4));
    face_text(face, &file, 0xDF32, KEY_ID_INTERMEDIATE);
    face_put(face, &file, 0xDF33, bytes_of("\x01", 1));
    face_text(face, &file, 0xDF34, MUNICIPALITY);
    face_put(face, &file, 0xDF35, bytes_of(opaque, sizeof opaque));
    face_wrap(face, &file, 0xFF30);
    sim_maker_file(&face->maker, APPLET_VISUAL_BASIC, &file);
    face_cvc(face, &file, KEY_ID_ROOT, face->root, KEY_ID_MUNICIPALITY, face->municipality);
    sim_maker_file(&face->maker, APPLET_VISUAL_CERT, &file);
    face_picture(face, &file, 0xDF41, SIM_PICTURE_NUMBER);
    face_public(face, &file, 0xDF42, own);
    face_sign(face, &file, 0xDF43, face->municipality, buf_bytes(&file));
    face_wrap(face, &file, 0xFF40);
    sim_maker_file(&face->maker, APPLET_VISUAL_NUMBER, &file);
    sim_maker_pin(&face->maker, SIM_PIN_BIRTH, SIM_SPECIMEN_BIRTH_PIN);
    sim_maker_pin(&face->maker, SIM_PIN_FACE_B, SIM_SPECIMEN_B);
    sim_maker_pin(&face->maker, SIM_PIN_FACE_A, SIM_SPECIMEN_NUMBER);
}

/* --- resident, common, ordinance, next ---------------------------------------------------------------------------- */

static void face_record(struct face_maker *face, unsigned ef, const char *record)
{
    struct buf file = {0};
    sim_maker_note(&face->maker, buf_append_u8(&file, 0x01));
    sim_maker_note(&face->maker, buf_append_u8(&file, (unsigned)strlen(record)));
    sim_maker_note(&face->maker, buf_append_text(&file, record));
    sim_maker_file(&face->maker, ef, &file);
}

static void face_plain(struct face_maker *face, unsigned ef, const char *text)
{
    struct buf file = {0};
    sim_maker_note(&face->maker, buf_append_text(&file, text));
    sim_maker_file(&face->maker, ef, &file);
}

static void face_small_applications(struct face_maker *face)
{
    struct sim_maker *maker = &face->maker;
    if (sim_maker_app(maker, "resident")) {
        if (sim_files_row(maker->app, APPLET_RESIDENT_CODE)) /* the Juki card's */
            face_plain(face, APPLET_RESIDENT_CODE, SIM_SPECIMEN_RESIDENT_CODE);
        else
            face_record(face, 0x0002, KEY_ID_BASIC);
        sim_maker_pin(maker, SIM_PIN_RESIDENT, SIM_SPECIMEN_PIN);
    }
    if (sim_maker_app(maker, "common")) {
        face_record(face, APPLET_COMMON_CARD, "400000099000001" MUNICIPALITY SIM_SPECIMEN_EXPIRY);
        face_record(face, 0x0002, KEY_ID_BASIC);
        (void)sim_maker_key(maker, SIM_KEY_COMMON);
        sim_maker_pin(maker, SIM_PIN_COMMON, SIM_SPECIMEN_PIN);
    }
    if (sim_maker_app(maker, "ordinance"))
        face_plain(face, 0x0001, "open-jpki specimen: library card 0001");
}

static void face_next_card(struct face_maker *face)
{
    struct buf file = {0}, attributes = {0};
    if (!sim_maker_app(&face->maker, "authentication"))
        return;
    face_number(face, &file);
    sim_maker_file(&face->maker, APPLET_NEXT_MY_NUMBER, &file);
    face_attributes(face, &attributes);
    face_offsets(face, &file, 0xFF20, 0xDF21, &attributes);
    sim_maker_file(&face->maker, APPLET_NEXT_ATTRIBUTES, &file);
    buf_wipe(&attributes);
    if (!sim_maker_app(&face->maker, "face"))
        return;
    (void)sim_maker_key(&face->maker, SIM_KEY_FACE);
    face_visual_face(face, NULL);
    face_cvc(face, &file, KEY_ID_ROOT, face->root, KEY_ID_MUNICIPALITY, face->municipality);
    sim_maker_file(&face->maker, APPLET_VISUAL_CERT, &file);
    sim_maker_pin(&face->maker, SIM_PIN_FACE_B, SIM_SPECIMEN_PRINTED);
}

enum rc sim_specimen_face(struct sim *sim, EVP_PKEY **root)
{
    struct face_maker face = {.maker = {.sim = sim},
                              .root = EVP_RSA_gen(2048),
                              .intermediate = EVP_RSA_gen(2048),
                              .municipality = EVP_RSA_gen(2048)};
    if (sim->card.life != APPLET_LIFE_BLANK && sim->card.life != APPLET_LIFE_PERSONALISED)
        sim_maker_note(&face.maker, RC_STATE);
    else if (!face.root || !face.intermediate || !face.municipality)
        sim_maker_note(&face.maker, RC_CRYPTO);
    if (face.maker.rc == RC_OK) {
        face_manager(&face);
        face_text_application(&face);
        face_visual_application(&face);
        face_small_applications(&face);
        face_next_card(&face);
    }
    if (face.maker.rc == RC_OK) {
        sim_issuer_begin(&sim->card);
        face.maker.rc = sim_image_commit(sim);
    }
    EVP_PKEY_free(face.intermediate);
    EVP_PKEY_free(face.municipality);
    if (root && face.maker.rc == RC_OK)
        *root = face.root;
    else
        EVP_PKEY_free(face.root);
    return face.maker.rc;
}

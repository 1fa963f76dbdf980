/* sim_main_show.c — jpki-sim export and draw: what of a card may leave it, as files. */
#include "applet-sim/sim_draw.h"
#include "applet-sim/sim_export.h"
#include "applet-sim/sim_main.h"
#include "applet-sim/sim_store.h"
#include "base/file.h"
#include "base/opt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- export -------------------------------------------------------------------------------------------------------- */

static enum rc export_write(const char *folder, const char *name, const char *suffix, struct bytes content, struct err *err)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s%s", folder, name, suffix) < 0)
        return RC_NOMEM;
    enum rc rc = file_write_atomic(path, content, 0644, err);
    if (rc == RC_OK)
        printf("%s\n", path);
    free(path);
    return rc;
}

static enum rc export_files(const struct sim_export *part, const char *folder, struct err *err)
{
    struct buf text = { 0 };
    enum rc rc = file_make_folder(folder, 0755, err);
    for (int i = 0; rc == RC_OK && i < 4; i++) {
        if (part->certs[i].len == 0)
            continue;
        buf_truncate(&text, 0);
        rc = sim_export_pem(buf_bytes(&part->certs[i]), &text);
        if (rc == RC_OK)
            rc = export_write(folder, sim_export_names[i], ".pem", buf_bytes(&text), err);
    }
    buf_truncate(&text, 0);
    if (rc == RC_OK && part->token.len)
        rc = sim_export_token(buf_bytes(&part->token), &text);
    if (rc == RC_OK && part->token.len)
        rc = export_write(folder, "token-info", ".txt", buf_bytes(&text), err);
    buf_wipe(&text);
    return rc;
}

int sim_main_export(int argc, char **argv)
{
    const char *card = NULL, *seal_key = NULL, *folder = NULL;
    long pin_fd = -1;
    const struct opt opts[] = {
        CARD_OPTION(&card),
        SEAL_KEY_OPTION(&seal_key),
        { "--out", "FOLDER", "where auth.pem, auth-ca.pem, sign-ca.pem and token-info.txt go; made when missing", OPT_TEXT,
          &folder, true },
        { "--sign-pin-fd", "N", "also sign.pem, which holds personal data; its PIN is a line on this descriptor", OPT_NUMBER,
          &pin_fd, false },
        { 0 },
    };
    int status;
    if (opt_only("jpki-sim export --card FILE --out FOLDER [OPTIONS]",
                 "Writes what anybody can read from a card: certificates as PEM and the token information.", opts, argc, argv,
                 &status))
        return status;
    struct sim_store *store = NULL;
    struct sim_export part = { 0 };
    struct secret pin = { 0 };
    struct err err = { 0 };
    enum rc rc = pin_fd >= 0 ? secret_read_line(&pin, (int)pin_fd) : RC_OK;
    if (rc)
        err_set(&err, rc, "--sign-pin-fd %ld: %s", pin_fd, rc_text(rc));
    if (rc == RC_OK)
        rc = sim_store_open(card, seal_key, &store, &err);
    if (rc == RC_OK)
        rc = sim_export_read(sim_store_get(store), pin_fd >= 0 ? &pin : NULL, &part, &err);
    if (rc == RC_OK)
        rc = export_files(&part, folder, &err);
    sim_export_wipe(&part);
    secret_wipe(&pin);
    sim_store_close(store);
    return opt_end(rc, &err);
}

/* --- draw ---------------------------------------------------------------------------------------------------------- */

static bool draw_ends(const char *path, const char *suffix)
{
    size_t len = strlen(path), tail = strlen(suffix);
    return len > tail && strcmp(path + len - tail, suffix) == 0;
}

int sim_main_draw(int argc, char **argv)
{
    const char *face_path = NULL, *out_path = NULL;
    long dpi = 300;
    const struct opt opts[] = {
        { "--face", "FILE", "what stands on the card, as JSON (docs/SIMULATOR.md)", OPT_TEXT, &face_path, true },
        { "--out", "FILE", "the picture: .svg or .png", OPT_TEXT, &out_path, true },
        { "--dpi", "N", "dots per inch of a PNG, 50 to 1200 (default: 300)", OPT_NUMBER, &dpi, false },
        { 0 },
    };
    int status;
    if (opt_only("jpki-sim draw --face FILE --out FILE [OPTIONS]",
                 "Draws a card's face, always marked as a specimen: a drawing of our own, not of a real card's design.", opts,
                 argc, argv, &status))
        return status;
    bool svg = draw_ends(out_path, ".svg");
    if (!svg && !draw_ends(out_path, ".png"))
        return opt_misuse("draw: --out ends with .svg or .png");
    if (dpi < 50 || dpi > 1200)
        return opt_misuse("draw: --dpi is 50 to 1200");
    struct buf json = { .max = 65536 }, picture = { 0 };
    struct sim_face face = { 0 };
    struct err err = { 0 };
    enum rc rc = file_read(face_path, &json, &err);
    if (rc == RC_OK)
        rc = sim_face_parse(buf_bytes(&json), &face, &err);
    if (rc == RC_OK)
        rc = svg ? sim_draw_svg(&face, &picture, &err) : sim_draw_png(&face, (unsigned)dpi, &picture, &err);
    if (rc == RC_OK)
        rc = file_write_atomic(out_path, buf_bytes(&picture), 0644, &err);
    sim_face_wipe(&face);
    buf_wipe(&json);
    buf_wipe(&picture);
    return rc ? opt_fail("%s: %s", face_path, err_text(&err, rc)) : EXIT_DONE;
}

/* settings.c — lines "key = value", and the variables of the environment that say the same. */
#include "pkcs11/settings.h"

#include "base/file.h"
#include "base/log.h"
#include "pkcs11/object.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MACHINE_FILE "/etc/open-jpki/module.conf"
#define FILE_SIZE_MAX 65536u

/* A word and what it means, as a number. */
struct word {
    const char *word;
    int means;
};

static const struct word truth_words[] = { { "no", 0 }, { "yes", 1 }, { NULL, 0 } };
static const struct word token_words[] = { { "auth", 1 << TOKEN_AUTH },
                                           { "sign", 1 << TOKEN_SIGN },
                                           { "both", 1 << TOKEN_AUTH | 1 << TOKEN_SIGN },
                                           { NULL, 0 } };
static const struct word label_words[] = { { "own", 0 }, { "official", 1 }, { NULL, 0 } };
static const struct word prompt_words[] = { { "off", SETTINGS_PROMPT_OFF }, { "pinentry", SETTINGS_PROMPT_PINENTRY }, { NULL, 0 } };
static const struct word pad_words[] = { { "off", 0 },
                                         { "auth", 1 << TOKEN_AUTH },
                                         { "both", 1 << TOKEN_AUTH | 1 << TOKEN_SIGN },
                                         { NULL, 0 } };
static const struct word log_words[] = { { "off", LOG_OFF },   { "error", LOG_ERROR }, { "warning", LOG_WARNING },
                                         { "info", LOG_INFO }, { "debug", LOG_DEBUG }, { NULL, 0 } };

static const struct row {
    const char *key, *variable;
    const struct word *words; /* NULL: a text */
    size_t text_at;
} rows[] = {
    { "reader", "JPKI_READER", NULL, offsetof(struct settings, reader) },
    { "tokens", "JPKI_TOKENS", token_words, 0 },
    { "labels", "JPKI_LABELS", label_words, 0 },
    { "always-authenticate", "JPKI_ALWAYS_AUTHENTICATE", truth_words, 0 },
    { "key-pad", "JPKI_KEY_PAD", pad_words, 0 },
    { "prompt", "JPKI_PROMPT", prompt_words, 0 },
    { "pinentry", "JPKI_PINENTRY", NULL, offsetof(struct settings, pinentry) },
    { "log", "JPKI_LOG", log_words, 0 },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

void settings_init(struct settings *settings)
{
    *settings = (struct settings) { .kinds = 1u << TOKEN_AUTH | 1u << TOKEN_SIGN, .pads = 1u << TOKEN_AUTH, .pinentry = "pinentry", .log = LOG_OFF };
}

static void put_word(struct settings *settings, const struct word *words, int means)
{
    if (words == token_words)
        settings->kinds = (unsigned)means;
    else if (words == label_words)
        settings->official_labels = means != 0;
    else if (words == truth_words)
        settings->always_authenticate = means != 0;
    else if (words == pad_words)
        settings->pads = (unsigned)means;
    else if (words == prompt_words)
        settings->prompt = (enum settings_prompt)means;
    else if (words == log_words)
        settings->log = means;
}

static enum rc set_row(struct settings *settings, const struct row *row, const char *value)
{
    if (!row->words) {
        if (strlen(value) >= SETTINGS_TEXT_SIZE)
            return RC_FORMAT;
        strcpy((char *)settings + row->text_at, value);
        return RC_OK;
    }
    for (const struct word *word = row->words; word->word; word++) {
        if (strcmp(word->word, value) == 0) {
            put_word(settings, row->words, word->means);
            return RC_OK;
        }
    }
    return RC_FORMAT;
}

enum rc settings_set(struct settings *settings, const char *key, const char *value)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(rows[i].key, key) == 0)
            return set_row(settings, &rows[i], value);
    return RC_NOT_FOUND;
}

static char *trim(char *text)
{
    text += strspn(text, " \t\r");
    size_t len = strlen(text);
    while (len && strchr(" \t\r", text[len - 1]))
        text[--len] = '\0';
    return text;
}

static void apply_line(struct settings *settings, const char *path, unsigned number, char *line)
{
    char *key = trim(line), *equals = strchr(key, '=');
    if (!*key || *key == '#')
        return;
    if (!equals) {
        log_warning("%s:%u: '%.40s': not key = value; the line is ignored", path, number, key);
        return;
    }
    *equals = '\0';
    key = trim(key);
    const char *value = trim(equals + 1);
    enum rc rc = settings_set(settings, key, value);
    if (rc == RC_NOT_FOUND)
        log_warning("%s:%u: there is no setting '%.40s'; the line is ignored", path, number, key);
    else if (rc)
        log_warning("%s:%u: %s: '%.40s' is none of its values; the line is ignored", path, number, key, value);
}

void settings_read(struct settings *settings, const char *path)
{
    struct buf file;
    struct err err = { 0 };
    buf_init(&file, FILE_SIZE_MAX);
    enum rc rc = file_read(path, &file, &err);
    if (!rc)
        rc = buf_append(&file, "", 1);
    if (!rc && strlen((char *)file.data) + 1 != file.len)
        rc = err_set(&err, RC_FORMAT, "a NUL byte");
    if (rc && rc != RC_NOT_FOUND)
        log_warning("%s: %s; the file is ignored", path, err_text(&err, rc));
    char *rest = rc ? NULL : (char *)file.data;
    for (unsigned number = 1; rest; number++)
        apply_line(settings, path, number, strsep(&rest, "\n"));
    buf_wipe(&file);
}

static void read_own_file(struct settings *settings)
{
    char path[4096];
    const char *folder = secure_getenv("XDG_CONFIG_HOME"), *inside = "";
    if (!folder || *folder != '/') { /* a path that is not absolute is to be ignored (XDG base directories) */
        folder = secure_getenv("HOME");
        inside = "/.config";
    }
    if (!folder || *folder != '/')
        return;
    int len = snprintf(path, sizeof(path), "%s%s/open-jpki/module.conf", folder, inside);
    if (len > 0 && (size_t)len < sizeof(path))
        settings_read(settings, path);
}

void settings_load(struct settings *settings)
{
    settings_init(settings);
    settings_read(settings, MACHINE_FILE);
    read_own_file(settings);
    for (size_t i = 0; i < ROWS; i++) {
        const char *value = secure_getenv(rows[i].variable);
        if (value && *value && set_row(settings, &rows[i], value))
            log_warning("$%s: '%.40s' is none of its values; it is ignored", rows[i].variable, value);
    }
}

/* settings.h — what a person may choose about the module: a file for the machine, one for the person, the environment. None
 * is needed; none is ever a reason to fail. docs/MODULE.md lists them. */
#ifndef JPKI_PKCS11_SETTINGS_H
#define JPKI_PKCS11_SETTINGS_H

#include "base/err.h"

#include <stdbool.h>

enum settings_prompt { SETTINGS_PROMPT_OFF, SETTINGS_PROMPT_PINENTRY };

#define SETTINGS_TEXT_SIZE 256

struct settings {
    char reader[SETTINGS_TEXT_SIZE]; /* card/reader.h; "": every PC/SC reader */
    unsigned kinds;                  /* bits 1 << enum token_kind */
    bool official_labels;
    bool always_authenticate;        /* of the signature key */
    unsigned pads;                   /* PINs that a reader with a key pad takes: bits 1 << enum token_kind */
    enum settings_prompt prompt;
    char pinentry[SETTINGS_TEXT_SIZE]; /* the program */
    int log;                           /* enum log_level; LOG_OFF */
};

void settings_init(struct settings *settings); /* the defaults */

/* Applies one file's lines; a line that cannot be understood is named in a warning and changes nothing. A file that is not
 * there is an empty one. */
void settings_read(struct settings *settings, const char *path);

/* One value, as a line of a file would set it: RC_NOT_FOUND (no such key), RC_FORMAT (no such value). */
enum rc settings_set(struct settings *settings, const char *key, const char *value) MUST_CHECK;

/* The defaults, then /etc/open-jpki/module.conf, then $XDG_CONFIG_HOME/open-jpki/module.conf (or the same in ~/.config),
 * then the environment. In a set-user-id program only the first file is read. */
void settings_load(struct settings *settings);

#endif

/* prompt.h — asking the person for a PIN on their own screen, through a pinentry program, so that it never passes through
 * the program that wants to use the card. */
#ifndef JPKI_PKCS11_PROMPT_H
#define JPKI_PKCS11_PROMPT_H

#include "base/err.h"
#include "base/secret.h"
#include "pkcs11/object.h"

enum prompt_what { PROMPT_LOGIN, PROMPT_SIGNATURE /* for one signature */, PROMPT_OLD, PROMPT_NEW };

enum prompt_language { PROMPT_ENGLISH, PROMPT_JAPANESE };

#define PROMPT_ALL_TRIES 99u

struct prompt {
    enum prompt_what what;
    enum token_kind kind;
    const char *program; /* that asks; prompt_program */
    const char *serial;  /* of the card */
    unsigned tries;      /* left; PROMPT_ALL_TRIES: not told */
    bool again;          /* what was typed before had not the form of a PIN */
    enum prompt_language language;
};

/* The program that this process runs, as /proc says it; "?" when it does not. */
void prompt_program(char *path, size_t size);

/* $LC_ALL, $LC_MESSAGES, $LANG: the first that is set. */
enum prompt_language prompt_language(void);

/* The words that name the program, the card, and what will be disclosed; UTF-8, at most size bytes with the NUL. */
void prompt_describe(const struct prompt *prompt, char *text, size_t size);

/* Runs the pinentry program and waits for the person, for as long as they like. RC_INTERRUPTED: they declined;
 * RC_UNSUPPORTED: the program cannot be run or does not speak the protocol; RC_RANGE: longer than any PIN. */
enum rc prompt_ask(const char *pinentry, const struct prompt *prompt, struct secret *pin, struct err *err) MUST_CHECK;

#endif

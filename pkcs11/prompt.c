/* prompt.c — one conversation with a pinentry program by the Assuan protocol, through libassuan; no other file uses it.
 * The library's memory, through which the PIN passes, is wiped when it is given back. */
#include "pkcs11/prompt.h"

#include <assuan.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#define PIN_SPACE 64u
#define COMMAND_SIZE 1000u /* Assuan's lines have at most 1002 bytes */

/* --- words --------------------------------------------------------------------------------------------------------------- */

static const char *const titles[2][4] = {
    { "Log in with the card", "Sign with the card", "Change the PIN of the card", "Change the PIN of the card" },
    { "カードでログイン", "カードで署名", "カードの暗証番号の変更", "カードの暗証番号の変更" },
};

static const char *const uses[2][TOKEN_KINDS] = {
    { "It will learn the number of your certificate for user authentication, by which you are known again. The certificate "
      "holds no name and no address.",
      "It will be able to sign in your name, and will learn your name, address, date of birth and sex from the certificate "
      "for digital signature." },
    { "利用者証明用電子証明書の番号が伝わり、同じ利用者であることがわかります。氏名や住所は含まれません。",
      "あなたの名義で電子署名ができるようになり、署名用電子証明書に記載された氏名、住所、生年月日、性別が伝わります。" },
};

static const char *const forms[2][TOKEN_KINDS] = {
    { "The PIN for user authentication: 4 digits.", "The PIN for digital signature: 6 to 16 letters and digits." },
    { "利用者証明用電子証明書の暗証番号（数字4桁）", "署名用電子証明書の暗証番号（英数字6～16文字）" },
};

void prompt_program(char *path, size_t size)
{
    ssize_t len = readlink("/proc/self/exe", path, size - 1);
    if (len <= 0) {
        snprintf(path, size, "?");
        return;
    }
    path[len] = '\0';
    for (char *c = path; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
}

enum prompt_language prompt_language(void)
{
    static const char *const variables[] = { "LC_ALL", "LC_MESSAGES", "LANG" };
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = getenv(variables[i]);
        if (value && *value)
            return strncmp(value, "ja", 2) == 0 ? PROMPT_JAPANESE : PROMPT_ENGLISH;
    }
    return PROMPT_ENGLISH;
}

void prompt_describe(const struct prompt *prompt, char *text, size_t size)
{
    bool japanese = prompt->language == PROMPT_JAPANESE, change = prompt->what == PROMPT_OLD || prompt->what == PROMPT_NEW;
    char tries[120] = "";
    if (prompt->tries < PROMPT_ALL_TRIES && prompt->what != PROMPT_NEW)
        snprintf(tries, sizeof(tries), japanese ? "\nあと%u回まちがえるとロックされます。" : "\n%u wrong more and it is blocked.",
                 prompt->tries);
    const char *use = change ? "" : uses[prompt->language][prompt->kind];
    const char *form = forms[prompt->language][prompt->kind];
    if (japanese)
        snprintf(text, size, "プログラム：%.200s\nカード：%s\n%s%s%s%s", prompt->program, prompt->serial, use, change ? "" : "\n", form,
                 tries);
    else
        snprintf(text, size, "Program: %.200s\nCard: %s\n%s%s%s%s", prompt->program, prompt->serial, use, change ? "" : "\n", form,
                 tries);
}

/* --- the conversation ---------------------------------------------------------------------------------------------------- */

/* Memory whose size is known, so that it can be wiped. */
union header {
    size_t size;
    max_align_t align;
};

static void *take_memory(size_t size)
{
    union header *header = size < SIZE_MAX - sizeof(*header) ? malloc(sizeof(*header) + size) : NULL;
    if (!header)
        return NULL;
    header->size = size;
    return header + 1;
}

static void give_memory(void *memory)
{
    union header *header = memory;
    if (!memory)
        return;
    header--;
    explicit_bzero(memory, header->size);
    free(header);
}

static void *change_memory(void *memory, size_t size)
{
    void *made = take_memory(size);
    if (made && memory) {
        size_t before = ((union header *)memory - 1)->size;
        memcpy(made, memory, before < size ? before : size);
        give_memory(memory);
    }
    return made;
}

/* A lost pipe is an error to us and not the end of the application. */
static sigset_t block_sigpipe(void)
{
    sigset_t pipe, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, &before);
    return before;
}

static void unblock_sigpipe(const sigset_t *before)
{
    sigset_t pipe;
    const struct timespec now = { 0 };
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    if (!sigismember(before, SIGPIPE))
        while (sigtimedwait(&pipe, NULL, &now) == SIGPIPE)
            ;
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

static void in_child(void *before, int reserved)
{
    (void)reserved;
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* "NAME text", the text escaped. */
static gpg_error_t say(assuan_context_t talk, const char *name, const char *text)
{
    char line[COMMAND_SIZE];
    size_t len = (size_t)snprintf(line, sizeof(line), "%s ", name);
    for (const char *c = text; *c && len < sizeof(line) - 4; c++) {
        if (*c == '%' || *c == '\n' || *c == '\r')
            len += (size_t)snprintf(line + len, sizeof(line) - len, "%%%02X", (unsigned char)*c);
        else
            line[len++] = *c;
    }
    line[len] = '\0';
    return assuan_transact(talk, line, NULL, NULL, NULL, NULL, NULL, NULL);
}

/* Where the person sits; a program that does not know an option says so, and that is no matter. */
static void say_options(assuan_context_t talk)
{
    static const struct {
        const char *option, *variable;
    } rows[] = { { "display", "DISPLAY" }, { "ttyname", "GPG_TTY" }, { "ttytype", "TERM" }, { "lc-ctype", "LC_ALL" },
                 { "lc-ctype", "LANG" } };
    char line[300];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *value = getenv(rows[i].variable);
        if (!value || !*value || (size_t)snprintf(line, sizeof(line), "%s=%s", rows[i].option, value) >= sizeof(line))
            continue;
        (void)say(talk, "OPTION", line);
    }
    if (!getenv("GPG_TTY") && ttyname_r(STDIN_FILENO, line + 8, sizeof(line) - 8) == 0) {
        memcpy(line, "ttyname=", 8);
        (void)say(talk, "OPTION", line);
    }
}

static gpg_error_t receive(void *to, const void *data, size_t len)
{
    struct secret *pin = to;
    if (len > pin->cap - pin->len)
        return gpg_error(GPG_ERR_TOO_LARGE);
    memcpy(pin->data + pin->len, data, len);
    pin->len += len;
    return 0;
}

static gpg_error_t converse(assuan_context_t talk, const struct prompt *prompt, struct secret *pin)
{
    char text[COMMAND_SIZE];
    bool japanese = prompt->language == PROMPT_JAPANESE;
    say_options(talk);
    prompt_describe(prompt, text, sizeof(text));
    gpg_error_t error = say(talk, "SETTITLE", titles[prompt->language][prompt->what]);
    if (!error)
        error = say(talk, "SETDESC", text);
    if (!error && prompt->what == PROMPT_NEW)
        error = say(talk, "SETPROMPT", japanese ? "新しい暗証番号:" : "New PIN:");
    else if (!error)
        error = say(talk, "SETPROMPT", japanese ? "暗証番号:" : "PIN:");
    if (!error && prompt->what == PROMPT_NEW)
        error = say(talk, "SETREPEAT", japanese ? "もう一度:" : "Again:");
    if (!error && prompt->again)
        error = say(talk, "SETERROR", japanese ? "暗証番号の形式が違います。カードには送られていません。"
                                               : "This cannot be the PIN. Nothing was sent to the card.");
    assuan_begin_confidential(talk);
    if (!error)
        error = assuan_transact(talk, "GETPIN", receive, pin, NULL, NULL, NULL, NULL);
    return error;
}

enum rc prompt_ask(const char *pinentry, const struct prompt *prompt, struct secret *pin, struct err *err)
{
    struct assuan_malloc_hooks memory = { take_memory, change_memory, give_memory };
    const char *argv[] = { pinentry, NULL };
    assuan_fd_t none[] = { ASSUAN_INVALID_FD };
    struct secret typed = { 0 };
    assuan_context_t talk = NULL;
    enum rc rc = secret_init(&typed, PIN_SPACE);
    if (rc)
        return rc;
    sigset_t before = block_sigpipe();
    gpg_error_t error = assuan_new_ext(&talk, GPG_ERR_SOURCE_DEFAULT, &memory, NULL, NULL);
    if (!error) {
        assuan_set_flag(talk, ASSUAN_NO_FIXSIGNALS, 1);
        assuan_set_flag(talk, ASSUAN_NO_LOGGING, 1);
        error = assuan_pipe_connect(talk, pinentry, argv, none, in_child, &before, 0);
    }
    if (!error)
        error = converse(talk, prompt, &typed);
    if (talk)
        assuan_release(talk);
    unblock_sigpipe(&before);
    if (!error) {
        *pin = typed;
        return RC_OK;
    }
    secret_wipe(&typed);
    gpg_err_code_t code = gpg_err_code(error);
    if (code == GPG_ERR_CANCELED || code == GPG_ERR_FULLY_CANCELED || code == GPG_ERR_NOT_CONFIRMED)
        return err_set(err, RC_INTERRUPTED, "the person declined to give the PIN");
    if (code == GPG_ERR_TOO_LARGE)
        return err_set(err, RC_RANGE, "what was typed is longer than any PIN");
    return err_set(err, RC_UNSUPPORTED, "%s: %s", pinentry, gpg_strerror(error));
}

/* test_pkcs11_prompt.c — asking the person through a pinentry program: what it is told, each way the conversation can end,
 * that the program's death is no signal to the application, and that no PIN stays in memory that was given back. */
#include "pkcs11/prompt.h"

#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[32], answers[64], told_path[80];
static const char *pinentry;

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/jpki-prompt-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(answers, sizeof answers, "%s/answers", folder);
    snprintf(told_path, sizeof told_path, "%s.log", answers);
    assert_int_equal(setenv("FAKE_PINENTRY", answers, 1), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(answers);
    unlink(told_path);
    return rmdir(folder);
}

static enum rc ask(const struct prompt *prompt, const char *answer, struct secret *pin)
{
    assert_int_equal(file_write_atomic(answers, bytes_of(answer, strlen(answer)), 0600, NULL), RC_OK);
    unlink(told_path);
    return prompt_ask(pinentry, prompt, pin, NULL);
}

static bool was_told(const char *words)
{
    struct buf file = { 0 };
    assert_int_equal(file_read(told_path, &file, NULL), RC_OK);
    bool told = memmem(file.data, file.len, words, strlen(words)) != NULL;
    buf_wipe(&file);
    return told;
}

static const struct prompt login = { .what = PROMPT_LOGIN, .kind = TOKEN_AUTH, .program = "/usr/bin/firefox",
                                     .serial = "0000000099000001", .tries = PROMPT_ALL_TRIES };

static void a_pin_comes_back(void **state)
{
    (void)state;
    struct secret pin = { 0 };
    assert_int_equal(ask(&login, "1234\n", &pin), RC_OK);
    assert_int_equal(pin.len, 4);
    assert_memory_equal(pin.data, "1234", 4);
    secret_wipe(&pin);
    assert_true(was_told("SETDESC Program: /usr/bin/firefox%0ACard: 0000000099000001%0A"));
    assert_true(was_told("no name and no address"));
    assert_true(was_told("SETPROMPT PIN:"));
    assert_false(was_told("SETREPEAT"));
    assert_false(was_told("SETERROR"));
    assert_false(was_told("blocked"));
    assert_int_equal(ask(&login, "a%2525b\n", &pin), RC_OK); /* escaped on the way */
    assert_int_equal(pin.len, 5);
    assert_memory_equal(pin.data, "a%25b", 5);
    secret_wipe(&pin);
}

static void the_words_say_what_is_at_stake(void **state)
{
    (void)state;
    static const struct {
        struct prompt prompt;
        const char *words, *not_words;
    } rows[] = {
        { { PROMPT_LOGIN, TOKEN_SIGN, "p", "1", PROMPT_ALL_TRIES, false, PROMPT_ENGLISH }, "name, address, date of birth", "blocked" },
        { { PROMPT_SIGNATURE, TOKEN_SIGN, "p", "1", 1, false, PROMPT_ENGLISH }, "1 wrong more and it is blocked", "4 digits" },
        { { PROMPT_LOGIN, TOKEN_AUTH, "p", "1", 2, false, PROMPT_ENGLISH }, "2 wrong more", "sign in your name" },
        { { PROMPT_OLD, TOKEN_AUTH, "p", "1", 2, false, PROMPT_ENGLISH }, "2 wrong more", "number of your certificate" },
        { { PROMPT_NEW, TOKEN_SIGN, "p", "1", 2, false, PROMPT_ENGLISH }, "6 to 16", "wrong more" },
        { { PROMPT_LOGIN, TOKEN_AUTH, "p", "1", 1, false, PROMPT_JAPANESE }, "あと1回", "Program" },
        { { PROMPT_LOGIN, TOKEN_SIGN, "p", "1", PROMPT_ALL_TRIES, false, PROMPT_JAPANESE }, "氏名、住所、生年月日、性別", "あと" },
        { { PROMPT_LOGIN, TOKEN_SIGN, "/opt/b", "99", PROMPT_ALL_TRIES, false, PROMPT_JAPANESE }, "プログラム：/opt/b\nカード：99\n", "Card" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1000];
        prompt_describe(&rows[i].prompt, text, sizeof text);
        print_message("%s\n", text);
        assert_non_null(strstr(text, rows[i].words));
        assert_null(strstr(text, rows[i].not_words));
    }
}

static void a_new_pin_is_typed_twice(void **state)
{
    (void)state;
    struct secret pin = { 0 };
    struct prompt fresh = login;
    fresh.what = PROMPT_NEW;
    fresh.again = true;
    assert_int_equal(ask(&fresh, "4321\n", &pin), RC_OK);
    assert_true(was_told("SETREPEAT Again:"));
    assert_true(was_told("SETERROR This cannot be the PIN"));
    secret_wipe(&pin);
}

static void what_goes_wrong_is_told_apart(void **state)
{
    (void)state;
    struct secret pin = { 0 };
    sigset_t before, after;
    struct err err = { 0 };
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
    assert_int_equal(ask(&login, "cancel\n", &pin), RC_INTERRUPTED);
    assert_int_equal(ask(&login, "vanish\n", &pin), RC_UNSUPPORTED);
    assert_int_equal(ask(&login, "flood\n", &pin), RC_RANGE);
    assert_int_equal(prompt_ask("/nowhere/pinentry", &login, &pin, &err), RC_UNSUPPORTED);
    assert_non_null(strstr(err.text, "/nowhere/pinentry"));
    assert_int_equal(prompt_ask("/bin/true", &login, &pin, NULL), RC_UNSUPPORTED);
    assert_null(pin.data);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    assert_int_equal(sigismember(&after, SIGPIPE), sigismember(&before, SIGPIPE));
    struct sigaction action;
    assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
    assert_ptr_equal(action.sa_handler, SIG_DFL); /* the application's business */
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

static void the_program_that_asks_is_named(void **state)
{
    (void)state;
    char path[512], small[4];
    prompt_program(path, sizeof path);
    assert_non_null(strstr(path, "test_pkcs11_prompt"));
    prompt_program(small, sizeof small);
    assert_int_equal(strlen(small), 3);
}

static void the_language_is_the_locales(void **state)
{
    (void)state;
    unsetenv("LC_ALL");
    unsetenv("LC_MESSAGES");
    setenv("LANG", "ja_JP.UTF-8", 1);
    assert_int_equal(prompt_language(), PROMPT_JAPANESE);
    setenv("LC_MESSAGES", "C.UTF-8", 1);
    assert_int_equal(prompt_language(), PROMPT_ENGLISH);
    setenv("LC_ALL", "ja_JP.UTF-8", 1);
    assert_int_equal(prompt_language(), PROMPT_JAPANESE);
    struct secret pin = { 0 };
    struct prompt japanese = login;
    japanese.language = prompt_language();
    assert_int_equal(ask(&japanese, "1234\n", &pin), RC_OK);
    assert_true(was_told("SETTITLE カードでログイン"));
    secret_wipe(&pin);
    unsetenv("LC_ALL");
    unsetenv("LC_MESSAGES");
    unsetenv("LANG");
    assert_int_equal(prompt_language(), PROMPT_ENGLISH);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pin_comes_back, begin, end),
        cmocka_unit_test(the_words_say_what_is_at_stake),
        cmocka_unit_test_setup_teardown(a_new_pin_is_typed_twice, begin, end),
        cmocka_unit_test_setup_teardown(what_goes_wrong_is_told_apart, begin, end),
        cmocka_unit_test(the_program_that_asks_is_named),
        cmocka_unit_test_setup_teardown(the_language_is_the_locales, begin, end),
    };
    if (argc != 2)
        return 2;
    pinentry = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_pkcs11_settings.c — the module's settings: what each line and each variable does, what a bad one does not do, and that
 * each bad one is named. */
#include "pkcs11/object.h"
#include "pkcs11/settings.h"

#include "base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define AUTH (1u << TOKEN_AUTH)
#define SIGN (1u << TOKEN_SIGN)

static char folder[32], path[64], said_path[64];

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/jpki-settings-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    snprintf(said_path, sizeof said_path, "%s/said", folder);
    log_open("test", LOG_WARNING);
    assert_int_equal(log_to_file(said_path), RC_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unlink(path);
    unlink(said_path);
    return rmdir(folder);
}

static void write_file(const char *name, const char *text, size_t len)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), len);
    close(fd);
}

/* What was warned of since the last time; "" when nothing. */
static const char *said(void)
{
    static char text[8192];
    int fd = open(said_path, O_RDWR);
    assert_true(fd >= 0);
    ssize_t len = read(fd, text, sizeof text - 1);
    assert_true(len >= 0);
    text[len] = 0;
    assert_int_equal(ftruncate(fd, 0), 0);
    close(fd);
    return text;
}

static bool same(const struct settings *a, const struct settings *b)
{
    return strcmp(a->reader, b->reader) == 0 && a->kinds == b->kinds && a->official_labels == b->official_labels
        && a->always_authenticate == b->always_authenticate && a->prompt == b->prompt
        && strcmp(a->pinentry, b->pinentry) == 0 && a->log == b->log && a->pads == b->pads;
}

static const struct {
    const char *what, *text;
    struct settings wanted; /* what is zero is the default */
    const char *warned;     /* NULL: nothing */
} rows[] = {
    { "nothing", "", { .log = LOG_OFF }, NULL },
    { "comments and blanks", "# a\n\n   # b\n\t\n", { .log = LOG_OFF }, NULL },
    { "a reader", "reader = pcsc:Gem", { .reader = "pcsc:Gem", .log = LOG_OFF }, NULL },
    { "no blanks, no last newline", "tokens=auth", { .kinds = AUTH, .log = LOG_OFF }, NULL },
    { "many blanks", "  tokens \t =   sign  \r\n", { .kinds = SIGN, .log = LOG_OFF }, NULL },
    { "the last line counts", "tokens=auth\ntokens=both\n", { .log = LOG_OFF }, NULL },
    { "official labels", "labels = official\n", { .official_labels = true, .log = LOG_OFF }, NULL },
    { "a PIN for each signature", "always-authenticate = yes\n", { .always_authenticate = true, .log = LOG_OFF }, NULL },
    { "the prompt", "prompt = pinentry\npinentry = /usr/bin/pinentry-gtk-2\n",
      { .prompt = SETTINGS_PROMPT_PINENTRY, .pinentry = "/usr/bin/pinentry-gtk-2", .log = LOG_OFF }, NULL },
    { "key pads with letters", "key-pad = both\n", { .pads = AUTH | SIGN, .log = LOG_OFF }, NULL },
    { "a key pad that is none", "key-pad = sign\n", { .log = LOG_OFF }, "file:1: key-pad: 'sign'" },
    { "the log", "log = debug\n", { .log = LOG_DEBUG }, NULL },
    { "an equals sign in a value", "reader = sim:/a=b\n", { .reader = "sim:/a=b", .log = LOG_OFF }, NULL },
    { "no equals sign", "tokens auth\nlog=info\n", { .log = LOG_INFO }, "file:1: 'tokens auth'" },
    { "no such setting", "token = auth\n", { .log = LOG_OFF }, "file:1: there is no setting 'token'" },
    { "no such value", "\n\ntokens = all\n", { .log = LOG_OFF }, "file:3: tokens: 'all'" },
    { "case matters", "Tokens = auth\n", { .log = LOG_OFF }, "file:1: there is no setting 'Tokens'" },
    { "a truth that is none", "always-authenticate = true\n", { .log = LOG_OFF }, "file:1: always-authenticate: 'true'" },
    { "no key", "= auth\n", { .log = LOG_OFF }, "file:1: there is no setting ''" },
    { "an empty value", "tokens =\n", { .log = LOG_OFF }, "file:1: tokens: ''" },
};

static void each_line_does_what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct settings settings, wanted = rows[i].wanted;
        print_message("%s\n", rows[i].what);
        if (!wanted.kinds)
            wanted.kinds = AUTH | SIGN;
        if (!wanted.pads)
            wanted.pads = AUTH;
        if (!wanted.pinentry[0])
            strcpy(wanted.pinentry, "pinentry");
        write_file(path, rows[i].text, strlen(rows[i].text));
        settings_init(&settings);
        settings_read(&settings, path);
        assert_true(same(&settings, &wanted));
        const char *warning = said();
        if (rows[i].warned)
            assert_non_null(strstr(warning, rows[i].warned));
        else
            assert_string_equal(warning, "");
    }
}

static void bad_files_are_named_and_ignored(void **state)
{
    (void)state;
    struct settings settings, untouched;
    settings_init(&untouched);
    settings = untouched;
    settings_read(&settings, path); /* not there */
    assert_string_equal(said(), "");
    write_file(path, "tokens=auth\n\0log=debug\n", 23);
    settings_read(&settings, path);
    assert_true(same(&settings, &untouched));
    assert_non_null(strstr(said(), "NUL"));
    char *large = malloc(70000);
    assert_non_null(large);
    memset(large, '\n', 70000);
    write_file(path, large, 70000);
    settings_read(&settings, path);
    assert_non_null(strstr(said(), "ignored"));
    memset(large, 'x', 400);
    memcpy(large, "reader=", 7);
    write_file(path, large, 400);
    settings_read(&settings, path);
    assert_true(same(&settings, &untouched));
    assert_non_null(strstr(said(), "file:1: reader"));
    free(large);
    settings_read(&settings, folder); /* a folder */
    assert_non_null(strstr(said(), "ignored"));
    assert_true(same(&settings, &untouched));
}

/* Every line cut at each length, in memory of exactly that size: no more than a warning. */
static void any_bytes_are_survived(void **state)
{
    (void)state;
    static const char all[] = "reader=pcsc:\ntokens=both\nlabels=official\nalways-authenticate=yes\nprompt=off\npinentry=x\nlog=off\n";
    for (size_t len = 0; len <= sizeof all - 1; len++) {
        struct settings settings;
        settings_init(&settings);
        write_file(path, all, len);
        settings_read(&settings, path);
        char flipped[sizeof all];
        memcpy(flipped, all, sizeof all);
        for (unsigned bit = 0; len < sizeof all - 1 && bit < 8; bit++) {
            flipped[len] = (char)(all[len] ^ (1 << bit));
            write_file(path, flipped, sizeof all - 1);
            settings_read(&settings, path);
            flipped[len] = all[len];
        }
        assert_true(settings.kinds == AUTH || settings.kinds == SIGN || settings.kinds == (AUTH | SIGN));
    }
    (void)said();
}

static void the_environment_comes_last(void **state)
{
    (void)state;
    char own[96], own_folder[80];
    struct settings settings;
    snprintf(own_folder, sizeof own_folder, "%s/open-jpki", folder);
    snprintf(own, sizeof own, "%s/module.conf", own_folder);
    assert_int_equal(mkdir(own_folder, 0700), 0);
    write_file(own, "tokens=auth\nlabels=official\n", 28);
    assert_int_equal(setenv("XDG_CONFIG_HOME", folder, 1), 0);
    assert_int_equal(unsetenv("JPKI_READER"), 0);
    settings_load(&settings);
    assert_true(settings.kinds == AUTH && settings.official_labels);
    setenv("JPKI_TOKENS", "sign", 1);
    setenv("JPKI_READER", "sim:/x", 1);
    setenv("JPKI_LABELS", "", 1); /* empty is unset */
    setenv("JPKI_PROMPT", "window", 1);
    settings_load(&settings);
    assert_true(settings.kinds == SIGN && settings.official_labels && settings.prompt == SETTINGS_PROMPT_OFF);
    assert_string_equal(settings.reader, "sim:/x");
    assert_non_null(strstr(said(), "$JPKI_PROMPT: 'window'"));
    setenv("XDG_CONFIG_HOME", "relative", 1); /* to be ignored */
    setenv("HOME", folder, 1);
    unsetenv("JPKI_TOKENS");
    settings_load(&settings);
    assert_true(settings.kinds == (AUTH | SIGN) && !settings.official_labels);
    unlink(own);
    rmdir(own_folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_line_does_what_it_says, begin, end),
        cmocka_unit_test_setup_teardown(bad_files_are_named_and_ignored, begin, end),
        cmocka_unit_test_setup_teardown(any_bytes_are_survived, begin, end),
        cmocka_unit_test_setup_teardown(the_environment_comes_last, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_base.c — the foundation: buffers, hex, secrets, clock, options, files, result codes. */
#include "../../support/scratch.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/opt.h"
#include "base/proc.h"
#include "base/random.h"
#include "base/secret.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void every_rc_has_a_name_and_a_sentence(void **state)
{
    (void)state;
    for (int rc = 0; rc < RC_COUNT; rc++) {
        assert_non_null(rc_name((enum rc)rc));
        assert_true(strncmp(rc_name((enum rc)rc), "RC_", 3) == 0);
        assert_true(strlen(rc_text((enum rc)rc)) > 3);
        for (int other = 0; other < rc; other++) {
            assert_string_not_equal(rc_name((enum rc)rc), rc_name((enum rc)other));
            assert_string_not_equal(rc_text((enum rc)rc), rc_text((enum rc)other));
        }
    }
    assert_string_equal(rc_name((enum rc)999), "RC_?");
}

static void the_first_writer_of_an_error_wins(void **state)
{
    (void)state;
    struct err err = { 0 };
    assert_int_equal(err_set(&err, RC_FORMAT, "line %d", 7), RC_FORMAT);
    assert_int_equal(err_set(&err, RC_IO, "later"), RC_IO);
    assert_string_equal(err_text(&err, RC_IO), "line 7");
    assert_int_equal(err.rc, RC_FORMAT);
    err_reset(&err);
    assert_string_equal(err_text(&err, RC_IO), rc_text(RC_IO));
    assert_int_equal(err_set(NULL, RC_IO, "nobody listens"), RC_IO);
}

static void a_buffer_keeps_its_ceiling_and_its_content(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    assert_int_equal(buf_append(&buf, "12345678", 8), RC_OK);
    assert_int_equal(buf_append(&buf, "abc", 3), RC_RANGE);
    assert_int_equal(buf.len, 8);
    assert_int_equal(buf_append_u16(&buf, 0x4142), RC_OK);
    assert_memory_equal(buf.data, "12345678AB", 10);
    assert_null(buf_string(&buf)); /* no room for the NUL */
    buf_truncate(&buf, 2);
    assert_string_equal(buf_string(&buf), "12");
    buf_wipe(&buf);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.max, 10);
    struct buf zero = { 0 };
    assert_int_equal(buf_printf(&zero, "%s-%d", "x", 5), RC_OK);
    assert_string_equal(buf_string(&zero), "x-5");
    buf_wipe(&zero);
}

static void hex_rows(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *text;
        enum rc rc;
        const char *bytes;
        size_t len;
    } rows[] = {
        { "plain", "00fFA5", RC_OK, "\x00\xff\xa5", 3 },
        { "blanks and colons", " 01:02 03\n", RC_OK, "\x01\x02\x03", 3 },
        { "empty", "", RC_OK, "", 0 },
        { "half a byte", "123", RC_FORMAT, NULL, 0 },
        { "blank inside a byte", "1 2", RC_FORMAT, NULL, 0 },
        { "no digit", "0g", RC_FORMAT, NULL, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf out = { 0 };
        enum rc rc = hex_decode(rows[i].text, &out);
        if (rc != rows[i].rc || (rc == RC_OK && (out.len != rows[i].len || memcmp(out.len ? out.data : (const uint8_t *)"", rows[i].bytes, out.len))))
            fail_msg("%s", rows[i].flaw);
        assert_true(rc == RC_OK || out.len == 0);
        buf_wipe(&out);
    }
    char text[7];
    hex_encode(bytes_of("\x0a\xbc\xff", 3), text);
    assert_string_equal(text, "0ABCFF");
}

static void secrets_compare_and_wipe(void **state)
{
    (void)state;
    struct secret a = { 0 }, b = { 0 }, none = { 0 };
    assert_int_equal(secret_dup(&a, "1234", 4), RC_OK);
    assert_int_equal(secret_dup(&b, "1235", 4), RC_OK);
    assert_false(secret_equal(&a, &b));
    assert_int_equal(secret_set(&b, "12345", 5), RC_RANGE);
    assert_int_equal(secret_set(&b, "1234", 4), RC_OK);
    assert_true(secret_equal(&a, &b));
    assert_int_equal(secret_init(&none, SECRET_MAX + 1), RC_RANGE);
    secret_wipe(&a);
    assert_null(a.data);
    secret_wipe(&a);
    secret_wipe(&b);
    secret_wipe(&none);
}

static void a_secret_line_leaves_the_rest_unread(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "1234\nABC123\n", 12), 12);
    close(fds[1]);
    struct secret first = { 0 }, second = { 0 }, third = { 0 };
    assert_int_equal(secret_read_line(&first, fds[0]), RC_OK);
    assert_int_equal(secret_read_line(&second, fds[0]), RC_OK);
    assert_int_equal(secret_read_line(&third, fds[0]), RC_NOT_FOUND);
    assert_memory_equal(first.data, "1234", 4);
    assert_int_equal(second.len, 6);
    assert_memory_equal(second.data, "ABC123", 6);
    secret_wipe(&first);
    secret_wipe(&second);
    close(fds[0]);
}

static void clock_rows(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rc rc;
        int64_t time;
    } rows[] = {
        { "1970-01-01T00:00:00Z", RC_OK, 0 },
        { "2015-10-19T14:59:59Z", RC_OK, 1445266799 },
        { "2025-02-29T00:00:00Z", RC_FORMAT, 0 }, /* no such day */
        { "2024-02-29T00:00:00Z", RC_OK, 1709164800 },
        { "2024-2-29T00:00:00Z", RC_FORMAT, 0 },
        { "2024-02-29T00:00:00", RC_FORMAT, 0 },
        { "2024-02-29T00:00:00Zx", RC_FORMAT, 0 },
        { "", RC_FORMAT, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t time = -7;
        assert_int_equal(clock_parse(rows[i].text, &time), rows[i].rc);
        assert_int_equal(time, rows[i].rc == RC_OK ? rows[i].time : -7);
    }
    assert_int_equal(clock_from_date(2015, 10, 20), 1445299200);
    assert_int_equal(clock_set("2031-02-17T14:59:59Z"), RC_OK);
    char text[CLOCK_TEXT_SIZE];
    clock_format(clock_now(), text);
    assert_string_equal(text, "2031-02-17T14:59:59Z");
    assert_int_equal(clock_set("soon"), RC_FORMAT);
    assert_int_equal(clock_set("+x"), RC_FORMAT);
    assert_int_equal(clock_set("+0"), RC_OK);
}

static void options_rows(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        const char *argv[6];
        enum rc rc;
        int exit_status, rest;
    } rows[] = {
        { "all given", { "t", "--out", "f", "--count=3", "x" }, RC_OK, -1, 4 },
        { "required is missing", { "t", "--count", "3" }, RC_USAGE, 2, -1 },
        { "unknown", { "t", "--out", "f", "--nope" }, RC_USAGE, 2, -1 },
        { "no value", { "t", "--out" }, RC_USAGE, 2, -1 },
        { "not a number", { "t", "--out", "f", "--count", "3x" }, RC_USAGE, 2, -1 },
        { "flag with value", { "t", "--out", "f", "--force=1" }, RC_USAGE, 2, -1 },
        { "twice", { "t", "--out", "f", "--out", "g" }, RC_USAGE, 2, -1 },
        { "end of options", { "t", "--out", "f", "--", "--force" }, RC_OK, -1, 4 },
        { "nothing further", { "t", "--out", "f" }, RC_OK, -1, 3 },
        { "help", { "t", "--help" }, RC_INTERRUPTED, 0, -1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *out = NULL;
        long count = 1;
        bool force = false;
        const struct opt opts[] = {
            { "--out", "FILE", "where to", OPT_TEXT, &out, true },
            { "--count", "N", "how many (1)", OPT_NUMBER, &count, false },
            { "--force", NULL, "overwrite", OPT_FLAG, &force, false },
            { 0 },
        };
        char *argv[7] = { 0 };
        int argc = 0;
        while (argc < 6 && rows[i].argv[argc]) {
            argv[argc] = strdup(rows[i].argv[argc]);
            argc++;
        }
        int rest = -1, status = -1;
        enum rc rc = opt_parse("t [OPTIONS] FILE", "A test.", opts, argc, argv, &rest, &status);
        if (rc != rows[i].rc || status != rows[i].exit_status || rest != rows[i].rest)
            fail_msg("%s: rc %s, status %d, rest %d", rows[i].flaw, rc_name(rc), status, rest);
        /* options alone: the same, but a further word is a mistake */
        int further = rc == RC_OK && rest < argc, alone = -1;
        assert_int_equal(opt_only("t [OPTIONS]", "A test.", opts, argc, argv, &alone), further ? RC_USAGE : rc);
        assert_int_equal(alone, further ? EXIT_USED_WRONGLY : status);
        while (argc)
            free(argv[--argc]);
    }
}

static void files_are_placed_whole(void **state)
{
    char *folder = *state, *path = file_join(folder, "a"), *deep = file_join(folder, "x/y/z");
    struct err err = { 0 };
    struct buf back = { 0 };
    assert_int_equal(file_read(path, &back, &err), RC_NOT_FOUND);
    assert_non_null(strstr(err.text, path)); /* an error names the file */
    assert_int_equal(file_create(path, bytes_of("one", 3), 0640, NULL), RC_OK);
    assert_int_equal(file_create(path, bytes_of("two", 3), 0640, NULL), RC_EXISTS);
    assert_int_equal(file_write_atomic(path, bytes_of("three", 5), 0600, NULL), RC_OK);
    assert_int_equal(file_read(path, &back, NULL), RC_OK);
    assert_int_equal(back.len, 5);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct buf small;
    buf_init(&small, 4);
    assert_int_equal(file_read(path, &small, NULL), RC_RANGE);
    assert_int_equal(small.len, 0);
    assert_int_equal(file_make_folder(deep, 0700, NULL), RC_OK);
    assert_int_equal(file_make_folder(deep, 0700, NULL), RC_OK);
    assert_int_equal(file_write_atomic("/nonexistent/folder/f", bytes_of("", 0), 0600, NULL), RC_IO);
    struct secret secret = { 0 };
    assert_int_equal(secret_read_file(&secret, path), RC_OK);
    assert_int_equal(secret.len, 5);
    secret_wipe(&secret);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(secret_read_file(&secret, path), RC_DENIED);
    buf_wipe(&small);
    buf_wipe(&back);
    free(path);
    free(deep);
}

static void a_pid_file_belongs_to_one_living_process(void **state)
{
    char *path = file_join(*state, "daemon.pid");
    assert_int_equal(proc_pid_file(path, NULL), RC_OK);
    pid_t child = fork();
    if (child == 0) {
        struct err err = { 0 };
        _exit(proc_pid_file(path, &err) == RC_CONFLICT && err.text[0] ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(access(path, F_OK), 0); /* the child's end took nothing away */
    char *own = file_join(*state, "other.pid");
    child = fork();
    if (child == 0) {
        bool placed = proc_pid_file(own, NULL) == RC_OK && access(own, F_OK) == 0;
        free(own);
        free(path);
        exit(placed ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_not_equal(access(own, F_OK), 0); /* an orderly end takes its own */
    free(own);
    free(path);
}

static int make_folder(void **state)
{
    char template[] = "/tmp/jpki-base-XXXXXX";
    *state = mkdtemp(template) ? strdup(template) : NULL;
    return *state ? 0 : -1;
}

static int remove_folder(void **state)
{
    int failed = scratch_remove(*state);
    free(*state);
    return failed;
}

static void random_bytes_differ(void **state)
{
    (void)state;
    uint8_t a[300] = { 0 }, b[300] = { 0 };
    assert_int_equal(random_bytes(a, sizeof a), RC_OK);
    assert_int_equal(random_bytes(b, sizeof b), RC_OK);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rc_has_a_name_and_a_sentence),
        cmocka_unit_test(the_first_writer_of_an_error_wins),
        cmocka_unit_test(a_buffer_keeps_its_ceiling_and_its_content),
        cmocka_unit_test(hex_rows),
        cmocka_unit_test(secrets_compare_and_wipe),
        cmocka_unit_test(a_secret_line_leaves_the_rest_unread),
        cmocka_unit_test(clock_rows),
        cmocka_unit_test(options_rows),
        cmocka_unit_test_setup_teardown(files_are_placed_whole, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_pid_file_belongs_to_one_living_process, make_folder, remove_folder),
        cmocka_unit_test(random_bytes_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_nssdb.c — the list of modules of an NSS database: ours in, ours out, all else byte for byte; not while somebody uses
 * it, and whole or not at all. */
#include "jpki/nssdb.h"

#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define INTERNAL "library=\nname=NSS Internal PKCS #11 Module\nparameters=configdir='sql:db' \nNSS=Flags=internal,critical\n\n"
#define OTHER "library=/usr/lib/other.so\nname=Other\n\n"
#define OURS "library=/m/jpki-pkcs11-auth.so\nname=open-jpki\n\n"

static const struct {
    const char *what, *before, *added; /* NULL: refused with rc */
    enum rc rc;
} add_rows[] = {
    { "the first module", INTERNAL, INTERNAL OURS, RC_OK },
    { "behind another", INTERNAL OTHER, INTERNAL OTHER OURS, RC_OK },
    { "it is there", INTERNAL OURS OTHER, NULL, RC_EXISTS },
    { "it was elsewhere", INTERNAL "library=/old/jpki-pkcs11-auth.so\nname=JPKI\n\n" OTHER, INTERNAL OTHER OURS, RC_OK },
    { "it was there twice", INTERNAL OURS OURS, INTERNAL OURS, RC_OK },
    { "the module with both tokens is the person's own business", INTERNAL "library=/m/jpki-pkcs11.so\nname=J\n\n",
      INTERNAL "library=/m/jpki-pkcs11.so\nname=J\n\n" OURS, RC_OK },
    { "a name that only ends alike", INTERNAL "library=/m/not-jpki-pkcs11-auth.so\nname=N\n\n",
      INTERNAL "library=/m/not-jpki-pkcs11-auth.so\nname=N\n\n" OURS, RC_OK },
    { "no empty line at the end", "library=\nname=I", "library=\nname=I\n\n" OURS, RC_OK },
    { "lines between that nobody knows", INTERNAL "# by hand\n\n" OTHER, INTERNAL "# by hand\n\n" OTHER OURS, RC_OK },
    { "empty lines before", "\n\n" INTERNAL, "\n\n" INTERNAL OURS, RC_OK },
    { "another module has the name", INTERNAL "library=/x.so\nname=open-jpki\n\n", NULL, RC_CONFLICT },
    { "an empty file", "", NULL, RC_FORMAT },
    { "no list", "hello\n", NULL, RC_FORMAT },
};

static void ours_is_added_and_nothing_else_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof add_rows / sizeof *add_rows; i++) {
        struct buf out = { 0 };
        size_t len = strlen(add_rows[i].before);
        char *before = malloc(len ? len : 1);
        assert_non_null(before);
        memcpy(before, add_rows[i].before, len);
        print_message("%s\n", add_rows[i].what);
        assert_int_equal(nssdb_add(bytes_of(before, len), "/m/jpki-pkcs11-auth.so", &out, NULL), add_rows[i].rc);
        const char *added = add_rows[i].added ? add_rows[i].added : "";
        assert_int_equal(out.len, strlen(added));
        assert_memory_equal(out.len ? out.data : (const uint8_t *)"", added, out.len);
        free(before);
        buf_wipe(&out);
    }
}

static void what_was_added_is_taken_out(void **state)
{
    (void)state;
    struct buf added = { 0 }, out = { 0 };
    struct bytes before = bytes_of(INTERNAL OTHER, strlen(INTERNAL OTHER));
    assert_int_equal(nssdb_remove(before, &out, NULL), RC_NOT_FOUND);
    assert_int_equal(nssdb_add(before, "/m/jpki-pkcs11-auth.so", &added, NULL), RC_OK);
    assert_int_equal(nssdb_remove(buf_bytes(&added), &out, NULL), RC_OK);
    assert_true(bytes_equal(buf_bytes(&out), before));
    buf_truncate(&out, 0);
    struct bytes middle = bytes_of(INTERNAL OURS OTHER, strlen(INTERNAL OURS OTHER));
    assert_int_equal(nssdb_remove(middle, &out, NULL), RC_OK);
    assert_true(bytes_equal(buf_bytes(&out), before));
    buf_truncate(&out, 0);
    assert_int_equal(nssdb_remove(bytes_of("library=\n\0", 10), &out, NULL), RC_FORMAT);
    buf_wipe(&added);
    buf_wipe(&out);
}

static void paths_that_the_list_cannot_hold_are_refused(void **state)
{
    (void)state;
    const char *paths[] = { "relative/jpki-pkcs11-auth.so", "/a b/jpki-pkcs11-auth.so", "/a\nname=x/jpki-pkcs11-auth.so",
                            "/a\"b/jpki-pkcs11-auth.so", "/a'b/jpki-pkcs11-auth.so", "/a\\b/jpki-pkcs11-auth.so", "" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct buf out = { 0 };
        assert_int_equal(nssdb_add(bytes_of(INTERNAL, strlen(INTERNAL)), paths[i], &out, NULL), RC_USAGE);
        assert_int_equal(out.len, 0);
        buf_wipe(&out);
    }
}

/* Cut anywhere, the list is edited or refused, and nothing is read behind its end. */
static void cut_lists_are_survived(void **state)
{
    (void)state;
    static const char all[] = INTERNAL OURS OTHER;
    for (size_t len = 0; len < sizeof all; len++) {
        struct buf out = { 0 };
        char *cut = malloc(len ? len : 1);
        assert_non_null(cut);
        memcpy(cut, all, len);
        enum rc rc = nssdb_add(bytes_of(cut, len), "/n/jpki-pkcs11-auth.so", &out, NULL);
        assert_true(rc == RC_OK || rc == RC_FORMAT || rc == RC_CONFLICT);
        buf_truncate(&out, 0);
        rc = nssdb_remove(bytes_of(cut, len), &out, NULL);
        assert_true(rc == RC_OK || rc == RC_FORMAT || rc == RC_NOT_FOUND);
        free(cut);
        buf_wipe(&out);
    }
}

/* --- on disk ------------------------------------------------------------------------------------------------------------- */

static char folder[32], list_path[64], backup_path[96];

static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/jpki-nssdb-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(list_path, sizeof list_path, "%s/pkcs11.txt", folder);
    snprintf(backup_path, sizeof backup_path, "%s.before-open-jpki", list_path);
    return file_write_atomic(list_path, bytes_of(INTERNAL, strlen(INTERNAL)), 0600, NULL);
}

static int end(void **state)
{
    (void)state;
    const char *names[] = { "lock", ".parentlock", "cert9.db", "pkcs11.txt", "pkcs11.txt.before-open-jpki", "real" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static bool holds(const char *path, const char *text)
{
    struct buf file = { 0 };
    bool same = file_read(path, &file, NULL) == RC_OK && bytes_equal(buf_bytes(&file), bytes_of(text, strlen(text)));
    buf_wipe(&file);
    return same;
}

static enum rc add(bool dry)
{
    return nssdb_change(folder, NSSDB_ADD, "/m/jpki-pkcs11-auth.so", dry, NULL);
}

static void the_file_is_changed_and_kept(void **state)
{
    (void)state;
    struct stat status;
    assert_int_equal(add(true), RC_OK);
    assert_true(holds(list_path, INTERNAL));
    assert_int_equal(access(backup_path, F_OK), -1); /* a dry run leaves nothing */
    assert_int_equal(chmod(list_path, 0640), 0);
    assert_int_equal(add(false), RC_OK);
    assert_true(holds(list_path, INTERNAL OURS));
    assert_true(holds(backup_path, INTERNAL));
    assert_int_equal(stat(list_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_int_equal(add(false), RC_EXISTS);
    assert_int_equal(nssdb_change(folder, NSSDB_REMOVE, NULL, false, NULL), RC_OK);
    assert_true(holds(list_path, INTERNAL));
    assert_int_equal(nssdb_change(folder, NSSDB_REMOVE, NULL, false, NULL), RC_NOT_FOUND);
    unlink(list_path);
    assert_int_equal(add(false), RC_UNREACHABLE);
}

static void a_link_is_followed(void **state)
{
    (void)state;
    char real[64];
    struct stat status;
    snprintf(real, sizeof real, "%s/real", folder);
    assert_int_equal(rename(list_path, real), 0);
    assert_int_equal(symlink("real", list_path), 0);
    assert_int_equal(add(false), RC_OK);
    assert_int_equal(lstat(list_path, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_true(holds(real, INTERNAL OURS));
    char backup[96];
    snprintf(backup, sizeof backup, "%s.before-open-jpki", real);
    assert_int_equal(unlink(backup), 0);
}

static void a_database_in_use_is_left_alone(void **state)
{
    (void)state;
    char path[96], target[64];
    static const char *const names[] = { ".parentlock", "cert9.db" };
    for (size_t i = 0; i < 2; i++) {
        int ready[2], done[2];
        char byte = 0;
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        assert_int_equal(pipe(ready) | pipe(done), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) { /* another process's lock is what is looked for */
            struct flock lock = { .l_type = i ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET, .l_start = i ? 0x40000002 : 0, .l_len = i ? 510 : 0 };
            int fd = open(path, O_RDWR | O_CREAT, 0600);
            byte = (char)(fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0);
            _exit(write(ready[1], &byte, 1) != 1 || read(done[0], &byte, 1) != 1);
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        assert_int_equal(byte, 1);
        struct err err = { 0 };
        assert_int_equal(nssdb_change(folder, NSSDB_ADD, "/m/jpki-pkcs11-auth.so", false, &err), RC_CONFLICT);
        assert_non_null(strstr(err.text, names[i]));
        assert_true(holds(list_path, INTERNAL));
        assert_int_equal(write(done[1], &byte, 1), 1);
        assert_int_equal(waitpid(child, NULL, 0), child);
        close(ready[0]), close(ready[1]), close(done[0]), close(done[1]);
    }
    snprintf(path, sizeof path, "%s/lock", folder);
    snprintf(target, sizeof target, "127.0.1.1:+%d", (int)getpid());
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(add(false), RC_CONFLICT);
    assert_int_equal(unlink(path), 0);
    pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    assert_int_equal(waitpid(gone, NULL, 0), gone);
    snprintf(target, sizeof target, "127.0.1.1:+%d", (int)gone);
    assert_int_equal(symlink(target, path), 0); /* a browser that crashed */
    assert_int_equal(add(false), RC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ours_is_added_and_nothing_else_changes),
        cmocka_unit_test(what_was_added_is_taken_out),
        cmocka_unit_test(paths_that_the_list_cannot_hold_are_refused),
        cmocka_unit_test(cut_lists_are_survived),
        cmocka_unit_test_setup_teardown(the_file_is_changed_and_kept, begin, end),
        cmocka_unit_test_setup_teardown(a_link_is_followed, begin, end),
        cmocka_unit_test_setup_teardown(a_database_in_use_is_left_alone, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

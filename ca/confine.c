/* confine.c — Landlock and seccomp by their system calls: Debian 12 has no library for the one, and the other's filter is
 * a list. */
#include "ca/confine.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define CONFINE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define CONFINE_ARCH AUDIT_ARCH_AARCH64
#endif

#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RUNNING LANDLOCK_ACCESS_FS_EXECUTE
#define MAKING                                                                                                         \
    (LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                   \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |                        \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define WRITING LANDLOCK_ACCESS_FS_WRITE_FILE
#define TRUNCATING (1ULL << 14) /* ABI 3; newer than Debian 12's header */
#define MADE (LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG)

/* A build under AddressSanitizer looks for leaks at its end by tracing itself: these two stay allowed there. */
#ifdef __SANITIZE_ADDRESS__
#define LEAK_CHECK_READS "/proc"
#define LEAK_CHECK_CALL SYS_execve /* named twice instead */
#else
#define LEAK_CHECK_READS NULL
#define LEAK_CHECK_CALL SYS_ptrace
#endif

/* Allows what the path's kind can be allowed. */
static enum rc landlock_allow(int ruleset, const char *path, uint64_t access, struct err *err)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? RC_OK : err_set_errno(err, RC_IO, "%s", path);
    if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
        access &= LANDLOCK_ACCESS_FS_READ_FILE | WRITING | TRUNCATING;
    struct landlock_path_beneath_attr rule = { .allowed_access = access, .parent_fd = fd };
    long failed = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    enum rc rc = failed ? err_set_errno(err, RC_IO, "a rule for %s", path) : RC_OK;
    close(fd);
    return rc;
}

/* What libpq and the resolver read when they connect again. */
static enum rc confine_connecting(int ruleset, struct err *err)
{
    static const char *const mine[] = { "/.pgpass", "/.postgresql" };
    const char *home = getenv("HOME"), *passwords = getenv("PGPASSFILE");
    enum rc rc = landlock_allow(ruleset, "/etc", READING, err);
    if (!rc && passwords)
        rc = landlock_allow(ruleset, passwords, READING, err);
    for (size_t i = 0; !rc && home && i < sizeof mine / sizeof mine[0]; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s%s", home, mine[i]);
        rc = landlock_allow(ruleset, path, READING, err);
    }
    return rc;
}

static enum rc confine_files(const struct confine *room, struct err *err)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) {
        log_warning("%s: the kernel has no Landlock: files are ruled by their owners and modes alone", room->name);
        return RC_OK;
    }
    uint64_t ruled = RUNNING | MAKING | WRITING | (room->read_anywhere ? 0 : READING) | (abi >= 3 ? TRUNCATING : 0);
    struct landlock_ruleset_attr attr = { .handled_access_fs = ruled };
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (ruleset < 0)
        return err_set_errno(err, RC_IO, "Landlock");
    enum rc rc = RC_OK;
    for (int i = 0; !rc && i < CONFINE_PATHS && room->read[i]; i++)
        rc = landlock_allow(ruleset, room->read[i], READING & ruled, err);
    for (int i = 0; !rc && i < CONFINE_PATHS && room->write[i]; i++)
        rc = landlock_allow(ruleset, room->write[i], (READING | WRITING | TRUNCATING | MADE) & ruled, err);
    if (!rc && room->connects)
        rc = confine_connecting(ruleset, err);
    const char *leak_check = LEAK_CHECK_READS;
    if (!rc && leak_check)
        rc = landlock_allow(ruleset, leak_check, READING & ruled, err);
    if (!rc && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        rc = err_set_errno(err, RC_IO, "Landlock");
    close(ruleset);
    return rc;
}

static bool connects; /* this process, for good */

/* Calls that no room ever makes once it is at work; connect, at the end, but to a store. */
static const long calls_never[] = {
    SYS_execve, SYS_execveat, LEAK_CHECK_CALL, SYS_process_vm_readv, SYS_process_vm_writev, SYS_mount,
    SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_setns, SYS_unshare, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
    SYS_keyctl, SYS_add_key, SYS_request_key, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setgroups,
    SYS_connect,
};
static const long calls_of_sockets[] = { SYS_socket, SYS_socketpair, SYS_bind, SYS_listen };

#ifdef CONFINE_ARCH
static enum rc confine_calls(const long *calls, size_t count, unsigned flags, struct err *err)
{
    struct sock_filter filter[80];
    size_t n = 0;
    if (count > sizeof filter / sizeof filter[0] - 8)
        return RC_BUG;
    /* of another architecture or the x32 form: not this program's */
    filter[n++] = (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, arch));
    filter[n++] = (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CONFINE_ARCH, 1, 0);
    filter[n++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    filter[n++] = (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, nr));
    filter[n++] = (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, (uint8_t)(count + 1), 0);
    for (size_t i = 0; i < count; i++)
        filter[n++] = (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], (uint8_t)(count - i), 0);
    filter[n++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    filter[n++] = (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    struct sock_fprog program = { .len = (unsigned short)n, .filter = filter };
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) != 0) {
        if (errno != ENOSYS && errno != EINVAL)
            return err_set_errno(err, RC_IO, "seccomp");
        log_warning("the kernel has no seccomp: system calls are not ruled");
    }
    return RC_OK;
}
#else
static enum rc confine_calls(const long *calls, size_t count, unsigned flags, struct err *err)
{
    (void)calls, (void)count, (void)flags, (void)err;
    log_warning("system calls are not ruled on this architecture");
    return RC_OK;
}
#endif

enum rc confine_process(const struct confine *room, struct err *err)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return err_set_errno(err, RC_IO, "no new privileges");
    enum rc rc = confine_files(room, err);
    if (!rc)
        rc = confine_calls(calls_never, sizeof calls_never / sizeof calls_never[0] - room->connects, 0, err);
    connects = room->connects;
    if (!rc && !room->sockets)
        rc = confine_close_network(err);
    return rc;
}

void confine_folder_of(const char *file, char *out, size_t size)
{
    const char *slash = file ? strrchr(file, '/') : NULL;
    snprintf(out, size, "%.*s", slash ? (int)(slash - file) + 1 : file ? 1 : 0, slash ? file : ".");
}

enum rc confine_close_network(struct err *err)
{
    if (connects)
        return RC_OK;
    return confine_calls(calls_of_sockets, sizeof calls_of_sockets / sizeof calls_of_sockets[0],
                         SECCOMP_FILTER_FLAG_TSYNC, err);
}

enum rc confine_user(const char *user, struct err *err)
{
    if (!user)
        return RC_OK;
    const struct passwd *entry = getpwnam(user);
    if (!entry)
        return err_set(err, RC_NOT_FOUND, "there is no user %s", user);
    if (entry->pw_uid == geteuid())
        return RC_OK;
    if (setgroups(0, NULL) != 0 || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
        setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0)
        return err_set_errno(err, RC_DENIED, "becoming the user %s", user);
    if (setuid(0) == 0)
        return err_set(err, RC_DENIED, "root could be had back after becoming %s", user);
    return RC_OK;
}

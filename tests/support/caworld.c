/* caworld.c — the same world as tests/flow/ca-world.sh makes, in process. */
#include "support/caworld.h"

#include "base/clock.h"
#include "ca/ceremony.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <glob.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void give_up(const char *what, const struct err *err)
{
    fprintf(stderr, "caworld: %s%s%s\n", what, err ? ": " : "", err ? err->text : "");
    exit(1);
}

static void write_text(const char *path, mode_t mode, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        give_up(path, NULL);
    close(fd);
}

static void make_token(const struct caworld *world)
{
    char path[128], text[256];
    snprintf(path, sizeof path, "%s/tokens", world->folder);
    if (mkdir(path, 0700) != 0)
        give_up(path, NULL);
    snprintf(text, sizeof text, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", path);
    snprintf(path, sizeof path, "%s/softhsm2.conf", world->folder);
    write_text(path, 0600, text);
    setenv("SOFTHSM2_CONF", path, 1);
    char *argv[] = {"softhsm2-util", "--init-token", "--free",   "--label", "jpki-test",
                    "--pin",         "4711",         "--so-pin", "081500",  NULL};
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
    pid_t pid;
    int status = 1;
    if (posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ) != 0 || waitpid(pid, &status, 0) != pid || status != 0)
        give_up("softhsm2-util", NULL);
    posix_spawn_file_actions_destroy(&quiet);
}

static void find_module(char *out, size_t size)
{
    glob_t found;
    if (glob("/usr/lib/softhsm/libsofthsm2.so", 0, NULL, &found) != 0 &&
        glob("/usr/lib/*/softhsm/libsofthsm2.so", 0, NULL, &found) != 0)
        give_up("no SoftHSM2", NULL);
    snprintf(out, size, "%s", found.gl_pathv[0]);
    globfree(&found);
}

static void make_holder(struct caworld *world)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    unsigned char *spki = NULL;
    int len = key ? i2d_PUBKEY(key, &spki) : 0;
    if (len <= 0 || buf_append(&world->public_key, spki, (size_t)len))
        give_up("a key", NULL);
    OPENSSL_free(spki);
    EVP_PKEY_free(key);
    world->attributes = (struct attributes) { .name = "試験　花子", .birth = "319800217", .sex = "2", .address = "鹿児島県鹿児島市試験町１番地"};
    attributes_no_substitutes(&world->attributes);
}

void caworld_new(struct caworld *world, const char *program)
{
    struct err err = { 0 };
    char pin[96];
    *world = (struct caworld) { .folder = "/tmp/jpki-caworld-XXXXXX", .program = program };
    if (!mkdtemp(world->folder))
        give_up("a folder", NULL);
    find_module(world->module, sizeof world->module);
    make_token(world);
    snprintf(pin, sizeof pin, "%s/pin", world->folder);
    write_text(pin, 0600, "4711");
    snprintf(world->state, sizeof world->state, "%s/ca", world->folder);
    struct ceremony_founding founding = { .state = world->state,
                                          .token = "jpki-test",
                                          .module = world->module,
                                          .pin_file = pin,
                                          .organisation = "JPKI-TEST" };
    struct ceremony ceremony = { .program = program, .state = world->state };
    struct buf transcript = { 0 };
    if (ceremonyscript_unattended(&founding, &ceremony.script, &err) ||
        ceremony_run(&ceremony, NULL, 0, &transcript, &err))
        give_up("founding", &err);
    buf_wipe(&transcript);
    make_holder(world);
}

void caworld_free(struct caworld *world)
{
    buf_wipe(&world->public_key);
    (void)scratch_remove(world->folder);
}

struct ca *caworld_open(const struct caworld *world)
{
    struct err err = { 0 };
    struct ca *ca = NULL;
    if (ca_open(world->program, world->state, CACONFIG_FILE, CA_SIGN, &ca, &err))
        give_up("opening", &err);
    return ca;
}

struct issue_order caworld_order(const struct caworld *world, const char *request)
{
    return (struct issue_order) { .authority = AUTHORITY_AUTH,
                                .request = request,
                                .public_key = buf_bytes(&world->public_key),
                                .municipality = "462012",
                                .officer = "desk-officer 01",
                                .attributes = &world->attributes,
                                .card_expiry = clock_now() + 9 * 366 * 86400LL };
}

/* bench_lists.c — a revocation list of many entries: written, judged as the signer does, signed, on disk; against OpenSSL's own
 * way with the same entries and key; and the whole way from the book, through the signer's process, with the list that is
 * signed ahead and the comparison. Each in a process of its own, whose CPU time and memory count.
 * usage: bench_lists JPKI_CA ENTRIES; prints "ours|theirs|book CPU-SECONDS MEBIBYTES" */
#include "base/clock.h"
#include "ca/crljudge.h"
#include "ca/crlspool.h"
#include "ca/extensions.h"
#include "ca/listplace.h"
#include "ca/publish.h"
#include "ca/signer.h"
#include "ca/tbs.h"
#include "support/caworld.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 3, MANY = 2000000 }; /* of so many entries and more: one round */
#define FIRST_SERIAL 0x40000000u

static struct caworld world;
static struct ca *ca;
static EVP_PKEY *key;
static unsigned entries;

static void give_up(const char *what, const struct err *err)
{
    fprintf(stderr, "bench_lists: %s%s%s\n", what, err ? ": " : "", err ? err->text : "");
    exit(1);
}

static X509_EXTENSIONS *extensions_of(void)
{
    X509_EXTENSIONS *extensions = NULL;
    if (ext_authority_key(&extensions, ca->issuers[AUTHORITY_AUTH].cert, false) || ext_crl_number(&extensions, 7))
        give_up("extensions", NULL);
    return extensions;
}

/* The signer's reading: bytes before, a file, bytes behind. */
struct passing {
    struct bytes head, tail;
    int fd;
    off_t at;
};

static enum rc passing_read(void *context, uint8_t *out, size_t max, size_t *got)
{
    struct passing *passing = context;
    struct bytes *part = passing->head.len ? &passing->head : &passing->tail;
    ssize_t n = 0;
    if (!passing->head.len && (n = pread(passing->fd, out, max, passing->at)) > 0) {
        passing->at += n;
    } else {
        n = (ssize_t)(part->len < max ? part->len : max);
        memcpy(out, part->data, (size_t)n);
        *part = bytes_of(part->data + n, part->len - (size_t)n);
    }
    *got = (size_t)n;
    return RC_OK;
}

/* As the book gives it; not the benchmark's own time that is measured. */
static void put_serial(unsigned number, char out[9])
{
    for (int i = 7; i >= 0; i--, number >>= 4)
        out[i] = "0123456789ABCDEF"[number & 15];
    out[8] = '\0';
}

static void next_serial(char serial[9])
{
    int at = 7;
    for (; at >= 0 && serial[at] == 'F'; at--)
        serial[at] = '0';
    if (at >= 0)
        serial[at] = serial[at] == '9' ? 'A' : (char)(serial[at] + 1);
}

static void write_ours(const char *path)
{
    const struct issuer *issuer = &ca->issuers[AUTHORITY_AUTH];
    struct err err = { 0 };
    struct crlspool *spool = NULL;
    struct buf head = { 0 }, tail = { 0 }, signature = { 0 };
    struct crlwalk *walk = NULL;
    struct crlfacts facts;
    int fd;
    uint64_t len;
    int64_t now = clock_now();
    X509_EXTENSIONS *extensions = extensions_of();
    enum rc rc = crlspool_new(world.folder, &spool, &err);
    char serial[9];
    put_serial(FIRST_SERIAL, serial);
    for (unsigned i = 0; !rc && i < entries; i++, next_serial(serial))
        rc = crlspool_add(spool, serial, now - i % 86400, (int)(i % 6), &err);
    if (!rc)
        rc = crlspool_finish(spool, &fd, &len, &err);
    struct tbs_crl crl = { .suite = issuer->suite, .issuer = X509_get_subject_name(issuer->cert), .this_update = now,
                           .next_update = now + 2 * 86400, .extensions = extensions };
    if (!rc)
        rc = tbs_crl_frame(&crl, len, &head, &tail);
    struct passing passing = { buf_bytes(&head), buf_bytes(&tail), fd, 0 };
    if (!rc)
        rc = crlwalk_new(passing_read, &passing, false, &walk, &err);
    if (!rc)
        rc = signer_check_crl(issuer->cert, AUTHORITY_AUTH, walk, &facts, &err);
    if (!rc)
        rc = suite_sign_digest(issuer->suite, key, bytes_of(facts.digest, facts.digest_len), &signature);
    if (!rc)
        rc = crlspool_write(spool, path, buf_bytes(&head), buf_bytes(&tail), issuer->suite, buf_bytes(&signature), &err);
    if (rc)
        give_up("ours", &err);
}

static void write_theirs(const char *path)
{
    X509_CRL *crl = X509_CRL_new();
    X509_EXTENSIONS *extensions = extensions_of();
    time_t now = (time_t)clock_now();
    ASN1_TIME *from = ASN1_TIME_set(NULL, now), *to = ASN1_TIME_set(NULL, now + 2 * 86400);
    if (!X509_CRL_set_version(crl, X509_CRL_VERSION_2) || !X509_CRL_set1_lastUpdate(crl, from) || !X509_CRL_set1_nextUpdate(crl, to) ||
        !X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->issuers[AUTHORITY_AUTH].cert)))
        give_up("theirs", NULL);
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++)
        X509_CRL_add_ext(crl, sk_X509_EXTENSION_value(extensions, i), -1);
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
    for (unsigned i = 0; i < entries; i++) {
        X509_REVOKED *entry = X509_REVOKED_new();
        ASN1_TIME *when = ASN1_TIME_set(NULL, now - i % 86400);
        ASN1_INTEGER_set_int64(serial, FIRST_SERIAL + i);
        X509_REVOKED_set_serialNumber(entry, serial);
        X509_REVOKED_set_revocationDate(entry, when);
        ASN1_ENUMERATED_set(reason, i % 6);
        if (i % 6)
            X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0);
        if (!X509_CRL_add0_revoked(crl, entry))
            give_up("theirs", NULL);
        ASN1_TIME_free(when);
    }
    BIO *out = BIO_new_file(path, "wb");
    if (!out || !X509_CRL_sort(crl) || X509_CRL_sign(crl, key, EVP_sha256()) <= 0 || i2d_X509_CRL_bio(out, crl) != 1)
        give_up("theirs", NULL);
    BIO_free(out);
}

static void write_book(const char *path)
{
    struct err err = { 0 };
    (void)path;
    ca = caworld_open(&world);
    if (publish_list(ca, AUTHORITY_AUTH, LISTPLACE_ALL, &err))
        give_up("book", &err);
    ca_close(ca); /* the signer's time counts once it has ended */
}

static void measure(const char *name, void (*write_list)(const char *))
{
    char path[96];
    struct rusage used;
    int status = 1;
    snprintf(path, sizeof path, "%s/%s.crl", world.folder, name);
    (void)unlink(path);
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        write_list(path);
        _exit(0);
    }
    if (wait4(pid, &status, 0, &used) != pid || status != 0)
        give_up(name, NULL);
    double cpu = (double)used.ru_utime.tv_sec + (double)used.ru_utime.tv_usec * 1e-6 + (double)used.ru_stime.tv_sec +
                 (double)used.ru_stime.tv_usec * 1e-6;
    printf("%s %.4f %.1f\n", name, cpu, (double)used.ru_maxrss / 1024);
}

/* Both files are the same list, but for the signature's time: the same length, and a signature that verifies. */
static void compare(void)
{
    char ours[96], theirs[96];
    snprintf(ours, sizeof ours, "%s/ours.crl", world.folder);
    snprintf(theirs, sizeof theirs, "%s/theirs.crl", world.folder);
    for (int i = 0; i < 2; i++) {
        struct crlwalk *walk = NULL;
        struct err err = { 0 };
        int fd = open(i ? theirs : ours, O_RDONLY | O_CLOEXEC);
        bool sound = fd >= 0 && crlwalk_new_file(fd, true, &walk, &err) == RC_OK && crlwalk_finish(walk, &err) == RC_OK &&
                     crlwalk_count(walk) == entries &&
                     suite_verifies_digest(SUITE_RSA_2048, key, crlwalk_digest(walk), crlwalk_signature(walk));
        if (!sound)
            give_up(i ? theirs : ours, &err);
        crlwalk_free(walk);
        close(fd);
    }
}

/* The book with as many revoked certificates: rows as issuance and revocation leave them, their bytes shortened. */
static enum rc fill_rows(struct err *err)
{
    struct statement *s = NULL;
    static const uint8_t none[1];
    int64_t now = clock_now();
    enum rc rc = RC_OK;
    for (unsigned i = 0; !rc && i < entries; i++) {
        char serial[9], request[24];
        put_serial(FIRST_SERIAL + i, serial);
        snprintf(request, sizeof request, "bench %u", i);
        rc = store_prepare(ca->store,
                           "INSERT INTO certificates(authority, serial, request, key_hash, municipality, list, officer, created,"
                           " not_after, tbs, certificate, confirmed_at, revoked_at, reason, revocation) VALUES('auth', ?1, ?2, 'x',"
                           " '462012', '462012', 'bench', 0, 4000000000, ?3, ?3, 1, ?4, ?5, ?6)",
                           &s, err);
        if (!rc) {
            bind_text(s, 1, serial);
            bind_text(s, 2, request);
            bind_blob(s, 3, bytes_of(none, 1));
            bind_integer(s, 4, now - i % 86400);
            bind_integer(s, 5, i % 6);
            bind_integer(s, 6, 1000 + i);
            rc = statement_run(s, NULL, err);
        }
        statement_done(s);
    }
    return rc;
}

static void fill_book(void)
{
    struct err err = { 0 };
    if (store_begin(ca->store, &err) || fill_rows(&err) || store_commit(ca->store, &err))
        give_up("filling the book", &err);
}

int main(int argc, char **argv)
{
    if (argc != 3 || (entries = (unsigned)atol(argv[2])) < 1)
        return 2;
    const int rounds = entries < MANY ? ROUNDS : 1;
    caworld_new(&world, argv[1]);
    ca = caworld_open(&world);
    key = EVP_RSA_gen(2048);
    for (int i = 0; i < rounds; i++) {
        measure("ours", write_ours);
        measure("theirs", write_theirs);
    }
    compare();
    fill_book();
    ca_close(ca);
    for (int i = 0; i < rounds; i++)
        measure("book", write_book);
    EVP_PKEY_free(key);
    caworld_free(&world);
    return 0;
}

/* signer.c — the key-holding process. Order at start: open keys (the token may need files and a connection), then give up
 * what can be given up, then read the first question. */
#include "ca/signer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/proc.h"
#include "ca/signframe.h"
#include "ca/tbs.h"
#include "pki/cert.h"
#include "pki/keyuri.h"

#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

struct signer {
    struct keyuri *keys[AUTHORITY_COUNT];
    X509 *certs[AUTHORITY_COUNT];
};

static enum rc signer_open_keys(struct signer *signer, const char *folder, const char *file, struct err *err)
{
    static struct caconfig config;
    enum rc rc = caconfig_read(folder, file, &config, err);
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++) {
        rc = caconfig_read_cert(folder, a, &signer->certs[a], err);
        if (!rc)
            rc = keyuri_open(config.key_uri[a], &signer->keys[a], err);
        if (!rc && EVP_PKEY_eq(X509_get0_pubkey(signer->certs[a]), keyuri_get(signer->keys[a])) != 1)
            rc = err_set(err, RC_CONFLICT, "the key of authority %s is not that of its certificate", authority_name(a));
    }
    return rc;
}

static void signer_drop_privileges(void)
{
    struct rlimit no_growth = { 0, 0 }, few_files = { 64, 64 };
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setrlimit(RLIMIT_FSIZE, &no_growth);
    (void)setrlimit(RLIMIT_NOFILE, &few_files);
    /* A network of its own with nothing in it; connections that the token has already opened stay. Needs a capability. */
    if (unshare(CLONE_NEWNET) != 0)
        log_debug("the signer keeps the network: no capability to leave it");
}

static enum rc signer_answer(const struct signer *signer, unsigned what, unsigned authority, struct bytes tbs,
                             struct buf *out, struct err *err)
{
    if (what == SIGNFRAME_PING)
        return RC_OK;
    if (authority >= AUTHORITY_COUNT || (what != SIGNFRAME_CERT && what != SIGNFRAME_CRL))
        return err_set(err, RC_UNSUPPORTED, "unknown question");
    enum rc rc = what == SIGNFRAME_CERT ? signer_check_cert(signer->certs[authority], authority, tbs, err)
                                        : signer_check_crl(signer->certs[authority], authority, tbs, err);
    return rc ? rc : tbs_sign(tbs, keyuri_get(signer->keys[authority]), out, err);
}

int signer_run(const char *folder, const char *file, int fd)
{
    struct signer signer = { 0 };
    struct err open_err = { 0 };
    proc_harden();
    enum rc opened = signer_open_keys(&signer, folder, file, &open_err);
    signer_drop_privileges();
    for (;;) {
        struct buf question = { .max = SIGNFRAME_MAX }, answer = { .max = SIGNFRAME_MAX };
        struct err err = open_err;
        unsigned what, authority;
        enum rc rc = signframe_receive(fd, &what, &authority, &question);
        bool gone = rc != RC_OK;
        if (!gone) {
            rc = opened ? opened : signer_answer(&signer, what, authority, buf_bytes(&question), &answer, &err);
            if (rc)
                log_warning("refused: %s", err_text(&err, rc));
            struct bytes words = bytes_of(err_text(&err, rc), strlen(err_text(&err, rc)));
            gone = signframe_send(fd, rc, 0, rc ? words : buf_bytes(&answer)) != RC_OK;
        }
        buf_wipe(&question);
        buf_wipe(&answer);
        if (gone)
            break;
    }
    for (unsigned a = 0; a < AUTHORITY_COUNT; a++) {
        if (signer.keys[a])
            keyuri_close(signer.keys[a]);
        X509_free(signer.certs[a]);
    }
    return opened ? EXIT_FAILED : EXIT_DONE;
}

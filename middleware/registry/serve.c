/* serve.c — `jpki-registry serve`: a node until SIGTERM. */
#include "base/log.h"
#include "base/opt.h"
#include "base/proc.h"
#include "pki/cert.h"
#include "registry/designate.h"
#include "registry/mail.h"
#include "registry/node.h"
#include "registry/outbox.h"
#include "registry/program.h"
#include "registry/schema.h"
#include "registry/supply.h"

#include <stdio.h>
#include <string.h>

#define DELIVERY_SECONDS 10
#define BODY_MAX (2u << 20)
#define RETRY 5000 /* milliseconds */

struct serve_options {
    const char *role, *store, *identity, *document_seal, *bind, *national, *prefecture, *nodes, *ca, *sign_ca, *auth_ca, *auth_ocsp, *pid_file, *log;
    long port, retry;
};

static enum rc serve_read_peer(const struct identity *identity, struct peer *peer, struct err *err)
{
    X509 *cert = NULL;
    struct buf der = { 0 };
    enum rc rc = cert_read(identity->cert_path, &cert, err);
    if (!rc)
        rc = cert_encode(cert, &der);
    if (!rc)
        rc = peer_from_cert(buf_bytes(&der), peer, err);
    X509_free(cert);
    buf_wipe(&der);
    return rc;
}

static enum rc serve_read_self(struct node *node, struct err *err)
{
    enum rc rc = serve_read_peer(&node->identity, &node->self, err);
    static const enum role roles[] = { [NODE_MUNICIPAL] = ROLE_NODE_MUNICIPAL, [NODE_PREFECTURAL] = ROLE_NODE_PREFECTURAL,
                                       [NODE_NATIONAL] = ROLE_NODE_NATIONAL };
    enum role want = roles[node->role];
    if (!rc && node->self.role != want)
        rc = err_set(err, RC_DENIED, "%s: its role is %s, a %s node needs %s", node->identity.cert_path,
                     role_name(node->self.role), node_role_name(node->role), role_name(want));
    return rc;
}

/* The key that signs what is handed out: another one than the node's own, of the same municipality. */
static enum rc serve_open_seal(struct node *node, const char *folder, struct err *err)
{
    struct peer peer;
    enum rc rc = identity_open(folder, &node->document_seal, err);
    if (!rc)
        rc = serve_read_peer(&node->document_seal, &peer, err);
    if (!rc && (node->role != NODE_MUNICIPAL || peer.role != ROLE_DOCUMENT_SEAL ||
                strcmp(peer.municipality, node->self.municipality) != 0))
        rc = err_set(err, RC_DENIED, "%s: a %s of %s; the municipal node %s needs a %s of its own", folder, role_name(peer.role),
                     peer.municipality, node->self.municipality, role_name(ROLE_DOCUMENT_SEAL));
    return rc;
}

/* Whose store it is: the national one is nobody's own. */
static const char *serve_place(const struct node *node)
{
    return node->role == NODE_NATIONAL ? "000000" : node->self.municipality;
}

/* Starts a line; url NULL: each delivery finds its own way. */
static enum rc serve_line(struct node *node, const struct serve_options *o, const char *peer, const char *url, enum role role,
                          courier_deliver_fn deliver, struct err *err)
{
    struct line *line = &node->lines[node->line_count];
    *line = (struct line) { .node = node, .peer = peer, .batch = NOTICE_BATCH, .deliver = deliver, .noted = "?" };
    node->line_count++;
    enum rc rc = ledger_open(o->store, node->role, serve_place(node), &line->store, err);
    if (!rc)
        rc = opseal_open(&node->identity, &line->seal, err);
    if (!rc && url)
        rc = client_open(url, &node->identity, DELIVERY_SECONDS, &line->client, err);
    if (rc)
        return rc;
    if (url)
        client_expect(line->client, ROLE_BIT(role));
    return courier_start(peer, node_deliver, line, node->retry, &line->courier, err);
}

/* Who is told what: the rows of a role's lines. */
static enum rc serve_lines(struct node *node, const struct serve_options *o, struct err *err)
{
    const struct {
        const char *peer, *url;
        bool wanted;
        enum role role;
        courier_deliver_fn deliver;
    } rows[] = {
        { OUTBOX_NATIONAL, o->national, o->national != NULL, ROLE_NODE_NATIONAL, municipal_deliver },
        { "supply", o->national, o->national != NULL, ROLE_NODE_NATIONAL, supply_deliver },
        { OUTBOX_PREFECTURE, o->prefecture, o->prefecture != NULL, ROLE_NODE_PREFECTURAL, prefecture_deliver },
        { "letters", NULL, node->role == NODE_MUNICIPAL, ROLE_NODE_MUNICIPAL, mail_deliver },
        { OUTBOX_CA, o->ca, o->ca != NULL, ROLE_CA, national_deliver },
    };
    enum rc rc = RC_OK;
    for (size_t i = 0; !rc && i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].wanted)
            rc = serve_line(node, o, rows[i].peer, rows[i].url, rows[i].role, rows[i].deliver, err);
    return rc;
}

/* On its own handle it sees what is to be filed; what it writes goes through the node's. */
static enum rc serve_filing(struct node *node, const struct serve_options *o, struct err *err)
{
    node->filing.group = node->group;
    enum rc rc = ledger_open(o->store, node->role, serve_place(node), &node->filing.reader, err);
    return rc ? rc : courier_start("filing", filing_deliver, &node->filing, node->retry, &node->filer, err);
}

static enum rc serve_open(struct node *node, const struct serve_options *o, struct err *err)
{
    enum rc rc = identity_open(o->identity, &node->identity, err);
    if (!rc)
        rc = serve_read_self(node, err);
    if (!rc && o->document_seal)
        rc = serve_open_seal(node, o->document_seal, err);
    if (!rc && node->role == NODE_NATIONAL)
        rc = designate_key(o->identity, &node->key, err);
    if (!rc)
        rc = ledger_open(o->store, node->role, serve_place(node), &node->store, err);
    if (!rc && node->role == NODE_NATIONAL)
        rc = schema_settle(node->store, err);
    if (!rc)
        rc = storegroup_new(node->store, &node->lock, &node->group);
    if (!rc)
        rc = opseal_open(&node->identity, &node->seal, err);
    if (!rc && o->sign_ca)
        rc = cert_read_all(o->sign_ca, &node->sign_authorities, err);
    if (!rc && o->auth_ca)
        rc = cert_read_all(o->auth_ca, &node->auth.authorities, err);
    node->auth.ocsp = o->auth_ocsp;
    node->directory = o->nodes;
    if (!rc)
        rc = serve_filing(node, o, err);
    return rc ? rc : serve_lines(node, o, err);
}

static void serve_close(struct node *node)
{
    courier_stop(node->filer);
    store_close(node->filing.reader);
    for (size_t i = 0; i < node->line_count; i++) {
        courier_stop(node->lines[i].courier);
        client_close(node->lines[i].client);
        opseal_close(node->lines[i].seal);
        store_close(node->lines[i].store);
    }
    storegroup_free(node->group);
    store_close(node->store);
    opseal_close(node->seal);
    sk_X509_pop_free(node->sign_authorities, X509_free);
    sk_X509_pop_free(node->auth.authorities, X509_free);
    secret_wipe(&node->key);
    identity_close(&node->document_seal);
    identity_close(&node->identity);
}

static enum rc serve_run(struct node *node, const struct serve_options *o, struct err *err)
{
    struct server *server = NULL;
    enum rc rc = serve_open(node, o, err);
    const struct server_settings settings = {
        .bind = o->bind, .port = (uint16_t)o->port, .body_max = BODY_MAX, .identity = &node->identity,
        .routes = node->role == NODE_MUNICIPAL     ? municipal_routes
                  : node->role == NODE_PREFECTURAL ? prefectural_routes : national_routes,
        .context = node,
        .denied = node_denied,
    };
    if (!rc)
        rc = server_start(&settings, &server, err);
    if (!rc) {
        log_info("%s node %s listens on port %u%s", node_role_name(node->role), node->self.municipality,
                 server_port(server), o->national || o->ca || node->role == NODE_PREFECTURAL ? "" : "; its outbox is delivered to nobody");
        rc = proc_pid_file(o->pid_file, err);
    }
    while (!rc && !proc_wait(60000))
        ;
    if (server)
        server_stop(server);
    serve_close(node);
    return rc;
}

int serve_main(int argc, char **argv)
{
    struct serve_options o = { .retry = RETRY };
    const struct opt opts[] = {
        { "--role", "ROLE", "municipal, prefectural or national", OPT_TEXT, &o.role, true },
        { "--store", "URL", "sqlite:PATH or a path (made when it is not there), or postgresql://…", OPT_TEXT, &o.store, true },
        { "--identity", "FOLDER", "key.pem, cert.pem and ca.pem; names the municipality", OPT_TEXT, &o.identity, true },
        { "--document-seal", "FOLDER", "an identity of role document-seal, for a municipal node: signs copies", OPT_TEXT, &o.document_seal, false },
        { "--port", "P", "0 for any", OPT_NUMBER, &o.port, true },
        { "--bind", "ADDRESS", "where to listen (default 127.0.0.1)", OPT_TEXT, &o.bind, false },
        { "--national", "URL", "the national node, for a municipal one", OPT_TEXT, &o.national, false },
        { "--prefecture", "URL", "the prefectural node, for a municipal one", OPT_TEXT, &o.prefecture, false },
        { "--nodes", "FILE", "the other municipal nodes: lines of code and URL", OPT_TEXT, &o.nodes, false },
        { "--ca", "URL", "the certification authorities, for the national one", OPT_TEXT, &o.ca, false },
        { "--sign-ca", "FILE", "the authorities of signature certificates (PEM), for the national one: consents", OPT_TEXT, &o.sign_ca, false },
        { "--auth-ca", "FILE", "the authorities of authentication certificates (PEM), for a municipal one: kiosks", OPT_TEXT, &o.auth_ca, false },
        { "--auth-ocsp", "URL", "who says whether they are revoked (default: whom they name)", OPT_TEXT, &o.auth_ocsp, false },
        { "--retry", "MS", "the longest pause between two tries to reach somebody, in milliseconds (default 5000)", OPT_NUMBER, &o.retry, false },
        { "--pid-file", "FILE", "written when the node is ready", OPT_TEXT, &o.pid_file, false },
        { "--log", "FILE", "instead of standard error", OPT_TEXT, &o.log, false },
        { 0 },
    };
    int status;
    proc_harden();
    if (opt_only("jpki-registry serve [OPTIONS]", "Runs a node until SIGTERM.", opts, argc, argv, &status))
        return status;
    struct node node = { .lock = PTHREAD_MUTEX_INITIALIZER };
    if (node_role_parse(o.role, &node.role))
        return opt_misuse("--role takes municipal, prefectural or national, not '%s'", o.role);
    if (o.retry < 1 || o.retry > 3600000)
        return opt_misuse("--retry takes 1 to 3600000 milliseconds");
    node.retry = o.retry;
    if (o.port < 0 || o.port > 65535)
        return opt_misuse("--port takes 0 to 65535");
    const char *misplaced = node.role != NODE_MUNICIPAL && o.national     ? "--national"
                            : node.role != NODE_MUNICIPAL && o.prefecture ? "--prefecture"
                            : node.role != NODE_MUNICIPAL && o.nodes      ? "--nodes"
                            : node.role != NODE_NATIONAL && o.ca          ? "--ca" : NULL;
    if (misplaced)
        return opt_misuse("%s is not for a %s node", misplaced, o.role);
    log_open("jpki-registry", LOG_INFO);
    if (o.log && log_to_file(o.log))
        return opt_fail("%s: cannot be written", o.log);
    struct err err = { 0 };
    enum rc rc = proc_catch_stop(&err);
    if (!rc)
        rc = serve_run(&node, &o, &err);
    if (rc) {
        log_error("%s", err_text(&err, rc));
        return opt_fail("%s", err_text(&err, rc));
    }
    log_info("stopped");
    return EXIT_DONE;
}

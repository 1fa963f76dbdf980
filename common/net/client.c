/* client.c — HTTPS requests over libcurl. One handle is kept, so that requests to one peer share a connection. Nothing of
 * the environment is used: no proxy, no trust but the identity's ca.pem. */
#include "net/client.h"

#include "base/clock.h"
#include "net/json.h"
#include "net/server.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct client {
    CURL *curl;
    char *base;
    unsigned roles; /* that the server may hold; 0: any */
    const char *municipality; /* that it must be of; NULL: any */
    char why[CURL_ERROR_SIZE];
};

struct sink {
    struct buf *out;
    enum rc rc;
};

static void client_prepare_library(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t client_take_body(char *data, size_t one, size_t len, void *context)
{
    struct sink *sink = context;
    sink->rc = buf_append(sink->out, data, len * one);
    return sink->rc == RC_OK ? len * one : 0;
}

/* Called by OpenSSL for each certificate of the server's chain: the last call is for its own. */
static int client_check_role(int ok, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct client *client = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (!ok || !client->roles || X509_STORE_CTX_get_error_depth(store) != 0)
        return ok;
    unsigned char *der = NULL;
    struct peer peer = { .role = ROLE_NONE };
    int len = i2d_X509(X509_STORE_CTX_get_current_cert(store), &der);
    bool expected = len > 0 && peer_from_cert(bytes_of(der, (size_t)len), &peer, NULL) == RC_OK
                    && (client->roles & ROLE_BIT(peer.role))
                    && (!client->municipality || strcmp(client->municipality, peer.municipality) == 0);
    OPENSSL_free(der);
    if (!expected)
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return expected;
}

/* Certificates are judged at the house's time of day (base/clock.h), like everything that is compared. */
static CURLcode client_set_rules(CURL *curl, void *ssl_ctx, void *context)
{
    (void)curl;
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(ssl_ctx), (time_t)clock_now());
    SSL_CTX_set_app_data(ssl_ctx, context);
    SSL_CTX_set_verify(ssl_ctx, SSL_VERIFY_PEER, client_check_role);
    return CURLE_OK;
}

static struct curl_blob client_blob(const struct buf *pem)
{
    return (struct curl_blob) { .data = pem->data, .len = pem->len, .flags = CURL_BLOB_COPY };
}

static bool client_configure(struct client *client, const struct identity *identity, long timeout)
{
    CURL *curl = client->curl;
    struct curl_blob ca = client_blob(&identity->ca_pem), cert = client_blob(&identity->cert_pem),
                     key = client_blob(&identity->key_pem);
    unsigned failed = 0;
#define SET(option, value) (failed |= (unsigned)curl_easy_setopt(curl, option, value))
    SET(CURLOPT_ERRORBUFFER, client->why);
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT, timeout);
    SET(CURLOPT_CONNECTTIMEOUT, timeout < 10 ? timeout : 10L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_CAINFO, NULL); /* the distribution's defaults */
    SET(CURLOPT_CAPATH, NULL);
    SET(CURLOPT_CAINFO_BLOB, &ca);
    SET(CURLOPT_SSLCERT_BLOB, &cert);
    SET(CURLOPT_SSLKEY_BLOB, &key);
    SET(CURLOPT_SSL_CTX_FUNCTION, client_set_rules);
    SET(CURLOPT_SSL_CTX_DATA, client);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L); /* a resumed session would not show the server's certificate again */
    SET(CURLOPT_WRITEFUNCTION, client_take_body);
#undef SET
    return failed == 0;
}

enum rc client_open(const char *base_url, const struct identity *identity, long timeout, struct client **client,
                    struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, client_prepare_library);
    if (strncmp(base_url, "https://", 8) != 0 || !base_url[8])
        return err_set(err, RC_USAGE, "'%s' is not an https:// URL", base_url);
    struct client *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    made->base = strdup(base_url);
    made->curl = curl_easy_init();
    enum rc rc = made->base && made->curl ? RC_OK : RC_NOMEM;
    if (rc == RC_OK && !client_configure(made, identity, timeout > 0 ? timeout : 30))
        rc = err_set(err, RC_BUG, "libcurl lacks an option that is needed");
    if (rc) {
        client_close(made);
        return rc;
    }
    size_t len = strlen(made->base);
    while (made->base[len - 1] == '/')
        made->base[--len] = '\0';
    *client = made;
    return RC_OK;
}

void client_expect(struct client *client, unsigned roles)
{
    client_expect_of(client, roles, NULL);
}

void client_expect_of(struct client *client, unsigned roles, const char *municipality)
{
    if (client->roles != roles || client->municipality != municipality)
        (void)curl_easy_setopt(client->curl, CURLOPT_FRESH_CONNECT, 1L); /* not over a connection to somebody else */
    client->roles = roles;
    client->municipality = municipality;
}

void client_close(struct client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    free(client->base);
    free(client);
}

/* What a failed transfer means for the caller: was the request perhaps carried out or certainly not? */
static enum rc client_translate(struct client *client, CURLcode code, const struct sink *sink)
{
    curl_off_t secured = 0;
    long sent = 0;
    (void)curl_easy_getinfo(client->curl, CURLINFO_APPCONNECT_TIME_T, &secured);
    (void)curl_easy_getinfo(client->curl, CURLINFO_REQUEST_SIZE, &sent);
    if (code == CURLE_WRITE_ERROR)
        return sink->rc ? sink->rc : RC_IO;
    if (code == CURLE_OUT_OF_MEMORY)
        return RC_NOMEM;
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
        return RC_USAGE;
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE
        || code == CURLE_SSL_ISSUER_ERROR)
        return RC_DENIED;
    if ((code == CURLE_SSL_CONNECT_ERROR || code == CURLE_RECV_ERROR) && strstr(client->why, " alert "))
        return RC_DENIED;
    return sent > 0 ? RC_TIMEOUT : RC_UNREACHABLE;
}

enum rc client_send(struct client *client, const char *method, const char *path, const char *content_type,
                    const struct bytes *body, unsigned *status, struct buf *out, struct err *err)
{
    CURL *curl = client->curl;
    struct sink sink = { .out = out };
    size_t start = out->len;
    char *url = NULL, *type = NULL;
    struct curl_slist *headers = NULL;
    enum rc rc = RC_NOMEM;
    if (asprintf(&url, "%s%s", client->base, path) < 0)
        return RC_NOMEM;
    if (asprintf(&type, "Content-Type: %s", content_type ? content_type : "application/octet-stream") < 0)
        goto out;
    headers = curl_slist_append(NULL, "Expect:"); /* no waiting for 100: bodies are small */
    if (!headers || !curl_slist_append(headers, body ? type : "Accept: */*"))
        goto out;
    client->why[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    if (body) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->len ? (const char *)body->data : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len);
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 0L);
    long got = 0;
    if (code == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &got);
    if (code != CURLE_OK || got <= 0) {
        rc = client_translate(client, code, &sink);
        buf_truncate(out, start);
        err_set(err, rc, "%s: %s", client->base, client->why[0] ? client->why : curl_easy_strerror(code));
        goto out;
    }
    *status = (unsigned)got;
    rc = RC_OK;
out:
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, NULL);
    curl_slist_free_all(headers);
    free(type);
    free(url);
    return rc;
}

/* The rc that an error object names; a name that is unknown, or RC_OK, leaves the one of the HTTP status. */
static enum rc client_read_error(unsigned status, const json_t *answer, struct err *err)
{
    enum rc rc = net_rc_of_status(status);
    const char *name = NULL, *text = NULL;
    const json_t *error = json_object_get(answer, "error");
    if (json_is_object(error) && json_want_text(error, "rc", 32, &name, NULL) == RC_OK)
        for (unsigned i = RC_OK + 1; i < RC_COUNT; i++)
            if (strcmp(rc_name((enum rc)i), name) == 0)
                rc = (enum rc)i;
    if (rc == RC_OK)
        rc = RC_REFUSED;
    if (name && json_want_text(error, "text", 300, &text, NULL) == RC_OK)
        return err_set(err, rc, "%s", text);
    return err_set(err, rc, "the peer answered with HTTP status %u", status);
}

enum rc client_json(struct client *client, const char *method, const char *path, const json_t *in, json_t **out,
                    struct err *err)
{
    struct buf sent = { .max = 16u * 1024u * 1024u }, got = { .max = 16u * 1024u * 1024u };
    json_t *answer = NULL;
    unsigned status = 0;
    enum rc rc = in ? json_write(in, &sent) : RC_OK;
    if (rc)
        goto out;
    struct bytes body = buf_bytes(&sent);
    rc = client_send(client, method, path, "application/json", in ? &body : NULL, &status, &got, err);
    if (rc)
        goto out;
    bool good = status >= 200 && status < 300;
    if (got.len) {
        rc = json_read(buf_bytes(&got), &answer, good ? err : NULL);
        if (rc && good)
            goto out;
    }
    rc = RC_OK;
    if (!good) {
        rc = client_read_error(status, answer, err);
        goto out;
    }
    if (out) {
        *out = answer;
        answer = NULL;
    }
out:
    json_decref(answer);
    buf_wipe(&got);
    buf_wipe(&sent);
    return rc;
}

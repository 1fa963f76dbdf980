/* verify.c — gathers the evidence in order and has it judged. */
#include "verify/verify.h"

#include "base/file.h"
#include "verify/crlstatus.h"
#include "verify/judge.h"
#include "verify/path.h"
#include "verify/signature.h"
#include "verify/timestamp.h"

#include <stdio.h>
#include <string.h>

static enum rc verify_signature(const struct verify_request *request, struct evidence *evidence, X509 **cert)
{
    struct evidence_signature *part = &evidence->signature;
    switch (signature_format_of(request->signature)) {
    case SIGNATURE_FORMAT_XML:
        return signature_xml_check(request->signature, request->element, part, cert);
    case SIGNATURE_FORMAT_CMS:
        if (request->has_content)
            return signature_cms_check(request->signature, request->content, part, cert);
        part->format = SIGNATURE_FORMAT_CMS;
        part->state = SIGNATURE_NO_CONTENT;
        snprintf(part->reason, sizeof part->reason, "the content that was signed is missing");
        return RC_OK;
    case SIGNATURE_FORMAT_UNKNOWN:
        break;
    }
    part->state = SIGNATURE_MALFORMED;
    snprintf(part->reason, sizeof part->reason, "neither a CMS message nor an XML document");
    return RC_OK;
}

/* The profile wants the four attributes in every signature certificate: without them nobody has signed. */
static enum rc verify_signer(X509 *cert, struct evidence *evidence)
{
    struct err words = { 0 };
    enum rc rc = attributes_from_cert(cert, &evidence->signer, &words);
    if (rc == RC_NOMEM)
        return rc;
    evidence->has_signer = rc == RC_OK;
    if (rc) {
        evidence->path.state = PATH_BROKEN;
        snprintf(evidence->path.reason, sizeof evidence->path.reason, "the certificate's four attributes: %.150s",
                 err_text(&words, rc));
    }
    return RC_OK;
}

static void verify_registry(const struct verify_request *request, struct evidence *evidence)
{
    struct evidence_registry *part = &evidence->registry;
    struct err words = { 0 };
    if (request->no_registry) {
        part->state = REGISTRY_WAIVED;
        return;
    }
    if (!request->confirm || evidence->signature.state != SIGNATURE_GOOD || evidence->path.state != PATH_GOOD)
        return;
    enum rc rc = request->confirm(request->confirm_context, evidence->path.serial, &part->confirmation, &words);
    part->state = rc == RC_OK ? REGISTRY_ANSWERED : REGISTRY_UNREACHABLE;
    if (rc) { /* whatever the reason: no answer */
        memset(&part->confirmation, 0, sizeof part->confirmation);
        snprintf(part->reason, sizeof part->reason, "%.230s", err_text(&words, rc));
    }
}

/* Silence of a list that was made after the certificate's end means nothing, and so does a list that is not there. */
static bool verify_status_speaks(const struct evidence *evidence)
{
    const struct evidence_status *s = &evidence->status;
    return s->state == STATUS_REVOKED || (s->state == STATUS_GOOD && s->this_update <= evidence->path.not_after);
}

/* The time-stamp beside a kept list: made after the list, and while the authority's key had not ended, so that nobody has made
 * the list since with a key that was broken. None: the archive is trusted to have had it. */
static enum rc verify_kept_stamp(const struct verify_request *request, int64_t key_end, struct evidence_status *kept)
{
    char path[1024];
    struct buf list = { .max = CRLSTATUS_MAX }, stamp = { 0 };
    struct evidence_timestamp found = { 0 };
    snprintf(path, sizeof path, "%s/%s.tsr", request->kept_folder, kept->path);
    if (file_read(path, &stamp, NULL) == RC_NOT_FOUND)
        return RC_OK;
    snprintf(path, sizeof path, "%s/%s", request->kept_folder, kept->path);
    enum rc rc = file_read(path, &list, NULL);
    if (rc != RC_NOMEM)
        rc = timestamp_check(buf_bytes(&stamp), buf_bytes(&list), request->timestamp_anchors, request->at, &found);
    bool holds = rc == RC_OK && found.state == TIMESTAMP_GOOD && found.time >= kept->this_update && found.time <= key_end &&
                 found.time <= request->at;
    kept->kept_since = holds ? found.time : 0;
    if (rc == RC_OK && !holds) {
        kept->state = STATUS_NOT_TRUSTED;
        snprintf(kept->reason, sizeof kept->reason, "the time-stamp of the list that was kept proves nothing%s%.150s",
                 found.reason[0] ? ": " : "", found.reason);
    }
    buf_wipe(&list);
    buf_wipe(&stamp);
    return rc;
}

/* Years later the lists have forgotten the certificate. One that was kept tells how it stood: made after the time-stamp, so that it
 * would tell of a revocation before it, and while the authority's key was in use. */
static enum rc verify_kept(const struct verify_request *request, X509 *cert, X509 *anchor, struct evidence *evidence)
{
    struct evidence_status kept = { 0 };
    const struct evidence_timestamp *stamp = &evidence->timestamp;
    if (!request->kept_folder || stamp->state != TIMESTAMP_GOOD || verify_status_speaks(evidence))
        return RC_OK;
    enum rc rc = crlstatus_check(cert, anchor, request->kept_folder, CRLSTATUS_OWN_TIME, &kept);
    if (rc)
        return rc;
    bool tells = kept.state == STATUS_GOOD || kept.state == STATUS_REVOKED;
    kept.kept = true;
    if (tells && kept.this_update < stamp->time) {
        kept.state = STATUS_NOT_IN_FORCE;
        snprintf(kept.reason, sizeof kept.reason, "the list that was kept was made before the time-stamp");
    } else if (tells && (kept.this_update > request->at || kept.this_update > evidence->path.anchor_not_after)) {
        kept.state = STATUS_NOT_IN_FORCE;
        snprintf(kept.reason, sizeof kept.reason, "the list that was kept is of a time when it could not have been made");
    }
    if (kept.state == STATUS_GOOD || kept.state == STATUS_REVOKED)
        rc = verify_kept_stamp(request, evidence->path.anchor_not_after, &kept);
    evidence->status = kept;
    return rc;
}

enum rc verify_run(const struct verify_request *request, struct evidence *evidence, struct verdict *verdict,
                   struct err *err)
{
    struct evidence found = { .at = request->at };
    X509 *cert = NULL, *anchor = NULL;
    enum rc rc = verify_signature(request, &found, &cert);
    if (rc == RC_OK && cert && request->anchors)
        rc = path_check(cert, request->anchors, PATH_FOR_DOCUMENTS, &found.path, &anchor);
    if (rc == RC_OK && found.path.state == PATH_GOOD)
        rc = verify_signer(cert, &found);
    if (rc == RC_OK && cert && anchor && request->crl_folder)
        rc = crlstatus_check(cert, anchor, request->crl_folder, request->at, &found.status);
    if (rc == RC_OK && request->timestamp.len)
        rc = timestamp_check(request->timestamp, request->signature, request->timestamp_anchors, request->at,
                             &found.timestamp);
    if (rc == RC_OK && cert && anchor)
        rc = verify_kept(request, cert, anchor, &found);
    X509_free(cert);
    if (rc)
        return err_set(err, rc, "verification: %s", rc_text(rc));
    verify_registry(request, &found);
    *evidence = found;
    judge(evidence, verdict); /* its words borrow from the caller's evidence */
    return RC_OK;
}

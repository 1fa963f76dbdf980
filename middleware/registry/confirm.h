/* confirm.h — online identity confirmation: is the person of this certificate still so? (national node) */
#ifndef JPKI_REGISTRY_CONFIRM_H
#define JPKI_REGISTRY_CONFIRM_H

#include "registry/registry_client.h"

enum confirm_status {
    CONFIRM_NOT_ASKED = 0, /* zero: what is forgotten fails closed */
    CONFIRM_UNKNOWN,       /* the network knows no such certificate */
    CONFIRM_CURRENT,       /* registered, and the four attributes are those of the day of issue */
    CONFIRM_CHANGED,       /* registered, but at least one of the four attributes changed at `since` */
    CONFIRM_REMOVED,       /* no longer registered (death, left the country, …) since `since` */
};

struct confirmation {
    enum confirm_status status;
    int64_t since; /* for CHANGED and REMOVED: when it became so; 0 otherwise */
    int64_t as_of; /* the national node's clock when it answered */
    char node[65]; /* the name in the node's certificate */
};

const char *confirm_status_name(enum confirm_status status); /* "current", … */

/* serial: hex as pki/cert.h writes it. Errors are those of client_json; a confirmation that could not be had leaves
 * *confirmation zeroed. */
enum rc registry_confirm(struct registry_client *client, enum authority authority, const char *serial,
                         struct confirmation *confirmation, struct err *err) MUST_CHECK;

/* The same, with the newest four attributes of a person who is registered. RC_DENIED: no consent to this service (the name in the
 * client's certificate) holds; RC_NOT_FOUND: the person is unknown or removed; *confirmation is filled then. */
enum rc registry_confirm_attributes(struct registry_client *client, enum authority authority, const char *serial,
                                    struct confirmation *confirmation, struct attributes *attributes,
                                    struct err *err) MUST_CHECK;

/* Brings the text that a resident signed (docs/PROTOCOLS.md, consents) and its detached CMS signature in hex. Again is the same. */
enum rc registry_consent(struct registry_client *client, const char *document, const char *signature_hex, bool withdrawal,
                         struct err *err) MUST_CHECK;

/* [{"authority","serial","not_after","status"}…] of the person of a certificate. RC_DENIED: this verifier may not have them. Caller decrefs. */
enum rc registry_serials(struct registry_client *client, enum authority authority, const char *serial, json_t **certificates,
                         struct err *err) MUST_CHECK;

#endif

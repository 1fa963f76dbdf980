/* operation.h — what a session is in the middle of: a digest, a signature, a verification. A state machine without the
 * card: it collects the data until it is what the mechanism's padding covers. */
#ifndef JPKI_PKCS11_OPERATION_H
#define JPKI_PKCS11_OPERATION_H

#include "pkcs11/mechanism.h"
#include "wire/applet.h"

enum operation_state {
    OPERATION_NONE, /* all zero */
    OPERATION_READY,
    OPERATION_PARTS, /* an Update was done: only a Final can follow */
};

struct operation {
    enum operation_state state;
    const struct mechanism *mechanism;
    CK_OBJECT_HANDLE key; /* of a signature */
    EVP_PKEY *public;     /* of a verification; owned */
    EVP_MD_CTX *digest;   /* when the mechanism has one */
    uint8_t data[APPLET_RAW_MAX]; /* else the data itself */
    size_t len;
    CK_ULONG result_len;  /* of the digest or the signature */
    bool authenticated;   /* a C_Login was made for this very operation */
};

/* Starts one. rsa_bits: of the key, where the mechanism is of RSA. public is shared (a reference is taken), or NULL.
 * CKR_OPERATION_ACTIVE, CKR_MECHANISM_PARAM_INVALID, CKR_FUNCTION_FAILED, CKR_HOST_MEMORY. */
CK_RV operation_start(struct operation *operation, const struct mechanism *mechanism, const CK_MECHANISM *params,
                      CK_OBJECT_HANDLE key, unsigned rsa_bits, EVP_PKEY *public);
void operation_wipe(struct operation *operation);

/* More data. CKR_OPERATION_NOT_INITIALIZED, CKR_DATA_LEN_RANGE, CKR_FUNCTION_FAILED; every failure but the first ends the
 * operation. */
CK_RV operation_update(struct operation *operation, const CK_BYTE *data, CK_ULONG len);

/* Appends what was collected: a hash for a digest and for PSS, a DigestInfo or the data itself for PKCS#1. The operation
 * is not ended. CKR_DATA_LEN_RANGE, CKR_FUNCTION_FAILED, CKR_HOST_MEMORY. */
CK_RV operation_collect(struct operation *operation, struct buf *out);

/* The two-call length rule for a result of result_len bytes: CKR_OK and *answer_now false: the caller asked for the length
 * and has it; CKR_BUFFER_TOO_SMALL. Neither ends the operation. */
CK_RV operation_measure(const struct operation *operation, const CK_BYTE *out, CK_ULONG *out_len, bool *answer_now);

#endif

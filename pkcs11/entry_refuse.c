/* entry_refuse.c — what a JPKI card cannot do, refused as the standard wants it: first that the module is in use and the
 * session there, then with the code that names the reason. Nothing here changes anything, and no argument is looked at. */
#include "pkcs11/entry.h"

CK_RV C_InitToken(CK_SLOT_ID slot_id, CK_BYTE *pin, CK_ULONG pin_len, CK_BYTE *label)
{
    (void)pin, (void)pin_len, (void)label;
    struct module *module;
    struct slot slot;
    CK_RV rv = module_enter(&module);
    if (rv != CKR_OK)
        return rv;
    rv = slot_find_token(module, slot_id, &slot);
    return module_leave(module, rv == CKR_OK ? CKR_TOKEN_WRITE_PROTECTED : rv);
}

/* A row each: the function as the standard declares it, and why not. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define REFUSED(name, parameters, why)                                                                                     \
    CK_RV name parameters                                                                                                  \
    {                                                                                                                      \
        return entry_refuse(session, why);                                                                                 \
    }

/* clang-format off */
REFUSED(C_InitPIN, (CK_SESSION_HANDLE session, CK_BYTE *pin, CK_ULONG pin_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_GetOperationState, (CK_SESSION_HANDLE session, CK_BYTE *operation_state, CK_ULONG *operation_state_len),
        CKR_STATE_UNSAVEABLE)
REFUSED(C_SetOperationState, (CK_SESSION_HANDLE session, CK_BYTE *operation_state, CK_ULONG operation_state_len,
        CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentiation_key), CKR_SAVED_STATE_INVALID)
REFUSED(C_CreateObject, (CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *object),
        CKR_TOKEN_WRITE_PROTECTED)
REFUSED(C_CopyObject, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count,
        CK_OBJECT_HANDLE *new_object), CKR_ACTION_PROHIBITED)
REFUSED(C_DestroyObject, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object), CKR_ACTION_PROHIBITED)
REFUSED(C_SetAttributeValue, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template,
        CK_ULONG count), CKR_ACTION_PROHIBITED)
REFUSED(C_EncryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_Encrypt, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *encrypted_data,
        CK_ULONG *encrypted_data_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_EncryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *encrypted_part,
        CK_ULONG *encrypted_part_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_EncryptFinal, (CK_SESSION_HANDLE session, CK_BYTE *last_encrypted_part, CK_ULONG *last_encrypted_part_len),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_DecryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_Decrypt, (CK_SESSION_HANDLE session, CK_BYTE *encrypted_data, CK_ULONG encrypted_data_len, CK_BYTE *data,
        CK_ULONG *data_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_DecryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *encrypted_part, CK_ULONG encrypted_part_len,
        CK_BYTE *part, CK_ULONG *part_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_DecryptFinal, (CK_SESSION_HANDLE session, CK_BYTE *last_part, CK_ULONG *last_part_len),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_SignRecoverInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_SignRecover, (CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
        CK_ULONG *signature_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_VerifyRecoverInit, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_VerifyRecover, (CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signature_len, CK_BYTE *data,
        CK_ULONG *data_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_DigestEncryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *encrypted_part,
        CK_ULONG *encrypted_part_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_DecryptDigestUpdate, (CK_SESSION_HANDLE session, CK_BYTE *encrypted_part, CK_ULONG encrypted_part_len,
        CK_BYTE *part, CK_ULONG *part_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_SignEncryptUpdate, (CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *encrypted_part,
        CK_ULONG *encrypted_part_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_DecryptVerifyUpdate, (CK_SESSION_HANDLE session, CK_BYTE *encrypted_part, CK_ULONG encrypted_part_len,
        CK_BYTE *part, CK_ULONG *part_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_GenerateKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template, CK_ULONG count,
        CK_OBJECT_HANDLE *key), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_GenerateKeyPair, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_key_template,
        CK_ULONG public_key_attribute_count, CK_ATTRIBUTE *private_key_template, CK_ULONG private_key_attribute_count,
        CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_WrapKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
        CK_OBJECT_HANDLE key, CK_BYTE *wrapped_key, CK_ULONG *wrapped_key_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_UnwrapKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key,
        CK_BYTE *wrapped_key, CK_ULONG wrapped_key_len, CK_ATTRIBUTE *template, CK_ULONG attribute_count,
        CK_OBJECT_HANDLE *key), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_DeriveKey, (CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
        CK_ATTRIBUTE *template, CK_ULONG attribute_count, CK_OBJECT_HANDLE *key), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_SeedRandom, (CK_SESSION_HANDLE session, CK_BYTE *seed, CK_ULONG seed_len), CKR_RANDOM_NO_RNG)
REFUSED(C_GenerateRandom, (CK_SESSION_HANDLE session, CK_BYTE *random_data, CK_ULONG random_len), CKR_RANDOM_NO_RNG)
REFUSED(C_GetFunctionStatus, (CK_SESSION_HANDLE session), CKR_FUNCTION_NOT_PARALLEL)
REFUSED(C_CancelFunction, (CK_SESSION_HANDLE session), CKR_FUNCTION_NOT_PARALLEL)
REFUSED(C_MessageEncryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_EncryptMessage, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
        CK_BYTE_PTR associated, CK_ULONG associated_len, CK_BYTE_PTR plain, CK_ULONG plain_len, CK_BYTE_PTR cipher,
        CK_ULONG_PTR cipher_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_EncryptMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
        CK_BYTE_PTR associated, CK_ULONG associated_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_EncryptMessageNext, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
        CK_BYTE_PTR plain, CK_ULONG plain_len, CK_BYTE_PTR cipher, CK_ULONG_PTR cipher_len, CK_FLAGS flags),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_MessageEncryptFinal, (CK_SESSION_HANDLE session), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_MessageDecryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_DecryptMessage, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
        CK_BYTE_PTR associated, CK_ULONG associated_len, CK_BYTE_PTR cipher, CK_ULONG cipher_len, CK_BYTE_PTR plain,
        CK_ULONG_PTR plain_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_DecryptMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
        CK_BYTE_PTR associated, CK_ULONG associated_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_DecryptMessageNext, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
        CK_BYTE_PTR cipher, CK_ULONG cipher_len, CK_BYTE_PTR plain, CK_ULONG_PTR plain_len, CK_FLAGS flags),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_MessageDecryptFinal, (CK_SESSION_HANDLE session), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_MessageSignInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_SignMessage, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,
        CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_SignMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_SignMessageNext, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,
        CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_MessageSignFinal, (CK_SESSION_HANDLE session), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_MessageVerifyInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_VerifyMessage, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,
        CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG signature_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_VerifyMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_VerifyMessageNext, (CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
        CK_BYTE_PTR data, CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG signature_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_MessageVerifyFinal, (CK_SESSION_HANDLE session), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_EncapsulateKey, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE public_key,
        CK_ATTRIBUTE_PTR template, CK_ULONG count, CK_BYTE_PTR cipher, CK_ULONG_PTR cipher_len,
        CK_OBJECT_HANDLE_PTR key), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_DecapsulateKey, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE private_key,
        CK_ATTRIBUTE_PTR template, CK_ULONG count, CK_BYTE_PTR cipher, CK_ULONG cipher_len, CK_OBJECT_HANDLE_PTR key),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_VerifySignatureInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key,
        CK_BYTE_PTR signature, CK_ULONG signature_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_VerifySignature, (CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_VerifySignatureUpdate, (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_VerifySignatureFinal, (CK_SESSION_HANDLE session), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_GetSessionValidationFlags, (CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type,
        CK_FLAGS *flags), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_AsyncComplete, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ASYNC_DATA_PTR result),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_AsyncGetID, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id),
        CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_AsyncJoin, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG id, CK_BYTE_PTR data,
        CK_ULONG data_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_WrapKeyAuthenticated, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping_key,
        CK_OBJECT_HANDLE key, CK_BYTE_PTR associated, CK_ULONG associated_len, CK_BYTE_PTR wrapped,
        CK_ULONG_PTR wrapped_len), CKR_FUNCTION_NOT_SUPPORTED)
REFUSED(C_UnwrapKeyAuthenticated, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
        CK_OBJECT_HANDLE unwrapping_key, CK_BYTE_PTR wrapped, CK_ULONG wrapped_len, CK_ATTRIBUTE_PTR template,
        CK_ULONG count, CK_BYTE_PTR associated, CK_ULONG associated_len, CK_OBJECT_HANDLE_PTR key),
        CKR_FUNCTION_NOT_SUPPORTED)

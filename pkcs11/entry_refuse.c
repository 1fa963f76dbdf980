/* entry_refuse.c — what a JPKI card cannot do, refused as the standard wants it: first that the module is in use and the
 * session there, then with the code that names the reason. Nothing here changes anything. */
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

CK_RV C_InitPIN(CK_SESSION_HANDLE session, CK_BYTE *pin, CK_ULONG pin_len)
{
    (void)pin, (void)pin_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_GetOperationState(CK_SESSION_HANDLE session, CK_BYTE *operation_state, CK_ULONG *operation_state_len)
{
    (void)operation_state, (void)operation_state_len;
    return entry_refuse(session, CKR_STATE_UNSAVEABLE);
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE session, CK_BYTE *operation_state, CK_ULONG operation_state_len,
                          CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentiation_key)
{
    (void)operation_state, (void)operation_state_len, (void)encryption_key, (void)authentiation_key;
    return entry_refuse(session, CKR_SAVED_STATE_INVALID);
}

CK_RV C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    (void)template, (void)count, (void)object;
    return entry_refuse(session, CKR_TOKEN_WRITE_PROTECTED);
}

CK_RV C_CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count,
                   CK_OBJECT_HANDLE *new_object)
{
    (void)object, (void)template, (void)count, (void)new_object;
    return entry_refuse(session, CKR_ACTION_PROHIBITED);
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    (void)object;
    return entry_refuse(session, CKR_ACTION_PROHIBITED);
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count)
{
    (void)object, (void)template, (void)count;
    return entry_refuse(session, CKR_ACTION_PROHIBITED);
}

CK_RV C_EncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)mechanism, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_Encrypt(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *encrypted_data,
                CK_ULONG *encrypted_data_len)
{
    (void)data, (void)data_len, (void)encrypted_data, (void)encrypted_data_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *encrypted_part,
                      CK_ULONG *encrypted_part_len)
{
    (void)part, (void)part_len, (void)encrypted_part, (void)encrypted_part_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE session, CK_BYTE *last_encrypted_part, CK_ULONG *last_encrypted_part_len)
{
    (void)last_encrypted_part, (void)last_encrypted_part_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)mechanism, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_Decrypt(CK_SESSION_HANDLE session, CK_BYTE *encrypted_data, CK_ULONG encrypted_data_len, CK_BYTE *data,
                CK_ULONG *data_len)
{
    (void)encrypted_data, (void)encrypted_data_len, (void)data, (void)data_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *encrypted_part, CK_ULONG encrypted_part_len, CK_BYTE *part,
                      CK_ULONG *part_len)
{
    (void)encrypted_part, (void)encrypted_part_len, (void)part, (void)part_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE session, CK_BYTE *last_part, CK_ULONG *last_part_len)
{
    (void)last_part, (void)last_part_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_SignRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)mechanism, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_SignRecover(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature,
                    CK_ULONG *signature_len)
{
    (void)data, (void)data_len, (void)signature, (void)signature_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_VerifyRecoverInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    (void)mechanism, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_VerifyRecover(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signature_len, CK_BYTE *data,
                      CK_ULONG *data_len)
{
    (void)signature, (void)signature_len, (void)data, (void)data_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *encrypted_part,
                            CK_ULONG *encrypted_part_len)
{
    (void)part, (void)part_len, (void)encrypted_part, (void)encrypted_part_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *encrypted_part, CK_ULONG encrypted_part_len,
                            CK_BYTE *part, CK_ULONG *part_len)
{
    (void)encrypted_part, (void)encrypted_part_len, (void)part, (void)part_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *encrypted_part,
                          CK_ULONG *encrypted_part_len)
{
    (void)part, (void)part_len, (void)encrypted_part, (void)encrypted_part_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *encrypted_part, CK_ULONG encrypted_part_len,
                            CK_BYTE *part, CK_ULONG *part_len)
{
    (void)encrypted_part, (void)encrypted_part_len, (void)part, (void)part_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template, CK_ULONG count,
                    CK_OBJECT_HANDLE *key)
{
    (void)mechanism, (void)template, (void)count, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_key_template,
                        CK_ULONG public_key_attribute_count, CK_ATTRIBUTE *private_key_template,
                        CK_ULONG private_key_attribute_count, CK_OBJECT_HANDLE *public_key,
                        CK_OBJECT_HANDLE *private_key)
{
    (void)mechanism, (void)public_key_template, (void)public_key_attribute_count, (void)private_key_template,
        (void)private_key_attribute_count, (void)public_key, (void)private_key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_WrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                CK_OBJECT_HANDLE key, CK_BYTE *wrapped_key, CK_ULONG *wrapped_key_len)
{
    (void)mechanism, (void)wrapping_key, (void)key, (void)wrapped_key, (void)wrapped_key_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key,
                  CK_BYTE *wrapped_key, CK_ULONG wrapped_key_len, CK_ATTRIBUTE *template, CK_ULONG attribute_count,
                  CK_OBJECT_HANDLE *key)
{
    (void)mechanism, (void)unwrapping_key, (void)wrapped_key, (void)wrapped_key_len, (void)template,
        (void)attribute_count, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_DeriveKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
                  CK_ATTRIBUTE *template, CK_ULONG attribute_count, CK_OBJECT_HANDLE *key)
{
    (void)mechanism, (void)base_key, (void)template, (void)attribute_count, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_SeedRandom(CK_SESSION_HANDLE session, CK_BYTE *seed, CK_ULONG seed_len)
{
    (void)seed, (void)seed_len;
    return entry_refuse(session, CKR_RANDOM_NO_RNG);
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE session, CK_BYTE *random_data, CK_ULONG random_len)
{
    (void)random_data, (void)random_len;
    return entry_refuse(session, CKR_RANDOM_NO_RNG);
}

CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE session)
{
    return entry_refuse(session, CKR_FUNCTION_NOT_PARALLEL);
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE session)
{
    return entry_refuse(session, CKR_FUNCTION_NOT_PARALLEL);
}

CK_RV C_MessageEncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    (void)mechanism, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_EncryptMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                       CK_BYTE_PTR associated, CK_ULONG associated_len, CK_BYTE_PTR plain, CK_ULONG plain_len,
                       CK_BYTE_PTR cipher, CK_ULONG_PTR cipher_len)
{
    (void)parameter, (void)parameter_len, (void)associated, (void)associated_len, (void)plain, (void)plain_len,
        (void)cipher, (void)cipher_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_EncryptMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                            CK_BYTE_PTR associated, CK_ULONG associated_len)
{
    (void)parameter, (void)parameter_len, (void)associated, (void)associated_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_EncryptMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                           CK_BYTE_PTR plain, CK_ULONG plain_len, CK_BYTE_PTR cipher, CK_ULONG_PTR cipher_len,
                           CK_FLAGS flags)
{
    (void)parameter, (void)parameter_len, (void)plain, (void)plain_len, (void)cipher, (void)cipher_len, (void)flags;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_MessageEncryptFinal(CK_SESSION_HANDLE session)
{
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_MessageDecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    (void)mechanism, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_DecryptMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                       CK_BYTE_PTR associated, CK_ULONG associated_len, CK_BYTE_PTR cipher, CK_ULONG cipher_len,
                       CK_BYTE_PTR plain, CK_ULONG_PTR plain_len)
{
    (void)parameter, (void)parameter_len, (void)associated, (void)associated_len, (void)cipher, (void)cipher_len,
        (void)plain, (void)plain_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_DecryptMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                            CK_BYTE_PTR associated, CK_ULONG associated_len)
{
    (void)parameter, (void)parameter_len, (void)associated, (void)associated_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_DecryptMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                           CK_BYTE_PTR cipher, CK_ULONG cipher_len, CK_BYTE_PTR plain, CK_ULONG_PTR plain_len,
                           CK_FLAGS flags)
{
    (void)parameter, (void)parameter_len, (void)cipher, (void)cipher_len, (void)plain, (void)plain_len, (void)flags;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_MessageDecryptFinal(CK_SESSION_HANDLE session)
{
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_MessageSignInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    (void)mechanism, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_SignMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,
                    CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len)
{
    (void)parameter, (void)parameter_len, (void)data, (void)data_len, (void)signature, (void)signature_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_SignMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len)
{
    (void)parameter, (void)parameter_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_SignMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,
                        CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len)
{
    (void)parameter, (void)parameter_len, (void)data, (void)data_len, (void)signature, (void)signature_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_MessageSignFinal(CK_SESSION_HANDLE session)
{
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_MessageVerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key)
{
    (void)mechanism, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_VerifyMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,
                      CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG signature_len)
{
    (void)parameter, (void)parameter_len, (void)data, (void)data_len, (void)signature, (void)signature_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_VerifyMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len)
{
    (void)parameter, (void)parameter_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_VerifyMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,
                          CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG signature_len)
{
    (void)parameter, (void)parameter_len, (void)data, (void)data_len, (void)signature, (void)signature_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_MessageVerifyFinal(CK_SESSION_HANDLE session)
{
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_EncapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE public_key,
                       CK_ATTRIBUTE_PTR template, CK_ULONG count, CK_BYTE_PTR cipher, CK_ULONG_PTR cipher_len,
                       CK_OBJECT_HANDLE_PTR key)
{
    (void)mechanism, (void)public_key, (void)template, (void)count, (void)cipher, (void)cipher_len, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_DecapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE private_key,
                       CK_ATTRIBUTE_PTR template, CK_ULONG count, CK_BYTE_PTR cipher, CK_ULONG cipher_len,
                       CK_OBJECT_HANDLE_PTR key)
{
    (void)mechanism, (void)private_key, (void)template, (void)count, (void)cipher, (void)cipher_len, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_VerifySignatureInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key,
                            CK_BYTE_PTR signature, CK_ULONG signature_len)
{
    (void)mechanism, (void)key, (void)signature, (void)signature_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_VerifySignature(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len)
{
    (void)data, (void)data_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_VerifySignatureUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len)
{
    (void)part, (void)part_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_VerifySignatureFinal(CK_SESSION_HANDLE session)
{
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_GetSessionValidationFlags(CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *flags)
{
    (void)type, (void)flags;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_AsyncComplete(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ASYNC_DATA_PTR result)
{
    (void)function, (void)result;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_AsyncGetID(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id)
{
    (void)function, (void)id;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_AsyncJoin(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG id, CK_BYTE_PTR data,
                  CK_ULONG data_len)
{
    (void)function, (void)id, (void)data, (void)data_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_WrapKeyAuthenticated(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping_key,
                             CK_OBJECT_HANDLE key, CK_BYTE_PTR associated, CK_ULONG associated_len, CK_BYTE_PTR wrapped,
                             CK_ULONG_PTR wrapped_len)
{
    (void)mechanism, (void)wrapping_key, (void)key, (void)associated,
        (void)associated_len, (void)wrapped, (void)wrapped_len;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_UnwrapKeyAuthenticated(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE unwrapping_key,
                               CK_BYTE_PTR wrapped, CK_ULONG wrapped_len, CK_ATTRIBUTE_PTR template, CK_ULONG count,
                               CK_BYTE_PTR associated, CK_ULONG associated_len, CK_OBJECT_HANDLE_PTR key)
{
    (void)mechanism, (void)unwrapping_key, (void)wrapped, (void)wrapped_len, (void)template,
        (void)count, (void)associated, (void)associated_len, (void)key;
    return entry_refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

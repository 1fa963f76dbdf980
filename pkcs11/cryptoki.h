/* cryptoki.h — PKCS#11 2.40 as p11-kit declares it, and what versions 3.0 and 3.2 add, written from the OASIS
 * specification (PKCS #11 Specification Version 3.0, §3.1 types, §5.4 interfaces, §5.6.7 and §5.6.9, §5.9 to §5.19
 * messages; Version 3.2, the general data types and the twelve functions at the end of its list). Debian's headers
 * (p11-kit 0.24) have only the first. Everything declared here is exported by the module. */
#ifndef JPKI_PKCS11_CRYPTOKI_H
#define JPKI_PKCS11_CRYPTOKI_H

#pragma GCC visibility push(default)

#include <p11-kit/pkcs11.h>

/* --- §3.1, §3.6: interfaces ------------------------------------------------------------------------------------------ */
typedef struct CK_INTERFACE {
    CK_UTF8CHAR *pInterfaceName;
    CK_VOID_PTR pFunctionList;
    CK_FLAGS flags;
} CK_INTERFACE;
typedef CK_INTERFACE *CK_INTERFACE_PTR;
typedef CK_INTERFACE_PTR *CK_INTERFACE_PTR_PTR;

#define CKF_INTERFACE_FORK_SAFE 0x00000001UL

/* --- §5.6.9: which operations C_SessionCancel ends, where 2.40 has no flag of that value ------------------------------ */
#define CKF_MESSAGE_ENCRYPT 0x00000002UL
#define CKF_MESSAGE_DECRYPT 0x00000004UL
#define CKF_MESSAGE_SIGN 0x00000008UL
#define CKF_MESSAGE_VERIFY 0x00000010UL
#define CKF_FIND_OBJECTS 0x00000040UL

#define CKR_OPERATION_CANCEL_FAILED 0x00000202UL

#define CKO_PROFILE 0x00000009UL
#define CKA_UNIQUE_ID 0x00000004UL
#define CKA_PROFILE_ID 0x00000601UL

#define CKP_BASELINE_PROVIDER 0x00000001UL
#define CKP_EXTENDED_PROVIDER 0x00000002UL
#define CKP_AUTHENTICATION_TOKEN 0x00000003UL
#define CKP_PUBLIC_CERTIFICATES_TOKEN 0x00000004UL

/* --- ours: on the data object "PIN Tries Left" of each token, CK_ULONG; CK_UNAVAILABLE_INFORMATION when the card has not
 * told (docs/MODULE.md) -------------------------------------------------------------------------------------------------- */
#define CKA_JPKI_PIN_TRIES (CKA_VENDOR_DEFINED | 0x4A504B01UL)
#define CKA_JPKI_PIN_TRIES_MAX (CKA_VENDOR_DEFINED | 0x4A504B02UL)

/* --- the functions of 3.0, in the order of its function list ---------------------------------------------------------- */
typedef CK_RV (*CK_C_GetInterfaceList)(CK_INTERFACE_PTR, CK_ULONG_PTR);
typedef CK_RV (*CK_C_GetInterface)(CK_UTF8CHAR_PTR, CK_VERSION_PTR, CK_INTERFACE_PTR_PTR, CK_FLAGS);
typedef CK_RV (*CK_C_LoginUser)(CK_SESSION_HANDLE, CK_USER_TYPE, CK_UTF8CHAR_PTR, CK_ULONG, CK_UTF8CHAR_PTR, CK_ULONG);
typedef CK_RV (*CK_C_SessionCancel)(CK_SESSION_HANDLE, CK_FLAGS);
/* The message functions come in four shapes: begin a series, one message, begin a message, continue a message. */
typedef CK_RV (*CK_C_MessageEncryptInit)(CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE);
typedef CK_RV (*CK_C_EncryptMessage)(CK_SESSION_HANDLE, CK_VOID_PTR, CK_ULONG, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR,
                                     CK_ULONG, CK_BYTE_PTR, CK_ULONG_PTR);
typedef CK_RV (*CK_C_EncryptMessageBegin)(CK_SESSION_HANDLE, CK_VOID_PTR, CK_ULONG, CK_BYTE_PTR, CK_ULONG);
typedef CK_RV (*CK_C_EncryptMessageNext)(CK_SESSION_HANDLE, CK_VOID_PTR, CK_ULONG, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR,
                                         CK_ULONG_PTR, CK_FLAGS);
typedef CK_RV (*CK_C_MessageFinal)(CK_SESSION_HANDLE);
typedef CK_C_MessageEncryptInit CK_C_MessageDecryptInit, CK_C_MessageSignInit, CK_C_MessageVerifyInit;
typedef CK_C_EncryptMessage CK_C_DecryptMessage;
typedef CK_C_EncryptMessageBegin CK_C_DecryptMessageBegin;
typedef CK_C_EncryptMessageNext CK_C_DecryptMessageNext;
typedef CK_C_MessageFinal CK_C_MessageEncryptFinal, CK_C_MessageDecryptFinal, CK_C_MessageSignFinal,
    CK_C_MessageVerifyFinal;
typedef CK_RV (*CK_C_SignMessage)(CK_SESSION_HANDLE, CK_VOID_PTR, CK_ULONG, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR,
                                  CK_ULONG_PTR);
typedef CK_RV (*CK_C_SignMessageBegin)(CK_SESSION_HANDLE, CK_VOID_PTR, CK_ULONG);
typedef CK_C_SignMessage CK_C_SignMessageNext;
typedef CK_RV (*CK_C_VerifyMessage)(CK_SESSION_HANDLE, CK_VOID_PTR, CK_ULONG, CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR,
                                    CK_ULONG);
typedef CK_C_SignMessageBegin CK_C_VerifyMessageBegin;
typedef CK_C_VerifyMessage CK_C_VerifyMessageNext;

/* --- the functions of 3.2: key encapsulation, verification with the signature first, validation, completion of what was
 * begun asynchronously, authenticated wrapping ------------------------------------------------------------------------- */
typedef CK_ULONG CK_SESSION_VALIDATION_FLAGS_TYPE;

typedef struct CK_ASYNC_DATA {
    CK_ULONG ulVersion;
    CK_BYTE_PTR pValue;
    CK_ULONG ulValue;
    CK_OBJECT_HANDLE hObject;
    CK_OBJECT_HANDLE hAdditionalObject;
} CK_ASYNC_DATA;
typedef CK_ASYNC_DATA *CK_ASYNC_DATA_PTR;

typedef CK_RV (*CK_C_EncapsulateKey)(CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE, CK_ATTRIBUTE_PTR, CK_ULONG,
                                     CK_BYTE_PTR, CK_ULONG_PTR, CK_OBJECT_HANDLE_PTR);
typedef CK_RV (*CK_C_DecapsulateKey)(CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE, CK_ATTRIBUTE_PTR, CK_ULONG,
                                     CK_BYTE_PTR, CK_ULONG, CK_OBJECT_HANDLE_PTR);
typedef CK_RV (*CK_C_VerifySignatureInit)(CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE, CK_BYTE_PTR, CK_ULONG);
typedef CK_RV (*CK_C_VerifySignature)(CK_SESSION_HANDLE, CK_BYTE_PTR, CK_ULONG);
typedef CK_C_VerifySignature CK_C_VerifySignatureUpdate;
typedef CK_C_MessageFinal CK_C_VerifySignatureFinal;
typedef CK_RV (*CK_C_GetSessionValidationFlags)(CK_SESSION_HANDLE, CK_SESSION_VALIDATION_FLAGS_TYPE, CK_FLAGS *);
typedef CK_RV (*CK_C_AsyncComplete)(CK_SESSION_HANDLE, CK_UTF8CHAR_PTR, CK_ASYNC_DATA_PTR);
typedef CK_RV (*CK_C_AsyncGetID)(CK_SESSION_HANDLE, CK_UTF8CHAR_PTR, CK_ULONG_PTR);
typedef CK_RV (*CK_C_AsyncJoin)(CK_SESSION_HANDLE, CK_UTF8CHAR_PTR, CK_ULONG, CK_BYTE_PTR, CK_ULONG);
typedef CK_RV (*CK_C_WrapKeyAuthenticated)(CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE, CK_OBJECT_HANDLE,
                                           CK_BYTE_PTR, CK_ULONG, CK_BYTE_PTR, CK_ULONG_PTR);
typedef CK_RV (*CK_C_UnwrapKeyAuthenticated)(CK_SESSION_HANDLE, CK_MECHANISM_PTR, CK_OBJECT_HANDLE, CK_BYTE_PTR, CK_ULONG,
                                             CK_ATTRIBUTE_PTR, CK_ULONG, CK_BYTE_PTR, CK_ULONG, CK_OBJECT_HANDLE_PTR);

/* Every function of 2.40 in the order of its list, then those of 3.0 and 3.2: ROW(name). */
#define CRYPTOKI_FUNCTIONS_2_40(ROW)                                                                                       \
    ROW(C_Initialize) ROW(C_Finalize) ROW(C_GetInfo) ROW(C_GetFunctionList) ROW(C_GetSlotList) ROW(C_GetSlotInfo)          \
    ROW(C_GetTokenInfo) ROW(C_GetMechanismList) ROW(C_GetMechanismInfo) ROW(C_InitToken) ROW(C_InitPIN) ROW(C_SetPIN)      \
    ROW(C_OpenSession) ROW(C_CloseSession) ROW(C_CloseAllSessions) ROW(C_GetSessionInfo) ROW(C_GetOperationState)          \
    ROW(C_SetOperationState) ROW(C_Login) ROW(C_Logout) ROW(C_CreateObject) ROW(C_CopyObject) ROW(C_DestroyObject)         \
    ROW(C_GetObjectSize) ROW(C_GetAttributeValue) ROW(C_SetAttributeValue) ROW(C_FindObjectsInit) ROW(C_FindObjects)       \
    ROW(C_FindObjectsFinal) ROW(C_EncryptInit) ROW(C_Encrypt) ROW(C_EncryptUpdate) ROW(C_EncryptFinal) ROW(C_DecryptInit)  \
    ROW(C_Decrypt) ROW(C_DecryptUpdate) ROW(C_DecryptFinal) ROW(C_DigestInit) ROW(C_Digest) ROW(C_DigestUpdate)            \
    ROW(C_DigestKey) ROW(C_DigestFinal) ROW(C_SignInit) ROW(C_Sign) ROW(C_SignUpdate) ROW(C_SignFinal)                     \
    ROW(C_SignRecoverInit) ROW(C_SignRecover) ROW(C_VerifyInit) ROW(C_Verify) ROW(C_VerifyUpdate) ROW(C_VerifyFinal)       \
    ROW(C_VerifyRecoverInit) ROW(C_VerifyRecover) ROW(C_DigestEncryptUpdate) ROW(C_DecryptDigestUpdate)                    \
    ROW(C_SignEncryptUpdate) ROW(C_DecryptVerifyUpdate) ROW(C_GenerateKey) ROW(C_GenerateKeyPair) ROW(C_WrapKey)           \
    ROW(C_UnwrapKey) ROW(C_DeriveKey) ROW(C_SeedRandom) ROW(C_GenerateRandom) ROW(C_GetFunctionStatus)                     \
    ROW(C_CancelFunction) ROW(C_WaitForSlotEvent)

#define CRYPTOKI_FUNCTIONS_3_0(ROW)                                                                                        \
    ROW(C_GetInterfaceList) ROW(C_GetInterface) ROW(C_LoginUser) ROW(C_SessionCancel) ROW(C_MessageEncryptInit)            \
    ROW(C_EncryptMessage) ROW(C_EncryptMessageBegin) ROW(C_EncryptMessageNext) ROW(C_MessageEncryptFinal)                  \
    ROW(C_MessageDecryptInit) ROW(C_DecryptMessage) ROW(C_DecryptMessageBegin) ROW(C_DecryptMessageNext)                   \
    ROW(C_MessageDecryptFinal) ROW(C_MessageSignInit) ROW(C_SignMessage) ROW(C_SignMessageBegin) ROW(C_SignMessageNext)    \
    ROW(C_MessageSignFinal) ROW(C_MessageVerifyInit) ROW(C_VerifyMessage) ROW(C_VerifyMessageBegin)                        \
    ROW(C_VerifyMessageNext) ROW(C_MessageVerifyFinal)

#define CRYPTOKI_FUNCTIONS_3_2(ROW)                                                                                        \
    ROW(C_EncapsulateKey) ROW(C_DecapsulateKey) ROW(C_VerifySignatureInit) ROW(C_VerifySignature)                          \
    ROW(C_VerifySignatureUpdate) ROW(C_VerifySignatureFinal) ROW(C_GetSessionValidationFlags) ROW(C_AsyncComplete)         \
    ROW(C_AsyncGetID) ROW(C_AsyncJoin) ROW(C_WrapKeyAuthenticated) ROW(C_UnwrapKeyAuthenticated)

#define CRYPTOKI_MEMBER(name) CK_##name name;
typedef struct CK_FUNCTION_LIST_3_0 {
    CK_VERSION version;
    CRYPTOKI_FUNCTIONS_2_40(CRYPTOKI_MEMBER)
    CRYPTOKI_FUNCTIONS_3_0(CRYPTOKI_MEMBER)
} CK_FUNCTION_LIST_3_0;
typedef CK_FUNCTION_LIST_3_0 *CK_FUNCTION_LIST_3_0_PTR;

typedef struct CK_FUNCTION_LIST_3_2 {
    CK_VERSION version;
    CRYPTOKI_FUNCTIONS_2_40(CRYPTOKI_MEMBER)
    CRYPTOKI_FUNCTIONS_3_0(CRYPTOKI_MEMBER)
    CRYPTOKI_FUNCTIONS_3_2(CRYPTOKI_MEMBER)
} CK_FUNCTION_LIST_3_2;
typedef CK_FUNCTION_LIST_3_2 *CK_FUNCTION_LIST_3_2_PTR;

CK_RV C_GetInterfaceList(CK_INTERFACE_PTR interfaces, CK_ULONG_PTR count);
CK_RV C_GetInterface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR interface, CK_FLAGS flags);
CK_RV C_LoginUser(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len,
                  CK_UTF8CHAR_PTR name, CK_ULONG name_len);
CK_RV C_SessionCancel(CK_SESSION_HANDLE session, CK_FLAGS flags);
CK_RV C_MessageEncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key);
CK_RV C_EncryptMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR associated,
                       CK_ULONG associated_len, CK_BYTE_PTR plain, CK_ULONG plain_len, CK_BYTE_PTR cipher,
                       CK_ULONG_PTR cipher_len);
CK_RV C_EncryptMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                            CK_BYTE_PTR associated, CK_ULONG associated_len);
CK_RV C_EncryptMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR plain,
                           CK_ULONG plain_len, CK_BYTE_PTR cipher, CK_ULONG_PTR cipher_len, CK_FLAGS flags);
CK_RV C_MessageEncryptFinal(CK_SESSION_HANDLE session);
CK_RV C_MessageDecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key);
CK_RV C_DecryptMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR associated,
                       CK_ULONG associated_len, CK_BYTE_PTR cipher, CK_ULONG cipher_len, CK_BYTE_PTR plain,
                       CK_ULONG_PTR plain_len);
CK_RV C_DecryptMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len,
                            CK_BYTE_PTR associated, CK_ULONG associated_len);
CK_RV C_DecryptMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR cipher,
                           CK_ULONG cipher_len, CK_BYTE_PTR plain, CK_ULONG_PTR plain_len, CK_FLAGS flags);
CK_RV C_MessageDecryptFinal(CK_SESSION_HANDLE session);
CK_RV C_MessageSignInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key);
CK_RV C_SignMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,
                    CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len);
CK_RV C_SignMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len);
CK_RV C_SignMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,
                        CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len);
CK_RV C_MessageSignFinal(CK_SESSION_HANDLE session);
CK_RV C_MessageVerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key);
CK_RV C_VerifyMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,
                      CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG signature_len);
CK_RV C_VerifyMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len);
CK_RV C_VerifyMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len, CK_BYTE_PTR data,
                          CK_ULONG data_len, CK_BYTE_PTR signature, CK_ULONG signature_len);
CK_RV C_MessageVerifyFinal(CK_SESSION_HANDLE session);
CK_RV C_EncapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE public_key,
                       CK_ATTRIBUTE_PTR template, CK_ULONG count, CK_BYTE_PTR cipher, CK_ULONG_PTR cipher_len,
                       CK_OBJECT_HANDLE_PTR key);
CK_RV C_DecapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE private_key,
                       CK_ATTRIBUTE_PTR template, CK_ULONG count, CK_BYTE_PTR cipher, CK_ULONG cipher_len,
                       CK_OBJECT_HANDLE_PTR key);
CK_RV C_VerifySignatureInit(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key,
                            CK_BYTE_PTR signature, CK_ULONG signature_len);
CK_RV C_VerifySignature(CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len);
CK_RV C_VerifySignatureUpdate(CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len);
CK_RV C_VerifySignatureFinal(CK_SESSION_HANDLE session);
CK_RV C_GetSessionValidationFlags(CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *flags);
CK_RV C_AsyncComplete(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ASYNC_DATA_PTR result);
CK_RV C_AsyncGetID(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id);
CK_RV C_AsyncJoin(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG id, CK_BYTE_PTR data,
                  CK_ULONG data_len);
CK_RV C_WrapKeyAuthenticated(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE wrapping_key,
                             CK_OBJECT_HANDLE key, CK_BYTE_PTR associated, CK_ULONG associated_len, CK_BYTE_PTR wrapped,
                             CK_ULONG_PTR wrapped_len);
CK_RV C_UnwrapKeyAuthenticated(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE unwrapping_key,
                               CK_BYTE_PTR wrapped, CK_ULONG wrapped_len, CK_ATTRIBUTE_PTR template, CK_ULONG count,
                               CK_BYTE_PTR associated, CK_ULONG associated_len, CK_OBJECT_HANDLE_PTR key);

#pragma GCC visibility pop

#endif

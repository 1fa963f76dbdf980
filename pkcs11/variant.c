/* variant.c — which tokens a build of the module shows. Two tokens that want two PINs confuse browsers, which ask for
 * both: jpki-pkcs11-auth.so and jpki-pkcs11-sign.so show one each. */
#include "pkcs11/module.h"

const unsigned module_kinds = JPKI_MODULE_KINDS;

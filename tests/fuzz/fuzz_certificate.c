/* fuzz_certificate.c — a file that a card calls a certificate: found in its filler, taken apart by the module and by
 * those who read the four attributes. */
#include "fuzz.h"

#include "pki/attributes.h"
#include "pki/cert.h"
#include "pkcs11/certificate.h"
#include "pkcs11/crypto.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return crypto_open() ? 1 : 0;
}

/* The module's way. What it gives out is complete. */
static void take_apart(struct bytes der)
{
    struct certificate certificate = {0};
    crypto_enter();
    if (certificate_init(&certificate, der) == RC_OK) {
        bool ec = certificate_is_ec(&certificate);
        FUZZ_CHECK(certificate.key && certificate.subject.len && certificate.issuer.len && certificate.serial.len);
        FUZZ_CHECK(bytes_equal(buf_bytes(&certificate.der), der));
        FUZZ_CHECK(ec ? certificate.ec_parameters.len && certificate.ec_point.len && !certificate.modulus.len
                      : certificate.modulus.len && certificate.exponent.len && !certificate.ec_point.len);
    } else {
        FUZZ_CHECK(!certificate.key && !certificate.der.len);
    }
    certificate_wipe(&certificate);
    crypto_leave();
}

static void read_person(X509 *cert)
{
    struct attributes attributes;
    struct err err = {0};
    struct buf serial = {0}, again = {0};
    if (attributes_from_cert(cert, &attributes, &err) == RC_OK)
        FUZZ_CHECK(attributes.name[0] && memchr(attributes.name, 0, sizeof attributes.name) &&
                   memchr(attributes.address, 0, sizeof attributes.address));
    (void)cert_not_before(cert);
    (void)cert_not_after(cert);
    if (cert_serial(cert, &serial) == RC_OK)
        FUZZ_CHECK(serial.len > 0);
    FUZZ_CHECK(!cert_encode(cert, &again) && again.len > 0);
    buf_wipe(&serial);
    buf_wipe(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes file = bytes_of(data, size), der;
    X509 *cert = NULL;
    if (cert_in_file(file, &der))
        return 0;
    FUZZ_CHECK(der.data == data && der.len <= size);
    take_apart(der);
    if (cert_parse(der, &cert) == RC_OK)
        read_person(cert);
    X509_free(cert);
    return 0;
}

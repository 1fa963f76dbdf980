/* installed_sim.c — a foreign program: it knows pkg-config's jpki-sim, OpenSSL and nothing of this tree. Selects, presents the
 * PIN, has a hash signed and verifies the signature with the certificate that it has read from the card. */
#include <jpki-sim.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

static unsigned send(struct jpki_sim *card, const void *command, size_t len, unsigned char *answer, size_t *answer_len)
{
    *answer_len = JPKI_SIM_ANSWER_MAX;
    if (jpki_sim_transmit(card, command, len, answer, answer_len) != JPKI_SIM_ANSWERED || *answer_len < 2)
        return 0;
    *answer_len -= 2;
    return (unsigned)answer[*answer_len] << 8 | answer[*answer_len + 1];
}
#define SEND(text) send(card, text, sizeof(text) - 1, answer, &len)

int main(void)
{
    static unsigned char answer[JPKI_SIM_ANSWER_MAX];
    static const char message[] = "abc";
    char why[JPKI_SIM_WHY];
    size_t len;
    struct jpki_sim *card = jpki_sim_new(NULL, why);
    if (!card) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    if (SEND("\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01") != 0x9000 || SEND("\x00\xB0\x8A\x00\x00\x00\x00") != 0x9000)
        return 2;
    const unsigned char *der = answer;
    X509 *cert = d2i_X509(NULL, &der, (long)len);
    if (!cert || SEND("\x80\x2A\x03\x97\x03" "abc" "\x00") != 0x6982 || SEND("\x00\x20\x00\x98\x04" "1234") != 0x9000
        || SEND("\x80\x2A\x03\x97\x03" "abc" "\x00") != 0x9000)
        return 3;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int verified = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, X509_get0_pubkey(cert)) == 1
                   && EVP_DigestVerify(ctx, answer, len, (const unsigned char *)message, strlen(message)) == 1;
    EVP_MD_CTX_free(ctx);
    X509_free(cert);
    jpki_sim_free(card);
    puts(verified ? "verified" : "not verified");
    return verified ? 0 : 4;
}

/* fuzz_card.c — hostile commands to the software card: a row of them, each a length byte and so many bytes, to a
 * holder's card with the application selected. Whatever comes: an answer with a status word and no data where it
 * refuses; tries are spent by VERIFY and CHANGE REFERENCE DATA alone; keys, certificates and the stage of life stay. */
#include "fuzz.h"

#include "support/testcard.h"
#include "wire/apdu.h"

#define COMMANDS_MAX 24

static struct testcard *original;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    original = testcard_new();
    return 0;
}

/* 0: power, 1: a warm reset, 2: the right PINs, 3: long commands; else the command's length. */
enum { LETTER_POWER, LETTER_RESET, LETTER_PINS, LETTER_LONG };

static bool may_spend(struct bytes command)
{
    return command.len >= 2 &&
           (command.data[1] == APPLET_INS_VERIFY || command.data[1] == APPLET_INS_CHANGE_REFERENCE_DATA);
}

/* As the card gets it: on the heap, and no byte longer. */
static void send(struct testcard *card, struct bytes given)
{
    struct sim_summary before, after;
    struct buf answer = {0};
    uint8_t *exact = malloc(given.len ? given.len : 1);
    struct bytes command = {exact, given.len};
    FUZZ_CHECK(exact);
    if (given.len)
        memcpy(exact, given.data, given.len);
    sim_summarise(testcard_sim(card), &before);
    FUZZ_CHECK(sim_transmit(testcard_sim(card), command, &answer) == RC_OK);
    sim_summarise(testcard_sim(card), &after);
    FUZZ_CHECK(answer.len >= 2 && answer.len <= APDU_RESPONSE_MAX);
    uint8_t kind = answer.data[answer.len - 2];
    FUZZ_CHECK(kind >> 4 == 6 || kind >> 4 == 9);
    FUZZ_CHECK(answer.len == 2 || kind == 0x90 || kind == 0x61 || kind == 0x62 || kind == 0x63);
    FUZZ_CHECK(may_spend(command) || (before.auth.tries <= after.auth.tries && before.sign.tries <= after.sign.tries));
    FUZZ_CHECK(after.auth.tries <= after.auth.tries_max && after.sign.tries <= after.sign.tries_max);
    FUZZ_CHECK(after.auth.tries + 1 >= before.auth.tries && after.sign.tries + 1 >= before.sign.tries);
    FUZZ_CHECK(before.life == after.life && before.auth.key == after.auth.key && before.sign.key == after.sign.key);
    FUZZ_CHECK(before.auth.cert == after.auth.cert && before.sign.cert == after.sign.cert);
    buf_wipe(&answer);
    free(exact);
}

static void begin(struct testcard *card)
{
    sim_power_on(testcard_sim(card));
    FUZZ_CHECK(testcard_send(card, "00A4040C0AD392F000260100000001") == 0x9000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct testcard *card = testcard_copy(original);
    begin(card);
    for (unsigned n = 0; n < COMMANDS_MAX && input.left; n++) {
        unsigned letter = fuzz_u8(&input);
        if (letter == LETTER_POWER) {
            sim_power_off(testcard_sim(card));
            begin(card);
        } else if (letter == LETTER_RESET) {
            sim_reset(testcard_sim(card));
        } else if (letter == LETTER_PINS) {
            (void)testcard_send(card, "00200098"
                                      "04"
                                      "31323334");
            (void)testcard_send(card, "0020009B"
                                      "06"
                                      "414243313233");
        } else {
            send(card, fuzz_bytes(&input, letter == LETTER_LONG ? 4u * fuzz_u8(&input) : letter));
        }
    }
    testcard_free(card);
    return 0;
}

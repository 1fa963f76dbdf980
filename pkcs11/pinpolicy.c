/* pinpolicy.c — the rules, in the order in which they cost the card least. */
#include "pkcs11/pinpolicy.h"

enum pin_step pinpolicy_decide(const struct pin_view *view)
{
    if (!view->formed)
        return PIN_SAY_MISFORMED;
    if (view->again && view->undisturbed)
        return PIN_SEND;
    if (!view->counted)
        return PIN_COUNT;
    if (view->tries == 0)
        return PIN_SAY_BLOCKED;
    if (view->remembers && !view->identified)
        return PIN_IDENTIFY;
    /* A counter above the one that the refusal left says that another PIN was accepted since, or set. */
    if (view->remembers && view->refused && view->tries <= view->refused_tries)
        return PIN_SAY_WRONG;
    if (view->tries == 1 && view->careful && !view->told)
        return PIN_SAY_LAST;
    return PIN_SEND;
}

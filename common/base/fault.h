/* fault.h — named points at which a test build dies as if by kill -9.
 *
 * Put one before and after every durable step. With -Dfaults=true, JPKI_FAULT="ca.after_sign" kills the process at the
 * first passing of that point, "ca.after_sign:3" at the third. In other builds the call is nothing. */
#ifndef JPKI_BASE_FAULT_H
#define JPKI_BASE_FAULT_H

#ifdef JPKI_FAULTS
void fault_point(const char *name);
#else
static inline void fault_point(const char *name)
{
    (void)name;
}
#endif

#endif

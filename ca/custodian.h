/* custodian.h — `jpki-ca ceremony`, `found`, `identity`, `compromise` and `clock`: what those who keep the keys type, two of them where
 * persons confirm. Each takes argv of its sub-command and returns an exit status. */
#ifndef JPKI_CA_CUSTODIAN_H
#define JPKI_CA_CUSTODIAN_H

int custodian_found(int argc, char **argv);
int custodian_ceremony(int argc, char **argv);
int custodian_identity(int argc, char **argv);
int custodian_compromise(int argc, char **argv);
int custodian_clock(int argc, char **argv);

#endif

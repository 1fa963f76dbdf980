/* operator.h — `jpki-ca status`, `certificate`, `revoke` and `crl`: what an operator types at the authorities' machine. Each takes argv of its
 * sub-command and returns an exit status. */
#ifndef JPKI_CA_OPERATOR_H
#define JPKI_CA_OPERATOR_H

int operator_status(int argc, char **argv);
int operator_certificate(int argc, char **argv);
int operator_revoke(int argc, char **argv);
int operator_crl(int argc, char **argv);

#endif

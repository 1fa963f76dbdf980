/* caservices.h — `jpki-ca serve`, `ocsp`, `publisher` and `signer`: the processes. Each takes argv of its sub-command and
 * returns an exit status. */
#ifndef JPKI_CA_CASERVICES_H
#define JPKI_CA_CASERVICES_H

int caservices_serve(int argc, char **argv);
int caservices_ocsp(int argc, char **argv);
int caservices_publisher(int argc, char **argv);
int caservices_signer(int argc, char **argv);

#endif

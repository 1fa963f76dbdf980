/* auditor.h — `jpki-ca audit-verify`, `audit-seal` and `audit-stamp`. Each takes argv of its sub-command and returns an exit status. */
#ifndef JPKI_CA_AUDITOR_H
#define JPKI_CA_AUDITOR_H

int auditor_verify(int argc, char **argv);
int auditor_seal(int argc, char **argv);
int auditor_stamp(int argc, char **argv);

#endif

/* officer.h — `jpki-ca settings`, `requests` and `decide`: what an operator sets in a state folder, and what an officer
 * types against a running intake. Each takes argv of its sub-command and returns an exit status. */
#ifndef JPKI_CA_OFFICER_H
#define JPKI_CA_OFFICER_H

int officer_settings(int argc, char **argv);
int officer_requests(int argc, char **argv);
int officer_decide(int argc, char **argv);

#endif

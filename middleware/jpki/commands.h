/* commands.h — the commands of the program jpki, each in a file of its own: argv[0] is the command's name, the result an
 * exit status. */
#ifndef JPKI_JPKI_COMMANDS_H
#define JPKI_JPKI_COMMANDS_H

int card_command(int argc, char **argv);   /* card_command.c */
int sign_command(int argc, char **argv);   /* sign_command.c */
int verify_command(int argc, char **argv); /* verify_command.c */

#endif

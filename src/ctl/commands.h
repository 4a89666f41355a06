/*
 * commands: THE table of what ringctl can be told, and the two readers of it that are no parser.
 */
#ifndef RINGD_CTL_COMMANDS_H
#define RINGD_CTL_COMMANDS_H

#include "base/buf.h"
#include "ctl/args.h"

extern const struct command_table ctl_commands;

/* noun NULL: all nouns, one line each; else every verb of the noun with its options. false: no such noun. */
bool	help_text(const struct command_table *t, const char *noun, struct buf *out);
/*
 * What may stand in the place of the last of the words, one per line; for the shells. A line ":file" or ":dir" asks the
 * shell for its own completion of paths.
 */
void	complete_words(const struct command_table *t, int nwords, const char *const *words, struct buf *out);

#endif

/*
 * report: what became of the last reload or upgrade. The master writes it; its children read it in shared memory and
 * ringctl in a file of lines. No secret in it: reasons and the changed keys, as the log has them.
 */
#ifndef RINGD_REPORT_H
#define RINGD_REPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define REPORT_TEXT_SIZE	1024	/* of the reason */
#define REPORT_CHANGES_SIZE	8192	/* of all changes */
#define REPORT_FILE_SUFFIX	".report"	/* behind the pid file's name */
#define REPORT_FILE_MAX		((size_t)16 * 1024)

enum report_what { REPORT_START, REPORT_RELOAD, REPORT_UPGRADE };
enum report_state { REPORT_RUNNING, REPORT_DONE, REPORT_FAILED };

struct report {
	int64_t			pid;		/* the master's that tells it */
	int64_t			number;		/* of what it has begun since its start, this one included */
	int64_t			at_ms;		/* real time of the state */
	enum report_what	what;
	enum report_state	state;
	char			text[REPORT_TEXT_SIZE];		/* failed: why; done: what serves now */
	char			changes[REPORT_CHANGES_SIZE];	/* lines, each ended by '\n' */
};

const char	*report_what_name(enum report_what w);		/* "reload" */
const char	*report_state_name(enum report_state s);	/* "failed" */

/* Control bytes become blanks, and what does not fit is left out; too many changes end with a line that says so. */
void	report_begin(struct report *r, enum report_what what, int64_t at_ms);	/* the next number, nothing changed yet */
void	report_change(struct report *r, const char *line);
void	report_end(struct report *r, enum report_state state, const char *text, int64_t at_ms);

/* As a file: a line per member, "name value"; a reader passes over names it does not know. */
void	report_print(const struct report *r, struct buf *out);
bool	report_parse(struct report *r, struct str text);	/* false: not one, or not all there */

/*
 * In shared memory: one writer, who never waits; a reader that was disturbed tries again. Words, because a copy that
 * races with its writer has to be made of atomics.
 */
#define REPORT_WORDS	((sizeof(struct report) + sizeof(uint64_t) - 1) / sizeof(uint64_t))

struct report_board {
	_Atomic uint64_t	turn;		/* odd: being written */
	_Atomic uint64_t	word[REPORT_WORDS];
};

void	report_publish(struct report_board *b, const struct report *r);
bool	report_fetch(const struct report_board *b, struct report *r);	/* false: always disturbed, or nonsense */

#endif

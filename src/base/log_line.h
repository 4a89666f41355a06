/*
 * log_line: what a line of the log looks like. Pure: a record in, at most LOG_LINE_MAX - 1 bytes out, always whole: one
 * line of text, or one valid JSON object, also where something had to be cut.
 */
#ifndef RINGD_LOG_LINE_H
#define RINGD_LOG_LINE_H

#include "base/log.h"

struct log_record {
	enum log_level		 level;
	const char		*role;
	long			 pid;
	int64_t			 time_ms;
	const char		*module;
	const struct log_context *context;
	struct str		 sentence;
	bool			 sentence_cut;	/* there was more of it */
	const char		*error;		/* follows the sentence as ": error"; NULL = none */
	const struct log_field	*field;
	size_t			 nfields;
	bool			 mask;		/* telephone numbers */
};

/* bare: without time, level and pid, which the system log adds itself. Both return the bytes written. */
size_t	log_line_text(char out[LOG_LINE_MAX], const struct log_record *r, bool bare);
size_t	log_line_json(char out[LOG_LINE_MAX], const struct log_record *r);

#endif

/*
 * json_write: JSON out, straight into a buf; commas are its business, balance is the caller's (json_done tells).
 * Strings are escaped; invalid UTF-8 becomes U+FFFD. Nesting beyond JSON_WRITE_DEPTH fails the buf.
 */
#ifndef RINGD_JSON_WRITE_H
#define RINGD_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define JSON_WRITE_DEPTH	32

struct json_out {
	struct buf	*b;
	int		 depth;
	bool		 comma;		/* a value was written on this level */
};

void	json_out_init(struct json_out *j, struct buf *b);
bool	json_done(const struct json_out *j);		/* one whole value written, all closed, the buf did not fail */
void	json_obj(struct json_out *j);			/* { */
void	json_obj_end(struct json_out *j);
void	json_arr(struct json_out *j);			/* [ */
void	json_arr_end(struct json_out *j);
void	json_key(struct json_out *j, const char *name);	/* name must need no escape */
void	json_name(struct json_out *j, struct str name);	/* the same for any name, escaped */
void	json_str(struct json_out *j, struct str s);	/* absent writes null */
void	json_int(struct json_out *j, int64_t v);
void	json_boolean(struct json_out *j, bool v);
void	json_null(struct json_out *j);
void	json_raw_value(struct json_out *j, struct str json);	/* already JSON, copied as it is; absent writes null */
void	json_time(struct json_out *j, int64_t ms);	/* RFC 3339 UTC with ms; INT64_MIN writes null */

/* Pairs, for the usual case. */
void	json_kstr(struct json_out *j, const char *name, struct str s);
void	json_kint(struct json_out *j, const char *name, int64_t v);
void	json_kbool(struct json_out *j, const char *name, bool v);
void	json_ktime(struct json_out *j, const char *name, int64_t ms);

#endif

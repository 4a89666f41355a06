/*
 * guard: looks at every byte of a connection before http-parser does, and refuses what lets two servers read one
 * stream differently: bare CR or LF, NUL and other control bytes, obs-fold, space before a colon, empty or non-token
 * field names, malformed request lines and versions, malformed chunk sizes, extensions and trailers. It holds no
 * bytes, allocates nothing and knows no header's meaning: whoever reads the headers tells it how the body is framed.
 * The verdict never depends on how the stream was cut into pieces.
 */
#ifndef RINGD_GUARD_H
#define RINGD_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_METHOD_BYTES	32	/* longer than any method we know */
#define GUARD_EXTENSION_BYTES	4096	/* of chunk extensions, all chunks of one request together */
#define GUARD_CHUNK_DIGITS	16	/* hex digits of a chunk size, leading zeros included; its value fits 32 bits */

enum guard_verdict {
	GUARD_MORE,		/* everything looked at is good, nothing is complete yet */
	GUARD_HEAD_END,		/* the bytes taken end exactly after the empty line of the head */
	GUARD_BODY_END,		/* the bytes taken end exactly after the last byte of the body (and trailers) */
	GUARD_BAD,		/* refuse with guard_status() and close */
};

struct guard_limits {
	size_t	head_bytes;	/* request line and all header lines, and the empty line before them if there is one */
	size_t	url_bytes;
	size_t	header_count;
	size_t	body_bytes;
	size_t	trailer_bytes;
};

struct guard {			/* private to guard.c, but for headers_seen */
	struct guard_limits	lim;
	int			state;
	bool			trailers;	/* the field lines being read come after a chunked body */
	unsigned		index;		/* of the byte within the method, the version or the chunk size */
	size_t			head_seen, url_seen, headers_seen, trailer_seen, extension_seen;
	uint64_t		body_left, body_seen;
	int			status;
	const char		*why;
};

void	guard_init(struct guard *g, const struct guard_limits *lim);	/* at the start of each request */
/* Looks at n bytes; *taken says how many belong to what the verdict covers (the rest is for later), for GUARD_BAD how
 * many were good before the one that was not. After GUARD_BAD every further call says GUARD_BAD again. */
enum guard_verdict guard_feed(struct guard *g, const char *p, size_t n, size_t *taken);
/* After GUARD_HEAD_END: how the body is framed. Exactly one of them is called, or none and guard_init for the next. */
bool	guard_body_length(struct guard *g, uint64_t length);	/* false: over body_bytes (413) */
void	guard_body_chunked(struct guard *g);
void	guard_set_body_limit(struct guard *g, size_t body_bytes);	/* before the two above: the route's limit */
int	guard_status(const struct guard *g);		/* 400, 413, 414, 431, 501, 505 */
const char *guard_why(const struct guard *g);		/* static text for the log and the answer */

#endif

/*
 * buf: a byte buffer that grows up to a stated limit, with a sticky error: after one failed put (no memory,
 * limit reached) every later put does nothing and `failed` stays set, so a writer checks once, at the end.
 * Owner: whoever called buf_init; buf_free returns the memory. A zeroed struct with max set is a valid empty buffer.
 */
#ifndef RINGD_BUF_H
#define RINGD_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct buf {
	char	*p;
	size_t	 len;		/* bytes held */
	size_t	 cap;		/* bytes allocated */
	size_t	 max;		/* never allocates more than this */
	bool	 failed;
};

void	buf_init(struct buf *b, size_t max);
void	buf_free(struct buf *b);			/* frees and leaves an empty buffer with the same max */
void	buf_wipe_free(struct buf *b);			/* zeroes before freeing: for buffers that held a secret */
bool	buf_reserve(struct buf *b, size_t n);		/* room for n more bytes after len */
void	buf_str(struct buf *b, struct str s);
void	buf_puts(struct buf *b, const char *s);
void	buf_i64(struct buf *b, int64_t v);
void	buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void	buf_consume(struct buf *b, size_t n);		/* drops n bytes at the front */

/* Inline because answers are written in pieces of a few bytes: a call each was a tenth of a read's CPU. */
static inline bool
buf_room(struct buf *b, size_t n)
{
	return (!b->failed && n <= b->cap - b->len) || buf_reserve(b, n);
}

static inline void
buf_put(struct buf *b, const void *p, size_t n)
{
	if (n == 0 || !buf_room(b, n))
		return;
	memcpy(b->p + b->len, p, n);
	b->len += n;
}

static inline void
buf_putc(struct buf *b, char c)
{
	if (buf_room(b, 1))
		b->p[b->len++] = c;
}

static inline struct str
buf_as_str(const struct buf *b)
{
	return (struct str){ b->p != NULL ? b->p : "", b->len };
}

#endif

/*
 * buf: a growing byte buffer with a limit and a sticky error. Never leaves an unwiped copy behind when it moves to a
 * bigger place: any buffer may hold a secret, and realloc() would forget the old bytes in the heap.
 */
#include <sys/types.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"

#define BUF_FIRST	256	/* smallest allocation */
#define BUF_PRINTF	512	/* printed on the stack up to here */

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_free(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void
buf_wipe_free(struct buf *b)
{
	if (b->p != NULL)
		hash_wipe(b->p, b->cap);
	buf_free(b);
}

bool
buf_reserve(struct buf *b, size_t n)
{
	size_t	 cap;
	char	*p;

	if (b->failed)
		return false;
	if (n <= b->cap - b->len)
		return true;
	if (n > b->max - b->len) {
		b->failed = true;
		return false;
	}
	cap = b->cap < BUF_FIRST / 2 ? BUF_FIRST : b->cap > b->max / 2 ? b->max : b->cap * 2;
	if (cap < b->len + n)
		cap = b->len + n;
	if (cap > b->max)
		cap = b->max;
	p = malloc(cap);
	if (p == NULL) {
		b->failed = true;
		return false;
	}
	if (b->p != NULL) {
		memcpy(p, b->p, b->len);
		hash_wipe(b->p, b->cap);
		free(b->p);
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void
buf_str(struct buf *b, struct str s)
{
	buf_put(b, s.p, s.n);
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_i64(struct buf *b, int64_t v)
{
	char		 digits[20];	/* 19 and a sign */
	size_t		 at = sizeof(digits);
	uint64_t	 rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest != 0);
	if (v < 0)
		digits[--at] = '-';
	buf_put(b, digits + at, sizeof(digits) - at);
}

/* The long case of buf_printf: needs a byte more than the text for vsnprintf's NUL, which must not count as room. */
static void
print_long(struct buf *b, size_t n, const char *fmt, va_list ap)
{
	char *text;

	if (b->failed || n > b->max - b->len || (text = malloc(n + 1)) == NULL) {
		b->failed = true;
		return;
	}
	if (vsnprintf(text, n + 1, fmt, ap) == (int)n)
		buf_put(b, text, n);
	else
		b->failed = true;
	hash_wipe(text, n + 1);
	free(text);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	char	 text[BUF_PRINTF];
	va_list	 ap;
	int	 n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
	} else if ((size_t)n < sizeof(text)) {
		buf_put(b, text, (size_t)n);
	} else {
		va_start(ap, fmt);
		print_long(b, (size_t)n, fmt, ap);
		va_end(ap);
	}
	hash_wipe(text, sizeof(text));
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->p, b->p + n, b->len - n);
	b->len -= n;
}

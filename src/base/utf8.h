/*
 * utf8: where a character of UTF-8 ends and whether it is one (RFC 3629: no overlong form, no surrogate, at most
 * U+10FFFF). One judge for what is read and for what is written.
 */
#ifndef RINGD_UTF8_H
#define RINGD_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT	"\xef\xbf\xbd"	/* U+FFFD, what stands for bytes that are no character */

/* The character at p, n > 0 bytes there at most. true: *len is its length. false: *len bytes at p (1-3) are the
 * longest start of a character that came to nothing, the part that one replacement character stands for. */
bool	utf8_next(const char *p, size_t n, size_t *len);
size_t	utf8_put(char out[4], uint32_t code_point);	/* a valid code point; returns the bytes written */

#endif

/*
 * chars: what each of the 256 bytes may be in an HTTP/1.1 message, as one table of bits (RFC 9110, 9112 and 3986).
 * ASCII only and without a locale, so that every reader of a stream agrees on what a byte is.
 */
#ifndef RINGD_CHARS_H
#define RINGD_CHARS_H

#include <stdbool.h>
#include <stdint.h>

#define CHAR_TOKEN	0x01	/* tchar: methods, field names, Connection options, chunk extension names */
#define CHAR_TARGET	0x02	/* a request target: visible ASCII without '#', '"', '<' and '>' */
#define CHAR_VALUE	0x04	/* a field value: HTAB, SP, visible ASCII, 0x80-0xff */
#define CHAR_QUOTED	0x08	/* inside a quoted string: HTAB, SP, visible ASCII */
#define CHAR_HEX	0x10
#define CHAR_PATH	0x20	/* a path: pchar and '/'; whoever allows '%' checks the two digits after it */
#define CHAR_HOST	0x40	/* a registered name in Host: what occurs in names that resolve */
#define CHAR_DIGIT	0x80

extern const uint8_t char_bits[256];

static inline bool
char_is(char c, uint8_t bits)
{
	return (char_bits[(unsigned char)c] & bits) != 0;
}

static inline bool
char_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Value of a hexadecimal digit; the caller knows that c is one. */
static inline unsigned
char_hex(char c)
{
	return char_is(c, CHAR_DIGIT) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

#endif

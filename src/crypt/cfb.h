/*
 * cfb: AES-256 in CFB mode with 128 bits of feedback, only to read what a provider gives away in that form. It protects
 * nothing: bytes that were changed come out changed, and nobody is told. Whatever we keep is sealed by crypt/envelope.c.
 */
#ifndef RINGD_CFB_H
#define RINGD_CFB_H

#include "base/str.h"

#define CFB_KEY_SIZE	32
#define CFB_IV_SIZE	16

/* out: sealed.n bytes. Aborts when the library fails: it then has no memory or is broken. */
void	cfb_open(unsigned char *out, const unsigned char key[CFB_KEY_SIZE], const unsigned char iv[CFB_IV_SIZE],
	    struct str sealed);

#endif

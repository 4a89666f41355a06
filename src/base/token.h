/*
 * token: the form of every secret ringd hands out: prefix + 43 base62 characters (256 random bits) + 6 base62
 * characters of CRC32 over all before them. The CRC lets a mistyped or guessed token be refused without a query and
 * leak scanners find real ones. Stored only as SHA-256 of the whole text (no stretching: it is random already).
 */
#ifndef RINGD_TOKEN_H
#define RINGD_TOKEN_H

#include <stdbool.h>

#include "base/hash.h"
#include "base/str.h"

#define TOKEN_RANDOM_CHARS	43
#define TOKEN_CRC_CHARS		6
#define TOKEN_PREFIX_MAX	8
#define TOKEN_SIZE		(TOKEN_PREFIX_MAX + TOKEN_RANDOM_CHARS + TOKEN_CRC_CHARS + 1)

#define TOKEN_SERVER_KEY	"app_"		/* API key of a CRM's server */
#define TOKEN_CLIENT_KEY	"web_"		/* public key of a browser ribbon */
#define TOKEN_SESSION		"rs_"		/* one agent's right to act from a page for a while */
#define TOKEN_HOOK		"hk_"		/* last part of a provider's webhook address */
#define TOKEN_STATE		"dst_"		/* OAuth state */
#define TOKEN_BROWSER		"dcb_"		/* the cookie that binds a state to its browser */
#define TOKEN_TICKET		"dct_"		/* a link that begins a connect, once */
#define TOKEN_HOOK_SECRET	"whs_"		/* what a provider signs with */

void	token_make(char out[TOKEN_SIZE], const char *prefix);
bool	token_valid(struct str token, const char *prefix);	/* prefix, length, alphabet and CRC fit */
void	token_hash(unsigned char out[SHA256_SIZE], struct str token);

#endif

/*
 * exotel_digest: one answer to one challenge of a SIP server (RFC 2617, as RFC 3261 22.4 uses it), so that a browser can
 * register without ever holding the password. Pure. MD5 and nothing else is what such servers and browsers' SIP stacks
 * speak. What is signed is decided here too: only for the account's own domain, and only methods that are allowed.
 */
#ifndef RINGD_EXOTEL_DIGEST_H
#define RINGD_EXOTEL_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"

#define SIP_CNONCE_SIZE		33	/* 32 hexadecimal digits and a NUL */
#define SIP_RESPONSE_SIZE	33

struct sip_challenge {			/* absent: not in it */
	struct str	method, uri, realm, nonce, algorithm, qop, opaque;
};

struct sip_rules {
	struct str	 domain;	/* the one host a URI may have; also the realm */
	struct str	 realm;		/* another name the server may have for itself, or absent */
	char *const	*method;	/* none: REGISTER */
	size_t		 nmethods;
};

enum sip_verdict {
	SIP_OK,
	SIP_METHOD,		/* not one we sign */
	SIP_REALM,		/* another server asks */
	SIP_URI,		/* to another domain */
	SIP_ALGORITHM,		/* not MD5, or not with qop "auth" or none */
	SIP_VERDICTS
};

/* From a JSON object. false: no object, or a member that is no text, empty, too long, or holds what no header may. */
bool	sip_challenge_read(struct sip_challenge *c, struct arena *a, struct str json);
enum sip_verdict sip_challenge_judge(const struct sip_challenge *c, const struct sip_rules *rules);
const char *sip_verdict_word(enum sip_verdict v);	/* "realm": stable, for machines */

/* qop absent: as RFC 2069 has it, and then neither nc nor cnonce count. */
void	sip_digest(char out[SIP_RESPONSE_SIZE], struct str user, const struct secret *password, const struct sip_challenge *c,
	    struct str nc, struct str cnonce);
/* The value of the header Authorization, or Proxy-Authorization; fails the buf when the user's name cannot stand in it. */
void	sip_authorization(struct buf *b, struct str user, const struct secret *password, const struct sip_challenge *c,
	    struct str cnonce);

#endif

/*
 * fire_sign: signs a payload as a provider would. Pure.
 */
#ifndef RINGD_CTL_FIRE_SIGN_H
#define RINGD_CTL_FIRE_SIGN_H

#include "base/buf.h"
#include "base/secret.h"
#include "ctl/fire_script.h"

enum fire_encoding { FIRE_HEX, FIRE_SHA256, FIRE_BASE64 };

#define FIRE_SIGNATURE_SIZE	80	/* "sha256=", 64 digits and a NUL are 72 */

enum fire_encoding fire_encoding_of(const char *word);
/* The body as a JWT: header {"alg":"HS256","typ":"JWT"}, claims the payload. */
void	fire_sign_jwt(struct buf *body, struct str payload, const struct secret *secret);
/* The header's value for a body sent as it is. */
void	fire_sign_header(char out[FIRE_SIGNATURE_SIZE], enum fire_encoding encoding, struct str body,
	    const struct secret *secret);

#endif

/*
 * oauth_pages: how a connect can end, and the page for each. One outcome, one page, one word in the log and in what is
 * added to the address of a CRM that is gone back to.
 */
#ifndef RINGD_OAUTH_PAGES_H
#define RINGD_OAUTH_PAGES_H

#include "http/request.h"

enum oauth_outcome {
	OAUTH_CONNECTED,
	OAUTH_DENIED,		/* whoever was asked said no */
	OAUTH_INVALID,		/* the address lacks what it must have: not followed from Dialpad */
	OAUTH_UNKNOWN,		/* a state we never gave out, or have long forgotten */
	OAUTH_EXPIRED,
	OAUTH_REPLAYED,		/* used before */
	OAUTH_OTHER_BROWSER,	/* begun elsewhere: the cookie is not the one of this state */
	OAUTH_PROVIDER_DOWN,	/* Dialpad did not answer, or not usefully */
	OAUTH_REFUSED,		/* Dialpad did not take the code */
	OAUTH_MISCONFIGURED,	/* Dialpad does not take our client id and secret */
	OAUTH_WRONG_COMPANY,	/* another company than this app is connected with */
	OAUTH_UNAVAILABLE,	/* we are at fault: database or courier is away */
	OAUTH_OUTCOMES
};

const char	*oauth_outcome_word(enum oauth_outcome o);	/* "connected", "wrong_company": stable */
/* Answers the request. detail: what Dialpad said, or the company's name (escaped here); back: the CRM's address, checked
 * already; either may be absent. */
void		 oauth_page(struct http_request *rq, enum oauth_outcome o, struct str detail, struct str back);

#endif

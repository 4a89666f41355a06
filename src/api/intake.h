/*
 * intake: what deliveries of all providers have in common on their way into the ingest batch: the answers, another look
 * at the hooks before anything is refused for good, reading the JSON, and the store. How a delivery is opened and
 * whose it is stays with the provider's journey, whose first member a struct intake is.
 * Providers do not send again what got a 4xx: so 4xx only for what can never become right, 503 for all trouble of ours.
 */
#ifndef RINGD_INTAKE_H
#define RINGD_INTAKE_H

#include "api/api.h"
#include "api/hooks.h"
#include "base/json_read.h"

struct intake {
	struct delivery		 d;		/* first: the store hands back a pointer to it */
	struct api		*api;
	struct http_request	*rq;
	struct json_doc		 doc;		/* of the payload, once read */
	bool			 refreshed;	/* the hook table has been looked at again for this delivery */
	uint64_t		 hooks_version;	/* what it was when verification failed */
	int			 status;	/* what to answer if a fresh look changes nothing */
	const char		*code, *message;
	const char		*challenge;	/* WWW-Authenticate of a 401; NULL: none */
	void			(*verify)(struct intake *in);	/* the journey's: once more, with fresh hooks */
};

void	intake_begin(struct intake *in, struct api *api, struct http_request *rq, void (*verify)(struct intake *in));
/* Each of these answers the request. */
void	intake_refuse(struct intake *in, int status, const char *code, const char *message);
void	intake_defer(struct intake *in);		/* trouble of ours: the provider is to try again */
void	intake_no_memory(struct intake *in);
/* Verifies once more when the hooks have changed meanwhile; else refuses. */
void	intake_look_again_or(struct intake *in, int status, const char *code, const char *message);

/* The body is one this program could read: framed and not compressed. false: answered. */
bool	intake_body_fits(struct intake *in);
/* Reads what is to be kept. false: answered. */
bool	intake_json(struct intake *in, struct str payload);
void	intake_use_hook(struct intake *in, const struct hook *k);	/* whose the delivery is */
/* Stores in->d (event, tenant and secret_used are there) and answers after the commit. */
void	intake_store(struct intake *in);

#endif

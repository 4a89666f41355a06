/*
 * cors: which web pages may speak to the ribbon's routes. A page's origin (RFC 6454) is told by its browser and cannot be
 * chosen by the page; it must be, byte for byte, one that some browser key was made for, or https with one label in front of
 * what stands behind a star. Whether it is one of the key's or session's at hand is asked with these; here only whether
 * such a page may read the answer at all. Nothing a client sent is ever reflected but what was found so; "null" never is.
 *
 * Programs other than browsers can say any origin: this protects agents from other people's pages, not the server.
 */
#ifndef RINGD_CORS_H
#define RINGD_CORS_H

#include "api/auth.h"
#include "net/origin.h"

struct page {
	char		 origin[ORIGIN_TEXT_SIZE];
	char		 star[ORIGIN_TEXT_SIZE];	/* with a star for its first label; "": it can have none */
	struct api	*api;
	struct http_request *rq;
	auth_fn		 next;
	bool		 again;
};

/*
 * Finds the request's origin, then calls next, now or later: from then on every answer may be read by the page. Answers itself
 * when the origin is nobody's, and every OPTIONS: the routes list that method. page must live in the request's arena.
 */
void	cors_begin(struct api *api, struct http_request *rq, struct page *page, auth_fn next);
/* 403 origin_not_allowed, which the page cannot read. */
void	cors_refuse(struct http_request *rq);
/* $3 and $4 of the statements by browser key or session. */
void	cors_params(struct db_params *p, const struct page *page);

#endif

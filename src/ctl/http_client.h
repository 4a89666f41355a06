/*
 * http_client: HTTP from the command line, several requests at once, connections kept. The only place that names
 * libcurl.
 */
#ifndef RINGD_CTL_HTTP_CLIENT_H
#define RINGD_CTL_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define HTTP_CLIENT_HEADERS	4	/* of one request */

struct http_client;

struct http_client_options {
	size_t		 slots;		/* requests under way at once */
	int64_t		 timeout_ms;	/* of one request, connecting included */
	size_t		 body_max;	/* bytes kept of an answer; the rest is read and dropped */
	const char	*ca_file;	/* NULL: the system's */
	const char	*unix_path;	/* connect there instead; NULL: to the URL's host */
	bool		 direct;	/* whatever proxy the environment names */
};

struct http_client_answer {
	size_t		 tag;		/* of the request */
	int		 status;	/* 0: none came, error says why */
	int64_t		 us;		/* from send to the last byte */
	const char	*error;
	struct str	 body;		/* up to body_max; valid inside the callback */
};

typedef void (*http_client_fn)(void *arg, const struct http_client_answer *answer);

/* NULL without memory. */
struct http_client *http_client_new(const struct http_client_options *o, http_client_fn fn, void *arg);
void		 http_client_free(struct http_client *c);	/* what is under way is dropped, not answered */
size_t		 http_client_busy(const struct http_client *c);
/* body absent: GET; else POST, copied. headers: "name: value", NULL ends. false: no free slot, or no memory. */
bool		 http_client_send(struct http_client *c, const char *url, struct str body, const char *const *headers,
		    size_t tag);
/* Moves everything on, waits at most wait_ms for something to happen, and calls back for what is done. */
void		 http_client_run(struct http_client *c, int64_t wait_ms);

#endif

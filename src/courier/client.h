/*
 * client: HTTPS to providers, many requests at a time in the loop, connections kept and used again. The only file of the
 * daemon that names libcurl, and the only one that connects to anything but the database.
 *
 * A request goes where the configuration allows or nowhere: its origin must be on the list, the certificate must be good
 * for it, and the address the socket would be connected to, looked at when it is made and so whatever a name server says,
 * must be public. Redirects are not followed, proxies of the environment not used, cookies and .netrc not known.
 */
#ifndef RINGD_COURIER_CLIENT_H
#define RINGD_COURIER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/str.h"
#include "loop/loop.h"
#include "net/addr.h"
#include "net/origin.h"

#define CLIENT_WHY_SIZE		256
#define CLIENT_HEADERS_MAX	((size_t)64 * 1024)	/* bytes of an answer's head */
#define CLIENT_PER_HOST		16			/* connections */

struct client;

struct client_config {
	const struct origin	*origins;	/* the allow-list; must outlive the client */
	size_t			 norigins;
	bool			 allow_private;
	const char		*ca_file;	/* NULL: the system's */
	int64_t			 connect_timeout_ms;
	size_t			 body_max, requests_max;
};

struct client_request {
	const struct origin	*origin;
	const char		*method, *path;		/* path begins with '/', query included */
	const char		*content_type;		/* of body; NULL: no body */
	struct str		 body;
	const struct secret	*authorization;		/* the header's value; NULL: none */
	int64_t			 timeout_ms;
	bool			 once;			/* on a connection of its own: one that is used again may turn out to be */
							/* closed, and libcurl would then send a second time */
};

enum client_outcome {
	CLIENT_ANSWERED,	/* with any status */
	CLIENT_FORBIDDEN,	/* not on the allow-list; nothing was sent */
	CLIENT_PRIVATE,		/* every address of the host is one that is refused; nothing was sent */
	CLIENT_UNREACHABLE,	/* no such name, or no connection; nothing was sent */
	CLIENT_UNTRUSTED,	/* TLS: the certificate is not good; nothing was sent */
	CLIENT_LATE,		/* timeout; what it did is unknown */
	CLIENT_TOO_LARGE,	/* the answer passed a limit and was cut */
	CLIENT_BROKEN,		/* the connection broke, or what came is no HTTP; what it did is unknown */
	CLIENT_BUSY,		/* requests_max are under way; nothing was sent */
	CLIENT_OUTCOMES,
};

struct client_answer {
	enum client_outcome	 outcome;
	int			 status;		/* 0 unless CLIENT_ANSWERED */
	struct str		 body;
	int64_t			 retry_after_ms;	/* -1: not said */
	int64_t			 took_ms;
	bool			 reused;		/* no new connection was made */
	char			 address[ADDR_TEXT_SIZE];	/* where it went; "" unless a connection was made */
	char			 why[CLIENT_WHY_SIZE];	/* for people; "" when answered */
};

/* Valid inside the call only. */
typedef void	(*client_fn)(void *arg, const struct client_answer *answer);

struct client_stats {
	uint64_t	requests, reused;
	size_t		under_way;
};

struct client	*client_new(struct loop *l, const struct client_config *cfg);	/* NULL without memory */
void		 client_free(struct client *c);		/* what is under way is answered CLIENT_BROKEN */
/* fn is called exactly once, later, never from inside this call. Everything is copied. */
void		 client_send(struct client *c, const struct client_request *rq, client_fn fn, void *arg);
const struct client_stats *client_stats(const struct client *c);
const char	*client_outcome_word(enum client_outcome o);	/* "answered", "untrusted": stable, for machines */

#endif

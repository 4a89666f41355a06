/*
 * forwarded: who the client is behind proxies, and whether it spoke https. Every header a client can write itself is
 * believed only as far as hops we were told to trust vouch for it: X-Forwarded-For is read from the right, where the
 * nearest hop appended, and the walk ends at the first address that is not a trusted hop. Anything that is not an
 * address ends it too, at the last good one. Lines of the same name are one list, in their order.
 */
#include <sys/types.h>

#include "http/conn.h"

#define FORWARDED_HOPS	32	/* entries looked at; no honest chain is longer */

bool
forwarded_trusts(const struct addr *a, const struct addr_net *trusted, size_t ntrusted)
{
	size_t i;

	for (i = 0; i < ntrusted; i++)
		if (addr_in_net(a, &trusted[i]))
			return true;
	return false;
}

/* Takes the last element off a comma-separated list; false when the list was absent, i.e. used up. */
static bool
cut_last(struct str *list, struct str *element)
{
	size_t at;

	if (list->p == NULL)
		return false;
	for (at = list->n; at > 0 && list->p[at - 1] != ','; at--)
		continue;
	*element = str_trim((struct str){ list->p + at, list->n - at });
	*list = at > 0 ? (struct str){ list->p, at - 1 } : STR_NONE;
	return true;
}

/* Elements of all lines of one name, from the last to the first. *line starts at rq->nheaders, *list absent. */
static bool
previous(const struct http_request *rq, struct str name, size_t *line, struct str *list, struct str *element)
{
	while (!cut_last(list, element)) {
		do {
			if (*line == 0)
				return false;
			--*line;
		} while (!str_ieq(rq->headers[*line].name, name));
		*list = rq->headers[*line].value;
	}
	return true;
}

void
forwarded_apply(struct http_request *rq, const struct addr_net *trusted, size_t ntrusted)
{
	struct str	 list = STR_NONE, element;
	struct addr	 hop;
	size_t		 line = rq->nheaders;
	int		 hops;

	rq->client = rq->peer;
	rq->https = false;
	if (!forwarded_trusts(&rq->peer, trusted, ntrusted))
		return;
	for (hops = 0; hops < FORWARDED_HOPS; hops++) {
		if (!previous(rq, STR("X-Forwarded-For"), &line, &list, &element) || !addr_parse_ip(&hop, element))
			break;
		rq->client = hop;
		if (!forwarded_trusts(&hop, trusted, ntrusted))
			break;
	}
	line = rq->nheaders;
	list = STR_NONE;
	if (previous(rq, STR("X-Forwarded-Proto"), &line, &list, &element))
		rq->https = str_ieq(element, STR("https"));
}

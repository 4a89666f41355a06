/*
 * target: what stands between method and version. Accepts origin-form, absolute-form for http and https whose
 * authority agrees with Host, and asterisk-form for OPTIONS; decodes nothing.
 */
#ifndef RINGD_TARGET_H
#define RINGD_TARGET_H

#include <stdbool.h>

#include "base/str.h"

struct http_request;

bool	target_authority_valid(struct str s);	/* a name, IPv4 or [IPv6], then optionally ':' and a port; not empty */
/* Fills rq->path and rq->query (rq->method is known; host may be absent). NULL, or static text saying what is wrong. */
const char *target_split(struct http_request *rq, struct str target, struct str host);

#endif

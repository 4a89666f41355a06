/*
 * page: the few HTML pages a person may see: plain, readable without style, script or picture, and without a byte that
 * came from outside unless it is escaped. For everything programs read there is problem.c.
 */
#ifndef RINGD_PAGE_H
#define RINGD_PAGE_H

#include "http/request.h"

struct page {
	const char	*title;		/* also the heading */
	const char	*text;		/* what happened */
	const char	*advice;	/* what to do now; NULL: nothing */
	const char	*label;		/* what detail is; NULL: it is not shown */
	struct str	 detail;	/* from outside, escaped; absent: none */
	struct str	 link;		/* https or http address, already checked; absent: none */
	const char	*link_text;
	bool		 good;		/* green rather than amber, for those who see colours */
};

void	page_answer(struct http_request *rq, int status, const struct page *p);

#endif

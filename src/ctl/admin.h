/*
 * admin: one question to the running daemon's admin listener, and its answer as JSON.
 */
#ifndef RINGD_CTL_ADMIN_H
#define RINGD_CTL_ADMIN_H

#include "base/arena.h"
#include "base/json_read.h"
#include "ctl/ctl.h"

#define ADMIN_ANSWER_MAX	((size_t)1024 * 1024)

struct admin_reply {
	struct arena	arena;
	struct json_doc	doc;
	struct json	data;		/* the answer's member "data" */
	/* private */
	int		status;
	bool		done;
	char		error[256];
	struct str	body;
};

/* Asks the listener of the option --admin, else the configuration's first. body absent: GET; else POST, JSON. CTL_OK, or
 * the failure has been told. admin_reply_free in every case. */
int	 admin_ask(struct ctl *c, const struct args *a, const char *path, struct str body, struct admin_reply *r);
void	 admin_reply_free(struct admin_reply *r);
/* A scalar as a table's cell: text unescaped, numbers as their digits, absent for all else. */
struct str admin_cell(struct json v, struct arena *a);

#endif

/*
 * admin: questions to the running daemon's admin listener.
 */
#ifndef RINGD_CTL_ADMIN_H
#define RINGD_CTL_ADMIN_H

#include "base/json_read.h"
#include "ctl/ctl.h"

#define ADMIN_ANSWER_BYTES	((size_t)1024 * 1024)
#define ADMIN_TIMEOUT_MS	5000

struct admin_reply {
	struct arena	arena;
	struct json_doc	doc;
	bool		done;
	int		status;		/* 0: none came, error says why */
	char		error[256];
	struct str	body;
	struct json	data;		/* of a 200; else absent */
	struct str	problem;	/* the error's text of any other; else absent */
};

/* --admin, else the first admin.listen of the configuration. CTL_OK, or the failure has been told. */
int	admin_address(struct ctl *c, const struct args *a, const char **address);
/*
 * Asks once: POST or GET of path. CTL_OK whenever the question could be asked, whatever became of it; else the failure
 * has been told. admin_free in every case.
 */
int	admin_ask(const char *address, bool post, const char *path, int64_t timeout_ms, struct admin_reply *r);
void	admin_free(struct admin_reply *r);
/* Tells why there is no data; the code to exit with. */
int	admin_fail(const char *address, const char *path, const struct admin_reply *r);

#endif

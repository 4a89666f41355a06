/*
 * calls: the rows of an app's calls, and following them.
 */
#ifndef RINGD_CTL_CALLS_H
#define RINGD_CTL_CALLS_H

#include "ctl/ctl.h"

struct calls_query {
	struct ctl_app	app;
	bool		active;		/* only ringing and active ones */
	char		limit[CTL_I64_SIZE];
};

enum calls_column { CALLS_ID, CALLS_STARTED, CALLS_STATUS = 5, CALLS_UPDATED = 16, CALLS_PROVIDER, CALLS_PROVIDER_ID, CALLS_COLUMNS };

/* Newest first, into a table this sets up; CTL_OK, or the failure has been told. */
int	calls_read(struct ctl *c, const struct calls_query *q, struct table *t);
int	calls_read_one(struct ctl *c, const struct calls_query *q, struct str id, struct table *t);
/* Once a second, until asked to stop. On a terminal the screen is drawn again, else each change is one line. */
int	calls_watch(struct ctl *c, const struct calls_query *q);

/* Pure: the rows of `now`, last first, that are not in `before` as they are; calls fn for each. */
void	calls_changes(const struct table *before, const struct table *now, void (*fn)(void *arg, size_t row),
	    void *arg);

#endif

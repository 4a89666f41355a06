/*
 * requests: who asked how much of the API. Counts by sum(requests), so it is right in every mode of request_logs.
 */
#include <sys/types.h>

#include "base/count.h"
#include "ctl/nouns.h"

#define COUNTED								\
	{ "api calls", "api_calls", COLUMN_NUMBER, false },		\
	{ "errors", "errors", COLUMN_NUMBER, false },			\
	{ "mean ms", "mean_ms", COLUMN_NUMBER, false },			\
	{ "p95 ms", "p95_ms", COLUMN_NUMBER, false },			\
	{ "db mean ms", "db_mean_ms", COLUMN_NUMBER, false },		\
	{ "bytes", "bytes", COLUMN_NUMBER, false },			\
	{ "last", "last_at", COLUMN_TEXT, false }

static const struct table_column by_app[] = {
	{ "app", "app_id", COLUMN_TEXT, false },
	{ "name", "name", COLUMN_TEXT, true },
	COUNTED,
}, by_route[] = {
	{ "method", "method", COLUMN_TEXT, false },
	{ "route", "route", COLUMN_TEXT, false },
	{ "status", "status", COLUMN_NUMBER, false },
	COUNTED,
};

static int
show(struct ctl *c, const struct table_column *columns, size_t n, struct dbs_result *r)
{
	struct table	t;
	int		code;

	if (r == NULL)
		return CTL_FAILED;
	table_init(&t, columns, n);
	ctl_fill(&t, r);
	dbs_clear(r);
	code = ctl_show(c, &t, "no API requests recorded since then");
	table_free(&t);
	return code;
}

int
ctl_requests(struct ctl *c, const struct args *a)
{
	const char	*name = args_word(a, 0);
	char		 since[CTL_I64_SIZE];
	struct ctl_app	 app;
	int		 code = name != NULL ? ctl_find_app(c, name, &app) : ctl_db(c);

	if (code != CTL_OK)
		return code;
	ctl_i64(since, args_number(a, "since"));
	if (name == NULL)
		return show(c, by_app, COUNT(by_app),
		    ctl_query(c, CTL_REQUESTS, 1, (const char *const[]){ since }, "requests"));
	return show(c, by_route, COUNT(by_route),
	    ctl_query(c, CTL_REQUESTS_OF_APP, 2, (const char *const[]){ app.id, since }, "requests"));
}

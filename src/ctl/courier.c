/*
 * courier: asks the running daemon about its courier, and through it about the way to the providers.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "ctl/admin.h"
#include "ctl/nouns.h"

#define PROBE_TIMEOUT_MS	((int64_t)6 * 60 * 1000)	/* courier.timeout has its own, shorter one */

static const struct table_column status_columns[] = {
	{ "generation", "generation", COLUMN_NUMBER, false },
	{ "newest key", "newest", COLUMN_NUMBER, false },
	{ "keys", "keys", COLUMN_JSON, false },
	{ "sealed", "sealed", COLUMN_NUMBER, false },
	{ "opened", "opened", COLUMN_NUMBER, false },
	{ "did not open", "unopened", COLUMN_NUMBER, false },
	{ "workers", "workers", COLUMN_NUMBER, false },
	{ "questions", "questions", COLUMN_NUMBER, false },
	{ "requests to providers", "provider_requests", COLUMN_NUMBER, false },
	{ "... on a kept connection", "provider_requests_reused", COLUMN_NUMBER, false },
	{ "... under way", "provider_requests_under_way", COLUMN_NUMBER, false },
	{ "... waiting", "provider_requests_waiting", COLUMN_NUMBER, false },
	{ "downtimes found", "gaps_found", COLUMN_NUMBER, false },
	{ "gaps done", "gaps_done", COLUMN_NUMBER, false },
	{ "gaps failed", "gaps_failed", COLUMN_NUMBER, false },
	{ "lost events found", "repaired_events", COLUMN_NUMBER, false },
	{ "legs presumed over", "ends_inferred", COLUMN_NUMBER, false },
};

static const struct table_column probe_columns[] = {
	{ "provider", "provider", COLUMN_TEXT, false },
	{ "origin", "origin", COLUMN_TEXT, false },
	{ "outcome", "outcome", COLUMN_STATE, false },
	{ "why", "why", COLUMN_TEXT, false },
	{ "HTTP status", "status", COLUMN_NUMBER, false },
	{ "address", "address", COLUMN_TEXT, false },
	{ "kept connection", "connection_reused", COLUMN_BOOL, false },
	{ "bytes", "body_bytes", COLUMN_NUMBER, false },
	{ "took", "took_ms", COLUMN_MS, false },
	{ "may ask again in", "wait_ms", COLUMN_MS, false },
	{ "tries", "tries", COLUMN_NUMBER, false },
};

/* One object of the daemon's as a record. */
static int
show(struct ctl *c, struct admin_reply *r, const struct table_column *columns, size_t n)
{
	struct table	t;
	int		code;

	table_init(&t, columns, n);
	for (size_t i = 0; i < n; i++)
		table_cell(&t, admin_cell(json_get(r->data, columns[i].name), &r->arena));
	code = ctl_show_record(c, &t);
	table_free(&t);
	return code;
}

int
ctl_courier_status(struct ctl *c, const struct args *a)
{
	const char		*address;
	struct admin_reply	 r;
	int			 code = admin_address(c, a, &address);

	if (code != CTL_OK)
		return code;
	code = admin_ask(address, "/courier", STR_NONE, ADMIN_TIMEOUT_MS, &r);
	if (code == CTL_OK && json_type(r.data) != JSON_OBJECT)
		code = admin_fail(address, "/courier", &r);
	if (code == CTL_OK)
		code = show(c, &r, status_columns, COUNT(status_columns));
	admin_free(&r);
	return code;
}

int
ctl_courier_probe(struct ctl *c, const struct args *a)
{
	const char		*address, *provider = args_word(a, 0) != NULL ? args_word(a, 0) : "dialpad";
	char			 path[64];
	struct admin_reply	 r;
	int			 code = admin_address(c, a, &address);

	if (code != CTL_OK)
		return code;
	if (strspn(provider, "abcdefghijklmnopqrstuvwxyz-") != strlen(provider) || strlen(provider) > 16)
		return ctl_fail(CTL_USAGE, "PROVIDER is dialpad, exotel or exotel-api");
	snprintf(path, sizeof(path), "/courier/probe?provider=%s", provider);
	code = admin_ask(address, path, STR(""), PROBE_TIMEOUT_MS, &r);
	if (code == CTL_OK && json_type(r.data) != JSON_OBJECT)
		code = admin_fail(address, "/courier/probe", &r);
	if (code == CTL_OK) {
		code = show(c, &r, probe_columns, COUNT(probe_columns));
		if (code == CTL_OK && !str_eq(json_raw(json_get(r.data, "outcome")), STR("answered")))
			code = CTL_FAILED;
	}
	admin_free(&r);
	return code;
}

/*
 * exotel_line: see exotel_line.h.
 */
#include <sys/types.h>

#include <stdlib.h>

#include "base/hash.h"
#include "base/log.h"
#include "courier/exotel_line.h"

#define LINE_MEMORY	((size_t)128 * 1024)

/* LINE_COLUMNS of stmt_courier.c. */
enum line_column {
	LINE_APP_ACTIVE, LINE_ACCOUNT, LINE_ACCOUNT_RECORD, LINE_ACCOUNT_ACTIVE, LINE_CALLER_ID, LINE_AGENT, LINE_AGENT_RECORD,
	LINE_AGENT_ACTIVE, LINE_PHONE,
};

const char *
line_state_word(enum line_state s)
{
	static const char *const words[LINE_STATES] = {
		[LINE_OK] = "ok", [LINE_NOT_LINKED] = "not_linked", [LINE_INACTIVE] = "inactive",
		[LINE_AGENT_UNKNOWN] = "agent_unknown", [LINE_BROKEN] = "broken",
	};

	return words[s];
}

struct str
exotel_line_open(struct courier *c, struct arena *a, const char *table, struct uuid app, struct uuid row, struct str hex)
{
	const struct envelope_place at = { table, "credentials", app, row };
	struct secret plain = { 0 };
	unsigned char *record = malloc(hex.n / 2 + 1);
	long n = record != NULL ? hex_decode(record, hex.n / 2, hex) : -1;
	struct str out = STR_NONE;

	if (n >= 0 && courier_open(c, &plain, &at, (struct str){ (char *)record, (size_t)n }) == ENVELOPE_OK)
		out = arena_str(a, secret_bytes(&plain));
	secret_free(&plain);
	free(record);
	return out;
}

enum line_state
exotel_line_read(struct exotel_line *l, struct courier *c, struct uuid app, const struct db_result *r, int i, int column)
{
	struct uuid account, agent;
	struct str text;

	*l = (struct exotel_line){ .caller_id = STR_NONE };
	arena_init(&l->arena, LINE_MEMORY);
	if (!db_uuid(r, i, 0, column + LINE_AGENT, &agent))
		return LINE_AGENT_UNKNOWN;
	if (!db_uuid(r, i, 0, column + LINE_ACCOUNT, &account))
		return LINE_NOT_LINKED;
	if (!db_bool(r, i, 0, column + LINE_APP_ACTIVE) || !db_bool(r, i, 0, column + LINE_ACCOUNT_ACTIVE) ||
	    !db_bool(r, i, 0, column + LINE_AGENT_ACTIVE))
		return LINE_INACTIVE;
	l->caller_id = arena_str(&l->arena, db_text(r, i, 0, column + LINE_CALLER_ID));
	l->phone = arena_str(&l->arena, db_text(r, i, 0, column + LINE_PHONE));
	text = exotel_line_open(c, &l->arena, "exotel_accounts", app, account, db_text(r, i, 0, column + LINE_ACCOUNT_RECORD));
	if (text.p == NULL || !exotel_account_read(&l->account, &l->arena, text))
		return LINE_BROKEN;
	if (db_text(r, i, 0, column + LINE_AGENT_RECORD).p == NULL)
		return LINE_OK;
	text = exotel_line_open(c, &l->arena, "ribbon_agents", app, agent, db_text(r, i, 0, column + LINE_AGENT_RECORD));
	return text.p != NULL && exotel_agent_read(&l->agent, &l->arena, text) ? LINE_OK : LINE_BROKEN;
}

void
exotel_line_free(struct exotel_line *l)
{
	arena_wipe_free(&l->arena);
	*l = (struct exotel_line){ .caller_id = STR_NONE };
}

bool
exotel_line_token(struct secret *header, const struct exotel_account *x)
{
	return x->app_token.n > 0 && secret_set(header, x->app_token);
}

bool
exotel_line_basic(struct secret *header, const struct exotel_account *x)
{
	char pair[2 * EXOTEL_VALUE_MAX + 1], text[6 + 4 * ((sizeof(pair) + 2) / 3) + 1] = "Basic ";
	size_t n = x->api_key.n + 1 + x->api_token.n;
	bool good;

	if (!exotel_account_connects(x) || n > sizeof(pair))
		return false;
	memcpy(pair, x->api_key.p, x->api_key.n);
	pair[x->api_key.n] = ':';
	memcpy(pair + x->api_key.n + 1, x->api_token.p, x->api_token.n);
	base64_encode(text + 6, pair, n);
	good = secret_set(header, str_c(text));
	hash_wipe(pair, sizeof(pair));
	hash_wipe(text, sizeof(text));
	return good;
}

/*
 * exotel_account: see exotel_account.h. Names that are not known are passed over, so that a later release may add some.
 */
#include <sys/types.h>

#include <stddef.h>
#include <stdio.h>

#include "base/count.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "providers/exotel_account.h"

#define SID_MAX	63	/* a label of a host name */

struct field {
	const char	*name;
	size_t		 at;
};

#define ACCOUNT(name)	{ #name, offsetof(struct exotel_account, name) }
#define AGENT(name)	{ #name, offsetof(struct exotel_agent, name) }

static const struct field account_fields[] = {
	ACCOUNT(account_sid), ACCOUNT(app_token), ACCOUNT(exotel_app_id), ACCOUNT(customer_id), ACCOUNT(api_key),
	ACCOUNT(api_token), ACCOUNT(sip_domain), ACCOUNT(sip_realm), ACCOUNT(hook_url),
};

static const struct field agent_fields[] = { AGENT(exotel_user_id), AGENT(sip_user), AGENT(sip_secret) };

static bool
read_fields(void *to, const struct field *f, size_t n, struct arena *a, struct str json)
{
	static const struct json_limits limits = { .depth = 2, .tokens = 64 };
	struct json_error err;
	struct json_doc doc;

	if (json.n > EXOTEL_TEXT_MAX || !json_parse(&doc, a, json, &limits, &err) || json_type(json_root(&doc)) != JSON_OBJECT)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct json v = json_get(json_root(&doc), f[i].name);
		struct str *value = (struct str *)(void *)((char *)to + f[i].at);

		*value = STR_NONE;
		if (json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL)
			continue;
		*value = arena_str(a, json_text(v, a));	/* the text itself may be gone before */
		if (value->p == NULL || value->n > EXOTEL_VALUE_MAX)
			return false;
		if (value->n == 0)
			*value = STR_NONE;
	}
	return true;
}

static void
write_fields(struct buf *b, const void *from, const struct field *f, size_t n)
{
	struct json_out j;

	json_out_init(&j, b);
	json_obj(&j);
	for (size_t i = 0; i < n; i++) {
		const struct str *value = (const struct str *)(const void *)((const char *)from + f[i].at);

		if (value->n > 0)
			json_kstr(&j, f[i].name, *value);
	}
	json_obj_end(&j);
}

bool
exotel_account_read(struct exotel_account *x, struct arena *a, struct str json)
{
	return read_fields(x, account_fields, COUNT(account_fields), a, json);
}

bool
exotel_agent_read(struct exotel_agent *x, struct arena *a, struct str json)
{
	return read_fields(x, agent_fields, COUNT(agent_fields), a, json);
}

void
exotel_account_write(struct buf *b, const struct exotel_account *x)
{
	write_fields(b, x, account_fields, COUNT(account_fields));
}

void
exotel_agent_write(struct buf *b, const struct exotel_agent *x)
{
	write_fields(b, x, agent_fields, COUNT(agent_fields));
}

bool
exotel_account_set(struct exotel_account *x, struct str name, struct str value)
{
	for (size_t i = 0; i < COUNT(account_fields); i++)
		if (str_eq(name, str_c(account_fields[i].name))) {
			*(struct str *)(void *)((char *)x + account_fields[i].at) = value.n > 0 ? value : STR_NONE;
			return true;
		}
	return false;
}

bool
exotel_account_rings_agents(const struct exotel_account *x)
{
	return x->app_token.n > 0 && x->exotel_app_id.n > 0 && x->customer_id.n > 0;
}

bool
exotel_account_connects(const struct exotel_account *x)
{
	return x->api_key.n > 0 && x->api_token.n > 0;
}

bool
exotel_agent_has_sip(const struct exotel_agent *x)
{
	return x->sip_user.n > 0 && x->sip_secret.n > 0;
}

/* It becomes part of a host name and of a path. */
static bool
sid_ok(struct str s)
{
	if (s.n == 0 || s.n > SID_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z') || (s.p[i] >= '0' && s.p[i] <= '9') ||
		    s.p[i] == '-' || s.p[i] == '_'))
			return false;
	return true;
}

/* Headers are made of them. */
static bool
printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f)
			return false;
	return s.n <= EXOTEL_VALUE_MAX;
}

const char *
exotel_account_fault(const struct exotel_account *x)
{
	if (!sid_ok(x->account_sid))
		return "account_sid: expected 1 to 63 letters, digits, - or _";
	for (size_t i = 0; i < COUNT(account_fields); i++) {
		const struct str *v = (const struct str *)(const void *)((const char *)x + account_fields[i].at);

		if (!printable(*v) && v != &x->sip_realm)
			return "a value holds blanks or other bytes that no credential has, or is longer than 1024 bytes";
	}
	if (!exotel_account_rings_agents(x) && !exotel_account_connects(x))
		return "expected app_token, exotel_app_id and customer_id, or api_key and api_token, or all of them";
	return NULL;
}

bool
exotel_sip_domain(char out[EXOTEL_DOMAIN_SIZE], const struct exotel_account *x, const char *suffix)
{
	int n = x->sip_domain.n > 0 ? snprintf(out, EXOTEL_DOMAIN_SIZE, "%.*s", STR_ARG(x->sip_domain)) :
	    snprintf(out, EXOTEL_DOMAIN_SIZE, "%.*s.%s", STR_ARG(x->account_sid), suffix);

	return n > 0 && n < EXOTEL_DOMAIN_SIZE;
}

/*
 * limit: see limit.h. A key is in the table of requests only once it was good; so strangers' keys take nobody's place
 * there, and being there is what opens the door to a good key whose address has used up its failures.
 */
#include <sys/types.h>
#include <stdio.h>

#include "api/limit.h"
#include "base/clock.h"
#include "base/log.h"

#define VALUE_SIZE	64

static unsigned
owner(const struct api *api)
{
	return api->member + 1;
}

static long long
seconds_up(int64_t ms)
{
	return (long long)(ms > 0 ? (ms + 999) / 1000 : 0);
}

/* draft-ietf-httpapi-ratelimit-headers-10. */
static void
tell(struct http_request *rq, const struct rate_rule *rule, const struct rate_state *state)
{
	char value[VALUE_SIZE];

	snprintf(value, sizeof(value), "\"default\";q=%u;w=%lld", (unsigned)rule->limit, (long long)(rule->window_ms / 1000));
	http_add_header(rq, "RateLimit-Policy", value);
	snprintf(value, sizeof(value), "\"default\";r=%u;t=%lld", (unsigned)state->left, seconds_up(state->reset_ms));
	http_add_header(rq, "RateLimit", value);
}

static void
retry_after(struct http_request *rq, const struct rate_state *state)
{
	char value[VALUE_SIZE];

	snprintf(value, sizeof(value), "%lld", seconds_up(state->reset_ms));
	http_add_header(rq, "Retry-After", value);
}

static void
warn_full(struct api *api, const char *what)
{
	uint64_t times;

	if (pace_due(&api->full, loop_now_ms(api->loop), &times))
		log_event(LEVEL_WARN, "a table of limits is full", LOG_C("of", what), LOG_INT("uncounted_since_last_line", times));
}

bool
limit_request(struct api *api, struct http_request *rq, const unsigned char key_hash[SHA256_SIZE],
    const struct rate_rule *rule, struct rate_state *state)
{
	switch (rate_take(api->tally->requests, owner(api), tally_key_id(key_hash), rule, clock_mono_ms(), state)) {
	case RATE_REFUSE:
		return false;
	case RATE_UNCOUNTED:
		warn_full(api, "API keys");
		return true;
	case RATE_PASS:
		break;
	}
	if (rule->limit > 0)
		tell(rq, rule, state);
	return true;
}

void
limit_note(struct api *api, const unsigned char key_hash[SHA256_SIZE], const struct rate_rule *rule)
{
	struct rate_state state;

	rate_take(api->tally->requests, owner(api), tally_key_id(key_hash), rule, clock_mono_ms(), &state);
}

void
limit_refuse(struct api *api, struct http_request *rq, const struct rate_rule *rule, const struct rate_state *state)
{
	score_count(api->score, SCORE_REQUESTS_LIMITED, 1);
	rq->step = "limit";
	tell(rq, rule, state);
	retry_after(rq, state);
	api_problem(rq, 429, "rate_limited", "Too many requests, please try again later");
}

void
limit_forget_key(struct api *api, const unsigned char key_hash[SHA256_SIZE])
{
	rate_forget(api->tally->requests, tally_key_id(key_hash));
}

/* ---- failures */

static struct rate_rule
failure_rule(const struct api *api)
{
	return (struct rate_rule){ (uint32_t)api->conf->limit_failures, api->conf->limit_failure_window_ms };
}

/* Not where there is no limit, and not for who stands for many: a trusted proxy that names no client, a Unix socket. */
static bool
counts_failures(const struct api *api, const struct http_request *rq)
{
	const struct addr *a = &rq->client;
	size_t i;

	if (api->conf->limit_failures == 0 || (a->family != AF_INET && a->family != AF_INET6))
		return false;
	for (i = 0; i < api->conf->ntrusted; i++)
		if (addr_in_net(a, &api->conf->trusted[i]))
			return false;
	return true;
}

static uint64_t
client_id(const struct api *api, const struct http_request *rq)
{
	unsigned char bytes[ADDR_OWNER_SIZE];

	return tally_id(api->tally, (struct str){ (const char *)bytes, addr_owner(bytes, &rq->client) });
}

static void
refuse_failures(struct api *api, struct http_request *rq, const struct rate_state *state)
{
	char text[ADDR_TEXT_SIZE];
	uint64_t times;

	score_count(api->score, SCORE_FAILURES_LIMITED, 1);
	if (pace_due(&api->failing, loop_now_ms(api->loop), &times)) {
		addr_text(text, &rq->client);
		log_event(LEVEL_WARN, "client refused: too many requests without a good API key (limits.failures_per_address)",
		    LOG_C("client", text), LOG_INT("limit", api->conf->limit_failures), LOG_INT("refused_since_last_line", times));
	}
	rq->step = "failures";
	retry_after(rq, state);
	api_problem(rq, 429, "too_many_failures", "Too many requests without a valid API key, please try again later");
}

bool
limit_may_try(struct api *api, struct http_request *rq, const unsigned char key_hash[SHA256_SIZE])
{
	struct rate_rule rule = failure_rule(api);
	struct rate_state state;

	if (!counts_failures(api, rq) ||
	    rate_look(api->tally->failures, client_id(api, rq), &rule, clock_mono_ms(), &state) != RATE_REFUSE ||
	    rate_known(api->tally->requests, tally_key_id(key_hash)))
		return true;
	refuse_failures(api, rq, &state);
	return false;
}

bool
limit_failure(struct api *api, struct http_request *rq)
{
	struct rate_rule rule = failure_rule(api);
	struct rate_state state;

	if (!counts_failures(api, rq))
		return true;
	switch (rate_take(api->tally->failures, owner(api), client_id(api, rq), &rule, clock_mono_ms(), &state)) {
	case RATE_REFUSE:
		refuse_failures(api, rq, &state);
		return false;
	case RATE_UNCOUNTED:
		warn_full(api, "failing addresses");
		return true;
	case RATE_PASS:
		break;
	}
	return true;
}

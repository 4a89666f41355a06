/*
 * budget: see budget.h. Limits are few (two for each company at work), so they stand in one array that is searched from end
 * to end.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "courier/budget.h"

struct counted {
	const char	*name;
	char		 scope[BUDGET_SCOPE_MAX];
	size_t		 scope_len;
	int64_t		 used_ms;	/* last looked at */
	int64_t		 paused_until_ms;
	int64_t		*at;		/* times of the last n that went, a ring; NULL: none yet */
	int64_t		 n;		/* its size */
	int64_t		 next;		/* where the next time goes: the oldest */
};

struct budget {
	struct counted	*list;
	size_t		 n, max;
};

struct budget *
budget_new(size_t max)
{
	struct budget *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->list = calloc(max, sizeof(*b->list));
	b->max = max;
	if (b->list == NULL) {
		free(b);
		return NULL;
	}
	return b;
}

void
budget_free(struct budget *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++)
		free(b->list[i].at);
	free(b->list);
	free(b);
}

static bool
is(const struct counted *c, const struct budget_limit *l)
{
	return strcmp(c->name, l->name) == 0 && str_eq((struct str){ c->scope, c->scope_len }, l->scope);
}

/* A place for one more: a new one, or that of whoever was not asked for the longest. */
static struct counted *
make_room(struct budget *b)
{
	struct counted *oldest = &b->list[0];

	if (b->n < b->max)
		return &b->list[b->n++];
	for (size_t i = 1; i < b->n; i++)
		if (b->list[i].used_ms < oldest->used_ms)
			oldest = &b->list[i];
	free(oldest->at);
	return oldest;
}

/* NULL: its scope's name is too long, and that is the caller's fault, or no memory. */
static struct counted *
find(struct budget *b, const struct budget_limit *l, int64_t now_ms)
{
	struct counted *c = NULL;

	if (l->scope.n > BUDGET_SCOPE_MAX || l->n > BUDGET_REQUESTS_MAX)
		return NULL;
	for (size_t i = 0; i < b->n && c == NULL; i++)
		if (is(&b->list[i], l))
			c = &b->list[i];
	if (c == NULL) {
		c = make_room(b);
		*c = (struct counted){ .name = l->name, .scope_len = l->scope.n, .paused_until_ms = INT64_MIN };
		if (l->scope.n > 0)
			memcpy(c->scope, l->scope.p, l->scope.n);
	}
	c->used_ms = now_ms;
	if (c->at == NULL && l->n > 0) {
		c->at = malloc((size_t)l->n * sizeof(*c->at));
		if (c->at == NULL)
			return NULL;
		c->n = l->n;
		for (int64_t i = 0; i < c->n; i++)
			c->at[i] = INT64_MIN / 2;	/* long ago */
	}
	return c;
}

static int64_t
wait_of(const struct counted *c, const struct budget_limit *l, int64_t now_ms)
{
	int64_t wait = c->paused_until_ms > now_ms ? c->paused_until_ms - now_ms : 0, full;

	if (c->at == NULL)
		return wait;
	full = c->at[c->next] + l->period_ms + BUDGET_MARGIN_MS - now_ms;
	return full > wait ? full : wait;
}

int64_t
budget_take(struct budget *b, const struct budget_limit *limit, size_t n, int64_t now_ms)
{
	struct counted *c;
	int64_t wait = 0, one;

	for (size_t i = 0; i < n; i++) {
		c = find(b, &limit[i], now_ms);
		one = c != NULL ? wait_of(c, &limit[i], now_ms) : limit[i].period_ms + BUDGET_MARGIN_MS;
		wait = one > wait ? one : wait;
	}
	for (size_t i = 0; wait == 0 && i < n; i++) {
		c = find(b, &limit[i], now_ms);
		if (c == NULL || c->at == NULL)
			continue;
		c->at[c->next] = now_ms;
		c->next = (c->next + 1) % c->n;
	}
	return wait;
}

void
budget_pause(struct budget *b, const struct budget_limit *limit, int64_t pause_ms, int64_t now_ms)
{
	struct counted *c = find(b, limit, now_ms);

	if (pause_ms > BUDGET_PAUSE_MAX_MS)
		pause_ms = BUDGET_PAUSE_MAX_MS;
	if (c != NULL && now_ms + pause_ms > c->paused_until_ms)
		c->paused_until_ms = now_ms + pause_ms;
}

int64_t
budget_backoff_ms(unsigned attempt, int64_t min_ms, int64_t max_ms, uint32_t random)
{
	int64_t wait = min_ms;

	while (attempt > 1 && wait < max_ms) {
		wait *= 2;
		attempt--;
	}
	wait = wait > max_ms ? max_ms : wait;
	return wait / 2 + (int64_t)(random % (uint32_t)(wait / 2 + 1));
}

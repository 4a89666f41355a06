/*
 * budget: see budget.h. Limits are few (two for each company at work), so they stand in one array that is searched from end
 * to end.
 */
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>

#include "courier/budget.h"

#define UNDER_WAY	INT64_MAX
#define LONG_AGO	(INT64_MIN / 2)

struct counted {
	const char	*name;
	char		 scope[BUDGET_SCOPE_MAX];
	size_t		 scope_len;
	int64_t		 used_ms;	/* last looked at */
	int64_t		 paused_until_ms;
	int64_t		*place;		/* when it was answered, or UNDER_WAY; NULL: none yet */
	int64_t		 n, under_way;
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
		free(b->list[i].place);
	free(b->list);
	free(b);
}

static bool
is(const struct counted *c, const struct budget_limit *l)
{
	return strcmp(c->name, l->name) == 0 && str_eq((struct str){ c->scope, c->scope_len }, l->scope);
}

/* Room for one more limit: new, or that of whoever was not asked for the longest and waits for nothing. NULL: none. */
static struct counted *
make_room(struct budget *b)
{
	struct counted *oldest = NULL;

	if (b->n < b->max)
		return &b->list[b->n++];
	for (size_t i = 0; i < b->n; i++)
		if (b->list[i].under_way == 0 && (oldest == NULL || b->list[i].used_ms < oldest->used_ms))
			oldest = &b->list[i];
	if (oldest != NULL)
		free(oldest->place);
	return oldest;
}

/* NULL: its scope's name is too long, and that is the caller's fault, or no room for it. */
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
		if (c == NULL)
			return NULL;
		*c = (struct counted){ .name = l->name, .scope_len = l->scope.n, .paused_until_ms = LONG_AGO };
		if (l->scope.n > 0)
			memcpy(c->scope, l->scope.p, l->scope.n);
	}
	c->used_ms = now_ms;
	if (c->place == NULL && l->n > 0) {
		c->place = malloc((size_t)l->n * sizeof(*c->place));
		if (c->place == NULL)
			return NULL;
		c->n = l->n;
		for (int64_t i = 0; i < c->n; i++)
			c->place[i] = LONG_AGO;
	}
	return c;
}

/* The place that is free first. */
static int64_t *
first_place(const struct counted *c)
{
	int64_t *first = &c->place[0];

	for (int64_t i = 1; i < c->n; i++)
		if (c->place[i] < *first)
			first = &c->place[i];
	return first;
}

static int64_t
wait_of(const struct counted *c, const struct budget_limit *l, int64_t now_ms)
{
	int64_t wait = c->paused_until_ms > now_ms ? c->paused_until_ms - now_ms : 0, full, first;

	if (c->place == NULL)
		return wait;
	first = *first_place(c);
	full = first == UNDER_WAY ? BUDGET_AGAIN_MS : first + l->period_ms + BUDGET_MARGIN_MS - now_ms;
	return full > wait ? full : wait;
}

int64_t
budget_take(struct budget *b, const struct budget_limit *limit, size_t n, int64_t now_ms)
{
	struct counted *c;
	int64_t wait = 0, one;

	for (size_t i = 0; i < n; i++) {
		c = find(b, &limit[i], now_ms);
		one = c != NULL ? wait_of(c, &limit[i], now_ms) : limit[i].period_ms;
		wait = one > wait ? one : wait;
	}
	for (size_t i = 0; wait == 0 && i < n; i++) {
		c = find(b, &limit[i], now_ms);
		if (c == NULL || c->place == NULL)
			continue;
		*first_place(c) = UNDER_WAY;
		c->under_way++;
	}
	return wait;
}

void
budget_done(struct budget *b, const struct budget_limit *limit, size_t n, int64_t now_ms)
{
	struct counted *c;

	for (size_t i = 0; i < n; i++) {
		c = find(b, &limit[i], now_ms);
		if (c == NULL || c->under_way == 0)
			continue;
		for (int64_t k = 0; k < c->n; k++)
			if (c->place[k] == UNDER_WAY) {	/* one is like another */
				c->place[k] = now_ms;
				break;
			}
		c->under_way--;
	}
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

/*
 * scoreboard: the memory itself, who sits where, and what is written. No lock anywhere, and no moment in which a number
 * is in two places or in none: nothing is ever moved.
 */
#include <sys/types.h>
#include <sys/mman.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "proc/scoreboard.h"

_Static_assert(sizeof(struct score) % SCORE_LINE == 0, "the next place would begin on this one's last line");
_Static_assert(sizeof(struct scoreboard) < (size_t)5 << 20, "scoreboard.h states the size");

const char *const score_answer_names[SCORE_ANSWERS] = { "ok", "refused", "limited", "failed", "unreached" };
const char *const score_class_names[SCORE_CLASSES] = { "2xx", "3xx", "4xx", "5xx" };
const char *const score_cause_names[SCORE_CAUSES] = { "exit", "signal", "sandbox", "timeout" };
const struct score_bounds score_times = { 17, {
	50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000,
	10000000,
} };
const struct score_bounds score_rows = { 7, { 1, 2, 4, 8, 16, 32, 64 } };

struct scoreboard *
scoreboard_new(const char *const *roles, unsigned nroles)
{
	void *p = mmap(NULL, sizeof(struct scoreboard), PROT_READ | PROT_WRITE, MAP_ANON | MAP_SHARED, -1, 0);
	struct scoreboard *b = p;

	if (p == MAP_FAILED)
		return NULL;
	b->nroles = nroles < SCORE_ROLES ? nroles : SCORE_ROLES;
	for (unsigned i = 0; i < b->nroles; i++)
		snprintf(b->role[i], SCORE_NAME, "%s", roles[i]);
	SCORE_SET(b->started_ms, (uint64_t)clock_real_ms());
	SCORE_SET(b->queue.base, SCORE_UNKNOWN);
	return b;
}

/* ---- places */

void
scoreboard_set_state(struct score *s, enum score_state state)
{
	atomic_store_explicit(&s->state, (int)state, memory_order_release);
}

void
scoreboard_seat(struct scoreboard *b, struct score *s, unsigned role, unsigned index, unsigned generation)
{
	unsigned place = (unsigned)(s - b->slot);

	SCORE_SET(s->role, role);
	SCORE_SET(s->index, index);
	SCORE_SET(s->generation, generation);
	SCORE_SET(s->pid, 0);
	SCORE_SET(s->started_ms, (uint64_t)clock_real_ms());
	for (size_t i = 0; i < SCORE_COUNTERS; i++)
		SCORE_SET(s->before[i], SCORE_GET(s->counter[i]));
	SCORE_SET(s->requests_before, score_requests(s));
	scoreboard_set_state(s, SCORE_STARTING);
	if (place >= SCORE_GET(b->used))
		SCORE_SET(b->used, place + 1);
}

void
scoreboard_vacate(struct score *s)
{
	scoreboard_set_state(s, SCORE_FREE);
	SCORE_SET(s->pid, 0);
	SCORE_SET(s->connections, 0);
	score_db(s, SCORE_DB_DOWN, "");
}

void
scoreboard_certify(struct scoreboard *b, const struct conf *c)
{
	unsigned other = 1 - SCORE_GET(b->certificates_now);
	struct score_certificates *all = &b->certificates[other];

	for (size_t i = 0; i < c->ncertificates; i++) {
		SCORE_SET(all->one[i].not_after, c->certificate[i].info.not_after);
		snprintf(all->one[i].name, sizeof(all->one[i].name), "%s", c->certificate[i].info.name);
	}
	SCORE_SET(all->n, (unsigned)c->ncertificates);
	atomic_store_explicit(&b->certificates_now, other, memory_order_release);
}

const struct score_certificates *
scoreboard_certificates(const struct scoreboard *b)
{
	return &b->certificates[atomic_load_explicit(&b->certificates_now, memory_order_acquire)];
}

/* ---- what a child writes */

void
score_observe(struct score_histogram *h, const struct score_bounds *bounds, int64_t v)
{
	size_t i = 0;

	while (i < bounds->n && v > bounds->at[i])
		i++;
	SCORE_ADD(h->bucket[i < bounds->n ? i : SCORE_BUCKETS - 1], 1);
	SCORE_ADD(h->sum, v > 0 ? (uint64_t)v : 0);
}

void
score_http(struct score *s, size_t route, int status, int64_t us)
{
	int class = status / 100 - 2;

	if (class < SCORE_2XX)
		class = SCORE_2XX;
	if (class >= SCORE_CLASSES)
		class = SCORE_5XX;
	score_observe(&s->http_us[route < SCORE_ROUTES ? route : 0][class], &score_times, us);
}

void
score_db(struct score *s, enum score_db db, const char *reason)
{
	SCORE_SET(s->db, (int)db);
	score_say(&s->db_reason, db == SCORE_DB_UP ? "" : reason);
}

void
score_say(struct score_text *t, const char *sentence)
{
	uint64_t word[SCORE_TEXT / sizeof(uint64_t)] = { 0 };
	uint32_t turn = SCORE_GET(t->turn) | 1;		/* odd already when the one before was killed here */

	snprintf((char *)word, sizeof(word), "%s", sentence);
	SCORE_SET(t->turn, turn);
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < SCORE_TEXT / sizeof(uint64_t); i++)
		SCORE_SET(t->word[i], word[i]);
	atomic_store_explicit(&t->turn, turn + 1, memory_order_release);
}

/*
 * log_levels: see log_levels.h. A slot is free, taken (its names are being written) or live; each change of its state
 * is one compare-and-swap, and counts, so that a reader who finds the same word before and after reading the names has
 * read what belongs together. A taken slot is never taken over: who took it may only be slow.
 */
#include <sys/types.h>

#include <string.h>

#include "base/log_levels.h"

enum { SLOT_IS_FREE, SLOT_IS_TAKEN, SLOT_IS_LIVE };

/* state: 2 bits kind, 2 level, 40 end in ms (0 = never: 34 years of uptime), 20 count. */
#define KIND(s)		((int)((s) & 3))
#define LEVEL(s)	((int)((s) >> 2 & 3))
#define END_BITS	40
#define END_MAX		((UINT64_C(1) << END_BITS) - 1)
#define END(s)		((s) >> 4 & END_MAX)
#define COUNT_ONE	(UINT64_C(1) << (4 + END_BITS))
#define READS_MAX	8	/* of a slot that changes under the reader's eyes */

struct names {
	uint64_t word[4];
};

static uint64_t
next_state(uint64_t before, int kind, const struct log_override *o)
{
	uint64_t end = 0, level = o != NULL ? (uint64_t)o->level & 3 : 0;

	if (o != NULL && o->until_ms != INT64_MAX)
		end = o->until_ms < 1 ? 1 : (uint64_t)o->until_ms & END_MAX;
	return ((before & ~(COUNT_ONE - 1)) + COUNT_ONE) | end << 4 | level << 2 | (uint64_t)kind;
}

static bool
over(uint64_t state, int64_t now_ms)
{
	return END(state) != 0 && (int64_t)END(state) <= now_ms;
}

static struct names
pack(const char *module, const char *app)
{
	char		name[LOG_MODULE_SIZE] = "";
	struct uuid	id = { { 0 } };
	struct names	n;

	memcpy(name, module, strnlen(module, sizeof(name) - 1));
	if (!uuid_parse(str_c(app), &id))
		memset(&id, 0, sizeof(id));
	memcpy(&n.word[0], name, sizeof(name));
	memcpy(&n.word[2], id.b, sizeof(id.b));
	return n;
}

static void
unpack(const struct names *n, struct log_override *o)
{
	struct uuid id;

	memcpy(o->module, &n->word[0], sizeof(o->module));
	o->module[sizeof(o->module) - 1] = '\0';
	memcpy(id.b, &n->word[2], sizeof(id.b));
	o->app[0] = '\0';
	if (!uuid_is_nil(id))
		uuid_format(o->app, id);
}

/* The state and the names that belong to it. A slot that will not stand still counts as free. */
static uint64_t
read_slot(struct log_slot *s, struct names *n)
{
	uint64_t before, after = atomic_load_explicit(&s->state, memory_order_acquire);
	int tries = 0;

	do {
		before = after;
		for (size_t i = 0; i < 4; i++)
			n->word[i] = atomic_load_explicit(&s->name[i], memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&s->state, memory_order_relaxed);
	} while (after != before && ++tries < READS_MAX);
	return after == before ? before : SLOT_IS_FREE;
}

static bool
change(struct log_slot *s, uint64_t before, uint64_t after)
{
	return atomic_compare_exchange_strong_explicit(&s->state, &before, after, memory_order_acq_rel,
	    memory_order_relaxed);
}

static void
announce(struct log_levels *t)
{
	atomic_fetch_add_explicit(&t->version, 1, memory_order_release);
}

size_t
log_levels_read(struct log_levels *t, struct log_override out[LOG_OVERRIDES], int64_t now_ms, uint32_t *version)
{
	struct names names;
	size_t n = 0;

	*version = atomic_load_explicit(&t->version, memory_order_acquire);
	for (struct log_slot *s = t->slot; s < t->slot + LOG_OVERRIDES; s++) {
		uint64_t state = read_slot(s, &names);

		if (KIND(state) != SLOT_IS_LIVE || over(state, now_ms))
			continue;
		unpack(&names, &out[n]);
		out[n].level = LEVEL(state);
		out[n].until_ms = END(state) == 0 ? INT64_MAX : (int64_t)END(state);
		n++;
	}
	return n;
}

/* Tries once in every slot: first those that hold these names, then those that are free. */
static bool
set_in_some_slot(struct log_levels *t, const struct names *wanted, const struct log_override *o, int64_t now_ms)
{
	struct names names;

	for (struct log_slot *s = t->slot; s < t->slot + LOG_OVERRIDES; s++) {
		uint64_t state = read_slot(s, &names);

		if (KIND(state) == SLOT_IS_LIVE && memcmp(&names, wanted, sizeof(names)) == 0 &&
		    change(s, state, next_state(state, SLOT_IS_LIVE, o)))
			return true;
	}
	for (struct log_slot *s = t->slot; s < t->slot + LOG_OVERRIDES; s++) {
		uint64_t state = atomic_load_explicit(&s->state, memory_order_acquire), taken;

		taken = next_state(state, SLOT_IS_TAKEN, NULL);
		if (KIND(state) == SLOT_IS_TAKEN || (KIND(state) == SLOT_IS_LIVE && !over(state, now_ms)) ||
		    !change(s, state, taken))
			continue;
		/* No reader may see a name before it sees the slot taken. */
		atomic_thread_fence(memory_order_release);
		for (size_t i = 0; i < 4; i++)
			atomic_store_explicit(&s->name[i], wanted->word[i], memory_order_relaxed);
		return change(s, taken, next_state(taken, SLOT_IS_LIVE, o));
	}
	return false;
}

bool
log_levels_set(struct log_levels *t, const struct log_override *o, int64_t now_ms)
{
	struct names wanted = pack(o->module, o->app);

	if (!set_in_some_slot(t, &wanted, o, now_ms))
		return false;
	announce(t);
	return true;
}

size_t
log_levels_reset(struct log_levels *t, const char *module, const char *app)
{
	struct names names, wanted = pack(module != NULL ? module : "", app != NULL ? app : "");
	bool all = module == NULL && app == NULL;
	size_t n = 0;

	for (struct log_slot *s = t->slot; s < t->slot + LOG_OVERRIDES; s++) {
		uint64_t state = read_slot(s, &names);

		if (KIND(state) == SLOT_IS_LIVE && (all || memcmp(&names, &wanted, sizeof(names)) == 0) &&
		    change(s, state, next_state(state, SLOT_IS_FREE, NULL)))
			n++;
	}
	if (n > 0)
		announce(t);
	return n;
}

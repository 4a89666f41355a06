/*
 * crowd: see crowd.h. A member's table is buckets of one cache line, one bucket for an id; a place is one word, so that
 * others never read half of it: the upper bits of the id and how many. A place with none is free for anybody.
 */
#include <sys/types.h>
#include <sys/mman.h>

#include <stdatomic.h>
#include <string.h>

#include "base/crowd.h"

#define BUCKETS		2048
#define PLACES		8
#define COUNT_BITS	20
#define COUNT_MASK	((UINT64_C(1) << COUNT_BITS) - 1)

enum presence { NEVER, PRESENT, GONE };

struct table {
	_Atomic uint64_t	place[BUCKETS][PLACES];
};

struct crowd {
	size_t		members, size;
	_Atomic int	presence[];	/* enum presence; the tables follow, on a line of the cache */
};

static size_t
head_size(size_t members)
{
	return (sizeof(struct crowd) + members * sizeof(_Atomic int) + 63) / 64 * 64;
}

static struct table *
table_of(const struct crowd *c, size_t member)
{
	return (struct table *)((char *)(uintptr_t)c + head_size(c->members)) + member;
}

struct crowd *
crowd_new(size_t members)
{
	size_t		 size = head_size(members) + members * sizeof(struct table);
	struct crowd	*c = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANON | MAP_SHARED, -1, 0);

	if (c == MAP_FAILED)
		return NULL;
	c->members = members;
	c->size = size;
	return c;
}

void
crowd_free(struct crowd *c)
{
	if (c != NULL)
		munmap(c, c->size);
}

void
crowd_join(struct crowd *c, size_t member)
{
	/* A first one finds zeros, in pages that need not be there yet. */
	if (atomic_exchange(&c->presence[member], GONE) != NEVER)
		memset(table_of(c, member), 0, sizeof(struct table));
	atomic_store(&c->presence[member], PRESENT);
}

void
crowd_left(struct crowd *c, size_t member)
{
	int present = PRESENT;

	atomic_compare_exchange_strong(&c->presence[member], &present, GONE);
}

/* The place of this id in a member's bucket, or NULL. */
static _Atomic uint64_t *
find(_Atomic uint64_t *bucket, uint64_t id)
{
	uint64_t	word;
	int		i;

	for (i = 0; i < PLACES; i++) {
		word = atomic_load(&bucket[i]);
		if (word >> COUNT_BITS == id >> COUNT_BITS && (word & COUNT_MASK) > 0)
			return &bucket[i];
	}
	return NULL;
}

static _Atomic uint64_t *
find_free(_Atomic uint64_t *bucket)
{
	int i;

	for (i = 0; i < PLACES; i++)
		if ((atomic_load(&bucket[i]) & COUNT_MASK) == 0)
			return &bucket[i];
	return NULL;
}

static uint64_t
total(struct crowd *c, uint64_t id)
{
	_Atomic uint64_t	*place;
	uint64_t		 n = 0;
	size_t			 i;

	for (i = 0; i < c->members; i++) {
		place = atomic_load(&c->presence[i]) == PRESENT ? find(table_of(c, i)->place[id % BUCKETS], id) : NULL;
		if (place != NULL)
			n += atomic_load(place) & COUNT_MASK;
	}
	return n;
}

bool
crowd_enter(struct crowd *c, size_t member, uint64_t id, uint32_t limit, bool *counted)
{
	_Atomic uint64_t	*bucket = table_of(c, member)->place[id % BUCKETS], *place = find(bucket, id);

	*counted = false;
	if (place != NULL && (atomic_load(place) & COUNT_MASK) == COUNT_MASK)
		return false;
	if (place != NULL)
		atomic_fetch_add(place, 1);
	else if ((place = find_free(bucket)) != NULL)
		atomic_store(place, (id & ~COUNT_MASK) | 1);
	else
		return true;
	/* Counted first, looked at second: whoever comes at the same moment sees us, or we see it. */
	if (total(c, id) > limit) {
		atomic_fetch_sub(place, 1);
		return false;
	}
	*counted = true;
	return true;
}

void
crowd_leave(struct crowd *c, size_t member, uint64_t id)
{
	_Atomic uint64_t *place = find(table_of(c, member)->place[id % BUCKETS], id);

	if (place != NULL)
		atomic_fetch_sub(place, 1);
}

/*
 * arena: blocks in a list, filled from the front, freed together. Never gives memory back early and never passes its
 * limit: the limit counts what is taken from the system, so that one request cannot cost more than its share.
 */
#include <sys/types.h>

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"

#define ARENA_BLOCK_MIN	4096
#define ARENA_BLOCK_MAX	65536	/* blocks double up to here; a bigger wish gets a block of its own */

struct arena_block {
	struct arena_block	*next;
	size_t			 used;
	size_t			 room;
	max_align_t		 data[];
};

void
arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){ .max = max };
}

void
arena_free(struct arena *a)
{
	struct arena_block *block;

	while ((block = a->blocks) != NULL) {
		a->blocks = block->next;
		free(block);
	}
	a->used = 0;
}

void
arena_wipe_free(struct arena *a)
{
	struct arena_block *block;

	for (block = a->blocks; block != NULL; block = block->next)
		hash_wipe(block->data, block->used);
	arena_free(a);
}

/* How big the next block is: room for n, more if the limit has it, never beyond the limit. 0 when n does not fit. */
static size_t
block_size(const struct arena *a, size_t n)
{
	size_t	left = a->max - a->used;
	size_t	size = a->used < ARENA_BLOCK_MIN ? ARENA_BLOCK_MIN : a->used;

	if (left < sizeof(struct arena_block) || n > left - sizeof(struct arena_block))
		return 0;
	if (size > ARENA_BLOCK_MAX)
		size = ARENA_BLOCK_MAX;
	if (size < n + sizeof(struct arena_block))
		size = n + sizeof(struct arena_block);
	return size < left ? size : left;
}

/* Puts a new block in front, or behind the front one when that has more room left: small wishes keep using it. */
static struct arena_block *
block_add(struct arena *a, size_t n)
{
	struct arena_block	*block, *front = a->blocks;
	size_t			 size = block_size(a, n);

	if (size == 0 || (block = calloc(1, size)) == NULL)
		return NULL;
	a->used += size;
	block->room = size - sizeof(*block);
	if (front != NULL && front->room - front->used > block->room - n) {
		block->next = front->next;
		front->next = block;
	} else {
		block->next = front;
		a->blocks = block;
	}
	return block;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block	*block = a->blocks;
	size_t			 unit = alignof(max_align_t);
	void			*p;

	if (n > SIZE_MAX - unit)
		return NULL;
	n = n == 0 ? unit : (n + unit - 1) / unit * unit;
	if (block == NULL || block->room - block->used < n)
		block = block_add(a, n);
	if (block == NULL)
		return NULL;
	p = (char *)block->data + block->used;
	block->used += n;
	return p;
}

struct str
arena_str(struct arena *a, struct str s)
{
	char *p;

	if (s.p == NULL || s.n == SIZE_MAX || (p = arena_alloc(a, s.n + 1)) == NULL)
		return STR_NONE;
	memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

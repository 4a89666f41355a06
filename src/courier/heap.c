/*
 * heap: see heap.h. Each piece has its size before it; realloc() would leave an old copy behind, so it is never asked.
 */
#include <sys/types.h>

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "courier/heap.h"

struct piece {
	alignas(max_align_t) size_t	n;
	max_align_t			data[];
};

static struct piece *
piece_of(void *p)
{
	return (struct piece *)(void *)((char *)p - offsetof(struct piece, data));
}

void *
heap_malloc(size_t n)
{
	struct piece *piece = n <= SIZE_MAX - sizeof(*piece) ? malloc(sizeof(*piece) + n) : NULL;

	if (piece == NULL)
		return NULL;
	piece->n = n;
	return piece->data;
}

void *
heap_calloc(size_t n, size_t size)
{
	void *p = size == 0 || n <= SIZE_MAX / size ? heap_malloc(n * size) : NULL;

	if (p != NULL)
		memset(p, 0, n * size);
	return p;
}

void
heap_free(void *p)
{
	struct piece *piece;

	if (p == NULL)
		return;
	piece = piece_of(p);
	hash_wipe(piece->data, piece->n);
	free(piece);
}

void *
heap_realloc(void *p, size_t n)
{
	void *to = heap_malloc(n);
	size_t had;

	if (p == NULL || to == NULL)
		return to;
	had = piece_of(p)->n;
	memcpy(to, p, had < n ? had : n);
	heap_free(p);
	return to;
}

char *
heap_strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *to = heap_malloc(n);

	return to != NULL ? memcpy(to, s, n) : NULL;
}

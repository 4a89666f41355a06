/*
 * tls_tickets: the shared memory, its one writer and its readers. The words are atomics, relaxed: a torn copy is
 * found by the sequence, never used.
 */
#include <sys/types.h>
#include <sys/mman.h>

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/hash.h"
#include "net/tls_tickets.h"

#define TICKET_WORDS	(sizeof(struct tls_ticket_key) / sizeof(uint64_t))
#define READ_TRIES	100

struct tls_tickets {
	_Atomic uint64_t	sequence;	/* odd while the writer is at it */
	_Atomic uint64_t	word[TLS_TICKET_KEYS][TICKET_WORDS];
};

_Static_assert(sizeof(struct tls_ticket_key) % sizeof(uint64_t) == 0, "a key is a whole number of words");

struct tls_tickets *
tls_tickets_new(void)
{
	void *p = mmap(NULL, sizeof(struct tls_tickets), PROT_READ | PROT_WRITE, MAP_ANON | MAP_SHARED, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	tls_tickets_rotate(p);
	tls_tickets_rotate(p);	/* so that no key is the zeroes it was mapped with */
	return p;
}

void
tls_tickets_rotate(struct tls_tickets *t)
{
	uint64_t fresh[TICKET_WORDS], sequence = atomic_load_explicit(&t->sequence, memory_order_relaxed);
	size_t i, k;

	hash_random(fresh, sizeof(fresh));
	atomic_store_explicit(&t->sequence, sequence + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (k = TLS_TICKET_KEYS - 1; k > 0; k--)
		for (i = 0; i < TICKET_WORDS; i++)
			atomic_store_explicit(&t->word[k][i],
			    atomic_load_explicit(&t->word[k - 1][i], memory_order_relaxed), memory_order_relaxed);
	for (i = 0; i < TICKET_WORDS; i++)
		atomic_store_explicit(&t->word[0][i], fresh[i], memory_order_relaxed);
	atomic_store_explicit(&t->sequence, sequence + 2, memory_order_release);
	hash_wipe(fresh, sizeof(fresh));
}

bool
tls_tickets_get(const struct tls_tickets *t, struct tls_ticket_key out[TLS_TICKET_KEYS])
{
	uint64_t copy[TLS_TICKET_KEYS][TICKET_WORDS], before, after;
	bool good = false;
	int tries;

	for (tries = 0; tries < READ_TRIES && !good; tries++) {
		before = atomic_load_explicit(&t->sequence, memory_order_acquire);
		for (size_t k = 0; k < TLS_TICKET_KEYS; k++)
			for (size_t i = 0; i < TICKET_WORDS; i++)
				copy[k][i] = atomic_load_explicit(&t->word[k][i], memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&t->sequence, memory_order_relaxed);
		good = before == after && before % 2 == 0;
	}
	if (good)
		memcpy(out, copy, sizeof(copy));
	hash_wipe(copy, sizeof(copy));
	return good;
}

void
tls_tickets_unmap(struct tls_tickets *t)
{
	if (t != NULL)
		munmap(t, sizeof(*t));
}

/*
 * Keys of session tickets in shared memory: they move from new to old to gone, and nobody ever sees half of one.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/tls_tickets.h"

#define ROTATIONS	20000

static struct tls_tickets *tickets;

static int
set_up(void **state)
{
	(void)state;
	tickets = tls_tickets_new();
	return tickets != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	tls_tickets_unmap(tickets);
	return 0;
}

static bool
is_zero(const struct tls_ticket_key *k)
{
	static const struct tls_ticket_key zero;

	return memcmp(k->name, zero.name, sizeof(zero.name)) == 0 || memcmp(k->cipher, zero.cipher, sizeof(zero.cipher)) == 0 ||
	    memcmp(k->mac, zero.mac, sizeof(zero.mac)) == 0;
}

static void
test_new_old_gone(void **state)
{
	struct tls_ticket_key a[TLS_TICKET_KEYS], b[TLS_TICKET_KEYS];

	(void)state;
	assert_true(tls_tickets_get(tickets, a));
	assert_false(is_zero(&a[0]) || is_zero(&a[1]));
	assert_memory_not_equal(&a[0], &a[1], sizeof(a[0]));
	tls_tickets_rotate(tickets);
	assert_true(tls_tickets_get(tickets, b));
	assert_memory_equal(&b[1], &a[0], sizeof(a[0]));
	assert_memory_not_equal(b[0].name, a[0].name, sizeof(a[0].name));
	assert_memory_not_equal(b[0].name, a[1].name, sizeof(a[0].name));
}

static void
test_other_processes_see_it(void **state)
{
	struct tls_ticket_key before[TLS_TICKET_KEYS], after[TLS_TICKET_KEYS];
	int status;
	pid_t pid;

	(void)state;
	assert_true(tls_tickets_get(tickets, before));
	pid = fork();
	if (pid == 0) {
		tls_tickets_rotate(tickets);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(tls_tickets_get(tickets, after));
	assert_memory_equal(&after[1], &before[0], sizeof(before[0]));
}

/* A key seen as the new one, and later as the old one, is the same in every byte. */
static void
test_never_half_a_key(void **state)
{
	struct tls_ticket_key seen[TLS_TICKET_KEYS], now[TLS_TICKET_KEYS];
	int status, reads = 0;
	pid_t pid;

	(void)state;
	assert_true(tls_tickets_get(tickets, seen));
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < ROTATIONS; i++)
			tls_tickets_rotate(tickets);
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (!tls_tickets_get(tickets, now))
			continue;
		reads++;
		for (int i = 0; i < TLS_TICKET_KEYS; i++)
			for (int k = 0; k < TLS_TICKET_KEYS; k++)
				if (memcmp(seen[i].name, now[k].name, sizeof(now[k].name)) == 0)
					assert_memory_equal(&seen[i], &now[k], sizeof(now[k]));
		memcpy(seen, now, sizeof(seen));
	}
	assert_true(reads > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_old_gone),
		cmocka_unit_test(test_other_processes_see_it),
		cmocka_unit_test(test_never_half_a_key),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/*
 * Who is at the other end of a Unix socket, which names stand for whom, and what the admin listener lets whom do.
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/api.h"
#include "base/count.h"
#include "base/log.h"

#define STRANGER	54321

static void
the_kernel_knows_who_we_are(void **state)
{
	struct peer_cred who = { .known = false };
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_true(peer_cred_of(pair[0], &who));
	assert_true(who.known);
	assert_int_equal(who.uid, geteuid());
	assert_int_equal(who.gid, getegid());
	close(pair[0]);
	close(pair[1]);
}

static void
no_socket_is_nobody(void **state)
{
	struct peer_cred who = { .known = false };
	int pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_false(peer_cred_of(pipes[0], &who));
	assert_false(who.known);
	close(pipes[0]);
	close(pipes[1]);
}

static void
names_stand_for_users(void **state)
{
	char root[] = "root", nobody[] = "nobody", unheard[] = "no-such-user-here";
	char *users[] = { root, nobody }, *wrong[] = { root, unheard };
	const struct passwd *pw = getpwnam("nobody");
	struct peer_list l;
	char why[PEER_WHY_SIZE];

	(void)state;
	assert_non_null(pw);
	assert_true(peer_list_lookup(&l, users, 2, NULL, 0, why));
	assert_true(peer_list_has(&l, &(struct peer_cred){ true, 0, 1 }));
	assert_true(peer_list_has(&l, &(struct peer_cred){ true, pw->pw_uid, 1 }));
	assert_false(peer_list_has(&l, &(struct peer_cred){ true, STRANGER, 0 }));
	assert_false(peer_list_has(&l, &(struct peer_cred){ false, 0, 0 }));
	assert_false(peer_list_lookup(&l, wrong, 2, NULL, 0, why));
	assert_string_equal(why, "admin.users: there is no user \"no-such-user-here\" on this system");
	assert_false(peer_list_lookup(&l, NULL, 0, &wrong[1], 1, why));
	assert_string_equal(why, "admin.groups: there is no group \"no-such-user-here\" on this system");
	assert_true(peer_list_lookup(&l, NULL, 0, NULL, 0, why));
	assert_false(peer_list_has(&l, &(struct peer_cred){ true, 0, 0 }));
}

/* Whichever group of this system has a member who is not in it by his account. */
static void
groups_stand_for_their_members(void **state)
{
	const struct passwd *pw;
	const struct group *gr;
	struct peer_list l;
	char why[PEER_WHY_SIZE], name[256] = "";
	gid_t gid = 0;
	uid_t member = 0;
	char *groups[] = { name };

	(void)state;
	setgrent();
	while (name[0] == '\0' && (gr = getgrent()) != NULL)
		if (gr->gr_mem[0] != NULL && (pw = getpwnam(gr->gr_mem[0])) != NULL && strlen(gr->gr_name) < sizeof(name)) {
			snprintf(name, sizeof(name), "%s", gr->gr_name);
			gid = gr->gr_gid;
			member = pw->pw_uid;
		}
	endgrent();
	if (name[0] == '\0')
		skip();
	assert_true(peer_list_lookup(&l, NULL, 0, groups, 1, why));
	assert_true(peer_list_has(&l, &(struct peer_cred){ true, member, STRANGER }));
	assert_true(peer_list_has(&l, &(struct peer_cred){ true, STRANGER, gid }));
	assert_false(peer_list_has(&l, &(struct peer_cred){ true, STRANGER, STRANGER }));
}

static void
a_list_has_an_end(void **state)
{
	char root[] = "root", *users[PEER_LIST_MAX + 1], *groups[PEER_GROUPS_MAX + 1], why[PEER_WHY_SIZE];
	char group[256];
	struct peer_list l;

	(void)state;
	snprintf(group, sizeof(group), "%s", getgrgid(0)->gr_name);
	for (size_t i = 0; i < COUNT(users); i++)
		users[i] = root;
	for (size_t i = 0; i < COUNT(groups); i++)
		groups[i] = group;
	assert_true(peer_list_lookup(&l, users, PEER_LIST_MAX, NULL, 0, why));
	assert_false(peer_list_lookup(&l, users, PEER_LIST_MAX + 1, NULL, 0, why));
	assert_true(peer_list_lookup(&l, NULL, 0, groups, PEER_GROUPS_MAX, why));
	assert_false(peer_list_lookup(&l, NULL, 0, groups, PEER_GROUPS_MAX + 1, why));
}

static void
something(struct http_request *rq, void *ctx)
{
	(void)rq;
	(void)ctx;
}

static bool
admits(const struct peer_list *admins, http_handler handler, enum http_method method, struct peer_cred who)
{
	const struct http_route route = { "/x", ROUTE_GET | ROUTE_POST, handler, "x", 0, false };
	const struct http_request rq = { .route = &route, .method = method, .cred = who };
	const struct api api = { .admins = admins };

	return api_admin_admit(&api, &rq) == NULL;
}

/* Health for all; reading for root, ourselves, the named, and over TCP; changing never over TCP. */
static void
the_admin_listener_admits_whom_it_should(void **state)
{
	static const struct peer_list admins = { .uid = { 1234 }, .nuids = 1, .gid = { 4321 }, .ngids = 1 };
	const struct { struct peer_cred who; bool reads, changes; } all[] = {
		{ { true, 0, 0 }, true, true },
		{ { true, geteuid(), 99 }, true, true },
		{ { true, 1234, 99 }, true, true },
		{ { true, 99, 4321 }, true, true },
		{ { true, STRANGER, STRANGER }, false, false },
		{ { true, STRANGER, 0 }, false, false },
		{ { false, 0, 0 }, true, false },
	};
	static const enum http_method changing[] = { HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE };

	(void)state;
	assert_int_equal(log_open(LOG_TO_FILE, "/dev/null", LEVEL_ERROR), 0);
	for (size_t i = 0; i < COUNT(all); i++) {
		assert_true(admits(&admins, api_health_live, HTTP_GET, all[i].who));
		assert_true(admits(&admins, api_health_ready, HTTP_HEAD, all[i].who));
		assert_int_equal(admits(&admins, something, HTTP_GET, all[i].who), all[i].reads);
		assert_int_equal(admits(&admins, api_metrics, HTTP_HEAD, all[i].who), all[i].reads);
		for (size_t m = 0; m < COUNT(changing); m++)
			assert_int_equal(admits(&admins, something, changing[m], all[i].who), all[i].changes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_knows_who_we_are),
		cmocka_unit_test(no_socket_is_nobody),
		cmocka_unit_test(names_stand_for_users),
		cmocka_unit_test(groups_stand_for_their_members),
		cmocka_unit_test(a_list_has_an_end),
		cmocka_unit_test(the_admin_listener_admits_whom_it_should),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

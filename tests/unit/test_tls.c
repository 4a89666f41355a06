/*
 * Certificates as bytes, and connections over a socket pair with OpenSSL's own client at the other end: which
 * certificate is shown, whose tickets are taken, and reading and writing that behave like recv() and send().
 */
#include <sys/types.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/ssl.h>

#include "base/count.h"
#include "net/tls.h"
#include "net/tls_tickets.h"
#include "tls_pem.h"

#define ONE	{ .chain = STR(PEM_ONE PEM_INTERMEDIATE), .key = STR(PEM_ONE_KEY) }
#define TWO	{ .chain = STR(PEM_TWO PEM_INTERMEDIATE), .key = STR(PEM_TWO_KEY) }

/* ---- files ---- */

static bool
check(struct tls_files f, struct tls_cert_info *info, struct tls_fault *fault)
{
	struct tls_names names = { NULL, 0, 0 };
	bool good = tls_cert_check(&f, info, &names, 0, fault);

	if (good) {
		tls_names_sort(&names);
		assert_int_equal(tls_names_find(&names, info->name), 0);
	}
	tls_names_free(&names);
	return good;
}

static void
test_good_files(void **state)
{
	struct tls_cert_info info;
	struct tls_fault fault;

	(void)state;
	assert_true(check((struct tls_files)ONE, &info, &fault));
	assert_string_equal(info.name, "ringd.test");
	assert_true(info.not_before < info.not_after && info.not_after == INT64_C(4949329705));
	assert_int_equal(info.ocsp_until, 0);
	assert_true(check((struct tls_files){ STR(PEM_ONE), STR("some words\n" PEM_ONE_KEY), STR_NONE }, &info, &fault));
	assert_true(check((struct tls_files){ STR(PEM_ONE PEM_INTERMEDIATE PEM_ROOT), STR(PEM_ONE_KEY), STR_NONE }, &info, &fault));
}

static void
test_bad_files(void **state)
{
	static const struct { struct tls_files files; enum tls_file where; const char *why; } cases[] = {
		{ { STR(""), STR(PEM_ONE_KEY), STR_NONE }, TLS_FILE_CERT, "holds no certificate in PEM form" },
		{ { STR(PEM_ONE_KEY), STR(PEM_ONE_KEY), STR_NONE }, TLS_FILE_CERT, "holds no certificate in PEM form" },
		{ { { PEM_ONE, sizeof(PEM_ONE) - 40 }, STR(PEM_ONE_KEY), STR_NONE }, TLS_FILE_CERT, "cannot be read as PEM: certificate 1" },
		{ { { PEM_ONE PEM_TWO, sizeof(PEM_ONE PEM_TWO) - 40 }, STR(PEM_ONE_KEY), STR_NONE }, TLS_FILE_CERT,
		    "cannot be read as PEM: certificate 2" },
		{ { STR(PEM_ONE), STR(""), STR_NONE }, TLS_FILE_KEY, "holds no private key in PEM form" },
		{ { STR(PEM_ONE), STR(PEM_ONE), STR_NONE }, TLS_FILE_KEY, "holds no private key in PEM form" },
		{ { STR(PEM_ONE), STR(PEM_ONE_KEY_LOCKED), STR_NONE }, TLS_FILE_KEY, "is locked with a passphrase" },
		{ { STR(PEM_ONE), STR(PEM_TWO_KEY), STR_NONE }, TLS_FILE_KEY, "does not belong to the certificate" },
		{ { STR(PEM_INTERMEDIATE PEM_ONE), STR(PEM_ONE_KEY), STR_NONE }, TLS_FILE_CERT, "has the key's certificate as number 2" },
		{ { STR(PEM_ONE PEM_ROOT PEM_INTERMEDIATE), STR(PEM_ONE_KEY), STR_NONE }, TLS_FILE_CERT,
		    "is out of order: certificate 2 did not issue certificate 1" },
		{ { STR(PEM_ONE PEM_TWO), STR(PEM_ONE_KEY), STR_NONE }, TLS_FILE_CERT, "is out of order" },
		{ { STR(PEM_ONE), STR(PEM_ONE_KEY), STR("junk") }, TLS_FILE_OCSP, "is not an OCSP response in DER form" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tls_cert_info info;
		struct tls_fault fault = { .why = "" };

		if (check(cases[i].files, &info, &fault))
			fail_msg("case %zu was taken", i);
		if (fault.where != cases[i].where || strncmp(fault.why, cases[i].why, strlen(cases[i].why)) != 0)
			fail_msg("case %zu: %d %s", i, (int)fault.where, fault.why);
	}
}

/* ---- connections ---- */

static struct tls_server *
server_with(struct tls_tickets *tickets, enum tls_version min)
{
	static const struct tls_files files[] = { ONE, TWO };
	const struct tls_options o = { .files = files, .nfiles = 2, .min_version = min, .tickets = tickets, .ticket_lifetime_s = 3600 };
	char why[TLS_WHY_SIZE];
	struct tls_server *s = tls_server_new(&o, why);

	if (s == NULL)
		fail_msg("%s", why);
	return s;
}

struct pair {
	int	 fd[2];
	SSL_CTX	*ctx;
	SSL	*client;
	struct tls *server;
};

/* Both ends, until the client has had the tickets that follow a handshake. */
static void
pair_open(struct pair *p, const struct tls_server *s, const char *name, int version, SSL_SESSION *session)
{
	char why[TLS_WHY_SIZE] = "", byte;
	enum tls_step step = TLS_WANT_READ;
	int done = 0;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fd), 0);
	p->ctx = SSL_CTX_new(TLS_client_method());
	assert_int_equal(SSL_CTX_set_max_proto_version(p->ctx, version), 1);
	p->client = SSL_new(p->ctx);
	assert_int_equal(SSL_set_fd(p->client, p->fd[0]), 1);
	if (name != NULL)
		assert_int_equal(SSL_set_tlsext_host_name(p->client, name), 1);
	if (session != NULL)
		assert_int_equal(SSL_set_session(p->client, session), 1);
	p->server = tls_new(s, p->fd[1]);
	assert_non_null(p->server);
	for (int i = 0; i < 20 && (done != 1 || step != TLS_DONE); i++) {
		if (done != 1)
			done = SSL_connect(p->client);
		if (step != TLS_DONE)
			step = tls_handshake(p->server, why);
		if (step == TLS_FAILED)
			fail_msg("%s", why);
	}
	assert_int_equal(done, 1);
	assert_int_equal(step, TLS_DONE);
	assert_int_equal(SSL_read(p->client, &byte, 1), -1);	/* takes the tickets in */
}

static void
pair_close(struct pair *p)
{
	tls_free(p->server);
	SSL_free(p->client);
	SSL_CTX_free(p->ctx);
	close(p->fd[0]);
	close(p->fd[1]);
}

static void
test_name_decides(void **state)
{
	static const struct { const char *name, *common; } cases[] = {
		{ "ringd.test", "ringd.test" }, { "a.apps.test", "ringd.test" }, { "second.test", "second.test" },
		{ "SECOND.test", "second.test" }, { "nobody.test", "ringd.test" }, { NULL, "ringd.test" },
	};
	struct tls_server *s = server_with(NULL, TLS_1_2);
	char common[64];
	struct pair p;

	(void)state;
	for (size_t i = 0; i < COUNT(cases) * 2; i++) {
		X509 *cert;

		pair_open(&p, s, cases[i / 2].name, i % 2 ? TLS1_2_VERSION : TLS1_3_VERSION, NULL);
		cert = SSL_get_peer_certificate(p.client);
		assert_true(X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, common, sizeof(common)) > 0);
		assert_string_equal(common, cases[i / 2].common);
		X509_free(cert);
		pair_close(&p);
	}
	tls_server_free(s);
}

/* Whether a session begun at one server is resumed at another with the same memory, after so many changes of keys. */
static bool
resumed(int version, int changes, const char *other_name)
{
	struct tls_tickets *tickets = tls_tickets_new();
	struct tls_server *a = server_with(tickets, TLS_1_2), *b = server_with(tickets, TLS_1_2);
	SSL_SESSION *session;
	struct pair p;
	bool yes;

	pair_open(&p, a, "ringd.test", version, NULL);
	assert_false(tls_resumed(p.server));
	session = SSL_get1_session(p.client);
	SSL_shutdown(p.client);		/* else the client takes the session for a broken one */
	pair_close(&p);
	while (changes-- > 0)
		tls_tickets_rotate(tickets);
	pair_open(&p, b, other_name, version, session);
	yes = tls_resumed(p.server);
	assert_int_equal(SSL_session_reused(p.client), yes);
	pair_close(&p);
	SSL_SESSION_free(session);
	tls_server_free(a);
	tls_server_free(b);
	tls_tickets_unmap(tickets);
	return yes;
}

static void
test_tickets(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++) {
		assert_true(resumed(versions[i], 0, "ringd.test"));
		assert_true(resumed(versions[i], 1, "ringd.test"));
		assert_false(resumed(versions[i], 2, "ringd.test"));
	}
}

static void
test_an_old_client_is_refused(void **state)
{
	struct tls_server *s = server_with(NULL, TLS_1_3);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(ctx);
	char why[TLS_WHY_SIZE] = "";
	struct tls *t;
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	assert_int_equal(SSL_set_max_proto_version(client, TLS1_2_VERSION), 1);
	assert_int_equal(SSL_set_fd(client, fd[0]), 1);
	t = tls_new(s, fd[1]);
	assert_int_equal(SSL_connect(client), -1);
	assert_int_equal(tls_handshake(t, why), TLS_FAILED);
	assert_string_equal(why, "unsupported protocol");
	assert_int_equal(tls_read(t, why, 1), -1);
	assert_int_equal(tls_write(t, why, 1), -1);
	tls_close(t);
	tls_free(t);
	SSL_free(client);
	SSL_CTX_free(ctx);
	close(fd[0]);
	close(fd[1]);
	tls_server_free(s);
}

static void
test_reads_like_recv(void **state)
{
	struct tls_server *s = server_with(NULL, TLS_1_3);
	char out[64];
	struct pair p;

	(void)state;
	pair_open(&p, s, "ringd.test", TLS1_3_VERSION, NULL);
	assert_int_equal(tls_read(p.server, out, sizeof(out)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_false(tls_more(p.server));
	assert_int_equal(SSL_write(p.client, "first", 5), 5);
	assert_int_equal(SSL_write(p.client, "second", 6), 6);
	assert_int_equal(tls_read(p.server, out, 3), 3);
	assert_memory_equal(out, "fir", 3);
	assert_true(tls_more(p.server));
	assert_int_equal(tls_read(p.server, out, sizeof(out)), 2);
	assert_true(tls_more(p.server));		/* the second record came with the first */
	assert_int_equal(tls_read(p.server, out, sizeof(out)), 6);
	assert_memory_equal(out, "second", 6);
	assert_int_equal(tls_read(p.server, out, sizeof(out)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_false(tls_more(p.server));
	SSL_shutdown(p.client);
	assert_int_equal(tls_read(p.server, out, sizeof(out)), 0);
	assert_int_equal(tls_write(p.server, "still", 5), 5);	/* half closed */
	assert_int_equal(SSL_read(p.client, out, sizeof(out)), 5);
	pair_close(&p);
	tls_server_free(s);
}

static void
test_an_end_without_a_word_is_an_end(void **state)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct tls_server *s = server_with(NULL, TLS_1_2);
	char out[64];
	struct pair p;

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++) {
		pair_open(&p, s, "ringd.test", versions[i], NULL);
		assert_int_equal(SSL_write(p.client, "ask", 3), 3);
		assert_int_equal(shutdown(p.fd[0], SHUT_WR), 0);
		assert_int_equal(tls_read(p.server, out, sizeof(out)), 3);
		assert_int_equal(tls_read(p.server, out, sizeof(out)), 0);
		assert_int_equal(tls_write(p.server, "answer", 6), 6);
		assert_int_equal(SSL_read(p.client, out, sizeof(out)), 6);
		pair_close(&p);
	}
	tls_server_free(s);
}

static void
test_a_broken_record_is_a_reset(void **state)
{
	struct tls_server *s = server_with(NULL, TLS_1_3);
	char out[64];
	struct pair p;

	(void)state;
	pair_open(&p, s, "ringd.test", TLS1_3_VERSION, NULL);
	assert_int_equal(write(p.fd[0], "\x17\x03\x03\x00\x20" "this was never enciphered by us.", 37), 37);
	assert_int_equal(tls_read(p.server, out, sizeof(out)), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(tls_write(p.server, "x", 1), -1);
	assert_int_not_equal(errno, EAGAIN);
	pair_close(&p);
	tls_server_free(s);
}

/* Writes until nothing more goes, then on as the client reads: every byte once, whatever was refused in between. */
static void
test_writes_like_send(void **state)
{
	enum { TOTAL = 4 * 1024 * 1024 };
	struct tls_server *s = server_with(NULL, TLS_1_3);
	unsigned char *all = malloc(TOTAL), *got = malloc(TOTAL), moved[TLS_RECORD];
	size_t sent = 0, have = 0, refused = 0, calls = 0;
	bool again = false;
	struct pair p;
	ssize_t n;
	int r;

	(void)state;
	for (size_t i = 0; i < TOTAL; i++)
		all[i] = (unsigned char)(i * 2654435761u >> 13);
	pair_open(&p, s, "ringd.test", TLS1_3_VERSION, NULL);
	while (have < TOTAL) {
		while (sent < TOTAL) {
			size_t left = TOTAL - sent, some = left < sizeof(moved) ? left : sizeof(moved);

			/* From elsewhere each time, and after a refusal sometimes with more behind it. */
			memcpy(moved, all + sent, some);
			n = tls_write(p.server, moved, !again && calls++ % 2 == 0 && some > 5000 ? 5000 : some);
			again = n < 0;
			if (again)
				break;
			sent += (size_t)n;
		}
		if (sent < TOTAL) {
			assert_int_equal(errno, EAGAIN);
			refused++;
		}
		while ((r = SSL_read(p.client, got + have, TOTAL - (int)have)) > 0)
			have += (size_t)r;
	}
	assert_true(refused > 3);
	assert_memory_equal(all, got, TOTAL);
	tls_close(p.server);
	tls_close(p.server);
	assert_int_equal(SSL_read(p.client, got, 1), 0);
	assert_int_equal(SSL_get_shutdown(p.client) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
	pair_close(&p);
	tls_server_free(s);
	free(all);
	free(got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_files),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_name_decides),
		cmocka_unit_test(test_tickets),
		cmocka_unit_test(test_an_old_client_is_refused),
		cmocka_unit_test(test_reads_like_recv),
		cmocka_unit_test(test_an_end_without_a_word_is_an_end),
		cmocka_unit_test(test_a_broken_record_is_a_reset),
		cmocka_unit_test(test_writes_like_send),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

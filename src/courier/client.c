/*
 * client: see client.h. libcurl's multi interface driven by our loop: it says which descriptors and which time it waits for, we
 * tell it when they have come. Its threads look up names, nothing else. Everything a provider sends is bounded here:
 * head, body and time.
 */
#include <sys/types.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "courier/client.h"
#include "courier/heap.h"
#include "crypt/cleanse.h"

#define LINE_MAX_BYTES	((size_t)8 * 1024)	/* of a header we send */

struct transfer {
	TAILQ_ENTRY(transfer)	 link;
	struct client		*client;
	CURL			*easy;
	struct curl_slist	*headers;
	struct buf		 body;			/* of the answer */
	size_t			 head_bytes;
	int64_t			 began_ms;
	bool			 was_private, too_large;
	bool			 connected;		/* a socket of its own was made */
	enum client_outcome	 refused;		/* of those that never began */
	const char		*refusal;
	char			 error[CURL_ERROR_SIZE];
	client_fn		 fn;
	void			*arg;
};

TAILQ_HEAD(transfers, transfer);

struct client {
	struct loop		*loop;
	struct client_config	 cfg;
	CURLM			*multi;
	bool			 openssl;		/* it is what this libcurl speaks TLS with */
	struct timer		*timer;
	struct transfers	 active, refused;
	struct loop_hook	 answer_refused;
	struct client_stats	 stats;
};

const char *
client_outcome_word(enum client_outcome o)
{
	static const char *const words[CLIENT_OUTCOMES] = {
		[CLIENT_ANSWERED] = "answered", [CLIENT_FORBIDDEN] = "forbidden", [CLIENT_PRIVATE] = "private_address",
		[CLIENT_UNREACHABLE] = "unreachable", [CLIENT_UNTRUSTED] = "untrusted", [CLIENT_LATE] = "timeout",
		[CLIENT_TOO_LARGE] = "too_large", [CLIENT_BROKEN] = "broken", [CLIENT_BUSY] = "busy",
	};

	return words[o];
}

/* ---- what libcurl asks of us during a transfer */

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	buf_put(&t->body, p, size * n);
	t->too_large = t->body.failed;
	return t->too_large ? 0 : size * n;
}

static size_t
take_head(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;

	(void)p;
	t->head_bytes += size * n;
	t->too_large = t->head_bytes > CLIENT_HEADERS_MAX;
	return t->too_large ? 0 : size * n;
}

/* The last moment before a connection, and the only one that knows the true address. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct transfer *t = arg;
	struct addr a;

	if (purpose != CURLSOCKTYPE_IPCXN || !addr_from_sockaddr(&a, &to->addr, (socklen_t)to->addrlen) ||
	    (!t->client->cfg.allow_private && !addr_is_public(&a))) {
		t->was_private = true;
		return CURL_SOCKET_BAD;
	}
	t->connected = true;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* ---- one transfer, from a request to an answer */

static void
wipe_headers(struct curl_slist *list)
{
	for (struct curl_slist *l = list; l != NULL; l = l->next)
		hash_wipe(l->data, strlen(l->data));
	curl_slist_free_all(list);
}

static void
transfer_free(struct transfer *t)
{
	curl_easy_cleanup(t->easy);
	wipe_headers(t->headers);
	buf_wipe_free(&t->body);
	free(t);
}

static bool
add_header(struct transfer *t, const char *name, struct str value)
{
	struct curl_slist *list = NULL;
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	buf_puts(&line, name);
	buf_str(&line, value);
	buf_putc(&line, '\0');
	/* A control byte would end the header and begin another. */
	for (size_t i = 0; i + 1 < line.len; i++)
		line.failed = line.failed || (unsigned char)line.p[i] < 0x20 || line.p[i] == 0x7f;
	if (!line.failed)
		list = curl_slist_append(t->headers, line.p);
	buf_wipe_free(&line);
	if (list == NULL)
		return false;
	t->headers = list;
	return true;
}

static bool
set_headers(struct transfer *t, const struct client_request *rq)
{
	return add_header(t, "Expect:", STR("")) && add_header(t, "Accept: ", STR("application/json")) &&
	    (rq->content_type == NULL || add_header(t, "Content-Type: ", str_c(rq->content_type))) &&
	    (rq->authorization == NULL || add_header(t, "Authorization: ", secret_bytes(rq->authorization))) &&
	    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

static bool
set_target(struct transfer *t, const struct client_request *rq)
{
	char origin[ORIGIN_TEXT_SIZE];
	CURL *e = t->easy;
	struct buf url;
	bool good;

	origin_text(origin, rq->origin);
	buf_init(&url, LINE_MAX_BYTES);
	buf_puts(&url, origin);
	buf_puts(&url, rq->path);
	buf_putc(&url, '\0');
	good = !url.failed && curl_easy_setopt(e, CURLOPT_URL, url.p) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, rq->once ? 1L : 0L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, rq->method) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, rq->origin->https ? "https" : "http") == CURLE_OK;
	if (good && rq->content_type != NULL)	/* the size first: that is what COPYPOSTFIELDS copies */
		good = curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.n) == CURLE_OK &&
		    curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, rq->body.p != NULL ? rq->body.p : "") == CURLE_OK;
	buf_free(&url);
	return good;
}

/* Only called where libcurl is known to hand out an SSL_CTX. */
static CURLcode
on_tls(CURL *easy, void *ssl_ctx, void *arg)
{
	(void)easy;
	(void)arg;
	cleanse_tls(ssl_ctx);
	return CURLE_OK;
}

/* What holds for every request. An option this libcurl does not know is a refusal, not a hole. */
static bool
set_rules(struct transfer *t, int64_t timeout_ms)
{
	const struct client_config *cfg = &t->client->cfg;
	CURL *e = t->easy;

	return curl_easy_setopt(e, CURLOPT_PRIVATE, t) == CURLE_OK &&
	    (!t->client->openssl || curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, on_tls) == CURLE_OK) &&
	    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	    (cfg->ca_file == NULL || curl_easy_setopt(e, CURLOPT_CAINFO, cfg->ca_file) == CURLE_OK) &&
	    (cfg->ca_file == NULL || curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK) &&
	    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)cfg->connect_timeout_ms) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)cfg->body_max) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEDATA, t) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_head) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HEADERDATA, t) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK;
}

static bool
allowed(const struct client *c, const struct origin *o)
{
	for (size_t i = 0; i < c->cfg.norigins; i++)
		if (origin_equal(&c->cfg.origins[i], o))
			return true;
	return false;
}

static void
refuse(struct transfer *t, enum client_outcome outcome, const char *why)
{
	t->refused = outcome;
	t->refusal = why;
	TAILQ_INSERT_TAIL(&t->client->refused, t, link);
	loop_at_turn_end(t->client->loop, &t->client->answer_refused);
}

void
client_send(struct client *c, const struct client_request *rq, client_fn fn, void *arg)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		log_errno("out of memory for a request to a provider");
		abort();	/* as for a database job: the master starts a fresh process */
	}
	t->client = c;
	t->fn = fn;
	t->arg = arg;
	t->began_ms = loop_now_ms(c->loop);
	buf_init(&t->body, c->cfg.body_max);
	if (!allowed(c, rq->origin)) {
		refuse(t, CLIENT_FORBIDDEN, "this host is not in the configuration");
	} else if (c->stats.under_way >= c->cfg.requests_max) {
		refuse(t, CLIENT_BUSY, "as many requests as courier.requests allows are under way");
	} else if ((t->easy = curl_easy_init()) == NULL || !set_rules(t, rq->timeout_ms) || !set_target(t, rq) ||
	    !set_headers(t, rq) || curl_multi_add_handle(c->multi, t->easy) != CURLM_OK) {
		refuse(t, CLIENT_BUSY, "the request could not be made: no memory, or a byte in it that no header may hold");
	} else {
		TAILQ_INSERT_TAIL(&c->active, t, link);
		c->stats.under_way++;
		c->stats.requests++;
	}
}

/* Which of our words libcurl's many stand for. */
static enum client_outcome
outcome_of(const struct transfer *t, CURLcode code)
{
	if (t->too_large)
		return CLIENT_TOO_LARGE;
	switch (code) {
	case CURLE_OK:
		return CLIENT_ANSWERED;
	case CURLE_FILESIZE_EXCEEDED:
		return CLIENT_TOO_LARGE;
	case CURLE_OPERATION_TIMEDOUT:
		return CLIENT_LATE;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		/* Refused addresses look like that to libcurl; one good one among them and there was a connection. */
		return t->was_private && !t->connected ? CLIENT_PRIVATE : CLIENT_UNREACHABLE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return CLIENT_UNTRUSTED;
	default:
		return CLIENT_BROKEN;
	}
}

static void
describe(const struct transfer *t, CURLcode code, struct client_answer *a)
{
	switch (a->outcome) {
	case CLIENT_ANSWERED:
		break;
	case CLIENT_PRIVATE:
		snprintf(a->why, sizeof(a->why), "its address is not a public one, and courier.allow_private is false");
		break;
	case CLIENT_TOO_LARGE:
		snprintf(a->why, sizeof(a->why), "the answer is larger than courier.body_bytes, or its head than %zu bytes",
		    CLIENT_HEADERS_MAX);
		break;
	default:
		snprintf(a->why, sizeof(a->why), "%s", t->error[0] != '\0' ? t->error : curl_easy_strerror(code));
	}
}

static void
finish(struct client *c, struct transfer *t, CURLcode code)
{
	struct client_answer a = { .outcome = outcome_of(t, code), .retry_after_ms = -1 };
	long status = 0, connects = 0;
	curl_off_t after = 0;
	char *ip = NULL;

	curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
	if (curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK && ip != NULL)
		snprintf(a.address, sizeof(a.address), "%s", ip);
	if (a.outcome == CLIENT_ANSWERED) {
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
		if (curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after) == CURLE_OK && after > 0)
			a.retry_after_ms = after < INT32_MAX ? (int64_t)after * 1000 : (int64_t)INT32_MAX * 1000;
		a.status = (int)status;
		a.reused = connects == 0;
		a.body = buf_as_str(&t->body);
		c->stats.reused += a.reused;
	}
	describe(t, code, &a);
	a.took_ms = loop_now_ms(c->loop) - t->began_ms;
	curl_multi_remove_handle(c->multi, t->easy);
	TAILQ_REMOVE(&c->active, t, link);
	c->stats.under_way--;
	t->fn(t->arg, &a);
	transfer_free(t);
}

static void
answer_refused(void *arg)
{
	struct client *c = arg;
	struct client_answer a;
	struct transfer *t;

	while ((t = TAILQ_FIRST(&c->refused)) != NULL) {
		TAILQ_REMOVE(&c->refused, t, link);
		a = (struct client_answer){ .outcome = t->refused, .retry_after_ms = -1 };
		snprintf(a.why, sizeof(a.why), "%s", t->refusal);
		t->fn(t->arg, &a);
		transfer_free(t);
	}
}

/* ---- libcurl and the loop */

static void
act(struct client *c, curl_socket_t fd, int what)
{
	struct transfer *t = NULL;
	int running, left;
	CURLMsg *m;
	CURLcode code;

	curl_multi_socket_action(c->multi, fd, what, &running);
	while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		finish(c, t, code);
	}
}

static void
on_timer(void *arg)
{
	act(arg, CURL_SOCKET_TIMEOUT, 0);
}

/* A descriptor libcurl waits for. */
struct waited {
	struct client	*client;
	struct watch	*watch;
	curl_socket_t	 fd;
};

static void
on_ready(void *arg, unsigned what)
{
	struct waited *w = arg;	/* may be gone when act() returns */

	act(w->client, w->fd, (what & LOOP_READ ? CURL_CSELECT_IN : 0) | (what & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void
waited_free(struct waited *w)
{
	if (w == NULL)
		return;
	watch_free(w->watch);
	free(w);
}

static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct client *c = arg;
	struct waited *w = known;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		waited_free(w);
		curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	if (w == NULL) {
		w = calloc(1, sizeof(*w));
		if (w == NULL)
			return -1;
		w->client = c;
		w->fd = fd;
		w->watch = watch_new(c->loop, fd, on_ready, w);
		if (w->watch == NULL) {
			waited_free(w);
			return -1;
		}
		curl_multi_assign(c->multi, fd, w);
	}
	return watch_set(w->watch, (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0)) ? 0 : -1;
}

static int
want_timer(CURLM *multi, long ms, void *arg)
{
	struct client *c = arg;

	(void)multi;
	if (ms < 0)
		timer_stop(c->timer);
	else
		timer_set(c->timer, ms);
	return 0;
}

struct client *
client_new(struct loop *l, const struct client_config *cfg)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL || curl_global_init_mem(CURL_GLOBAL_DEFAULT, heap_malloc, heap_free, heap_realloc, heap_strdup,
	    heap_calloc) != CURLE_OK) {
		free(c);
		return NULL;
	}
	c->openssl = str_starts(str_c(curl_version_info(CURLVERSION_NOW)->ssl_version), STR("OpenSSL/"));
	c->loop = l;
	c->cfg = *cfg;
	TAILQ_INIT(&c->active);
	TAILQ_INIT(&c->refused);
	c->answer_refused = (struct loop_hook){ .fn = answer_refused, .arg = c };
	c->multi = curl_multi_init();
	c->timer = timer_new(l, on_timer, c);
	if (c->multi == NULL || c->timer == NULL) {
		client_free(c);
		return NULL;
	}
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CLIENT_PER_HOST);
	return c;
}

void
client_free(struct client *c)
{
	struct transfer *t;

	if (c == NULL)
		return;
	while ((t = TAILQ_FIRST(&c->active)) != NULL)
		finish(c, t, CURLE_ABORTED_BY_CALLBACK);
	answer_refused(c);
	loop_hook_cancel(&c->answer_refused);
	curl_multi_cleanup(c->multi);
	timer_free(c->timer);
	free(c);
	curl_global_cleanup();
}

const struct client_stats *
client_stats(const struct client *c)
{
	return &c->stats;
}

/*
 * http_client: one easy handle a slot, used again and again, so that connections live on. Never follows a redirect: a
 * signed event must go where it was sent. Speaks HTTP and HTTPS only; the caller has checked the URL's scheme.
 */
#include <sys/types.h>

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ctl/http_client.h"

struct slot {
	struct http_client	*client;
	CURL			*easy;
	struct curl_slist	*headers;
	bool			 busy;
	size_t			 tag;
	int64_t			 began_us;
	char			 error[CURL_ERROR_SIZE];
	char			*body;
	size_t			 body_len;
};

struct http_client {
	CURLM			*multi;
	http_client_fn		 fn;
	void			*arg;
	struct slot		*slots;
	size_t			 nslots, busy, body_max;
};

static size_t
take_body(char *p, size_t size, size_t n, void *arg)
{
	struct slot	*s = arg;
	size_t		 room = s->client->body_max - s->body_len, take = size * n < room ? size * n : room;

	memcpy(s->body + s->body_len, p, take);
	s->body_len += take;
	return size * n;
}

static bool
slot_init(struct slot *s, struct http_client *c, const struct http_client_options *o)
{
	s->client = c;
	s->body = malloc(c->body_max + 1);
	s->easy = curl_easy_init();
	if (s->body == NULL || s->easy == NULL)
		return false;
	curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
	curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->error);
	curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, (long)o->timeout_ms);
	curl_easy_setopt(s->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (o->ca_file != NULL)
		curl_easy_setopt(s->easy, CURLOPT_CAINFO, o->ca_file);
	if (o->unix_path != NULL)
		curl_easy_setopt(s->easy, CURLOPT_UNIX_SOCKET_PATH, o->unix_path);
	if (o->direct)
		curl_easy_setopt(s->easy, CURLOPT_NOPROXY, "*");
	return true;
}

struct http_client *
http_client_new(const struct http_client_options *o, http_client_fn fn, void *arg)
{
	struct http_client *c = calloc(1, sizeof(*c));

	if (c == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(c);
		return NULL;
	}
	c->fn = fn;
	c->arg = arg;
	c->body_max = o->body_max;
	c->multi = curl_multi_init();
	c->slots = calloc(o->slots, sizeof(*c->slots));
	c->nslots = c->slots != NULL ? o->slots : 0;
	for (size_t i = 0; i < c->nslots; i++)
		if (!slot_init(&c->slots[i], c, o))
			c->nslots = i + 1;	/* the last one is half made, and freed like the others */
	if (c->multi == NULL || c->nslots < o->slots || c->slots[c->nslots - 1].easy == NULL) {
		http_client_free(c);
		return NULL;
	}
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)o->slots);
	return c;
}

void
http_client_free(struct http_client *c)
{
	struct slot *s;

	if (c == NULL)
		return;
	for (size_t i = 0; i < c->nslots; i++) {
		s = &c->slots[i];
		if (s->busy)
			curl_multi_remove_handle(c->multi, s->easy);
		curl_easy_cleanup(s->easy);
		curl_slist_free_all(s->headers);
		free(s->body);
	}
	curl_multi_cleanup(c->multi);
	free(c->slots);
	free(c);
	curl_global_cleanup();
}

size_t
http_client_busy(const struct http_client *c)
{
	return c->busy;
}

static bool
add_header(struct slot *s, const char *line)
{
	struct curl_slist *list = curl_slist_append(s->headers, line);

	if (list == NULL)
		return false;
	s->headers = list;
	return true;
}

/* Sets up one request; false without memory. */
static bool
prepare(struct slot *s, const char *url, struct str body, const char *const *headers)
{
	bool ok;

	curl_slist_free_all(s->headers);
	s->headers = NULL;
	/* An empty "Expect:" keeps libcurl from asking before it sends a large body. */
	ok = add_header(s, "Expect:");
	for (size_t i = 0; ok && i < HTTP_CLIENT_HEADERS && headers != NULL && headers[i] != NULL; i++)
		ok = add_header(s, headers[i]);
	if (body.p != NULL) {
		/* Size first: that is what COPYPOSTFIELDS copies. */
		ok = ok && curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n) == CURLE_OK &&
		    curl_easy_setopt(s->easy, CURLOPT_COPYPOSTFIELDS, body.p) == CURLE_OK;
	} else
		ok = ok && curl_easy_setopt(s->easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
	return ok && curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers) == CURLE_OK &&
	    curl_easy_setopt(s->easy, CURLOPT_URL, url) == CURLE_OK;
}

bool
http_client_send(struct http_client *c, const char *url, struct str body, const char *const *headers, size_t tag)
{
	struct slot *s = NULL;

	for (size_t i = 0; i < c->nslots && s == NULL; i++)
		if (!c->slots[i].busy)
			s = &c->slots[i];
	if (s == NULL || !prepare(s, url, body, headers))
		return false;
	s->tag = tag;
	s->body_len = 0;
	s->error[0] = '\0';
	s->began_us = clock_mono_us();
	if (curl_multi_add_handle(c->multi, s->easy) != CURLM_OK)
		return false;
	s->busy = true;
	c->busy++;
	return true;
}

static void
finish(struct http_client *c, CURL *easy, CURLcode code)
{
	struct http_client_answer	 a = { 0 };
	struct slot			*s = NULL;
	long				 status = 0;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&s);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_multi_remove_handle(c->multi, easy);
	a.tag = s->tag;
	a.us = clock_mono_us() - s->began_us;
	a.status = code == CURLE_OK ? (int)status : 0;
	a.error = code == CURLE_OK ? "" : s->error[0] != '\0' ? s->error : curl_easy_strerror(code);
	a.body = (struct str){ s->body, s->body_len };
	s->busy = false;
	c->busy--;
	c->fn(c->arg, &a);
}

void
http_client_run(struct http_client *c, int64_t wait_ms)
{
	CURLMsg	*m;
	CURL	*easy;
	CURLcode code;
	int	 running, left;

	curl_multi_perform(c->multi, &running);
	if (running == (int)c->busy) {
		curl_multi_poll(c->multi, NULL, 0, (int)wait_ms, NULL);
		curl_multi_perform(c->multi, &running);
	}
	while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;
		easy = m->easy_handle;
		code = m->data.result;
		finish(c, easy, code);
	}
}

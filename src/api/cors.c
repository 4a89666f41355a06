/*
 * cors: see cors.h. An origin is taken only as browsers write it: lower case, no default port, no user, nothing behind it. So
 * there is one spelling of each, and comparing is comparing bytes.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "api/cors.h"
#include "api/limit.h"
#include "db/stmt_worker.h"

#define PREFLIGHT_SECONDS	"600"
#define STAR_LABELS		2	/* that must be left behind the star */

/* A page of the same origin as we sends none with a GET; then its browser says so in words no script can choose. */
static bool
own_origin(struct http_request *rq, struct page *p)
{
	struct str host = http_header(rq, "host");
	int n;

	if ((rq->method != HTTP_GET && rq->method != HTTP_HEAD) || host.n == 0 ||
	    !str_eq(http_header(rq, "sec-fetch-site"), STR("same-origin")))
		return false;
	n = snprintf(p->origin, sizeof(p->origin), "%s://%.*s", rq->https ? "https" : "http", STR_ARG(host));
	return n > 0 && (size_t)n < sizeof(p->origin);
}

static bool
said_origin(struct http_request *rq, struct page *p)
{
	struct str said = STR_NONE;
	size_t i, n = 0;

	for (i = 0; i < rq->nheaders; i++)
		if (str_ieq(rq->headers[i].name, STR("origin"))) {
			said = rq->headers[i].value;
			n++;
		}
	if (n == 0)
		return own_origin(rq, p);
	if (n > 1 || said.n == 0 || said.n >= sizeof(p->origin))
		return false;
	memcpy(p->origin, said.p, said.n);
	p->origin[said.n] = '\0';
	return true;
}

/* As a browser writes it. */
static bool
is_written_well(const char *text, struct origin *o)
{
	char again[ORIGIN_TEXT_SIZE];

	if (!origin_parse(o, str_c(text)))
		return false;
	origin_short(again, o);
	return strcmp(again, text) == 0;
}

static void
put_star(struct page *p, const struct origin *o)
{
	const char *rest = strchr(o->host, '.');
	struct origin star = *o;
	size_t labels = 1;

	p->star[0] = '\0';
	if (!o->https || rest == NULL || origin_is_address(o))
		return;
	for (const char *c = rest + 1; *c != '\0'; c++)
		labels += *c == '.';
	if (labels < STAR_LABELS)
		return;
	snprintf(star.host, sizeof(star.host), "*%s", rest);
	origin_short(p->star, &star);
}

void
cors_refuse(struct http_request *rq)
{
	rq->allow_origin = STR_NONE;
	api_problem(rq, 403, "origin_not_allowed", "This key may not be used from this page's origin");
}

static void
not_allowed(struct page *p, const char *message)
{
	p->rq->allow_origin = STR_NONE;
	score_count(p->api->score, SCORE_RIBBON_NO_ORIGIN, 1);
	if (limit_failure(p->api, p->rq))
		api_problem(p->rq, 403, "origin_not_allowed", message);
}

static void
preflight(struct http_request *rq)
{
	http_add_header(rq, "Access-Control-Allow-Methods", "GET, POST");
	http_add_header(rq, "Access-Control-Allow-Headers", "content-type, authorization, x-app-api-key, idempotency-key");
	http_add_header(rq, "Access-Control-Max-Age", PREFLIGHT_SECONDS);
	http_answer(rq, 204, NULL, NULL);
}

static void
go_on(struct page *p)
{
	p->rq->allow_origin = str_c(p->origin);
	if (p->rq->method == HTTP_OPTIONS)
		preflight(p->rq);
	else
		p->next(p->api, p->rq);
}

static void	look_up(struct page *p);

static void
looked_up(void *arg, const struct db_result *r)
{
	struct page *p = arg;

	api_took(p->rq, r);
	if (db_outcome(r) == DB_DISTURBED && !p->again) {
		p->again = true;
		look_up(p);
	} else if (db_outcome(r) != DB_OK)
		api_db_failed(p->rq, r);
	else if (db_rows(r, 0) == 0)
		not_allowed(p, "No browser key is for this page's origin");
	else
		go_on(p);
}

static void
look_up(struct page *p)
{
	struct db_job *j = db_job_new(p->api->db, 0, looked_up, p);
	DB_PARAMS(a, 2);

	db_put_cstr(&a, p->origin);
	db_put_cstr(&a, p->star[0] != '\0' ? p->star : NULL);
	db_job_add(j, W_ORIGIN, a.p, a.n);
	db_job_submit(j);
}

void
cors_begin(struct api *api, struct http_request *rq, struct page *p, auth_fn next)
{
	struct origin o;

	*p = (struct page){ .api = api, .rq = rq, .next = next };
	rq->step = "origin";
	http_add_header(rq, "Vary", "Origin");
	http_add_header(rq, "Access-Control-Expose-Headers",
	    "Idempotent-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id");
	if (!said_origin(rq, p))
		not_allowed(p, "The request names no origin: only web pages may ask here");
	else if (strcmp(p->origin, "null") == 0)
		not_allowed(p, "The page has no origin (\"null\"): a sandboxed frame, a file or a data: address");
	else if (!is_written_well(p->origin, &o))
		not_allowed(p, "The request's origin is none that a browser would send");
	else {
		put_star(p, &o);
		look_up(p);
	}
}

void
cors_params(struct db_params *a, const struct page *p)
{
	db_put_cstr(a, p->origin);
	db_put_cstr(a, p->star[0] != '\0' ? p->star : NULL);
}

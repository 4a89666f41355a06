/*
 * fire: plays a provider. Sends signed events to a hook at a pace, never more than --concurrency at once, and counts
 * the answers. The secret comes from a file or the environment; neither it nor the hook's address is ever printed.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "ctl/fire_plan.h"
#include "ctl/fire_report.h"
#include "ctl/fire_sign.h"
#include "ctl/nouns.h"
#include "ctl/secret_in.h"
#include "ctl/stop.h"

#define PAYLOAD_BYTES	((size_t)64 * 1024 * 1024)
#define ANSWER_BYTES	512
#define WAIT_MS		50	/* how soon Ctrl-C and the bar are looked after */
#define HEADER_SIZE	(128 + FIRE_SIGNATURE_SIZE)
#define HEADER_NAME_MAX	100

struct fire {
	struct fire_plan	 plan;
	struct fire_report	 report;
	struct http_client	*http;
	struct secret		 secret;
	enum fire_encoding	 encoding;
	const char		*url, *header;
	int64_t			 rate;		/* a second; 0 = as fast as answers come */
	bool			 tty;
};

static int
find_secret(struct fire *f, const struct args *a)
{
	const char *env = getenv("RINGCTL_FIRE_SECRET");

	if (args_given(a, "secret-file"))
		return secret_in(&f->secret, args_text(a, "secret-file"), "hook's secret");
	if (env == NULL || env[0] == '\0')
		return ctl_fail(CTL_USAGE, "no secret to sign with: give --secret-file, or set RINGCTL_FIRE_SECRET");
	return secret_set(&f->secret, str_c(env)) ? CTL_OK : ctl_fail(CTL_FAILED, "out of memory");
}

static int
make_plan(struct fire *f, const struct args *a)
{
	char	err[FIRE_PLAN_ERROR_SIZE] = "out of memory";
	bool	ok;

	f->plan.scenario = fire_scenario_of(args_text(a, "scenario"));
	f->plan.dialect = strcmp(args_text(a, "dialect"), "seed") == 0 ? FIRE_SEED : FIRE_JWT;
	f->plan.now_ms = clock_real_ms();
	if (args_given(a, "seed"))
		f->plan.seed = (uint64_t)args_number(a, "seed");
	else
		hash_random(&f->plan.seed, sizeof(f->plan.seed));
	ok = args_given(a, "file") ? fire_plan_file(&f->plan, args_text(a, "file"), err) :
	    fire_plan_calls(&f->plan, (uint32_t)args_number(a, "calls"));
	if (!ok)
		return ctl_fail(args_given(a, "file") ? CTL_USAGE : CTL_FAILED, "%s", err);
	if (args_given(a, "double") && !fire_plan_double(&f->plan))
		return ctl_fail(CTL_FAILED, "out of memory");
	if (args_given(a, "shuffle"))
		fire_plan_shuffle(&f->plan);
	return CTL_OK;
}

static void
answered(void *arg, const struct http_client_answer *answer)
{
	fire_report_answer(&((struct fire *)arg)->report, answer);
}

static bool
send_one(struct fire *f, size_t i)
{
	char		signature[FIRE_SIGNATURE_SIZE], header[HEADER_SIZE];
	const char	*headers[] = { "Content-Type: application/json", NULL, NULL };
	struct buf	payload, body;
	bool		ok;

	buf_init(&payload, PAYLOAD_BYTES);
	buf_init(&body, PAYLOAD_BYTES * 2);
	fire_plan_payload(&f->plan, i, &payload);
	if (f->plan.dialect == FIRE_JWT) {
		fire_sign_jwt(&body, buf_as_str(&payload), &f->secret);
		headers[0] = "Content-Type: application/jwt";
	} else {
		fire_sign_header(signature, f->encoding, buf_as_str(&payload), &f->secret);
		snprintf(header, sizeof(header), "%s: %s", f->header, signature);
		headers[1] = header;
		buf_str(&body, buf_as_str(&payload));
	}
	ok = !payload.failed && !body.failed && http_client_send(f->http, f->url, buf_as_str(&body), headers, i);
	buf_free(&payload);
	buf_free(&body);
	if (ok)
		f->report.sent++;
	return ok;
}

/* When the next event may go, in microseconds of the monotonic clock. */
static int64_t
due(const struct fire *f)
{
	return f->rate == 0 ? 0 : f->report.began_us + (int64_t)f->report.sent * 1000000 / f->rate;
}

/* Until all is answered, or Ctrl-C: then what is under way is waited for and nothing new begins. */
static int
run(struct fire *f, size_t concurrency)
{
	int64_t wait;

	while (f->report.answered < f->report.sent || (f->report.sent < f->report.events && !stop_asked())) {
		while (f->report.sent < f->report.events && !stop_asked() && http_client_busy(f->http) < concurrency &&
		    due(f) <= clock_mono_us())
			if (!send_one(f, f->report.sent))
				return ctl_fail(CTL_FAILED, "event %zu could not be sent: out of memory",
				    f->report.sent + 1);
		wait = (due(f) - clock_mono_us() + 999) / 1000;
		http_client_run(f->http, f->rate == 0 || wait > WAIT_MS || wait < 0 ? WAIT_MS : wait);
		fire_report_progress(&f->report, f->tty, false);
	}
	return CTL_OK;
}

static int
show(struct ctl *c, struct fire *f)
{
	struct buf	b;
	int		code;

	fire_report_progress(&f->report, f->tty, true);
	buf_init(&b, PAYLOAD_BYTES);
	if (c->json)
		fire_report_json(&f->report, &b);
	else
		fire_report_text(&f->report, &b);
	code = ctl_print(&b);
	buf_free(&b);
	return code == CTL_OK && fire_report_accepted(&f->report) < f->report.events ? CTL_FAILED : code;
}

static int
fire(struct ctl *c, struct fire *f, const struct args *a)
{
	struct http_client_options o = { .slots = (size_t)args_number(a, "concurrency"), .body_max = ANSWER_BYTES,
	    .timeout_ms = args_number(a, "timeout"), .ca_file = args_text(a, "ca-file") };
	struct stop	stop;
	int		code;

	f->http = http_client_new(&o, answered, f);
	if (f->http == NULL || !fire_report_init(&f->report, f->plan.n))
		return ctl_fail(CTL_FAILED, "out of memory");
	stop_begin(&stop);
	code = run(f, o.slots);
	if (code == CTL_OK)
		code = show(c, f);
	stop_end(&stop);
	return code;
}

static int
check_usage(const struct args *a)
{
	const char *name = args_text(a, "header");

	if (!args_given(a, "url"))
		return ctl_fail(CTL_USAGE, "where to? --url is the address 'ringctl hook create' has shown");
	if (args_given(a, "file") && (args_given(a, "scenario") || args_given(a, "calls")))
		return ctl_fail(CTL_USAGE, "--file brings its own events: leave out --scenario and --calls");
	for (const char *p = name; *p != '\0'; p++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *p) == NULL)
			return ctl_fail(CTL_USAGE, "option '--header': expected the name of a header");
	return strlen(name) <= HEADER_NAME_MAX ? CTL_OK : ctl_fail(CTL_USAGE, "option '--header': too long");
}

int
ctl_fire(struct ctl *c, const struct args *a)
{
	struct fire	f = { .url = args_text(a, "url"), .header = args_text(a, "header"),
	    .rate = args_number(a, "rate") };
	int		code = check_usage(a);

	f.encoding = fire_encoding_of(args_text(a, "encoding"));
	f.tty = c->err_tty;
	if (code == CTL_OK)
		code = find_secret(&f, a);
	if (code == CTL_OK)
		code = make_plan(&f, a);
	if (code == CTL_OK)
		code = fire(c, &f, a);
	http_client_free(f.http);
	fire_report_free(&f.report);
	fire_plan_free(&f.plan);
	secret_free(&f.secret);
	return code;
}

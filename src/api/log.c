/*
 * log: how talkative the running daemon is, asked and changed through the admin listener: GET shows, POST changes one
 * override or takes it back. All processes see it at once, whoever they were started by (base/log_levels.h); a restart
 * forgets it. A body must say that it is JSON, so that no web page can make a browser on this machine send one.
 */
#include <sys/types.h>
#include <string.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/log.h"

#define ANSWER_MAX	16384
#define FOR_MS_MAX	((int64_t)7 * 24 * 60 * 60 * 1000)

struct wish {
	struct log_override	 o;
	bool			 names_module, names_app;
	bool			 take_back;		/* "level": null */
};

static const struct json_limits limits = { .depth = 2, .tokens = 32 };

static struct str
or_null(const char *text)
{
	return text[0] != '\0' ? str_c(text) : STR_NONE;
}

static void
show(struct http_request *rq)
{
	struct log_override all[LOG_OVERRIDES];
	int64_t now = clock_mono_ms();
	struct json_out j;
	struct buf b;
	uint32_t version;
	size_t n = log_levels_read(log_shared_levels(), all, now, &version);

	buf_init(&b, ANSWER_MAX);
	json_out_init(&j, &b);
	json_obj(&j);
	json_kbool(&j, "success", true);
	json_key(&j, "data");
	json_obj(&j);
	json_kstr(&j, "level", str_c(log_level_name(log_base_level())));
	json_key(&j, "overrides");
	json_arr(&j);
	for (size_t i = 0; i < n; i++) {
		json_obj(&j);
		json_kstr(&j, "module", or_null(all[i].module));
		json_kstr(&j, "app", or_null(all[i].app));
		json_kstr(&j, "level", str_c(log_level_name((enum log_level)all[i].level)));
		json_ktime(&j, "until", all[i].until_ms == INT64_MAX ? INT64_MIN : clock_real_ms() + all[i].until_ms - now);
		json_obj_end(&j);
	}
	json_arr_end(&j);
	json_obj_end(&j);
	json_obj_end(&j);
	http_answer(rq, 200, "application/json", &b);
	buf_free(&b);
}

static bool
good_module(struct str s)
{
	size_t i;

	for (i = 0; i < s.n && ((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_'); i++)
		;
	return s.n > 0 && s.n < LOG_MODULE_SIZE && i == s.n;
}

/* One member into the wish; NULL, or what was expected. */
static const char *
take(struct wish *w, struct str name, struct json v)
{
	struct str text = json_type(v) == JSON_STRING ? json_raw(v) : STR_NONE;
	enum log_level level = LEVEL_INFO;
	int64_t ms;
	struct uuid id;

	if (str_eq(name, STR("level"))) {
		w->take_back = json_type(v) == JSON_NULL;
		if (!w->take_back && !log_level_parse(text, &level))
			return "level: expected error, warn, info, debug or null";
		w->o.level = (int)level;
	} else if (str_eq(name, STR("module"))) {
		if (!good_module(text))
			return "module: expected a name of 1 to 15 letters";
		memcpy(w->o.module, text.p, text.n);
		w->names_module = true;
	} else if (str_eq(name, STR("app"))) {
		if (!uuid_parse(text, &id) || uuid_is_nil(id))
			return "app: expected an app's id";
		uuid_format(w->o.app, id);
		w->names_app = true;
	} else if (str_eq(name, STR("for_ms"))) {
		if (json_type(v) != JSON_NUMBER || !json_i64(v, &ms) || ms < 1 || ms > FOR_MS_MAX)
			return "for_ms: expected milliseconds, 1 to 604800000";
		w->o.until_ms = clock_mono_ms() + ms;
	} else {
		return "expected only level, module, app and for_ms";
	}
	return NULL;
}

static const char *
read_wish(struct wish *w, struct http_request *rq)
{
	struct json_error err;
	struct json_doc doc;
	struct json root, name;
	const char *why = NULL;
	bool level = false;

	*w = (struct wish){ .o.until_ms = INT64_MAX };
	if (!json_parse(&doc, &rq->arena, rq->body, &limits, &err) || json_type(root = json_root(&doc)) != JSON_OBJECT)
		return "expected a JSON object";
	for (name = json_first(root); json_type(name) != JSON_ABSENT && why == NULL; name = json_next(name)) {
		why = take(w, json_raw(name), json_member_value(name));
		level = level || str_eq(json_raw(name), STR("level"));
	}
	return why != NULL || level ? why : "level: expected error, warn, info, debug or null";
}

static void
tell(const struct wish *w)
{
	const char *what = w->take_back ? "log levels taken back" : "log level changed";

	log_event(LEVEL_WARN, what, LOG_STR("of_module", or_null(w->o.module)), LOG_STR("of_app", or_null(w->o.app)),
	    LOG_C("to", w->take_back ? NULL : log_level_name((enum log_level)w->o.level)),
	    LOG_INT("for_ms", w->o.until_ms == INT64_MAX ? 0 : w->o.until_ms - clock_mono_ms()));
}

void
api_log(struct http_request *rq, void *ctx)
{
	struct str type = http_header(rq, "content-type"), media;
	const char *why;
	struct wish w;

	(void)ctx;
	if (rq->method != HTTP_POST) {
		show(rq);
		return;
	}
	if (!str_cut(&type, ';', &media) || !str_ieq(str_trim(media), STR("application/json"))) {
		api_problem(rq, 415, "unsupported_media_type", "Content-Type must be application/json");
		return;
	}
	why = read_wish(&w, rq);
	if (why != NULL) {
		api_problem(rq, 400, "invalid_log_level", why);
		return;
	}
	if (w.take_back)
		log_levels_reset(log_shared_levels(), w.names_module || w.names_app ? w.o.module : NULL,
		    w.names_module || w.names_app ? w.o.app : NULL);
	else if (!log_levels_set(log_shared_levels(), &w.o, clock_mono_ms())) {
		api_problem(rq, 409, "too_many_log_levels", "All 32 places for log levels are taken; take some back");
		return;
	}
	tell(&w);
	show(rq);
}

/*
 * conf_value: the types of the table. Each function has one case per type and no word of any key. Leaves a field as it
 * was when the text does not fit, and never writes a value into an error: the caller knows whether it may be shown.
 */
#include <sys/types.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/count.h"
#include "base/num.h"
#include "conf/conf_value.h"
#include "net/origin.h"

#define TEXT_MAX	4096	/* longest text of a value that is not a secret */
#define HEADER_MAX	64

static void *
at(void *base, size_t offset)
{
	return (char *)base + offset;
}

static const void *
at_const(const void *base, size_t offset)
{
	return (const char *)base + offset;
}

static bool
is_clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n > 0;
}

static enum conf_set
set_text(char **field, struct str s)
{
	char	*copy;

	if (!is_clean(s) || s.n > TEXT_MAX)
		return CONF_UNFIT;
	if ((copy = strndup(s.p, s.n)) == NULL)
		return CONF_NO_MEMORY;
	free(*field);
	*field = copy;
	return CONF_SET;
}

static enum conf_set
set_path(char **field, struct str s)
{
	return str_starts(s, STR("/")) ? set_text(field, s) : CONF_UNFIT;
}

static enum conf_set
set_address(char **field, struct str s)
{
	struct conf_address	 parsed;
	char			*copy = NULL;
	enum conf_set		 done = set_text(&copy, s);

	if (done == CONF_SET && !conf_address_parse(copy, &parsed))
		done = CONF_UNFIT;
	if (done != CONF_SET) {
		free(copy);
		return done;
	}
	free(*field);
	*field = copy;
	return CONF_SET;
}

static enum conf_set
set_header(char **field, struct str s)
{
	enum conf_set	done;

	if (s.n > HEADER_MAX)
		return CONF_UNFIT;
	for (size_t i = 0; i < s.n; i++) {
		char	c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		    c == '_'))
			return CONF_UNFIT;
	}
	if ((done = set_text(field, s)) != CONF_SET)
		return done;
	for (char *p = *field; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return CONF_SET;
}

static enum conf_set
set_origin(char **field, struct str s)
{
	struct origin	parsed;

	return origin_parse(&parsed, s) ? set_text(field, s) : CONF_UNFIT;
}

static enum conf_set
set_secret(struct secret *field, struct str s)
{
	if (!is_clean(s))
		return CONF_UNFIT;
	return secret_set(field, s) ? CONF_SET : CONF_NO_MEMORY;
}

static enum conf_set
set_conninfo(struct secret *field, struct str s)
{
	if (!str_starts(s, STR("postgresql://")) && !str_starts(s, STR("postgres://")) &&
	    (s.n == 0 || memchr(s.p, '=', s.n) == NULL))
		return CONF_UNFIT;
	return set_secret(field, s);
}

static enum conf_set
set_bool(bool *field, struct str s, bool quoted)
{
	bool	yes = str_eq(s, STR("true"));

	if (quoted || (!yes && !str_eq(s, STR("false"))))
		return CONF_UNFIT;
	*field = yes;
	return CONF_SET;
}

static enum conf_set
set_number(const struct conf_key *k, int64_t *field, struct str s, bool quoted)
{
	int64_t	v;
	bool	good;

	if (k->type == CONF_DURATION)
		good = num_duration_ms(s, &v);
	else if (k->type == CONF_SIZE)
		good = num_size(s, &v);
	else
		good = !quoted && num_i64(s, k->min, k->max, &v);
	if (!good || v < k->min || v > k->max)
		return CONF_UNFIT;
	*field = v;
	return CONF_SET;
}

static enum conf_set
set_workers(const struct conf_key *k, int64_t *field, struct str s, bool quoted)
{
	long	cpus;

	if (!str_eq(s, STR("auto")))
		return set_number(k, field, s, quoted);
	cpus = sysconf(_SC_NPROCESSORS_ONLN);
	*field = cpus < k->min ? k->min : cpus > k->max ? k->max : cpus;
	return CONF_SET;
}

static enum conf_set
set_log_to(enum log_target *field, char **path, struct str s)
{
	enum log_target	 target = LOG_TO_FILE;
	enum conf_set	 done;

	if (str_eq(s, STR("stderr")))
		target = LOG_TO_STDERR;
	else if (str_eq(s, STR("syslog")))
		target = LOG_TO_SYSLOG;
	else if ((done = set_path(path, s)) != CONF_SET)
		return done;
	if (target != LOG_TO_FILE) {
		free(*path);
		*path = NULL;
	}
	*field = target;
	return CONF_SET;
}

const char *const *
conf_choices(enum conf_type t)
{
	static const char *const	levels[] = { "error", "warn", "info", "debug", NULL };
	static const char *const	formats[] = { "text", "json", NULL };
	static const char *const	modes[] = { "full", "rollup", "off", NULL };
	static const char *const	versions[] = { [TLS_1_2] = "1.2", [TLS_1_3] = "1.3", NULL };
	static const char *const	sandboxes[] = { [CONF_SANDBOX_ENFORCE] = "enforce", [CONF_SANDBOX_REQUIRE] = "require",
	    [CONF_SANDBOX_LOG] = "log", [CONF_SANDBOX_OFF] = "off", NULL };

	return t == CONF_LOG_LEVEL ? levels : t == CONF_LOG_FORMAT ? formats : t == CONF_REQUEST_LOGS ? modes :
	    t == CONF_TLS_VERSION ? versions : t == CONF_SANDBOX ? sandboxes : NULL;
}

size_t
conf_choice(enum conf_type t, const void *field)
{
	switch (t) {
	case CONF_LOG_LEVEL:
		return *(const enum log_level *)field;
	case CONF_LOG_FORMAT:
		return *(const enum log_format *)field;
	case CONF_REQUEST_LOGS:
		return *(const enum request_logs *)field;
	case CONF_TLS_VERSION:
		return *(const enum tls_version *)field;
	default:
		return *(const enum conf_sandbox *)field;
	}
}

static enum conf_set
set_choice(enum conf_type t, void *field, struct str s)
{
	const char *const	*words = conf_choices(t);
	size_t			 place = 0;

	while (words[place] != NULL && !str_eq(s, str_c(words[place])))
		place++;
	if (words[place] == NULL)
		return CONF_UNFIT;
	if (t == CONF_LOG_LEVEL)
		*(enum log_level *)field = (enum log_level)place;
	else if (t == CONF_LOG_FORMAT)
		*(enum log_format *)field = (enum log_format)place;
	else if (t == CONF_REQUEST_LOGS)
		*(enum request_logs *)field = (enum request_logs)place;
	else if (t == CONF_TLS_VERSION)
		*(enum tls_version *)field = (enum tls_version)place;
	else
		*(enum conf_sandbox *)field = (enum conf_sandbox)place;
	return CONF_SET;
}

enum conf_set
conf_value_set(const struct conf_key *k, void *base, struct str text, bool quoted)
{
	void	*field = at(base, k->offset);

	switch (k->type) {
	case CONF_STRING:
		return set_text(field, text);
	case CONF_PATH:
		return set_path(field, text);
	case CONF_ADDRESS:
		return set_address(field, text);
	case CONF_HEADER:
		return set_header(field, text);
	case CONF_ORIGIN:
		return set_origin(field, text);
	case CONF_SECRET:
		return set_secret(field, text);
	case CONF_CONNINFO:
		return set_conninfo(field, text);
	case CONF_BOOL:
		return set_bool(field, text, quoted);
	case CONF_NUMBER:
	case CONF_DURATION:
	case CONF_SIZE:
		return set_number(k, field, text, quoted);
	case CONF_WORKERS:
		return set_workers(k, field, text, quoted);
	case CONF_LOG_TO:
		return set_log_to(field, at(base, k->extra), text);
	case CONF_LOG_LEVEL:
	case CONF_LOG_FORMAT:
	case CONF_REQUEST_LOGS:
	case CONF_SANDBOX:
	case CONF_TLS_VERSION:
		return set_choice(k->type, field, text);
	case CONF_LISTENERS:
	case CONF_NETS:
	case CONF_NAMES:
	case CONF_CERTIFICATES:
		break;
	}
	return CONF_UNFIT;
}

void
conf_value_expected(const struct conf_key *k, char out[CONF_EXPECTED_SIZE])
{
	static const char *const words[] = {
		[CONF_STRING] = "a text of one line",
		[CONF_PATH] = "an absolute path",
		[CONF_ADDRESS] = "IPv4:port, [IPv6]:port, localhost:port, *:port or unix:/path",
		[CONF_HEADER] = "a header name such as x-dialpad-signature",
		[CONF_ORIGIN] = "https://host or https://host:port, nothing after it",
		[CONF_SECRET] = "a text of one line",
		[CONF_CONNINFO] = "postgresql://user@host/database or name=value words, in one line",
		[CONF_BOOL] = "true or false",
		[CONF_NUMBER] = "a number",
		[CONF_DURATION] = "a duration such as 250ms, 10s, 5m, 2h or 7d",
		[CONF_SIZE] = "a size such as 512, 64K, 4M or 1G",
		[CONF_WORKERS] = "auto or a number",
		[CONF_LOG_TO] = "stderr, syslog or an absolute path",
		[CONF_LOG_LEVEL] = "error, warn, info or debug",
		[CONF_SANDBOX] = "enforce, require, log or off",
		[CONF_LOG_FORMAT] = "text or json",
		[CONF_REQUEST_LOGS] = "full, rollup or off",
		[CONF_LISTENERS] = "a list of addresses",
		[CONF_NETS] = "a list of networks such as 10.0.0.0/8 or 2001:db8::/32, or the word unix",
		[CONF_NAMES] = "a list of texts of one line",
		[CONF_CERTIFICATES] = "a list of mappings with cert and key",
		[CONF_TLS_VERSION] = "1.2 or 1.3",
	};
	char	bounds[CONF_BOUNDS_SIZE];
	bool	bounded = !conf_value_is_list(k->type) && (k->min != 0 || k->max != 0);

	conf_key_bounds(k, bounds);
	snprintf(out, CONF_EXPECTED_SIZE, "%s%s%s", words[k->type], bounded ? ", within " : "", bounded ? bounds : "");
}

static bool
equal_text(const void *a, const void *b)
{
	return str_eq(str_c(*(char *const *)a), str_c(*(char *const *)b));
}

bool
conf_value_equal(const struct conf_key *k, const void *base_a, const void *base_b)
{
	const void	*a = at_const(base_a, k->offset), *b = at_const(base_b, k->offset);
	const void	*extra_a = at_const(base_a, k->extra), *extra_b = at_const(base_b, k->extra);

	switch (k->type) {
	case CONF_STRING:
	case CONF_PATH:
	case CONF_ADDRESS:
	case CONF_HEADER:
	case CONF_ORIGIN:
		return equal_text(a, b);
	case CONF_SECRET:
	case CONF_CONNINFO:
		return secret_equal(a, b);
	case CONF_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case CONF_NUMBER:
	case CONF_DURATION:
	case CONF_SIZE:
	case CONF_WORKERS:
		return *(const int64_t *)a == *(const int64_t *)b;
	case CONF_LOG_TO:
		return *(const enum log_target *)a == *(const enum log_target *)b && equal_text(extra_a, extra_b);
	case CONF_LOG_LEVEL:
	case CONF_LOG_FORMAT:
	case CONF_REQUEST_LOGS:
	case CONF_SANDBOX:
	case CONF_TLS_VERSION:
		return conf_choice(k->type, a) == conf_choice(k->type, b);
	case CONF_LISTENERS:
	case CONF_NETS:
	case CONF_NAMES:
	case CONF_CERTIFICATES:
		return *(const size_t *)extra_a == *(const size_t *)extra_b &&
		    conf_list_equal(k->type, a, b, *(const size_t *)extra_a);
	}
	return false;
}

static void
free_text(char **field)
{
	free(*field);
	*field = NULL;
}

void
conf_value_free(const struct conf_key *k, void *base)
{
	void	*field = at(base, k->offset);

	switch (k->type) {
	case CONF_STRING:
	case CONF_PATH:
	case CONF_ADDRESS:
	case CONF_HEADER:
	case CONF_ORIGIN:
		free_text(field);
		break;
	case CONF_SECRET:
	case CONF_CONNINFO:
		secret_free(field);
		break;
	case CONF_LOG_TO:
		free_text(at(base, k->extra));
		break;
	case CONF_LISTENERS:
	case CONF_NETS:
	case CONF_NAMES:
	case CONF_CERTIFICATES:
		conf_list_free(k->type, field, at(base, k->extra));
		break;
	case CONF_BOOL:
	case CONF_NUMBER:
	case CONF_DURATION:
	case CONF_SIZE:
	case CONF_WORKERS:
	case CONF_LOG_LEVEL:
	case CONF_SANDBOX:
	case CONF_TLS_VERSION:
	case CONF_LOG_FORMAT:
	case CONF_REQUEST_LOGS:
		break;
	}
}

bool
conf_value_is_list(enum conf_type t)
{
	return t == CONF_LISTENERS || t == CONF_NETS || t == CONF_NAMES || t == CONF_CERTIFICATES;
}

bool
conf_table_defaults(const struct conf_table *t, void *base)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct conf_key	*k = &t->keys[i];

		if (k->initial != NULL && conf_value_set(k, base, str_c(k->initial), false) != CONF_SET)
			return false;
	}
	return true;
}

void
conf_table_free(const struct conf_table *t, void *base)
{
	for (size_t i = 0; i < t->n; i++)
		conf_value_free(&t->keys[i], base);
}

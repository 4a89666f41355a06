/*
 * log_line: see log_line.h. Everything that is not ours goes through put_unit(), one character at a time: what could
 * end a line, steer a terminal, turn the direction of reading or is not UTF-8 is written as \xNN (in JSON, where there
 * is one, by JSON's own escape). A line that gets too long ends its text in "..." and takes no more; what must stand at
 * the end has its room kept from the beginning.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log_line.h"
#include "base/mask.h"
#include "base/utf8.h"

#define ELLIPSIS	"..."
#define UNIT_MAX	24	/* four bytes, each escaped */
#define NUMBER_SIZE	32
#define JSON_TAIL	",\"cut\":true}"

/* How foreign bytes are written. */
enum quoting { PLAIN, QUOTED, JSON };

struct line {
	char	*p;
	size_t	 n;
	size_t	 limit;		/* what is kept for the end lies behind it */
	size_t	 safe;		/* the last place, between two characters, where "..." still fits */
	bool	 full;
	bool	 mask;
};

/* All of it or, when it does not fit, nothing but "..." in its place. */
static void
put(struct line *l, const char *p, size_t n)
{
	if (l->full)
		return;
	if (l->n + sizeof(ELLIPSIS) - 1 <= l->limit)
		l->safe = l->n;
	if (l->n + n <= l->limit) {
		memcpy(l->p + l->n, p, n);
		l->n += n;
		return;
	}
	memcpy(l->p + l->safe, ELLIPSIS, sizeof(ELLIPSIS) - 1);
	l->n = l->safe + sizeof(ELLIPSIS) - 1;
	l->full = true;
}

/* Ours, into room that was kept for it. */
static void
put_kept(struct line *l, const char *text)
{
	size_t n = strlen(text);

	memcpy(l->p + l->n, text, n);
	l->n += n;
}

/* Characters that do something instead of standing there: C1 controls, line separators, changes of direction. */
static bool
acts(const unsigned char *c, size_t n)
{
	if (n == 2)
		return c[0] == 0xc2 && c[1] < 0xa0;
	if (n != 3 || c[0] != 0xe2)
		return false;
	return (c[1] == 0x80 && ((c[2] >= 0x8e && c[2] <= 0x8f) || (c[2] >= 0xa8 && c[2] <= 0xae))) ||
	    (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
}

static size_t
hex_unit(char out[UNIT_MAX], const unsigned char *c, size_t n, enum quoting q)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(out + used, UNIT_MAX - used, "%s\\x%02x", q == JSON ? "\\" : "", c[i]);
	return used;
}

/* One character: n bytes, valid UTF-8 or not. */
static void
put_unit(struct line *l, const char *p, size_t n, bool valid, enum quoting q)
{
	const unsigned char	*c = (const unsigned char *)p;
	char			 out[UNIT_MAX];

	if (!valid || acts(c, n))
		put(l, out, hex_unit(out, c, n, q));
	else if (n == 1 && (*c < 0x20 || *c == 0x7f) && q == JSON)
		put(l, out, (size_t)snprintf(out, sizeof(out), "\\u%04x", *c));
	else if (n == 1 && (*c < 0x20 || *c == 0x7f))
		put(l, out, hex_unit(out, c, n, q));
	else if (q != PLAIN && (*c == '"' || *c == '\\'))
		put(l, out, (size_t)snprintf(out, sizeof(out), "\\%c", *c));
	else
		put(l, p, n);
}

/* How many bytes from i on stand for themselves: nearly all of them, so they need not be looked at twice. */
static size_t
plain_run(struct str s, size_t i, enum quoting q)
{
	size_t from = i;

	while (i < s.n && s.p[i] >= 0x20 && s.p[i] < 0x7f && (q == PLAIN || (s.p[i] != '"' && s.p[i] != '\\')))
		i++;
	return i - from;
}

static void
put_units(struct line *l, struct str s, enum quoting q)
{
	size_t i = 0, n;
	bool valid;

	while (i < s.n && !l->full) {
		n = plain_run(s, i, q);
		if (n > 0 && l->n + n + sizeof(ELLIPSIS) - 1 <= l->limit) {
			put(l, s.p + i, n);
			i += n;
			continue;
		}
		n = 1;
		valid = (unsigned char)s.p[i] < 0x80 || utf8_next(s.p + i, s.n - i, &n);
		put_unit(l, s.p + i, n, valid, q);
		i += n;
	}
}

static void
put_text(struct line *l, struct str s, enum quoting q)
{
	char	masked[MASK_SIZE];
	size_t	from, to;

	while (l->mask && !l->full && mask_find(s, &from, &to)) {
		put_units(l, (struct str){ s.p, from }, q);
		mask_number(masked, (struct str){ s.p + from, to - from });
		put_units(l, str_c(masked), q);
		s = (struct str){ s.p + to, s.n - to };
	}
	put_units(l, s, q);
}

static void
put_sentence(struct line *l, const struct log_record *r, enum quoting q)
{
	put_text(l, r->sentence, q);
	if (r->sentence_cut)
		put(l, ELLIPSIS, sizeof(ELLIPSIS) - 1);
	if (r->error != NULL) {
		put(l, ": ", 2);
		put_text(l, str_c(r->error), q);
	}
}

/* "-12", "1.234"; a time below zero, which a clock may give by a hair, is none. By hand, because printf was a third of
 * the access line's cost. */
static struct str
number_text(char out[NUMBER_SIZE], const struct log_field *f)
{
	bool		 ms = f->type == LOG_TYPE_MS, below = f->number < 0;
	uint64_t	 v = !below ? (uint64_t)f->number : ms ? 0 : 0 - (uint64_t)f->number;
	char		*end = out + NUMBER_SIZE, *p = end;

	do {
		if (ms && end - p == 3)
			*--p = '.';
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0 || (ms && end - p < 5));
	if (below && !ms)
		*--p = '-';
	return (struct str){ p, (size_t)(end - p) };
}

/* ---- text */

/* Could it be taken for more than one word, or for another field? */
static bool
needs_quotes(struct str s)
{
	size_t i, n;

	if (s.n == 0 || str_eq(s, STR("-")))
		return true;
	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= 0x20 || c == 0x7f || c == '"' || c == '\\' || c == '=')
			return true;
		if (c >= 0x80) {
			if (!utf8_next(s.p + i, s.n - i, &n) || acts((const unsigned char *)s.p + i, n))
				return true;
			i += n - 1;
		}
	}
	return false;
}

static void
text_field(struct line *l, const struct log_field *f)
{
	char number[NUMBER_SIZE];

	put(l, " ", 1);
	put(l, f->name, strlen(f->name));
	put(l, "=", 1);
	if (f->type != LOG_TYPE_STR) {
		struct str text = number_text(number, f);

		put(l, text.p, text.n);
	} else if (f->text.p == NULL) {
		put(l, "-", 1);
	} else if (!needs_quotes(f->text)) {
		put_text(l, f->text, PLAIN);
	} else if (!l->full && l->n + 2 <= l->limit) {
		put(l, "\"", 1);
		l->limit--;		/* for the closing one */
		put_text(l, f->text, QUOTED);
		l->limit++;
		put_kept(l, "\"");
	} else {
		put(l, "\"\"", 2);
	}
}

static void
text_head(struct line *l, const struct log_record *r, bool bare)
{
	char time[CLOCK_RFC3339_SIZE], pid[NUMBER_SIZE];

	if (!bare) {
		clock_rfc3339(time, r->time_ms);
		put_kept(l, time);
		put_kept(l, " ");
		put_kept(l, log_level_name(r->level));
		put_kept(l, " ");
	}
	put_units(l, str_c(r->role), PLAIN);
	snprintf(pid, sizeof(pid), "[%ld]", r->pid);
	put_kept(l, bare ? ": " : pid);
	put_kept(l, bare ? "" : ": ");
}

size_t
log_line_text(char out[LOG_LINE_MAX], const struct log_record *r, bool bare)
{
	const struct log_field	tail[2] = {
		LOG_C("app", r->context->app), LOG_C("request_id", r->context->request_id),
	};
	char			end[sizeof(struct log_context) * UNIT_MAX];
	struct line		l = { .p = out, .mask = r->mask, .limit = LOG_LINE_MAX - 1 };
	struct line		e = { .p = end, .mask = r->mask, .limit = sizeof(end) };

	for (size_t i = 0; i < 2; i++)
		if (tail[i].text.n > 0)
			text_field(&e, &tail[i]);
	l.limit -= e.n;
	text_head(&l, r, bare);
	put_sentence(&l, r, PLAIN);
	for (size_t i = 0; i < r->nfields; i++)
		text_field(&l, &r->field[i]);
	memcpy(out + l.n, end, e.n);
	return l.n + e.n;
}

/* ---- JSON */

/* "name": and what follows, if at least an empty string fits. A member is either there or not. */
static bool
json_name(struct line *l, const char *name)
{
	size_t n = strlen(name) + 4 + sizeof("\"" ELLIPSIS "\"") - 1;

	if (l->full || l->n + n > l->limit) {
		l->full = true;
		return false;
	}
	put_kept(l, l->n == 0 ? "{\"" : ",\"");
	put_kept(l, name);
	put_kept(l, "\":");
	return true;
}

static void
json_begin_string(struct line *l)
{
	put_kept(l, "\"");
	l->limit--;
	l->safe = l->n;
}

static void
json_end_string(struct line *l)
{
	l->limit++;
	put_kept(l, "\"");
}

static void
json_text_member(struct line *l, const char *name, struct str s)
{
	if (!json_name(l, name))
		return;
	json_begin_string(l);
	put_text(l, s, JSON);
	json_end_string(l);
}

static void
json_raw_member(struct line *l, const char *name, struct str raw)
{
	if (l->full || l->n + strlen(name) + 4 + raw.n > l->limit || !json_name(l, name))
		l->full = true;
	else
		put(l, raw.p, raw.n);
}

static void
json_field(struct line *l, const struct log_field *f)
{
	char number[NUMBER_SIZE];

	if (f->type != LOG_TYPE_STR)
		json_raw_member(l, f->name, number_text(number, f));
	else if (f->text.p == NULL)
		json_raw_member(l, f->name, STR("null"));
	else
		json_text_member(l, f->name, f->text);
}

static void
json_head(struct line *l, const struct log_record *r)
{
	const struct log_field	pid = LOG_INT("pid", r->pid);
	char			time[CLOCK_RFC3339_SIZE];

	clock_rfc3339(time, r->time_ms);
	json_text_member(l, "time", str_c(time));
	json_text_member(l, "level", str_c(log_level_name(r->level)));
	json_text_member(l, "role", str_c(r->role));
	json_field(l, &pid);
	json_text_member(l, "module", str_c(r->module));
	if (r->context->app[0] != '\0')
		json_text_member(l, "app", str_c(r->context->app));
	if (r->context->request_id[0] != '\0')
		json_text_member(l, "request_id", str_c(r->context->request_id));
}

size_t
log_line_json(char out[LOG_LINE_MAX], const struct log_record *r)
{
	struct line l = { .p = out, .mask = r->mask, .limit = LOG_LINE_MAX - 1 - (sizeof(JSON_TAIL) - 1) };

	json_head(&l, r);
	if (json_name(&l, "msg")) {
		json_begin_string(&l);
		put_sentence(&l, r, JSON);
		json_end_string(&l);
	}
	for (size_t i = 0; i < r->nfields; i++)
		json_field(&l, &r->field[i]);
	put_kept(&l, l.full || r->sentence_cut ? JSON_TAIL : "}");
	return l.n;
}

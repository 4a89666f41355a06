/*
 * report: filled in, printed, parsed, published. Pure. The reader's side trusts nobody: shared memory can be written by
 * every child, and a file may be anything.
 */
#include <sys/types.h>

#include <stdio.h>
#include <string.h>

#include "base/count.h"
#include "base/num.h"
#include "base/report.h"

#define TRIES		1000	/* of a reader; the writer needs a microsecond and writes twice a reload */
#define TOO_MANY	"and more than fit here; the log has them all\n"

static const char *const whats[] = { "start", "reload", "upgrade" };
static const char *const states[] = { "running", "done", "failed" };

const char *
report_what_name(enum report_what w)
{
	return whats[w];
}

const char *
report_state_name(enum report_state s)
{
	return states[s];
}

/* One line of text, as much as fits. */
static void
put_line(char *out, size_t size, struct str text)
{
	size_t n = text.n < size ? text.n : size - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f ? ' ' : text.p[i];
	out[n] = '\0';
}

void
report_begin(struct report *r, enum report_what what, int64_t at_ms)
{
	r->number++;
	r->what = what;
	r->state = REPORT_RUNNING;
	r->at_ms = at_ms;
	r->text[0] = r->changes[0] = '\0';
}

static void
add_change(struct report *r, struct str line)
{
	size_t have = strlen(r->changes), cut = sizeof(TOO_MANY) - 1;

	if (have + line.n + 1 + cut < sizeof(r->changes)) {
		put_line(r->changes + have, line.n + 1, line);
		memcpy(r->changes + have + line.n, "\n", 2);
	} else if (have < cut || strcmp(r->changes + have - cut, TOO_MANY) != 0) {
		memcpy(r->changes + have, TOO_MANY, cut + 1);
	}
}

void
report_change(struct report *r, const char *line)
{
	add_change(r, str_c(line));
}

void
report_end(struct report *r, enum report_state state, const char *text, int64_t at_ms)
{
	r->state = state;
	r->at_ms = at_ms;
	put_line(r->text, sizeof(r->text), str_c(text));
}

void
report_print(const struct report *r, struct buf *out)
{
	struct str rest = str_c(r->changes), line;

	buf_printf(out, "pid %lld\nnumber %lld\nat_ms %lld\nwhat %s\nstate %s\ntext %s\n", (long long)r->pid,
	    (long long)r->number, (long long)r->at_ms, whats[r->what], states[r->state], r->text);
	while (str_cut(&rest, '\n', &line))
		if (line.n > 0)
			buf_printf(out, "change %.*s\n", STR_ARG(line));
}

static bool
find(struct str word, const char *const *words, size_t n, int *found)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(word, str_c(words[i]))) {
			*found = (int)i;
			return true;
		}
	return false;
}

/* A member that has to be there: its bit, or 0 when the value cannot be one. */
static unsigned
take_needed(struct report *r, size_t member, struct str value)
{
	int word = 0;
	bool good;

	if (member == 0)
		good = num_i64(value, 1, INT32_MAX, &r->pid);
	else if (member == 1)
		good = num_i64(value, 0, INT64_MAX, &r->number);
	else if (member == 2)
		good = num_i64(value, INT64_MIN, INT64_MAX, &r->at_ms);
	else if (member == 3)
		good = find(value, whats, COUNT(whats), &word);
	else
		good = find(value, states, COUNT(states), &word);
	if (member == 3)
		r->what = (enum report_what)word;
	else if (member == 4)
		r->state = (enum report_state)word;
	return good ? 1u << member : 0;
}

bool
report_parse(struct report *r, struct str text)
{
	static const char *const needed[] = { "pid", "number", "at_ms", "what", "state" };
	unsigned have = 0, bit;
	struct str line, name;
	int member;

	memset(r, 0, sizeof(*r));
	if (text.n > REPORT_FILE_MAX || text.n == 0 || text.p[text.n - 1] != '\n')
		return false;
	while (str_cut(&text, '\n', &line)) {
		if (!str_cut(&line, ' ', &name) || line.p == NULL)
			continue;
		if (find(name, needed, COUNT(needed), &member)) {
			bit = take_needed(r, (size_t)member, line);
			if (bit == 0)
				return false;
			have |= bit;
		} else if (str_eq(name, STR("text"))) {
			put_line(r->text, sizeof(r->text), line);
		} else if (str_eq(name, STR("change"))) {
			add_change(r, line);
		}
	}
	return have == (1u << COUNT(needed)) - 1;
}

void
report_publish(struct report_board *b, const struct report *r)
{
	uint64_t turn = atomic_load_explicit(&b->turn, memory_order_relaxed) | 1, words[REPORT_WORDS] = { 0 };

	memcpy(words, r, sizeof(*r));
	atomic_store_explicit(&b->turn, turn, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	for (size_t i = 0; i < REPORT_WORDS; i++)
		atomic_store_explicit(&b->word[i], words[i], memory_order_relaxed);
	atomic_store_explicit(&b->turn, turn + 1, memory_order_release);
}

/* Whatever was read: an end to each text, and no state that we have no word for. */
static bool
is_sound(struct report *r)
{
	r->text[sizeof(r->text) - 1] = '\0';
	r->changes[sizeof(r->changes) - 1] = '\0';
	return (unsigned)r->what < COUNT(whats) && (unsigned)r->state < COUNT(states);
}

bool
report_fetch(const struct report_board *b, struct report *r)
{
	uint64_t before, words[REPORT_WORDS];

	for (int i = 0; i < TRIES; i++) {
		before = atomic_load_explicit(&b->turn, memory_order_acquire);
		for (size_t k = 0; k < REPORT_WORDS; k++)
			words[k] = atomic_load_explicit(&b->word[k], memory_order_relaxed);
		atomic_thread_fence(memory_order_acquire);
		if ((before & 1) == 0 && atomic_load_explicit(&b->turn, memory_order_relaxed) == before) {
			memcpy(r, words, sizeof(*r));
			return is_sound(r);
		}
	}
	return false;
}

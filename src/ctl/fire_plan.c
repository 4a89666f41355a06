/*
 * fire_plan: the list is 16 bytes an event, however large the payloads are.
 */
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/fire_plan.h"

#define SHUFFLE_STREAM	UINT64_C(0x73687566666c65)	/* choices of the order are not those of the calls */

static bool
add(struct fire_plan *p, struct fire_item item)
{
	struct fire_item	*list;
	size_t			 cap;

	if (p->n == p->cap) {
		cap = p->cap == 0 ? 64 : p->cap * 2;
		list = realloc(p->item, cap * sizeof(*list));
		if (list == NULL)
			return false;
		p->item = list;
		p->cap = cap;
	}
	p->item[p->n++] = item;
	return true;
}

static int
by_time(const void *a, const void *b)
{
	const struct fire_item *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->call != y->call)
		return x->call < y->call ? -1 : 1;
	return x->step < y->step ? -1 : x->step > y->step;
}

bool
fire_plan_calls(struct fire_plan *p, uint32_t calls)
{
	struct fire_call c;

	for (uint32_t call = 0; call < calls; call++) {
		fire_call_make(&c, p->scenario, p->dialect, p->seed, call, p->now_ms);
		for (uint32_t step = 0; step < c.nsteps; step++)
			if (!add(p, (struct fire_item){ .at = c.step[step].at, .call = call, .step = step }))
				return false;
	}
	qsort(p->item, p->n, sizeof(*p->item), by_time);
	return true;
}

/* The whole file, its size in *n; NULL with errno. */
static char *
read_file(const char *path, size_t *n)
{
	FILE	*f = fopen(path, "re");
	char	*text = NULL, *more;
	size_t	 cap = 0, got = 1;
	int	 failure = 0;

	*n = 0;
	if (f == NULL)
		return NULL;
	while (got > 0 && failure == 0) {
		if (*n == cap) {
			cap = cap == 0 ? 65536 : cap * 2;
			more = cap <= FIRE_FILE_BYTES ? realloc(text, cap) : NULL;
			if (more == NULL) {
				failure = cap <= FIRE_FILE_BYTES ? ENOMEM : EFBIG;
				break;
			}
			text = more;
		}
		got = fread(text + *n, 1, cap - *n, f);
		*n += got;
		if (got == 0 && ferror(f) != 0)
			failure = errno;
	}
	fclose(f);
	if (failure == 0)
		return text;
	free(text);
	errno = failure;
	return NULL;
}

static bool
add_line(struct fire_plan *p, struct str line, size_t *cap)
{
	struct str *lines;

	if (p->nlines == *cap) {
		*cap = *cap == 0 ? 64 : *cap * 2;
		lines = realloc(p->line, *cap * sizeof(*lines));
		if (lines == NULL)
			return false;
		p->line = lines;
	}
	p->line[p->nlines] = line;
	return add(p, (struct fire_item){ .at = 0, .call = (uint32_t)p->nlines++, .step = 0 });
}

bool
fire_plan_file(struct fire_plan *p, const char *path, char err[FIRE_PLAN_ERROR_SIZE])
{
	struct str	rest, line;
	size_t		n, cap = 0;
	bool		ok = true;

	p->file = read_file(path, &n);
	if (p->file == NULL) {
		snprintf(err, FIRE_PLAN_ERROR_SIZE, "%s: %s", path, strerror(errno));
		return false;
	}
	rest = (struct str){ p->file, n };
	while (ok && str_cut(&rest, '\n', &line)) {
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (str_trim(line).n > 0)
			ok = add_line(p, line, &cap);
	}
	if (!ok)
		snprintf(err, FIRE_PLAN_ERROR_SIZE, "out of memory");
	else if (p->n == 0)
		snprintf(err, FIRE_PLAN_ERROR_SIZE, "%s: no payload in it, expected a JSON value a line", path);
	return ok && p->n > 0;
}

bool
fire_plan_double(struct fire_plan *p)
{
	struct fire_item *list = calloc(p->n * 2, sizeof(*list));

	if (list == NULL)
		return false;
	for (size_t i = 0; i < p->n; i++)
		list[2 * i] = list[2 * i + 1] = p->item[i];
	free(p->item);
	p->item = list;
	p->n = p->cap = p->n * 2;
	return true;
}

void
fire_plan_shuffle(struct fire_plan *p)
{
	uint64_t		rnd = p->seed ^ SHUFFLE_STREAM;
	struct fire_item	held;
	size_t			j;

	for (size_t i = p->n; i > 1; i--) {
		j = (size_t)fire_between(&rnd, 0, (int64_t)i - 1);
		held = p->item[i - 1];
		p->item[i - 1] = p->item[j];
		p->item[j] = held;
	}
}

void
fire_plan_payload(const struct fire_plan *p, size_t i, struct buf *out)
{
	struct fire_call c;

	if (p->file != NULL) {
		buf_str(out, p->line[p->item[i].call]);
		return;
	}
	fire_call_make(&c, p->scenario, p->dialect, p->seed, p->item[i].call, p->now_ms);
	fire_payload(&c, p->item[i].step, p->dialect, out);
}

void
fire_plan_free(struct fire_plan *p)
{
	free(p->item);
	free(p->file);
	free(p->line);
	*p = (struct fire_plan){ 0 };
}

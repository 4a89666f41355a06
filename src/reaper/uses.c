/*
 * uses: when API keys were last used. Workers tell it through a pipe, each of a key at most once per reaper.last_used;
 * as often, one statement writes all that was told. What could not be written stays for the next time; when there is no
 * room for more, the pipe fills and the workers tell it again later. Never holds up an event for it.
 */
#include <sys/types.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "db/array.h"
#include "reaper/internal.h"

static size_t
told(const struct reaper *r)
{
	return r->use_bytes / sizeof(r->use[0]);
}

void
uses_read(struct reaper *r)
{
	ssize_t n;

	do {
		n = read(r->h->use_read_fd, (char *)r->use + r->use_bytes, sizeof(r->use) - r->use_bytes);
		r->use_bytes += n > 0 ? (size_t)n : 0;
	} while (n > 0 && r->use_bytes < sizeof(r->use));
	if (n == 0 && r->use_bytes < sizeof(r->use))	/* every writer is gone */
		watch_set(r->use_watch, 0);
}

void
uses_on_readable(void *arg, unsigned what)
{
	struct reaper *r = arg;

	(void)what;
	uses_read(r);
	if (r->use_bytes == sizeof(r->use)) {
		watch_set(r->use_watch, 0);
		r->flush = true;
		if (!r->busy)
			reaper_next(r);
	}
}

void
uses_due(void *arg)
{
	struct reaper *r = arg;

	r->flush = told(r) > 0;
	timer_set(r->use_timer, r->conf->last_used_ms);
	if (r->flush && !r->busy)
		reaper_next(r);
}

static void
on_flushed(void *arg, const struct db_result *result)
{
	struct reaper *r = arg;
	size_t done = r->flushing * sizeof(r->use[0]);

	if (db_outcome(result) == DB_OK) {
		memmove(r->use, (char *)r->use + done, r->use_bytes - done);
		r->use_bytes -= done;
		watch_set(r->use_watch, LOOP_READ);
	} else if (db_outcome(result) != DB_AWAY)
		log_event(LEVEL_WARN, "the last uses of keys could not be written", LOG_C("error", db_error_text(result)),
		    LOG_INT("again_in_s", r->conf->last_used_ms / 1000));
	reaper_next(r);
}

bool
uses_flush(struct reaper *r)
{
	struct db_array apps, hashes, times;
	struct db_job *j;
	DB_PARAMS(p, 3);

	r->flush = false;
	r->flushing = told(r);
	if (r->flushing == 0)
		return false;
	db_array_init(&apps, DB_UUID, sizeof(r->use));
	db_array_init(&hashes, DB_BYTEA, sizeof(r->use));
	db_array_init(&times, DB_TIME, sizeof(r->use));
	for (size_t i = 0; i < r->flushing; i++) {
		db_array_uuid(&apps, r->use[i].app);
		db_array_bytes(&hashes, r->use[i].key_hash, SHA256_SIZE);
		db_array_time_ms(&times, r->use[i].used_ms);
	}
	if (!apps.b.failed && !hashes.b.failed && !times.b.failed) {
		db_put_array(&p, &apps);
		db_put_array(&p, &hashes);
		db_put_array(&p, &times);
		j = reaper_job(r, on_flushed);
		db_job_add(j, R_LAST_USED, p.p, p.n);
		db_job_submit(j);
	}
	db_array_free(&apps);
	db_array_free(&hashes);
	db_array_free(&times);
	return p.n > 0;
}

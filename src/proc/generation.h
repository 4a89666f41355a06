/*
 * generation: all children started from one configuration, and what they share. Private to proc/.
 */
#ifndef RINGD_GENERATION_H
#define RINGD_GENERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "os/priv.h"
#include "proc/listen.h"

#define GENERATION_WHY_SIZE	LISTEN_WHY_SIZE
#define GENERATION_READY_MS	30000	/* a child has this long to get ready */
#define GENERATION_CONNECT_MS	5000	/* and never less than one attempt to reach the database, and this */
#define GENERATION_DRAIN_MS	5000	/* over http.drain_timeout: for a child to notice its own deadline */

struct master;

struct generation {
	unsigned		 number;
	struct conf		*conf;		/* ours */
	struct service_user	 user;
	struct listeners	 listeners;
	int			 switchboard[2];/* where workers ([1]) meet the courier ([0]); -1: there is none */
	bool			 must_connect;	/* those it is to replace have the database, or its address is another */
	int64_t			 deadline_ms;	/* coming: ready by then; leaving: killed then */
	bool			 killed;
};

/*
 * Takes conf over (also on failure) and opens its listeners, sharing those of before (NULL: none). NULL with why.
 * Starts nobody.
 */
struct generation	*generation_new(struct conf *conf, const struct generation *before, unsigned number,
			    char why[GENERATION_WHY_SIZE]);
/* Forks all its children; they are ready later. false with why: some may have been started. */
bool	 generation_start(struct master *m, struct generation *g, char why[GENERATION_WHY_SIZE]);
bool	 generation_ready(const struct master *m, const struct generation *g);	/* every child is */
void	 generation_tell(struct master *m, struct generation *g, int signo);	/* to go */
void	 generation_free(struct generation *g);
int64_t	 generation_ready_ms(const struct generation *g);	/* how long its children have to get ready */
int64_t	 generation_drain_ms(const struct generation *g);	/* how long they have to leave */
/* "generation 1, 4 workers, 1 reaper, listening on 127.0.0.1:8080, admin on unix:/run/ringd/admin.sock" */
void	 generation_describe(const struct master *m, const struct generation *g, char *text, size_t size);

#endif

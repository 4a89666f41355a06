/*
 * fire_plan: which events go out, in which order. Events of scenarios are made when they are due; lines of a file are
 * kept.
 */
#ifndef RINGD_CTL_FIRE_PLAN_H
#define RINGD_CTL_FIRE_PLAN_H

#include "base/buf.h"
#include "base/str.h"
#include "ctl/fire_script.h"

#define FIRE_FILE_BYTES		((size_t)64 * 1024 * 1024)
#define FIRE_PLAN_ERROR_SIZE	256

struct fire_item {
	int64_t		at;		/* event time: the order without --shuffle */
	uint32_t	call;		/* number of the call, or of the line */
	uint32_t	step;
};

struct fire_plan {
	enum fire_scenario	 scenario;
	enum fire_dialect	 dialect;
	uint64_t		 seed;
	int64_t			 now_ms;
	struct fire_item	*item;
	size_t			 n, cap;
	char			*file;		/* NULL: scenarios */
	struct str		*line;
	size_t			 nlines;
};

/* Of the calls of a scenario. The fields before item are the caller's. false without memory; free in any case. */
bool	fire_plan_calls(struct fire_plan *p, uint32_t calls);
/* Of a file's lines that are not empty. false with err. */
bool	fire_plan_file(struct fire_plan *p, const char *path, char err[FIRE_PLAN_ERROR_SIZE]);
bool	fire_plan_double(struct fire_plan *p);	/* each event a second time, right behind the first */
void	fire_plan_shuffle(struct fire_plan *p);
void	fire_plan_payload(const struct fire_plan *p, size_t i, struct buf *out);
void	fire_plan_free(struct fire_plan *p);

#endif

/*
 * fire_script: whole lives of invented calls as Dialpad tells them: legs, and the events about them in order. Pure:
 * the same seed, number and time give the same call, so one can be made again when its event is due instead of being
 * kept.
 */
#ifndef RINGD_CTL_FIRE_SCRIPT_H
#define RINGD_CTL_FIRE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define FIRE_LEGS_MAX	4
#define FIRE_STEPS_MAX	16
#define FIRE_NONE	INT64_MIN	/* a time that never comes */

enum fire_scenario { FIRE_INBOUND, FIRE_MISSED, FIRE_VOICEMAIL, FIRE_QUEUE, FIRE_OUTBOUND, FIRE_SCENARIOS };
enum fire_dialect { FIRE_JWT, FIRE_SEED };

struct fire_party {
	int64_t		 id;
	const char	*type, *name, *email, *phone;
};

struct fire_leg {
	int64_t			 id, master, entry, operator_id;	/* 0 = none */
	const struct fire_party	*target;
	int64_t			 started, rang, queued, connected, ended;	/* ms since 1970; FIRE_NONE */
	int64_t			 hold_ms;
	bool			 transferred;
	const char		*recording;	/* its type; NULL = not recorded */
};

struct fire_step {
	size_t		 leg;
	const char	*state;		/* Dialpad's word */
	int64_t		 at;		/* event time, ms since 1970 */
};

struct fire_call {
	bool			 outbound;
	const struct fire_party	*customer;
	struct fire_leg		 leg[FIRE_LEGS_MAX];
	size_t			 nlegs;
	struct fire_step	 step[FIRE_STEPS_MAX];
	size_t			 nsteps;
};

/* The number-th call of a run. Its last event happens within the two seconds before now_ms. */
void	fire_call_make(struct fire_call *c, enum fire_scenario scenario, enum fire_dialect dialect, uint64_t seed,
	    uint64_t number, int64_t now_ms);
/* "inbound" ...; FIRE_SCENARIOS for "all" and for anything unknown. */
enum fire_scenario fire_scenario_of(const char *word);
/* The seeds' event for a state, NULL when they have none. */
const char	*fire_seed_type(const char *state);
void	fire_payload(const struct fire_call *c, size_t step, enum fire_dialect dialect, struct buf *out);

/* A stream of numbers that a seed decides (splitmix64). */
uint64_t fire_random(uint64_t *state);
int64_t	fire_between(uint64_t *state, int64_t least, int64_t most);

#endif

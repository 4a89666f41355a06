/*
 * legs_rig: legs made by hand, for the tests of calls.
 */
#ifndef RINGD_LEGS_RIG_H
#define RINGD_LEGS_RIG_H

#include "model/call.h"

/* Hand-made legs: times are small numbers. */
static struct leg
leg(const char *id, enum leg_rank rank, const char *word, int64_t ts)
{
	struct leg	l;

	leg_init(&l);
	l.id = str_c(id);
	l.rank = rank;
	l.state = str_c(word);
	l.state_ts = ts;
	l.direction = (struct leg_text){ STR("inbound"), ts };
	return l;
}

static struct leg
leg_of(const char *id, enum leg_rank rank, const char *word, int64_t ts, const char *target_type, const char *who)
{
	struct leg	l = leg(id, rank, word, ts);

	l.target = (struct leg_party){ .type = str_c(target_type), .id = str_c(who), .name = str_c(who), .ts = ts };
	return l;
}

#endif

/*
 * exotel_leg: the fields of a delivery as a leg value, private to the mapping. What the state is, is decided before.
 */
#ifndef RINGD_EXOTEL_LEG_H
#define RINGD_EXOTEL_LEG_H

#include "providers/exotel_fields.h"

enum exotel_kind {
	EXOTEL_STATUS,		/* callback of a call placed by the API: From, To and how it goes */
	EXOTEL_FLOW,		/* Passthru applet: CallFrom, CallTo and how dialling an agent went */
	EXOTEL_RING,		/* popup: one attempt to reach an agent */
	EXOTEL_APP,		/* application hook of IP calling: CallState */
};

/* Directions, numbers, people, times, lengths, recording, custom data; ts is the time of what is said, told whether
 * Exotel said it (else it is when the delivery came). */
void	exotel_map_leg(struct leg *l, struct exotel_reader *r, enum exotel_kind kind, int64_t ts, bool told);
/* How long people spoke, when some field says so; LEG_NONE else. */
int64_t	exotel_talk(struct exotel_reader *r, enum exotel_kind kind);
/* The agent that an attempt is for, as part of the attempt's id; absent when nobody is named. */
struct str	exotel_rung(struct exotel_reader *r);

#endif

/*
 * event: one verified delivery on its way into webhook_events: where it belongs, how it is told from a duplicate, and
 * what it says (a leg value). Made by providers/, stored by worker/, applied by reaper/.
 */
#ifndef RINGD_EVENT_H
#define RINGD_EVENT_H

#include "base/hash.h"
#include "base/uuid.h"
#include "model/leg.h"

struct event {
	const char	*provider;	/* "dialpad", "exotel" */
	struct str	 type;		/* dialpad.hangup, exotel.terminal, the seeds' own call.ended, dialpad.sms … */
	bool		 is_call;	/* names a call: leg is filled and the reaper has work; else stored only */
	int64_t		 event_ts;	/* ms, the provider's; LEG_NONE when absent */
	struct str	 org_id;	/* company the body names, for routing; absent when none */
	unsigned char	 digest[SHA256_SIZE];	/* duplicate key within the app */
	struct leg	 leg;
};

#endif

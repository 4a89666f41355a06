/*
 * dialpad_plan: what has to be done at Dialpad so that exactly one webhook and one call subscription of ours stand there,
 * as we want them; or none. Pure: is shown what Dialpad lists, says what to do next, is told what has been done. What
 * it is not shown to be ours it never names.
 */
#ifndef RINGD_DIALPAD_PLAN_H
#define RINGD_DIALPAD_PLAN_H

#include "providers/dialpad_api.h"
#include "providers/dialpad_rest.h"

#define DIALPAD_ID_SIZE		24	/* digits of an int64 and a NUL */
#define DIALPAD_SPARE_MAX	128	/* surplus ones of a kind that are dealt with in one go */
#define DIALPAD_SUBSCRIPTIONS_MAX	100	/* call subscriptions of a company, says Dialpad */
#define DIALPAD_WIDE_MAX	10	/* of these, for the whole company; which count only Dialpad knows */

enum dialpad_fitness {
	DIALPAD_MISSING,
	DIALPAD_UNFIT,		/* there, to be patched */
	DIALPAD_FIT,
};

struct dialpad_thing {
	char			 id[DIALPAD_ID_SIZE];	/* "" when missing */
	enum dialpad_fitness	 fitness;
};

struct dialpad_spares {
	char	id[DIALPAD_SPARE_MAX][DIALPAD_ID_SIZE];
	size_t	n;
	bool	more;		/* than could be noted */
};

struct dialpad_plan {
	struct str		 address, secret;	/* of the webhook as it should be; the caller's */
	char			 known_hook[DIALPAD_ID_SIZE], known_subscription[DIALPAD_ID_SIZE];
	struct dialpad_thing	 hook, subscription;
	struct dialpad_spares	 hooks, subscriptions;
	size_t			 in_all;		/* call subscriptions of the company, anybody's */
};

/* The ids are those of the last time, or absent; what has one of them is ours whatever became of it. */
void	dialpad_plan_init(struct dialpad_plan *p, struct str address, struct str secret, struct str known_hook,
	    struct str known_subscription);
/* One item of the list of webhooks; all of them before the first subscription. */
void	dialpad_plan_hook(struct dialpad_plan *p, struct json item, struct arena *a);
void	dialpad_plan_subscription(struct dialpad_plan *p, struct json item);

struct dialpad_step {
	enum dialpad_endpoint	 endpoint;	/* _CREATE, _CHANGE or _DELETE */
	char			 id[DIALPAD_ID_SIZE];	/* "" for a _CREATE */
};

/* What to do now; false: nothing is left to do. none: nothing of ours is to stay. */
bool	dialpad_plan_next(const struct dialpad_plan *p, bool none, struct dialpad_step *s);
void	dialpad_plan_body(const struct dialpad_plan *p, const struct dialpad_step *s, struct buf *b);	/* holds the secret */
/* It was done, or need not be done any more. id: what a _CREATE made, absent otherwise. */
void	dialpad_plan_done(struct dialpad_plan *p, const struct dialpad_step *s, struct str id);

#endif

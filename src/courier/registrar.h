/*
 * registrar: keeps one webhook and one call subscription of each connection at Dialpad, and takes them away when an app is
 * disconnected. Private to courier/. registrar.c finds what is due and knows the database, registration.c speaks to
 * Dialpad; in between stands one struct registration for each connection that is worked on.
 */
#ifndef RINGD_COURIER_REGISTRAR_H
#define RINGD_COURIER_REGISTRAR_H

#include "courier/grant.h"
#include "providers/dialpad_plan.h"

bool	registrar_start(struct courier *c);	/* false without memory */
void	registrar_look(struct courier *c);	/* something may be due: at the next turn, not at the next second */
void	registrar_stop(struct courier *c);	/* begins nothing more, and lets nothing under way go on */
void	registrar_free(struct courier *c);	/* after the database is gone */

struct registration {
	struct courier		*courier;
	struct uuid		 app, id, owner;	/* connection, and the lease on it */
	bool			 leaving;		/* it is being disconnected: nothing is to stay */
	bool			 rotating;		/* Dialpad has yet to be told of the secret */
	int64_t			 attempts;
	struct uuid		 hook;
	struct secret		 address, secret;	/* of the webhook as it should be */
	bool			 moved;			/* the address is not the stored one */
	struct dialpad_plan	 plan;
	struct dialpad_step	 step;			/* under way */
	char			 cursor[DIALPAD_CURSOR_MAX + 1];	/* of the list's next page; "" for the first */
	unsigned		 pages;
	bool			 changed;		/* something was done at Dialpad */
	int64_t			 deadline_ms;		/* monotonic: of one request, well within the lease */
	void			(*go)(struct registration *r);	/* what the lease was held for */
	char			 why[320];
};

/*
 * Lengthens the lease, then goes on: before each request, so that none is sent that another courier may be sending too.
 * It ends here if the lease is lost, or if the connection is not what it was when this began.
 */
void	registration_hold(struct registration *r, void (*go)(struct registration *r));
/* To be asked first in every callback. true: the courier ends, and r has been freed. */
bool	registration_dropped(struct registration *r);
/* Each of these ends it. */
void	registration_later(struct registration *r, int64_t wait_ms, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void	registration_done(struct registration *r);
void	registration_forget(struct registration *r);	/* disconnected: the row goes */
int64_t	registration_backoff(const struct registration *r);	/* for trouble that passes */
int64_t	registration_slowly(const struct registration *r);	/* for trouble people have to mend */

void	registration_begin(struct registration *r);	/* at Dialpad */

struct db_params *registration_put(struct db_params *p, const struct registration *r);	/* $1 to $3 of what touches its row */
/* In a callback. false: the registration is over. good: the answer, if there is one, speaks of a row that is leased to it. */
bool	registration_goes_on(struct registration *r, const struct db_result *result, bool good);

/* hook.c: the hook on our side; made, it leads to registration_begin(). */
void	hook_make(struct registration *r);
/* The stored address, as the world reaches us now: another public_url moves the hook, its token stays. false: it does not open. */
bool	hook_open(struct registration *r, struct str hex);

#endif

/*
 * exotel_account: the credentials of an app's account at Exotel and of an agent there, as the JSON texts that are sealed into
 * exotel_accounts.credentials and ribbon_agents.credentials. Written by ringctl and the courier, opened by the courier
 * alone. Pure.
 */
#ifndef RINGD_EXOTEL_ACCOUNT_H
#define RINGD_EXOTEL_ACCOUNT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

#define EXOTEL_VALUE_MAX	1024	/* bytes of one value */
#define EXOTEL_TEXT_MAX		16384	/* of a whole JSON text */
#define EXOTEL_DOMAIN_SIZE	256

struct exotel_account {			/* absent: not known */
	struct str	account_sid;
	struct str	app_token;	/* lives 90 days; stands for every agent of the account */
	struct str	exotel_app_id, customer_id;
	struct str	api_key, api_token;	/* of the voice API */
	struct str	sip_domain;	/* when it is not made of account_sid */
	struct str	sip_realm;	/* what the domain's server calls itself, when it is not the domain */
	struct str	hook_url;	/* where Exotel is told to report calls */
};

struct exotel_agent {
	struct str	exotel_user_id;	/* AppUserId of Exotel's user mapping */
	struct str	sip_user;	/* without "sip:" */
	struct str	sip_secret;
};

/* Values live in the arena. false: not an object, a value that is no text or too long, or no memory. */
bool	exotel_account_read(struct exotel_account *x, struct arena *a, struct str json);
bool	exotel_agent_read(struct exotel_agent *x, struct arena *a, struct str json);
void	exotel_account_write(struct buf *b, const struct exotel_account *x);
void	exotel_agent_write(struct buf *b, const struct exotel_agent *x);
/* The value of this name. false: there is no such name. */
bool	exotel_account_set(struct exotel_account *x, struct str name, struct str value);

/* Something of everything that is needed for either way of calling? NULL: yes; else what is missing or wrong, for people. */
const char *exotel_account_fault(const struct exotel_account *x);
bool	exotel_account_rings_agents(const struct exotel_account *x);	/* app token and what goes with it */
bool	exotel_account_connects(const struct exotel_account *x);	/* API key and token */
bool	exotel_agent_has_sip(const struct exotel_agent *x);
/* The domain of the account's SIP addresses. false: it does not fit. */
bool	exotel_sip_domain(char out[EXOTEL_DOMAIN_SIZE], const struct exotel_account *x, const char *suffix);

#endif

/*
 * ribbon_init: a session that is about to begin. Private to ribbon_init.c (who asks, and may they?) and ribbon_begin.c (the session).
 */
#ifndef RINGD_RIBBON_INIT_H
#define RINGD_RIBBON_INIT_H

#include "api/agent_token.h"
#include "api/ribbon.h"
#include "base/month.h"
#include "base/token.h"

struct init {
	struct page		 page;
	struct caller		 caller;
	struct api		*api;
	struct http_request	*rq;
	struct str		 key, domain;
	struct agent_token	 token;
	enum agent_token_verdict verdict;
	const char		*why;		/* it is not good */
	int64_t			 now_ms, expires_ms;
	char			 month[MONTH_SIZE];
	char			 client[UUID_TEXT_SIZE], agent[UUID_TEXT_SIZE];
	struct uuid		 agent_uuid, session;
	struct str		 agent_id, name;
	bool			 webrtc;
	int64_t			 used, limit;	/* limit -1: none */
	struct str		 sip_user, sip_domain, sip_server;
	char			 token_text[TOKEN_SIZE];	/* the session's */
	struct caller		 begun;		/* by that */
	bool			 again;
};

/* Says no, and writes it down. */
void	init_refuse(struct init *i, int status, const char *code, const char *message);
/* What statement stmt, W_CLIENT, says of the key. false: it may not be used so; answered. */
bool	init_client_good(struct init *i, const struct db_result *r, int stmt);
/* $1 to $5 of W_CLIENT. */
void	init_client_params(struct db_params *p, const struct init *i);
/* Line, session, answer. */
void	init_begin(struct init *i);

#endif

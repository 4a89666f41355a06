/*
 * limit: how many requests a key may make and how many failures an address may produce; the header lines and answers
 * that tell of it. Counted by all processes together (base/tally.h). Never for webhooks: Dialpad does not send again
 * what was answered 429.
 */
#ifndef RINGD_LIMIT_H
#define RINGD_LIMIT_H

#include "api/api.h"

/*
 * Counts one request of a key. true: it may go on, and its answer will tell what is left. false: one too many, with
 * *state for limit_refuse(); nothing has been answered.
 */
bool	limit_request(struct api *api, struct http_request *rq, const unsigned char key_hash[SHA256_SIZE],
	    const struct rate_rule *rule, struct rate_state *state);
void	limit_note(struct api *api, const unsigned char key_hash[SHA256_SIZE], const struct rate_rule *rule);	/* counts; says nothing */
void	limit_refuse(struct api *api, struct http_request *rq, const struct rate_rule *rule, const struct rate_state *state);

/* Before the database is asked about a key that is not known to be good; false: too many failures, answered 429. */
bool	limit_may_try(struct api *api, struct http_request *rq, const unsigned char key_hash[SHA256_SIZE]);
/* Counts a failure; false: one too many, answered 429. */
bool	limit_failure(struct api *api, struct http_request *rq);
void	limit_forget_key(struct api *api, const unsigned char key_hash[SHA256_SIZE]);	/* it is good no longer */

#endif

/*
 * request_log: what tenants ask of the API, on its way into the table request_logs. Kept here for about a second, then
 * written in batches that nobody waits for, not even for the disk. Bounded: request_logs.queue single requests, and
 * REQUEST_SUMS sums that take what comes beyond, so that a rush or an absent database costs detail before it costs
 * counts; what finds no place in these is counted as unrecorded.
 */
#ifndef RINGD_REQUEST_LOG_H
#define RINGD_REQUEST_LOG_H

#include "conf/conf.h"
#include "db/db.h"
#include "http/request.h"
#include "loop/loop.h"
#include "proc/scoreboard.h"

#define REQUEST_SUMS	512	/* of one minute, app, method, route and status each */

struct request_log;

struct request_log *request_log_new(struct loop *l, struct db *db, const struct conf *c, struct score *score);
void	request_log_free(struct request_log *rl);
/* A request is answered, now_us (monotonic). Takes requests that are `counted`, of known apps. */
void	request_log_add(struct request_log *rl, const struct http_request *rq, int status, size_t bytes, int64_t now_us);
/* Writes all there is; done(arg) when nothing is left, or nothing can be done about it. Nothing may be added afterwards. */
void	request_log_drain(struct request_log *rl, loop_fn done, void *arg);

#endif

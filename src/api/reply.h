/*
 * reply: the envelope of what the admin listener answers in JSON: {"success":…,"data":{…}}.
 */
#ifndef RINGD_REPLY_H
#define RINGD_REPLY_H

#include "base/json_write.h"
#include "http/request.h"

/* Opens the envelope and data's object in b, which the caller owns. */
void	reply_begin(struct json_out *j, struct buf *b, size_t max, bool success);
/* Closes both, answers, and frees b. */
void	reply_end(struct http_request *rq, struct json_out *j, int status);

#endif

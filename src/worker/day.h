/*
 * day: can events of this moment be stored? They go into the partition of their day, by our clock, and partitions are made
 * by the database's: a clock that is days off finds none, and every delivery would be answered 503 by a server that
 * calls itself ready. Asked now and then, so that health says it before a provider does.
 */
#ifndef RINGD_DAY_H
#define RINGD_DAY_H

#include "api/api.h"

struct day;

struct day	*day_new(struct api *api);	/* NULL without memory */
void		 day_database_ready(struct day *d);
void		 day_free(struct day *d);	/* after the database is gone */

#endif

/*
 * rows: many rows of one table into a job, as VALUES lists of the few lengths that are prepared.
 */
#ifndef RINGD_ROWS_H
#define RINGD_ROWS_H

#include "db/param.h"

/* put adds one row's `cols` parameters, at most W_EVENT_COLS; what they point to must stay until this returns. first_stmt
 * is the batch statement's first size class, of enum worker_stmt. */
void	rows_add(struct db_job *j, int first_stmt, int cols, void (*put)(struct db_params *a, const void *row),
	    const void *const *rows, int n);

#endif

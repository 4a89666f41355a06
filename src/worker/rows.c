/*
 * rows: see rows.h. The longest lists first.
 */
#include <sys/types.h>

#include "db/stmt_worker.h"
#include "worker/rows.h"

void
rows_add(struct db_job *j, int first_stmt, int cols, void (*put)(struct db_params *a, const void *row),
    const void *const *rows, int n)
{
	struct db_param p[WORKER_BATCH_MAX * W_EVENT_COLS];
	unsigned char scratch[WORKER_BATCH_MAX * W_EVENT_COLS * DB_PARAM_SCRATCH];
	int class, i;

	for (class = 0; class < WORKER_BATCH_CLASSES; class++)
		while (n >= worker_batch_rows[class]) {
			struct db_params a = { p, scratch, 0, worker_batch_rows[class] * cols };
			for (i = 0; i < worker_batch_rows[class]; i++)
				put(&a, rows[i]);
			db_job_add(j, first_stmt + class, a.p, a.n);
			rows += worker_batch_rows[class];
			n -= worker_batch_rows[class];
		}
}

/*
 * table: rows with named columns, shown as aligned text, as "name: value" lines or as JSON: the same rows, so that the
 * three never disagree. Pure: writes into a buf.
 */
#ifndef RINGD_CTL_TABLE_H
#define RINGD_CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json_write.h"
#include "base/str.h"

#define TABLE_BYTES	((size_t)64 * 1024 * 1024)	/* of one table's cells, and of its text */

enum column_type {
	COLUMN_TEXT,
	COLUMN_STATE,		/* text, coloured by its word on a terminal */
	COLUMN_NUMBER,		/* aligned right; a JSON number */
	COLUMN_MS,		/* the same; shown as 1:05 or 0.25s */
	COLUMN_BOOL,		/* "t"/"f" or "true"/"false" */
	COLUMN_JSON,		/* already JSON */
};

struct table_column {
	const char		*title;		/* NULL: in JSON only */
	const char		*name;		/* in JSON; NULL: in text only */
	enum column_type	 type;
	bool			 shrinks;	/* may be cut when the terminal is narrow */
};

struct table {
	const struct table_column	*columns;
	size_t				 ncolumns;
	struct str			*cells;
	size_t				 ncells, cap;
	struct arena			 arena;
	bool				 failed;	/* out of memory or over TABLE_BYTES */
};

struct table_style {
	size_t	width;		/* columns of the terminal; 0 = no limit */
	bool	colour;
};

void	table_init(struct table *t, const struct table_column *columns, size_t ncolumns);
void	table_free(struct table *t);
void	table_cell(struct table *t, struct str value);	/* copied; absent shows as "-" and null */
size_t	table_rows(const struct table *t);
struct str table_get(const struct table *t, size_t row, size_t column);
void	table_text(const struct table *t, struct buf *out, const struct table_style *style);
void	table_line(const struct table *t, size_t row, struct buf *out);	/* one row, tab-separated, nothing cut */
void	table_record(const struct table *t, size_t row, struct buf *out, const struct table_style *style);
void	table_json(const struct table *t, struct json_out *j);			/* an array of objects */
void	table_row_json(const struct table *t, size_t row, struct json_out *j);	/* one object */
void	table_members(const struct table *t, size_t row, struct json_out *j);	/* its members, into an open object */

#endif

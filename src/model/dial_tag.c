/*
 * dial_tag: see dial_tag.h.
 */
#include <sys/types.h>

#include "model/dial_tag.h"

#define MARK		STR("ringd:")
#define ID_CHARS	(UUID_TEXT_SIZE - 1)

void
dial_tag_write(struct buf *b, struct uuid dial, struct str custom_data)
{
	char id[UUID_TEXT_SIZE];

	uuid_format(id, dial);
	buf_str(b, MARK);
	buf_puts(b, id);
	if (custom_data.n == 0)
		return;
	buf_putc(b, ' ');
	buf_str(b, custom_data);
}

bool
dial_tag_take(struct str *custom_data, struct uuid *dial)
{
	struct str rest = *custom_data, mark = MARK, id;

	if (!str_starts(rest, mark) || rest.n < mark.n + ID_CHARS)
		return false;
	id = (struct str){ rest.p + mark.n, ID_CHARS };
	rest = (struct str){ id.p + id.n, rest.n - mark.n - id.n };
	if ((rest.n > 0 && rest.p[0] != ' ') || !uuid_parse(id, dial))
		return false;
	*custom_data = rest.n > 1 ? (struct str){ rest.p + 1, rest.n - 1 } : STR_NONE;
	return true;
}

/*
 * calls_json: see calls_json.h. Values go from libpq's text into the answer without a copy in between.
 */
#include <sys/types.h>
#include <string.h>

#include "api/calls_json.h"
#include "base/count.h"
#include "db/stmt_worker.h"

enum kind { TEXT, NUMBER, BOOLEAN, TIME };

static const struct field {
	const char	*name;
	enum call_col	 col;
	enum kind	 kind;
} fields[] = {
	{ "id", C_ID, TEXT },
	{ "provider", C_PROVIDER, TEXT },
	{ "provider_call_id", C_PROVIDER_CALL_ID, TEXT },
	{ "dialpad_call_id", C_DIALPAD_CALL_ID, NUMBER },
	{ "direction", C_DIRECTION, TEXT },
	{ "from_number", C_FROM, TEXT },
	{ "to_number", C_TO, TEXT },
	{ "status", C_STATUS, TEXT },
	{ "outcome", C_OUTCOME, TEXT },
	{ "provider_state", C_PROVIDER_STATE, TEXT },
	{ "dialpad_state", C_PROVIDER_STATE, TEXT },
	{ "started_at", C_STARTED, TIME },
	{ "rang_at", C_RANG, TIME },
	{ "connected_at", C_CONNECTED, TIME },
	{ "ended_at", C_ENDED, TIME },
	{ "talk_time_ms", C_TALK, NUMBER },
	{ "hold_time_ms", C_HOLD, NUMBER },
	{ "duration_ms", C_DURATION, NUMBER },
	{ "agent_id", C_AGENT_ID, TEXT },
	{ "agent_name", C_AGENT_NAME, TEXT },
	{ "agent_email", C_AGENT_EMAIL, TEXT },
	{ "group_type", C_GROUP_TYPE, TEXT },
	{ "group_id", C_GROUP_ID, TEXT },
	{ "group_name", C_GROUP_NAME, TEXT },
	{ "contact_id", C_CONTACT_ID, TEXT },
	{ "contact_name", C_CONTACT_NAME, TEXT },
	{ "custom_data", C_CUSTOM_DATA, TEXT },
	{ "has_recording", C_HAS_RECORDING, BOOLEAN },
	{ "recording_url", C_RECORDING_URL, TEXT },
	{ "recording_type", C_RECORDING_TYPE, TEXT },
	{ "is_internal", C_IS_INTERNAL, BOOLEAN },
	{ "is_transferred", C_IS_TRANSFERRED, BOOLEAN },
	{ "end_inferred", C_END_INFERRED, BOOLEAN },
	{ "updated_at", C_UPDATED, TIME },
};

/* "2026-01-27 10:30:00.123456+00" to "2026-01-27T10:30:00.123Z": cut and padded, not computed. */
static void
write_time(struct json_out *j, struct str pg)
{
	char out[] = "0000-00-00T00:00:00.000Z";
	size_t i;

	if (pg.n < 22 || pg.p[10] != ' ' || memcmp(pg.p + pg.n - 3, "+00", 3) != 0) {
		json_null(j);
		return;
	}
	memcpy(out, pg.p, 19);
	out[10] = 'T';
	for (i = 0; pg.p[19] == '.' && i < 3 && 20 + i < pg.n - 3; i++)
		out[20 + i] = pg.p[20 + i];
	json_str(j, (struct str){ out, sizeof(out) - 1 });
}

static void
write_value(struct json_out *j, enum kind kind, struct str v)
{
	if (v.p == NULL)
		json_null(j);
	else if (kind == NUMBER)
		json_raw_value(j, v);
	else if (kind == BOOLEAN)
		json_boolean(j, v.n == 1 && v.p[0] == 't');
	else if (kind == TIME)
		write_time(j, v);
	else
		json_str(j, v);
}

static void
write_fields(struct json_out *j, const struct db_result *r, int i, int row)
{
	size_t f;

	for (f = 0; f < COUNT(fields); f++) {
		json_key(j, fields[f].name);
		write_value(j, fields[f].kind, db_text(r, i, row, (int)fields[f].col));
	}
}

void
calls_json_row(struct json_out *j, const struct db_result *r, int i, int row)
{
	json_obj(j);
	write_fields(j, r, i, row);
	json_obj_end(j);
}

static void
write_recordings(struct json_out *j, const struct db_result *r, int i)
{
	int row;

	json_key(j, "recordings");
	json_arr(j);
	for (row = 0; row < db_rows(r, i) && db_text(r, i, row, C_REC_ID).p != NULL; row++) {
		json_obj(j);
		json_kstr(j, "id", db_text(r, i, row, C_REC_ID));
		json_kstr(j, "type", db_text(r, i, row, C_REC_TYPE));
		json_kstr(j, "url", db_text(r, i, row, C_REC_URL));
		json_key(j, "started_at");
		write_value(j, TIME, db_text(r, i, row, C_REC_STARTED));
		json_key(j, "duration_ms");
		write_value(j, NUMBER, db_text(r, i, row, C_REC_DURATION));
		json_obj_end(j);
	}
	json_arr_end(j);
}

void
calls_json_detail(struct json_out *j, const struct db_result *r, int i)
{
	json_obj(j);
	write_fields(j, r, i, 0);
	json_key(j, "legs");
	write_value(j, NUMBER, db_text(r, i, 0, C_LEGS));
	json_kstr(j, "transcription", db_text(r, i, 0, C_TRANSCRIPTION));
	write_recordings(j, r, i);
	json_obj_end(j);
}

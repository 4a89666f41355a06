/*
 * Metrics: the text format to the letter, and each metric out of the place in the scoreboard where it is counted.
 */
#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/count.h"
#include "proc/metrics.h"
#include "proc/metrics_text.h"

enum { WORKER, REAPER };

static const char *const roles[] = { "worker", "reaper" };
static const char *const routes[SCORE_ROUTES] = { "none", "calls", "hook", "hook" };

static struct buf out;

static const char *
text(void)
{
	buf_putc(&out, '\0');
	assert_false(out.failed);
	return out.p;
}

static int
begin(void **state)
{
	(void)state;
	buf_init(&out, METRICS_MAX);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

static struct scoreboard *
new_board(void)
{
	struct scoreboard *b = scoreboard_new(roles, COUNT(roles));

	assert_non_null(b);
	SCORE_SET(b->generation, 1);
	for (unsigned i = 0; i < 2; i++) {
		scoreboard_seat(b, &b->slot[i], i, 0, 1);
		scoreboard_set_state(&b->slot[i], SCORE_READY);
	}
	return b;
}

static void
certify(struct scoreboard *b)
{
	static struct conf c;

	c.ncertificates = 1;
	c.certificate[0].info.not_after = 1800000000;
	snprintf(c.certificate[0].info.name, sizeof(c.certificate[0].info.name), "cti.example.com");
	scoreboard_certify(b, &c);
}

/* All of it, written once more. */
static const char *
written(const struct scoreboard *b, int64_t now_ms)
{
	out.len = 0;
	metrics_write(&out, b, routes, now_ms);
	return text();
}

/* There is this very line. */
static void
assert_line(const char *all, const char *line)
{
	char wanted[256];

	snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	if (strstr(all, wanted) == NULL)
		fail_msg("no line \"%s\" in\n%.20000s", line, all);
}

static void
what_the_format_escapes_is_escaped(void **state)
{
	struct metrics_text t = { .b = &out };
	const struct metrics_label l[] = { { "a", "say \"\\\" and\nend" }, { "b", "" } };

	(void)state;
	metrics_family(&t, "m", "gauge", "a \\ and a\nline, \"quoted\"");
	metrics_count(&t, l, 2, 7);
	assert_string_equal(text(), "# HELP m a \\\\ and a\\nline, \"quoted\"\n# TYPE m gauge\n"
	    "m{a=\"say \\\"\\\\\\\" and\\nend\",b=\"\"} 7\n");
}

static void
a_family_is_headed_once_and_only_with_samples(void **state)
{
	struct metrics_text t = { .b = &out };

	(void)state;
	metrics_family(&t, "empty", "counter", "Never there.");
	metrics_family(&t, "m", "counter", "Two.");
	metrics_count(&t, NULL, 0, 1);
	metrics_count(&t, NULL, 0, UINT64_MAX);
	assert_string_equal(text(), "# HELP m Two.\n# TYPE m counter\nm 1\nm 9223372036854775807\n");
}

static void
numbers_are_what_was_counted(void **state)
{
	static const struct { int64_t v, unit; const char *shown; } all[] = {
		{ 0, 1, "m 0\n" }, { 12, 1, "m 12\n" }, { 1500, 1000, "m 1.5\n" }, { 7, 1000000, "m 0.000007\n" },
		{ 1000000, 1000000, "m 1\n" }, { 1000001, 1000000, "m 1.000001\n" }, { 100, 1000, "m 0.1\n" },
		{ -1, 1, "m NaN\n" }, { -1, 1000, "m NaN\n" },
		{ INT64_MAX, 1000000, "m 9223372036854.775807\n" },
	};
	struct metrics_text t = { .b = &out, .headed = true, .name = "m" };

	(void)state;
	for (size_t i = 0; i < COUNT(all); i++) {
		out.len = 0;
		metrics_gauge(&t, NULL, 0, all[i].v, all[i].unit);
		assert_string_equal(text(), all[i].shown);
	}
}

static void
buckets_add_up(void **state)
{
	static const struct score_bounds bounds = { 3, { 50, 2500, 1000000 } };
	struct metrics_text t = { .b = &out, .headed = true, .name = "m" };
	const struct metrics_label l = { "r", "x" };
	struct score_totals h = { .bucket = { 1, 0, 2, [SCORE_BUCKETS - 1] = 4 }, .count = 7, .sum = 12000051 };

	(void)state;
	metrics_histogram(&t, &l, 1, &h, &bounds, 1000000);
	assert_string_equal(text(), "m_bucket{r=\"x\",le=\"0.00005\"} 1\nm_bucket{r=\"x\",le=\"0.0025\"} 1\n"
	    "m_bucket{r=\"x\",le=\"1\"} 3\nm_bucket{r=\"x\",le=\"+Inf\"} 7\nm_sum{r=\"x\"} 12.000051\n"
	    "m_count{r=\"x\"} 7\n");
	out.len = 0;
	metrics_histogram(&t, NULL, 0, &h, &bounds, 1);
	assert_non_null(strstr(text(), "m_bucket{le=\"50\"} 1\n"));
	assert_non_null(strstr(text(), "m_sum 12000051\nm_count 7\n"));
}

static void
requests_come_by_route_and_class(void **state)
{
	struct scoreboard *b = new_board();
	const char *all;

	(void)state;
	score_http(&b->slot[0], 1, 200, 400);
	score_http(&b->slot[0], 1, 503, 2000000);
	score_http(&b->slot[0], 2, 200, 60);
	score_http(&b->slot[1], 3, 201, 70);	/* the same name as route 2, another place */
	all = written(b, 0);
	assert_line(all, "ringd_http_requests_total{route=\"calls\",code=\"2xx\"} 1");
	assert_line(all, "ringd_http_requests_total{route=\"calls\",code=\"5xx\"} 1");
	assert_line(all, "ringd_http_requests_total{route=\"hook\",code=\"2xx\"} 2");
	assert_line(all, "ringd_http_requests_total{route=\"none\",code=\"4xx\"} 0");
	assert_line(all, "ringd_http_request_duration_seconds_bucket{route=\"hook\",code=\"2xx\",le=\"0.00005\"} 0");
	assert_line(all, "ringd_http_request_duration_seconds_bucket{route=\"hook\",code=\"2xx\",le=\"0.0001\"} 2");
	assert_line(all, "ringd_http_request_duration_seconds_sum{route=\"hook\",code=\"2xx\"} 0.00013");
	assert_line(all, "ringd_http_request_duration_seconds_bucket{route=\"calls\",code=\"5xx\",le=\"1\"} 0");
	assert_line(all, "ringd_http_request_duration_seconds_count{route=\"calls\",code=\"5xx\"} 1");
	/* One series a name. */
	all = strstr(all, "ringd_http_requests_total{route=\"hook\",code=\"2xx\"}");
	assert_null(strstr(all + 1, "ringd_http_requests_total{route=\"hook\",code=\"2xx\"}"));
}

static void
processes_and_reloads(void **state)
{
	struct report report = { .pid = 1 };
	struct scoreboard *b = new_board();
	const char *all;

	(void)state;
	SCORE_SET(b->started_ms, 1700000000250);
	all = written(b, 0);
	assert_line(all, "ringd_start_time_seconds 1700000000.25");
	assert_line(all, "ringd_generation 1");
	assert_line(all, "ringd_children{role=\"worker\",state=\"ready\"} 1");
	assert_line(all, "ringd_children{role=\"worker\",state=\"draining\"} 0");
	assert_line(all, "ringd_child_restarts_total{role=\"reaper\",cause=\"signal\"} 0");
	assert_line(all, "ringd_reloads_total{result=\"ok\"} 0");
	assert_line(all, "ringd_last_reload_successful 1");
	assert_line(all, "ringd_database_up{role=\"worker\"} 0");
	SCORE_ADD(b->restarts[REAPER][SCORE_SIGNAL], 2);
	SCORE_ADD(b->restarts[WORKER][SCORE_TIMEOUT], 3);
	SCORE_ADD(b->reloads_failed, 1);
	report_begin(&report, REPORT_RELOAD, 1);
	report_end(&report, REPORT_FAILED, "no", 2);
	report_publish(&b->report, &report);
	score_db(&b->slot[0], SCORE_DB_UP, "");
	all = written(b, 0);
	assert_line(all, "ringd_child_restarts_total{role=\"reaper\",cause=\"signal\"} 2");
	assert_line(all, "ringd_child_restarts_total{role=\"worker\",cause=\"timeout\"} 3");
	assert_line(all, "ringd_reloads_total{result=\"failed\"} 1");
	assert_line(all, "ringd_last_reload_successful 0");
	assert_line(all, "ringd_database_up{role=\"worker\"} 1");
	report_end(&report, REPORT_DONE, "yes", 3);
	report_publish(&b->report, &report);
	assert_line(written(b, 0), "ringd_last_reload_successful 1");
}

static void
events_and_the_queue(void **state)
{
	static const struct { enum score_counter c; const char *outcome; } outcomes[] = {
		{ SCORE_EVENTS_STORED, "stored" }, { SCORE_EVENTS_DUPLICATE, "duplicate" },
		{ SCORE_EVENTS_REFUSED, "refused" }, { SCORE_EVENTS_DEFERRED, "deferred" },
		{ SCORE_EVENTS_APPLIED, "applied" }, { SCORE_EVENTS_FAILED, "failed" }, { SCORE_EVENTS_DEAD, "dead" },
	};
	struct scoreboard *b = new_board();
	const char *all = written(b, 1000);
	char line[128];

	(void)state;
	assert_line(all, "ringd_queue_events NaN");
	assert_line(all, "ringd_queue_oldest_seconds NaN");
	assert_line(all, "ringd_reaper_lag_seconds NaN");
	for (size_t i = 0; i < COUNT(outcomes); i++)
		score_count(&b->slot[i % 2], outcomes[i].c, i + 1);
	score_count(&b->slot[0], SCORE_ACCEPTED, 100);
	score_count(&b->slot[0], SCORE_REFUSED, 101);
	SCORE_SET(b->slot[0].connections, 12);
	score_observe(&b->slot[0].batch_rows, &score_rows, 3);
	score_observe(&b->slot[0].commit_us, &score_times, 3000);
	scoreboard_queue_seen(b, 4, 500, 1000);
	SCORE_SET(b->queue.caught_up_ms, 750);
	all = written(b, 2000);
	for (size_t i = 0; i < COUNT(outcomes); i++) {
		snprintf(line, sizeof(line), "ringd_events_total{outcome=\"%s\"} %zu", outcomes[i].outcome, i + 1);
		assert_line(all, line);
	}
	assert_line(all, "ringd_connections 12");
	assert_line(all, "ringd_connections_accepted_total 100");
	assert_line(all, "ringd_connections_refused_total 101");
	assert_line(all, "ringd_ingest_batch_events_bucket{le=\"2\"} 0");
	assert_line(all, "ringd_ingest_batch_events_bucket{le=\"4\"} 1");
	assert_line(all, "ringd_ingest_batch_events_sum 3");
	assert_line(all, "ringd_ingest_commit_seconds_bucket{le=\"0.0025\"} 0");
	assert_line(all, "ringd_ingest_commit_seconds_bucket{le=\"0.005\"} 1");
	assert_line(all, "ringd_ingest_commit_seconds_sum 0.003");
	assert_line(all, "ringd_queue_events 4");
	assert_line(all, "ringd_queue_oldest_seconds 1.5");
	assert_line(all, "ringd_reaper_lag_seconds 1.25");
}

static void
each_provider_has_its_answers(void **state)
{
	struct scoreboard *b = new_board();
	const char *all;

	(void)state;
	for (int a = 0; a < SCORE_ANSWERS; a++) {
		score_count(&b->slot[0], SCORE_DIALPAD + a, 10 + (uint64_t)a);
		score_count(&b->slot[1], SCORE_EXOTEL + a, 20 + (uint64_t)a);
	}
	all = written(b, 0);
	assert_line(all, "ringd_provider_requests_total{provider=\"dialpad\",outcome=\"ok\"} 10");
	assert_line(all, "ringd_provider_requests_total{provider=\"dialpad\",outcome=\"unreached\"} 14");
	assert_line(all, "ringd_provider_requests_total{provider=\"exotel\",outcome=\"ok\"} 20");
	assert_line(all, "ringd_provider_requests_total{provider=\"exotel\",outcome=\"refused\"} 21");
	assert_line(all, "ringd_provider_requests_total{provider=\"exotel\",outcome=\"limited\"} 22");
	assert_line(all, "ringd_provider_requests_total{provider=\"exotel\",outcome=\"failed\"} 23");
	assert_line(all, "ringd_sip_signatures_total{outcome=\"signed\"} 0");
}

/* Every route there can be, every number as long as it can get: it still fits. */
static void
the_largest_text_fits(void **state)
{
	static const char *const full[SCORE_ROUTES] = {
		"route_with_a_name_00", "route_with_a_name_01", "route_with_a_name_02", "route_with_a_name_03",
		"route_with_a_name_04", "route_with_a_name_05", "route_with_a_name_06", "route_with_a_name_07",
		"route_with_a_name_08", "route_with_a_name_09", "route_with_a_name_10", "route_with_a_name_11",
		"route_with_a_name_12", "route_with_a_name_13", "route_with_a_name_14", "route_with_a_name_15",
		"route_with_a_name_16", "route_with_a_name_17", "route_with_a_name_18", "route_with_a_name_19",
		"route_with_a_name_20", "route_with_a_name_21", "route_with_a_name_22", "route_with_a_name_23",
		"route_with_a_name_24", "route_with_a_name_25", "route_with_a_name_26", "route_with_a_name_27",
		"route_with_a_name_28", "route_with_a_name_29", "route_with_a_name_30", "route_with_a_name_31",
	};
	struct scoreboard *b = new_board();

	(void)state;
	for (size_t r = 0; r < SCORE_ROUTES; r++)
		for (size_t c = 0; c < SCORE_CLASSES; c++)
			for (size_t i = 0; i < SCORE_BUCKETS; i++)
				SCORE_SET(b->slot[0].http_us[r][c].bucket[i], UINT64_MAX / 64);
	metrics_write(&out, b, full, 0);
	assert_false(out.failed);
	assert_in_range(out.len, 200000, METRICS_MAX / 2);
}

/* What is listed for people is what is written for Prometheus. */
static void
the_list_names_what_is_written(void **state)
{
	struct scoreboard *board = new_board();
	const char *all, *head;
	char *list = NULL, *line, *rest, *name, *type, *labels, *help, wanted[1024];
	size_t size = 0, listed = 0, headed = 0;
	FILE *f = open_memstream(&list, &size);

	(void)state;
	assert_non_null(f);
	certify(board);
	all = written(board, 0);
	assert_non_null(strstr(all, "\nringd_certificate_not_after_seconds{name=\"cti.example.com\"} 1800000000\n"));
	metrics_print(f);
	assert_int_equal(fclose(f), 0);
	for (rest = list; (line = strtok_r(NULL, "\n", &rest)) != NULL; listed++) {
		name = strtok_r(NULL, "\t", &line);
		type = strtok_r(NULL, "\t", &line);
		labels = strtok_r(NULL, "\t", &line);
		help = line;
		assert_non_null(labels);
		snprintf(wanted, sizeof(wanted), "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
		if (strstr(all, wanted) == NULL)
			fail_msg("not written: %s", wanted);
		assert_int_equal(strncmp(name, "ringd_", 6), 0);
		/* As Prometheus wants its names. */
		assert_int_equal(strcmp(type, "counter") == 0, strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0);
	}
	for (head = all; (head = strstr(head, "# TYPE ")) != NULL; head++)
		headed++;
	assert_int_equal(listed, headed);
	free(list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_the_format_escapes_is_escaped, begin, end),
		cmocka_unit_test_setup_teardown(a_family_is_headed_once_and_only_with_samples, begin, end),
		cmocka_unit_test_setup_teardown(numbers_are_what_was_counted, begin, end),
		cmocka_unit_test_setup_teardown(buckets_add_up, begin, end),
		cmocka_unit_test_setup_teardown(requests_come_by_route_and_class, begin, end),
		cmocka_unit_test_setup_teardown(processes_and_reloads, begin, end),
		cmocka_unit_test_setup_teardown(events_and_the_queue, begin, end),
		cmocka_unit_test_setup_teardown(each_provider_has_its_answers, begin, end),
		cmocka_unit_test_setup_teardown(the_largest_text_fits, begin, end),
		cmocka_unit_test_setup_teardown(the_list_names_what_is_written, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * fire_script: what happens in a call, and when. Shapes and order are those of real Dialpad calls: one human call may
 * be several legs that name each other in different fields, every leg hangs up, and recordings come after the end.
 */
#include <sys/types.h>

#include <string.h>

#include "base/count.h"
#include "ctl/fire_script.h"

#define ID_BASE		INT64_C(5000000000000000)	/* sixteen digits, and below 2^53, as real ones */
#define ID_SPAN		INT64_C(4000000000000000)
#define LAST_EVENT_MS	2000				/* how long before now the last event may be */

static const struct fire_party agents[] = {
	{ 5600110022003300, "user", "Dana Ortiz", "dana.ortiz@example.com", "+15550100101" },
	{ 5600110022003311, "user", "Lee Marsh", "lee.marsh@example.com", "+15550100102" },
	{ 5600110022003322, "user", "Zo\xc3\xab Keller", "zoe.keller@example.com", "+15550100103" },
	{ 5600110022003333, "user", "Sam O'Neil", "sam.oneil@example.com", "+15550100104" },
};
static const struct fire_party customers[] = {
	{ 5900440011223344, "local", "(555) 014-2233", "", "+15550142233" },
	{ 5900440011223355, "shared", "Kim Patel", "kim@customer.example", "+15550148899" },
	{ 5900440011223366, "local", "J\xc3\xb6rg \"Jo\" Weiss", "joerg@customer.example", "+15550147001" },
	{ 5900440011223377, "google", "\xe5\xb1\xb1\xe7\x94\xb0 \xe8\x8a\xb1\xe5\xad\x90", "hanako@customer.example",
	    "+15550149042" },
	{ 5900440011223388, "local", "Acme, Inc.", "desk@acme.example", "+15550146177" },
};
static const struct fire_party desk = { 5700880011002200, "department", "Support Desk", "", "+15550100110" };
static const struct fire_party queue = { 5700880011003300, "call_center", "Tier 1 Queue", "", "+15550100120" };

uint64_t
fire_random(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int64_t
fire_between(uint64_t *state, int64_t least, int64_t most)
{
	return least + (int64_t)(fire_random(state) % (uint64_t)(most - least + 1));
}

/* Times count from 0 here and are moved to where they belong at the end. */
static size_t
add_leg(struct fire_call *c, uint64_t *rnd, const struct fire_party *target, int64_t started)
{
	c->leg[c->nlegs] = (struct fire_leg){ .id = ID_BASE + fire_between(rnd, 0, ID_SPAN), .target = target,
	    .started = started, .rang = FIRE_NONE, .queued = FIRE_NONE, .connected = FIRE_NONE, .ended = FIRE_NONE };
	return c->nlegs++;
}

static void
add_step(struct fire_call *c, size_t leg, const char *state, int64_t at)
{
	c->step[c->nsteps++] = (struct fire_step){ .leg = leg, .state = state, .at = at };
}

static void
ring(struct fire_call *c, size_t leg, uint64_t *rnd, int64_t after)
{
	c->leg[leg].rang = c->leg[leg].started + after;
	add_step(c, leg, "ringing", c->leg[leg].rang + fire_between(rnd, 100, 600));
}

/* From the answer to the hangup; sometimes with a pause. Returns when it ended. */
static int64_t
talk(struct fire_call *c, size_t leg, uint64_t *rnd, int64_t connected)
{
	int64_t ended = connected + fire_between(rnd, 20000, 300000), hold;

	c->leg[leg].connected = connected;
	add_step(c, leg, "connected", connected + fire_between(rnd, 50, 400));
	if (fire_random(rnd) % 3 == 0) {
		hold = connected + (ended - connected) / 3;
		c->leg[leg].hold_ms = fire_between(rnd, 1000, (ended - connected) / 3);
		add_step(c, leg, "hold", hold);
		add_step(c, leg, "connected", hold + c->leg[leg].hold_ms);
	}
	c->leg[leg].ended = ended;
	add_step(c, leg, "hangup", ended + fire_between(rnd, 100, 900));
	return ended;
}

static void
record(struct fire_call *c, size_t leg, uint64_t *rnd)
{
	c->leg[leg].recording = "callrecording";
	add_step(c, leg, "recording", c->leg[leg].ended + fire_between(rnd, 5000, 60000));
	add_step(c, leg, "call_transcription", c->leg[leg].ended + fire_between(rnd, 61000, 90000));
}

static void
play_inbound(struct fire_call *c, uint64_t *rnd)
{
	size_t leg = add_leg(c, rnd, &agents[fire_random(rnd) % COUNT(agents)], 0);

	ring(c, leg, rnd, fire_between(rnd, 200, 600));
	talk(c, leg, rnd, c->leg[leg].rang + fire_between(rnd, 2000, 15000));
	record(c, leg, rnd);
}

static void
play_missed(struct fire_call *c, uint64_t *rnd)
{
	size_t leg = add_leg(c, rnd, &agents[fire_random(rnd) % COUNT(agents)], 0);

	ring(c, leg, rnd, fire_between(rnd, 200, 600));
	c->leg[leg].ended = c->leg[leg].rang + fire_between(rnd, 8000, 30000);
	add_step(c, leg, "missed", c->leg[leg].ended + 200);
	add_step(c, leg, "hangup", c->leg[leg].ended + 400);
}

static void
play_voicemail(struct fire_call *c, uint64_t *rnd)
{
	size_t	leg = add_leg(c, rnd, &agents[fire_random(rnd) % COUNT(agents)], 0);
	int64_t	beep;

	ring(c, leg, rnd, fire_between(rnd, 200, 600));
	beep = c->leg[leg].rang + fire_between(rnd, 15000, 25000);
	add_step(c, leg, "voicemail", beep);
	c->leg[leg].ended = beep + fire_between(rnd, 5000, 60000);
	add_step(c, leg, "hangup", c->leg[leg].ended + 300);
	c->leg[leg].recording = "voicemail";
	add_step(c, leg, "voicemail_uploaded", c->leg[leg].ended + fire_between(rnd, 2000, 9000));
	add_step(c, leg, "transcription", c->leg[leg].ended + fire_between(rnd, 10000, 30000));
}

/* A menu sends the caller to a queue; the first agent does not pick up, the second does. */
static void
play_queue(struct fire_call *c, uint64_t *rnd)
{
	size_t	first_agent = fire_random(rnd) % COUNT(agents), entry, line, silent, person;
	int64_t	answer, end;

	entry = add_leg(c, rnd, &desk, 0);
	c->leg[entry].transferred = true;
	c->leg[entry].ended = fire_between(rnd, 4000, 15000);
	add_step(c, entry, "preanswer", 300);
	add_step(c, entry, "hangup", c->leg[entry].ended + 500);
	line = add_leg(c, rnd, &queue, c->leg[entry].ended + 100);
	c->leg[line].master = c->leg[entry].id;
	c->leg[line].queued = c->leg[line].started + 400;
	add_step(c, line, "queued", c->leg[line].queued + 100);
	silent = add_leg(c, rnd, &agents[first_agent], c->leg[line].queued + fire_between(rnd, 500, 8000));
	c->leg[silent].entry = c->leg[line].id;
	ring(c, silent, rnd, 200);
	c->leg[silent].ended = c->leg[silent].rang + fire_between(rnd, 8000, 15000);
	add_step(c, silent, "hangup", c->leg[silent].ended + 200);
	person = add_leg(c, rnd, &agents[(first_agent + 1) % COUNT(agents)], c->leg[silent].ended + 300);
	c->leg[person].entry = c->leg[line].id;
	ring(c, person, rnd, 200);
	answer = c->leg[person].rang + fire_between(rnd, 1000, 9000);
	end = talk(c, person, rnd, answer);
	c->leg[line].rang = c->leg[silent].rang;
	c->leg[line].operator_id = c->leg[person].id;
	c->leg[line].connected = answer;
	c->leg[line].hold_ms = c->leg[person].hold_ms;
	c->leg[line].ended = end + 100;
	add_step(c, line, "connected", answer + 500);
	add_step(c, line, "hangup", end + fire_between(rnd, 200, 900));
	record(c, person, rnd);
}

static void
play_outbound(struct fire_call *c, uint64_t *rnd)
{
	size_t leg = add_leg(c, rnd, &agents[fire_random(rnd) % COUNT(agents)], 0);

	c->outbound = true;
	add_step(c, leg, "calling", 150);
	ring(c, leg, rnd, fire_between(rnd, 700, 2500));
	if (fire_random(rnd) % 4 == 0) {
		c->leg[leg].ended = c->leg[leg].rang + fire_between(rnd, 9000, 40000);
		add_step(c, leg, "hangup", c->leg[leg].ended + 500);
		return;
	}
	talk(c, leg, rnd, c->leg[leg].rang + fire_between(rnd, 2000, 15000));
	record(c, leg, rnd);
}

static void (*const plays[FIRE_SCENARIOS])(struct fire_call *, uint64_t *) = {
	[FIRE_INBOUND] = play_inbound, [FIRE_MISSED] = play_missed, [FIRE_VOICEMAIL] = play_voicemail,
	[FIRE_QUEUE] = play_queue, [FIRE_OUTBOUND] = play_outbound,
};

/* Few steps: insertion keeps those of one moment in their order. */
static void
sort_steps(struct fire_call *c)
{
	struct fire_step	s;
	size_t			j;

	for (size_t i = 1; i < c->nsteps; i++) {
		s = c->step[i];
		for (j = i; j > 0 && c->step[j - 1].at > s.at; j--)
			c->step[j] = c->step[j - 1];
		c->step[j] = s;
	}
}

/*
 * The seeds know one record a call and four events of it: the first ring, the first answer, the last end, recordings.
 */
static void
keep_seed_steps(struct fire_call *c)
{
	struct fire_step	kept[FIRE_STEPS_MAX];
	const char		*type;
	size_t			n = 0;
	bool			wanted;

	for (size_t i = 0; i < c->nsteps; i++) {
		type = fire_seed_type(c->step[i].state);
		wanted = type != NULL;
		for (size_t k = i + 1; wanted && k < c->nsteps; k++)
			if (strcmp(type, "call.ended") == 0 && strcmp(c->step[k].state, c->step[i].state) == 0)
				wanted = false;
		for (size_t k = 0; wanted && k < n; k++)
			if (strcmp(type, fire_seed_type(kept[k].state)) == 0)
				wanted = false;
		if (wanted)
			kept[n++] = c->step[i];
	}
	memcpy(c->step, kept, n * sizeof(kept[0]));
	c->nsteps = n;
}

static void
move(int64_t *t, int64_t by)
{
	if (*t != FIRE_NONE)
		*t += by;
}

void
fire_call_make(struct fire_call *c, enum fire_scenario scenario, enum fire_dialect dialect, uint64_t seed,
    uint64_t number, int64_t now_ms)
{
	uint64_t	rnd = seed;
	int64_t		by;

	rnd = fire_random(&rnd) ^ number;
	*c = (struct fire_call){ .customer = &customers[fire_random(&rnd) % COUNT(customers)] };
	plays[scenario == FIRE_SCENARIOS ? number % FIRE_SCENARIOS : scenario](c, &rnd);
	sort_steps(c);
	if (dialect == FIRE_SEED)
		keep_seed_steps(c);
	by = now_ms - fire_between(&rnd, 0, LAST_EVENT_MS) - c->step[c->nsteps - 1].at;
	for (size_t i = 0; i < c->nsteps; i++)
		c->step[i].at += by;
	for (size_t i = 0; i < c->nlegs; i++) {
		move(&c->leg[i].started, by);
		move(&c->leg[i].rang, by);
		move(&c->leg[i].queued, by);
		move(&c->leg[i].connected, by);
		move(&c->leg[i].ended, by);
	}
}

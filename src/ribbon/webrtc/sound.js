/*
 * sound: what the agent hears: the other side, and the ringing. The ringing is made, not loaded. A page nobody has touched yet may make
 * no sound: then blocked(true) asks for a touch, and the ribbon goes on showing what cannot be heard.
 */
const RING_HZ = [440, 480];
const RING_S = 1.2, PAUSE_MS = 3000;

export function createSound(firstSink) {
	const players = new Map();
	let sink = firstSink ?? '', ringer = null, context = null, timer = null, volume = 1, blocked = () => {};

	const play = (player) => player.play().then(() => blocked(false), (err) => { if (err?.name === 'NotAllowedError') blocked(true); });

	function burst() {
		const gain = context.createGain(), t = context.currentTime;

		gain.gain.setValueAtTime(0, t);
		gain.gain.linearRampToValueAtTime(0.1 * volume, t + 0.05);
		gain.gain.setValueAtTime(0.1 * volume, t + RING_S - 0.1);
		gain.gain.linearRampToValueAtTime(0, t + RING_S);
		gain.connect(context.destination);
		for (const hz of RING_HZ) {
			const tone = context.createOscillator();

			tone.frequency.value = hz;
			tone.connect(gain);
			tone.start(t);
			tone.stop(t + RING_S);
		}
	}

	return Object.freeze({
		onBlocked(fn) { blocked = fn; },
		attach(name, stream) {
			const player = players.get(name) ?? new Audio();

			players.set(name, player);
			player.srcObject = stream;
			player.volume = volume;
			if (sink !== '' && player.setSinkId)
				player.setSinkId(sink).catch(() => {});
			play(player);
		},
		detach(name) {
			const player = players.get(name);

			if (player === undefined)
				return;
			players.delete(name);
			player.pause();
			player.srcObject = null;
		},
		ring() {
			if (timer !== null)
				return;
			context ??= new AudioContext();
			context.onstatechange = () => { if (context?.state === 'running') blocked(false); };
			if ((ringer ?? sink) !== '' && context.setSinkId)
				context.setSinkId(ringer ?? sink).catch(() => {});
			context.resume().catch(() => {});
			if (context.state !== 'running')
				setTimeout(() => { if (timer !== null && context?.state !== 'running') blocked(true); }, 300);
			timer = setInterval(burst, PAUSE_MS);
			burst();
		},
		silence() {
			clearInterval(timer);
			timer = null;
			blocked(false);
			context?.close().catch(() => {});
			context = null;
		},
		/* In answer to a touch. */
		unblock() {
			context?.resume().then(() => blocked(false), () => {});
			players.forEach(play);
		},
		speaker(id) {
			sink = id;
			for (const player of players.values())
				player.setSinkId?.(id).catch(() => {});
		},
		/* null: where the voice comes from. */
		ringer(id) { ringer = id; },
		volume(v) {
			volume = v;
			for (const player of players.values())
				player.volume = v;
		},
		stop() {
			this.silence();
			for (const name of [...players.keys()])
				this.detach(name);
		},
	});
}

/*
 * words: everything the ribbon says to people, in one place; init({words}) replaces any of it, so that a host can speak another language.
 */
export const words = {
	title: 'Call ribbon',
	state: {
		offline: 'Offline', connecting: 'Connecting…', ready: 'Ready', asked: 'Placing the call…', phone_rings: 'Your phone rings',
		customer_rings: 'Customer’s phone rings', incoming: 'Incoming call', talking: 'Talking', held: 'On hold', muted: 'Muted',
		ended: 'Call ended',
	},
	end: {
		you_hung_up: 'you hung up', they_hung_up: 'the other side hung up', declined: 'you declined', busy: 'busy', no_answer: 'no answer',
		'no-answer': 'no answer', failed: 'it could not be placed', cancelled: 'cancelled', canceled: 'cancelled', no_ring: 'your phone did not ring',
		media: 'the sound could not be set up', connection: 'connection lost', completed: '', ended: '', missed: 'missed',
	},
	fault: {
		invalid_api_key: 'This page’s key is not known.', missing_api_key: 'This page gives no key.',
		origin_not_allowed: 'This web address may not use the ribbon. Ask your administrator to allow it.',
		agent_unknown: 'You are not known as an agent.', invalid_agent_token: 'The page’s proof of who you are is not good.',
		agent_token_expired: 'The page’s proof of who you are is too old. Reload the page.',
		limit_reached: 'This month’s calls are used up.', account_inactive: 'The telephone account is not active.',
		session_revoked: 'Your administrator ended this session.', session_expired: 'The session is over. Reload the page.',
		invalid_session: 'The session is over. Reload the page.',
		microphone_refused: 'The microphone is blocked. Allow it beside the address of this page, then try again.',
		microphone_asked: 'Your browser asks whether this page may use the microphone: allow it.',
		microphone_insecure: 'A microphone needs https. Open this page with https://.',
		microphone_policy: 'This site forbids the microphone: its Permissions-Policy header must allow it.',
		microphone_frame: 'This page is framed without allow="microphone".',
		microphone_missing: 'No microphone was found. Plug one in, then try again.',
		microphone_busy: 'The microphone does not start: another program may hold it.',
		unsupported_browser: 'This browser is too old for calls.',
		network: 'The server cannot be reached.', timeout: 'The server does not answer.', sip_unreachable: 'The telephone server cannot be reached.',
		sip_refused: 'The telephone server refused the login.', invalid_phone_number: 'This is not a whole number: begin with + and the country.',
		agent_device_off: 'Your device is switched off at Exotel.', agent_busy: 'You are in a call already.', dial_pending: 'A call is being placed already.',
		in_call: 'You are in a call already.', not_ready: 'Not ready yet.', exotel_balance: 'The Exotel account has no balance.',
		dial_unknown: 'Nobody knows whether the call was placed: look at your phone.',
		other: 'That did not work.',
	},
	open: 'Open', minimise: 'Minimise', dialLabel: 'Number to call', example: '+91 …', call: 'Call', keypad: 'Keypad', answer: 'Answer', decline: 'Decline',
	mute: 'Mute', unmute: 'Unmute', hold: 'Hold', resume: 'Resume', hangUp: 'Hang up', hangUpPhone: 'Hang up on your phone.', close: 'Close',
	settings: 'Settings', microphone: 'Microphone', speaker: 'Speaker', ringer: 'Ring on', sameSpeaker: 'The same speaker', volume: 'Volume', place: 'Place', theSystems: 'System default', retry: 'Try again',
	sound: 'Switch the sound on', otherTab: 'The phone is in another tab', disposition: 'Outcome', note: 'Note', save: 'Save', saved: 'Saved',
	recent: 'Recent calls', inbound: 'incoming', unlogged: 'without a note', none: 'None', skip: 'Skip', usage: 'calls this month', unknown: 'Unknown number', key: 'Key',
	places: { 'bottom-right': 'Bottom right', 'bottom-left': 'Bottom left', 'top-right': 'Top right', 'top-left': 'Top left' },
};

/* Ours, with the host's over it. */
export function speak(own) {
	const all = { ...words };

	for (const [k, v] of Object.entries(own ?? {}))
		all[k] = typeof v === 'object' ? { ...words[k], ...v } : v;
	return all;
}

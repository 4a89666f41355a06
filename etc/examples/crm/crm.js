/* A CRM's page with the call ribbon in it. Everything the ribbon needs is the first five lines; the rest is what a CRM may make of it. */
const key = document.currentScript.dataset.key;

ExotelCallRibbon.init({
	apiKey: key,								// made with "ringctl client create"; good for this site alone
	agentToken: async () => (await fetch('/agent-token')).text(),		// who is signed in here, signed by this site's server
}).catch((err) => tell(`no telephone: ${err.name} ${err.code}`));

const log = document.getElementById('log');

function tell(text) {
	const line = document.createElement('li');

	line.textContent = `${new Date().toLocaleTimeString()}  ${text}`;
	log.prepend(line);
}

const who = (call) => [call.direction, call.number, call.context].filter(Boolean).join(', ');

ExotelCallRibbon.on('ready', () => tell('ready'));
ExotelCallRibbon.on('incoming', ({ call }) => tell(`rings: ${who(call)}`));		// here a CRM opens the caller's card
ExotelCallRibbon.on('connecting', ({ call }) => tell(`dials: ${who(call)}`));
ExotelCallRibbon.on('connected', ({ call }) => tell(`talks: ${who(call)}`));
ExotelCallRibbon.on('ended', ({ call }) => tell(`ended: ${who(call)}, ${call.reason}`));
ExotelCallRibbon.on('logged', ({ call }) => tell(`noted: ${who(call)}`));		// ringd has it: GET /api/ribbon/calls/{id}
ExotelCallRibbon.on('error', ({ error }) => tell(`fault: ${error.name} ${error.code}`));

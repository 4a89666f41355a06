/* quiet: stands for the package "debug", which would write whole SIP messages to the console of whoever sets a storage key. */
export default function quiet() {
	return Object.assign(() => {}, { enabled: false, extend: quiet });
}
quiet.enable = quiet.disable = () => {};

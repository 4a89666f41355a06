/* The second file: loaded only when the server says the agent has a line in the browser. Hands itself to the first. */
import { createPhone } from './phone.js';

globalThis.ExotelCallRibbon?.[Symbol.for('ringd.ribbon.webrtc')]?.(createPhone);

/*
 * fault: the errors a host page meets. name says the kind, for a switch; code says exactly what, as the server or we word it.
 */
const kinds = {
	BadKeyError: ['missing_api_key', 'invalid_api_key'],
	OriginError: ['origin_not_allowed'],
	AgentError: ['agent_unknown', 'invalid_agent_token', 'agent_token_expired', 'agent_token_failed'],
	LimitError: ['limit_reached', 'rate_limited', 'too_many_requests', 'sign_limit'],
	InactiveError: ['account_inactive', 'app_inactive'],
	MicrophoneError: ['microphone_refused', 'microphone_insecure', 'microphone_policy', 'microphone_frame', 'microphone_missing', 'microphone_busy'],
	UnsupportedBrowserError: ['unsupported_browser'],
	NetworkError: ['network', 'sip_unreachable'],
	TimeoutError: ['timeout'],
	SessionError: ['invalid_session', 'session_expired', 'session_revoked'],
};

export class RibbonError extends Error {
	constructor(code, message, more = {}) {
		super(message);
		this.name = Object.keys(kinds).find((k) => kinds[k].includes(code)) ?? 'RibbonError';
		this.code = code;
		this.retryAfter = more.retryAfter ?? null;	// seconds
		this.requestId = more.requestId ?? null;
	}
}

export const isSession = (err) => err?.name === 'SessionError';
/* Trying again later may help. */
export const isPassing = (err) => ['network', 'timeout', 'sip_unreachable', 'database_unavailable', 'courier_unavailable', 'overloaded',
	'sign_limit'].includes(err?.code);

<?php
// An agent token for ringd's call ribbon: run on the CRM's own server, after the agent has logged in there; never in a page.
function b64url(string $data): string { return rtrim(strtr(base64_encode($data), '+/', '-_'), '='); }

function agent_token(string $agent_id, string $server_key, int $seconds = 900): string {
    $now = time();
    $text = b64url('{"alg":"HS256","typ":"JWT"}') . '.' . b64url(json_encode(['sub' => $agent_id, 'iat' => $now, 'exp' => $now + $seconds]));
    $key = hash('sha256', $server_key, true);
    return $text . '.' . b64url(hash_hmac('sha256', $text, $key, true));
}

if (PHP_SAPI === 'cli') echo agent_token(getenv('AGENT_ID'), getenv('RINGD_API_KEY')), "\n";

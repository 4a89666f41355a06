/*
 * build: makes build/ribbon/<version>/ out of this folder: the two scripts, their compressed twins, and manifest.json with their digests.
 * The second script is built first, because its digest stands in the first.
 *
 *	node build.js FOLDER		FOLDER/<version>/…
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const { version } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
const out = join(process.argv[2] ?? join(here, '../../build/ribbon'), version);
const GZIP_MAX = 80 * 1024, CORE_MAX = 20 * 1024;

/* What of JsSIP must not be in there: its console log, its digests by password. */
const without = {
	name: 'without',
	setup(b) {
		b.onResolve({ filter: /^debug$/ }, () => ({ path: join(here, 'webrtc/quiet.js') }));
		b.onResolve({ filter: /DigestAuthentication$/ }, () => ({ path: join(here, 'webrtc/nodigest.js') }));
	},
};

async function bundle(entry, banner, define) {
	const { outputFiles: [file] } = await build({
		entryPoints: [join(here, entry)], bundle: true, minify: true, write: false, format: 'iife', target: ['chrome111', 'firefox114', 'safari16.4'],
		legalComments: 'none', banner: { js: banner }, plugins: [without, sheet], define, charset: 'utf8',
	});

	return Buffer.from(file.contents);
}

/* The style sheet as a text in the script, minified. */
const sheet = {
	name: 'sheet',
	setup(b) {
		b.onLoad({ filter: /\.css$/ }, async ({ path }) => {
			const { outputFiles: [file] } = await build({ entryPoints: [path], minify: true, write: false });

			return { contents: file.text.trim(), loader: 'text' };
		});
	},
};

/* What others wrote comes with their words. */
const licences = () => ['jssip/LICENSE.md', 'events/LICENSE', 'sdp-transform/LICENSE'].map((f) => {
	const { name, version: v } = JSON.parse(readFileSync(join(here, 'node_modules', dirname(f), 'package.json'), 'utf8'));

	return `${name} ${v}\n${readFileSync(join(here, 'node_modules', f), 'utf8').trim()}\n\n`;
}).join('');

const sri = (bytes) => `sha384-${createHash('sha384').update(bytes).digest('base64')}`;
const files = {};

function put(name, bytes) {
	const packed = gzipSync(bytes, { level: 9 });

	writeFileSync(join(out, name), bytes);
	writeFileSync(join(out, `${name}.gz`), packed);
	files[name] = { integrity: sri(bytes), bytes: bytes.length, gzip: packed.length };
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const second = `ribbon-webrtc-${version}.js`, first = `ribbon-${version}.js`;

put(second, await bundle('webrtc/index.js', `/*!\nringd call ribbon ${version}, telephone part. It holds, each under its licence:\n\n${licences()}*/`, {}));
put(first, await bundle('index.js', `/* ringd call ribbon ${version} */`, { VERSION: JSON.stringify(version), WEBRTC_FILE: JSON.stringify(second),
    WEBRTC_DIGEST: JSON.stringify(files[second].integrity) }));
writeFileSync(join(out, 'manifest.json'), `${JSON.stringify({ version, main: first, files }, null, '\t')}\n`);

const sum = files[first].gzip + files[second].gzip;

console.log(`  ribbon	${out}: ${first} ${files[first].gzip} bytes packed, ${second} ${files[second].gzip}`);
if (files[first].gzip > CORE_MAX || sum > GZIP_MAX) {
	console.error(`the ribbon has grown too big: ${files[first].gzip} of ${CORE_MAX}, both ${sum} of ${GZIP_MAX}`);
	process.exit(1);
}

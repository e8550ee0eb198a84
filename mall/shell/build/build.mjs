// Builds the pages of which something changed. New assets are there before the manifest that names them, and those of the two
// builds before stay: a page that is open over a redeploy still finds its own.
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { DESIGN, fragments, Pages } from './contexts.mjs';

/** Builds whose assets stay: this one and the two before. */
const KEPT = 3;
/** What is smaller gains nothing by compression. */
const WORTH_IT = 512;
/** What the shell is told of everybody's pages. */
const HINTS = 'hints.json';

let built = 0;
for (const pages of [new Pages('shell'), ...(await fragments())]) {
  const inputs = await pages.inputs();
  if ((await read(join(pages.dist, 'manifest.json')))?.build === inputs) continue;
  const began = Date.now();
  await mkdir(pages.dist, { recursive: true });
  const fresh = await mkdtemp(join(pages.web, '.building-'));
  try {
    await publish(
      pages,
      fresh,
      pages.context === 'shell' ? await shell(pages, fresh, inputs) : await fragment(pages, fresh, inputs),
    );
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  built += 1;
  console.log(`pages of ${pages.context} built in ${((Date.now() - began) / 1000).toFixed(1)} s`);
}
await hint();
if (built === 0) console.log('pages: nothing changed');

/** What each page needs at once, said to the shell, which says it in the frame: everything is asked for in the first moment. A
 *  hint that is older than a context's own build costs a request and no more. */
async function hint() {
  const hints = [];
  for (const pages of await fragments()) {
    const { entry, css = [], routes = [] } = (await read(join(pages.dist, 'manifest.json'))) ?? {};
    for (const { path, data = [] } of routes) hints.push({ path, entry, css, data });
  }
  const file = join(new Pages('shell').dist, HINTS);
  const text = JSON.stringify(hints);
  if ((await readFile(file, 'utf8').catch(() => '')) !== text) await replace(file, text);
}

/** A context's own pages: one entry, and what it loads later. */
async function fragment(pages, fresh, build) {
  const { bundle } = await import('./bundle.mjs');
  const { entry, css } = await bundle({
    root: pages.web,
    base: pages.base,
    entry: { main: join(pages.web, 'src/main.ts') },
    outDir: fresh,
  });
  const said = await pages.fragment();
  return {
    manifest: {
      context: pages.context,
      build,
      entry: pages.base + entry,
      css: css.map((file) => pages.base + file),
      ...said,
    },
  };
}

/** The frame, and the modules everybody shares, each in a file of its own. */
async function shell(pages, fresh, build) {
  const { bundle } = await import('./bundle.mjs');
  const of = (name, file, own) =>
    bundle({ root: pages.web, base: pages.base, entry: { [name]: file }, outDir: fresh, own });
  const vue = await of('vue', join(pages.web, 'src/shared/vue.ts'), ['vue']);
  const router = await of('vue-router', join(pages.web, 'src/shared/vue-router.ts'), ['vue-router']);
  const design = await of('design', join(DESIGN, 'src/index.ts'), ['@mall/design']);
  const streams = await of('streams', join(DESIGN, 'src/streams.ts'), []);
  const main = await of('main', join(pages.web, 'src/main.ts'), []);
  const at = (file) => pages.base + file;
  const modules = { vue: at(vue.entry), 'vue-router': at(router.entry), '@mall/design': at(design.entry) };
  const imports = { ...modules, '@mall/streams': at(streams.entry) };
  const icon = main.assets.find((name) => name.endsWith('.svg'));
  const html = (await readFile(join(pages.web, 'index.html'), 'utf8'))
    .replace('%IMPORTS%', JSON.stringify({ imports }))
    .replace(
      '%PRELOADS%',
      Object.values(modules)
        .map((href) => `<link rel="modulepreload" href="${href}" />`)
        .join('\n    '),
    )
    .replace('%CSS%', at(main.css[0]))
    .replace('%ENTRY%', at(main.entry))
    .replace('%ICON%', at(icon));
  await writeFile(join(fresh, 'index.html'), html);
  return {
    manifest: {
      context: 'shell',
      build,
      entry: at(main.entry),
      css: main.css.map(at),
      imports,
      routes: [],
      menu: [],
      slots: [],
    },
    page: 'index.html',
  };
}

/** Lays the new files beside the old ones, then names them, then takes away what nobody can still ask for. */
async function publish(pages, fresh, { manifest, page }) {
  const files = (await readdir(fresh)).filter((name) => name !== page);
  for (const name of [...files]) {
    const bytes = await readFile(join(fresh, name));
    if (/\.(js|css|svg)$/.test(name) && bytes.length >= WORTH_IT) {
      const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
      await writeFile(join(fresh, `${name}.br`), brotliCompressSync(bytes, quality));
      await writeFile(join(fresh, `${name}.gz`), gzipSync(bytes, { level: 9 }));
      files.push(`${name}.br`, `${name}.gz`);
    }
  }
  for (const name of files) await copyFile(join(fresh, name), join(pages.dist, name));
  if (page) await replace(join(pages.dist, page), await readFile(join(fresh, page)));
  const before = (await read(join(pages.dist, 'builds.json'))) ?? [];
  const builds = [{ build: manifest.build, files }, ...before.filter(({ build }) => build !== manifest.build)].slice(
    0,
    KEPT,
  );
  await replace(join(pages.dist, 'builds.json'), JSON.stringify(builds));
  await replace(join(pages.dist, 'manifest.json'), JSON.stringify(manifest));
  const known = new Set([...builds.flatMap((one) => one.files), 'builds.json', 'manifest.json', HINTS, page]);
  for (const name of await readdir(pages.dist)) if (!known.has(name)) await rm(join(pages.dist, name));
}

async function replace(file, text) {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

async function read(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}

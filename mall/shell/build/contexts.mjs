// Whose pages there are: every folder of the mall with a web/fragment.json, and the shell.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The mall's folder. */
export const MALL = join(import.meta.dirname, '..', '..');
/** Where the shared modules are: each is there once, and whoever imports one is told where by the import map. */
export const SHARED = ['vue', 'vue-router', '@mall/design'];
export const DESIGN = join(MALL, 'shell', 'design');

/** One context's pages. */
export class Pages {
  constructor(context) {
    this.context = context;
    this.web = join(MALL, context, 'web');
    this.dist = join(this.web, 'dist');
    this.base = `/web/${context}/`;
  }

  /** What it says of itself; its entry, css and build are added when it is built. */
  async fragment() {
    return JSON.parse(await readFile(join(this.web, 'fragment.json'), 'utf8'));
  }

  /** Changes whenever its build could come out otherwise. */
  async inputs() {
    const folders = [join(this.web, 'src'), import.meta.dirname];
    if (this.context === 'shell') folders.push(DESIGN);
    const files = [join(this.web, 'fragment.json'), join(this.web, 'index.html'), join(MALL, 'package-lock.json')];
    for (const folder of folders) files.push(...(await under(folder)));
    const hash = createHash('sha256');
    for (const file of files.filter((file) => existsSync(file)).sort()) {
      hash
        .update(`${file.slice(MALL.length)}\0`)
        .update(await readFile(file))
        .update('\0');
    }
    return hash.digest('hex').slice(0, 16);
  }
}

export async function fragments() {
  const folders = await readdir(MALL, { withFileTypes: true });
  const names = folders.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return names
    .filter((name) => existsSync(join(MALL, name, 'web', 'fragment.json')))
    .sort()
    .map((name) => new Pages(name));
}

async function under(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !/node_modules|generated/.test(entry.parentPath));
  return files.map((entry) => join(entry.parentPath, entry.name));
}

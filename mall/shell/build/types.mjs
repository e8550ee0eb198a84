// The types of calls, generated from the descriptions that the services' own tests keep true (contracts/openapi.json).
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import openapi, { astToString } from 'openapi-typescript';
import { fragments, MALL } from './contexts.mjs';

const HEAD = '// Generated from contracts/openapi.json whenever pages are built or checked.\n';

/** Writes `src/generated/api.ts` of every context that is described. */
export async function types() {
  for (const { context, web } of await fragments()) {
    const described = join(MALL, context, 'contracts', 'openapi.json');
    if (!existsSync(described)) continue;
    const text = HEAD + astToString(await openapi(JSON.parse(await readFile(described, 'utf8'))));
    const folder = join(web, 'src', 'generated');
    await mkdir(folder, { recursive: true });
    const file = join(folder, 'api.ts');
    if (!existsSync(file) || (await readFile(file, 'utf8')) !== text) await writeFile(file, text);
  }
}

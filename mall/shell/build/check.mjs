// Checks types (pages against what services say of themselves, the language as strict as it gets) and form.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { MALL } from './contexts.mjs';
import { types } from './types.mjs';

await types();
const run = (what, ...args) => {
  const program = join(MALL, 'node_modules', what);
  return spawnSync(process.execPath, [program, ...args], { stdio: 'inherit', cwd: MALL }).status === 0;
};
const isTyped = run('vue-tsc/bin/vue-tsc.js', '--noEmit', '-p', join(MALL, 'tsconfig.json'));
const isFormatted = run('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.');
process.exit(isTyped && isFormatted ? 0 : 1);

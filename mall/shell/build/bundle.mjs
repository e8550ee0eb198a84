// One bundle of one entry. What is shared stays an import by name.
import vue from '@vitejs/plugin-vue';
import { build } from 'vite';
import { SHARED } from './contexts.mjs';

/** The oldest browsers that read everything the style sheets say (light-dark() is of 2024). */
const TARGET = ['chrome125', 'firefox125', 'safari17.5'];

/** Writes it to `outDir` and tells what came out, by Vite's manifest. */
export async function bundle({ root, base, entry, outDir, own = [] }) {
  const result = await build({
    root,
    base,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    mode: 'production',
    plugins: [vue({ features: { optionsAPI: false } })],
    define: {
      __VUE_OPTIONS_API__: 'false',
      __VUE_PROD_DEVTOOLS__: 'false',
      __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    },
    build: {
      outDir,
      emptyOutDir: false,
      assetsDir: '',
      target: TARGET,
      cssTarget: TARGET,
      // A data: URI would be refused by the policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rollupOptions: {
        input: entry,
        external: SHARED.filter((name) => !own.includes(name)),
        // What is loaded later shares what the entry has: one file less for whoever only looks.
        preserveEntrySignatures: 'allow-extension',
        output: {
          entryFileNames: '[name]-[hash].js',
          chunkFileNames: '[name]-[hash].js',
          assetFileNames: '[name]-[hash][extname]',
        },
      },
    },
  });
  const output = [result].flat().flatMap((one) => one.output);
  const found = output.find((file) => file.type === 'chunk' && file.isEntry);
  const css = [...(found.viteMetadata?.importedCss ?? [])];
  const assets = output.filter((file) => file.type === 'asset').map((file) => file.fileName);
  return { entry: found.fileName, css, assets, files: output.map((file) => file.fileName) };
}

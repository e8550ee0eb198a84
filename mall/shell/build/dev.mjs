// Pages from their sources, reloaded when they change, in front of the running mall (MALL names its address).
import vue from '@vitejs/plugin-vue';
import { join } from 'node:path';
import { createServer } from 'vite';
import { DESIGN, fragments, MALL, Pages } from './contexts.mjs';
import { types } from './types.mjs';

const target = process.env.MALL ?? 'http://127.0.0.1:8080';
/** Pages, but not the mall's. */
const LOGIN = /^\/(login|logout|identity)(\/|\?|$)/;

await types();
const all = await fragments();

/** The frame without what a build fills in. */
const frame = {
  name: 'frame',
  transformIndexHtml: {
    order: 'pre',
    handler: (html) =>
      html.replace(/.*(importmap|%CSS%|%ICON%|%PRELOADS%|as="fetch").*\n/g, '').replace('%ENTRY%', '/src/main.ts'),
  },
};

/** What the gateway says of pages, said of their sources; a style sheet comes with its component. */
const manifests = {
  name: 'manifests',
  configureServer(server) {
    server.middlewares.use('/web/fragments.json', async (_, response) => {
      const told = all.map(async (pages) => ({
        context: pages.context,
        build: 'dev',
        entry: `/@fs${join(pages.web, 'src/main.ts')}`,
        css: [],
        ...(await pages.fragment()),
      }));
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ fragments: await Promise.all(told), missing: [] }));
    });
  },
};

const server = await createServer({
  root: new Pages('shell').web,
  configFile: false,
  appType: 'spa',
  plugins: [frame, manifests, vue({ features: { optionsAPI: false } })],
  resolve: { alias: { '@mall/design': join(DESIGN, 'src/index.ts') }, dedupe: ['vue', 'vue-router'] },
  server: {
    host: '127.0.0.1',
    fs: { allow: [MALL] },
    proxy: {
      '^/(?!@|src/|node_modules/|web/)': {
        target,
        bypass: ({ url, headers }) =>
          headers.accept?.includes('text/html') && !LOGIN.test(url) ? '/index.html' : undefined,
      },
    },
  },
});
await server.listen();
server.printUrls();

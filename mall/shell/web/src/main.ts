// The frame: who is here, which pages there are, and where they go.
import { createApp } from 'vue';
import { loadSession } from '@mall/design';
import App from './App.vue';
import { discover, known, page } from './discover';
import { router, routesOf } from './routes';
import '../../design/src/styles.css';
import './shell.css';
import './icon.svg?url';

/** So long the frame waits for the page in it, so that both are drawn at once; then it shows that something comes. */
const AT_ONCE_MS = 400;

const pages = router();
await Promise.all([discover().then(begin), loadSession()]);
createApp(App).use(pages).mount('#mall');

/** Adds the addresses, and fetches the page that is asked for before anything is drawn. */
async function begin(): Promise<void> {
  for (const manifest of known.manifests.values()) routesOf(manifest).forEach((route) => pages.addRoute(route));
  const asked = pages.resolve(location.pathname + location.search).matched[0]?.props.default;
  if (!isAsked(asked)) return;
  const late = new Promise((resolve) => setTimeout(resolve, AT_ONCE_MS));
  await Promise.race([page(asked.context, asked.page).catch(() => undefined), late]);
}

function isAsked(props: unknown): props is { context: string; page: string } {
  return typeof props === 'object' && props !== null && 'context' in props && 'page' in props;
}

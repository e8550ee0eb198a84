// Which contexts have pages: the gateway puts their manifests into one answer. A fragment's code is loaded when the first page
// or slot of it is needed.
import { shallowReactive, type Component } from 'vue';
import { setParts, type Fragment, type Manifest, type Part } from '@mall/design';

const FRAGMENTS = '/web/fragments.json';

/** What the gateway knows of everybody's pages. */
interface Found {
  fragments: (Partial<Manifest> | null)[];
  missing: { service: string; why: string }[];
}

export const known = shallowReactive({
  manifests: new Map<string, Manifest>(),
  missing: [] as string[],
  reached: false,
});

const loaded = new Map<string, Promise<Fragment>>();
/** The build of each context whose code is here. */
const here = new Map<string, string>();

/** Asks anew who has pages; whoever was known and is missing now is remembered. */
export async function discover(): Promise<void> {
  const answer = await fetch(FRAGMENTS).catch(() => undefined);
  if (!answer?.ok) return;
  const found = (await answer.json()) as Found;
  for (const manifest of found.fragments.filter(isManifest)) known.manifests.set(manifest.context, manifest);
  known.missing = found.missing.map(({ service }) => service);
  known.reached = true;
  setParts(fillers());
}

/** One context's nonsense is not everybody's: it has no pages then. */
function isManifest(said: Partial<Manifest> | null): said is Manifest {
  const lists = [said?.css, said?.routes, said?.menu, said?.slots];
  const isWhole = typeof said?.context === 'string' && typeof said.entry === 'string' && lists.every(Array.isArray);
  if (!isWhole) console.warn('no manifest', said);
  return isWhole;
}

function fillers(): Map<string, Part[]> {
  const slots = new Map<string, Part[]>();
  for (const { context, slots: filled } of known.manifests.values()) {
    for (const { slot, part, order } of filled) {
      const parts = slots.get(slot) ?? [];
      parts.push({ context, part, order, load: async () => find((await fragment(context)).parts, part) });
      slots.set(slot, parts);
    }
  }
  for (const parts of slots.values()) parts.sort((one, other) => one.order - other.order);
  return slots;
}

/** The code of a context's page. */
export async function page(context: string, name: string): Promise<Component> {
  return find((await fragment(context)).pages, name);
}

function find(all: Record<string, Component>, name: string): Component {
  const component = all[name];
  if (component === undefined) throw new Error(`the manifest names ${name}, the entry has it not`);
  return component;
}

/** The entry of a context's pages. What cannot be loaded may have been replaced by a newer build: its manifest knows. */
function fragment(context: string): Promise<Fragment> {
  const before = loaded.get(context);
  if (before) return before;
  const loading = enter(context).catch(async () => {
    const old = known.manifests.get(context)?.entry;
    await renew(context);
    if (known.manifests.get(context)?.entry === old) throw new Error(`${context} is away`);
    return enter(context);
  });
  loaded.set(context, loading);
  loading.catch(() => loaded.delete(context));
  return loading;
}

async function enter(context: string): Promise<Fragment> {
  const manifest = known.manifests.get(context);
  if (manifest === undefined) throw new Error(`nothing is known of ${context}`);
  here.set(context, manifest.build);
  const [entry] = await Promise.all([
    import(/* @vite-ignore */ manifest.entry) as Promise<Fragment>,
    ...manifest.css.map(stylesheet),
  ]);
  return entry;
}

/** Asks a context itself for its manifest: the gateway may remember for a moment what it said before. */
async function renew(context: string): Promise<void> {
  const answer = await fetch(`/web/${context}/manifest.json`).catch(() => undefined);
  const said = answer?.ok ? ((await answer.json()) as Partial<Manifest>) : null;
  if (said !== null && isManifest(said)) known.manifests.set(context, said);
}

/** Whether a context has another build by now than the one whose code is here: what that one would load may be gone. */
export async function isReplaced(context: string): Promise<boolean> {
  await renew(context);
  return known.manifests.get(context)?.build !== here.get(context);
}

function stylesheet(href: string): Promise<void> {
  const before = document.querySelector<HTMLLinkElement>(`link[rel="stylesheet"][href="${CSS.escape(href)}"]`);
  if (before?.sheet) return Promise.resolve();
  // The frame asked for it, in vain or not yet to the end.
  before?.remove();
  const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href });
  return new Promise((resolve, reject) => {
    link.onload = () => resolve();
    link.onerror = () => {
      link.remove();
      reject(new Error(`${href} is away`));
    };
    document.head.append(link);
  });
}

// What a context says of its pages in its manifest, and who fills which slot. Only the filler names a slot.
import { shallowRef, type Component } from 'vue';
import type { Said } from './locale';

export interface Manifest {
  context: string;
  build: string;
  entry: string;
  css: string[];
  routes: { path: string; page: string; title: Said; role?: string[] }[];
  menu: { path: string; title: Said; order: number; role?: string[] }[];
  slots: { slot: string; part: string; order: number }[];
}

/** What the entry of a fragment exports. */
export interface Fragment {
  pages: Record<string, Component>;
  parts: Record<string, Component>;
}

/** One filler of a slot. */
export interface Part {
  context: string;
  part: string;
  order: number;
  load: () => Promise<Component>;
}

const parts = shallowRef<ReadonlyMap<string, readonly Part[]>>(new Map());

/** The shell says who fills which slot. */
export function setParts(all: ReadonlyMap<string, readonly Part[]>): void {
  parts.value = all;
}

export function partsOf(slot: string): readonly Part[] {
  return parts.value.get(slot) ?? [];
}

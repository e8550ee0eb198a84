// Something that is waited for: a skeleton while it comes, its value, or why not and again.
import { onScopeDispose, shallowRef, watch, type ShallowRef, type WatchSource } from 'vue';

export interface Load<T> {
  value: ShallowRef<T | undefined>;
  error: ShallowRef<unknown>;
  busy: ShallowRef<boolean>;
  again: () => Promise<void>;
}

/** Loads at once, and anew when a source changes; an answer that was overtaken is dropped. */
export function useLoad<T>(what: (signal: AbortSignal) => Promise<T>, sources: WatchSource[] = []): Load<T> {
  const loaded = load(what);
  if (sources.length > 0) watch(sources, () => void loaded.again());
  void loaded.again();
  onScopeDispose(loaded.stop);
  return loaded;
}

export function load<T>(what: (signal: AbortSignal) => Promise<T>): Load<T> & { stop: () => void } {
  const value = shallowRef<T>();
  const error = shallowRef<unknown>();
  const busy = shallowRef(false);
  let under: AbortController | undefined;
  async function again(): Promise<void> {
    under?.abort();
    const mine = (under = new AbortController());
    busy.value = true;
    try {
      const found = await what(mine.signal);
      if (mine !== under) return;
      [value.value, error.value] = [found, undefined];
    } catch (thrown) {
      if (mine !== under || mine.signal.aborted) return;
      error.value = thrown;
    }
    busy.value = false;
  }
  return { value, error, busy, again, stop: () => under?.abort() };
}

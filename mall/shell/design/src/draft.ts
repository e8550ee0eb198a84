// What was typed stays over a reload of this tab, also one that a new build asks for.
import { reactive, watch } from 'vue';

/** A form whose text is kept in this tab until `clear`. */
export function useDraft<T extends Record<string, string>>(name: string, empty: T): { form: T; clear: () => void } {
  const kept = `draft:${name}`;
  const form = reactive({ ...empty }) as T;
  const typed: unknown = JSON.parse(sessionStorage.getItem(kept) ?? '{}');
  for (const field of Object.keys(empty)) {
    const text = (typed as Record<string, unknown>)[field];
    if (typeof text === 'string') (form as Record<string, string>)[field] = text;
  }
  const stop = watch(form, () => sessionStorage.setItem(kept, JSON.stringify(form)));
  return {
    form,
    clear: () => {
      stop();
      sessionStorage.removeItem(kept);
    },
  };
}

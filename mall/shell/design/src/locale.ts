// Korean and English. A sentence stands beside its translation where it is used: [Korean, English].
import { ref, watchEffect } from 'vue';

export type Locale = 'ko' | 'en';
export type Said = readonly [ko: string, en: string];
export interface Money {
  minor: number;
  currency: string;
}

const KEPT = 'locale';

function first(): Locale {
  const asked = new URLSearchParams(location.search).get('lang');
  const known = [asked, localStorage.getItem(KEPT), navigator.language.slice(0, 2)];
  return known.find((name): name is Locale => name === 'ko' || name === 'en') ?? 'ko';
}

export const locale = ref<Locale>(first());

watchEffect(() => {
  document.documentElement.lang = locale.value;
});

export function setLocale(to: Locale): void {
  locale.value = to;
  localStorage.setItem(KEPT, to);
}

/** The words of a component, read in the language of the moment. */
export function useWords<Names extends string>(all: Record<Names, Said>): Record<Names, string> {
  return new Proxy({} as Record<Names, string>, {
    get: (_, name: string) => all[name as Names]?.[locale.value === 'ko' ? 0 : 1],
  });
}

/** An amount in its currency: minor units have as many digits as the currency says. */
export function money({ minor, currency }: Money): string {
  const format = new Intl.NumberFormat(locale.value, { style: 'currency', currency });
  return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 0));
}

export function number(value: number): string {
  return new Intl.NumberFormat(locale.value).format(value);
}

/** A moment, to the second where it matters how things followed each other. */
export function moment(at: string, style: 'day' | 'second' = 'day'): string {
  const time = style === 'day' ? 'short' : 'medium';
  return new Intl.DateTimeFormat(locale.value, { dateStyle: 'medium', timeStyle: time }).format(new Date(at));
}

// Light or dark: as the machine wishes until the visitor says otherwise.
import { ref, watchEffect } from 'vue';

type Theme = 'light' | 'dark';

const KEPT = 'theme';
const wished: Theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
const said = localStorage.getItem(KEPT);

export const theme = ref<Theme>(said === 'dark' || said === 'light' ? said : wished);

watchEffect(() => {
  document.documentElement.dataset.theme = theme.value;
});

export function nextTheme(): void {
  theme.value = theme.value === 'dark' ? 'light' : 'dark';
  localStorage.setItem(KEPT, theme.value);
}

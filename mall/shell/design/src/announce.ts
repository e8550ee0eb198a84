// What a screen reader is told without being asked: one polite live region for the whole page.
import { ref } from 'vue';

export const announced = ref('');

export function announce(text: string): void {
  announced.value = text;
}

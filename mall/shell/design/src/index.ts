// The design system and what pages share with the shell. Every page imports it by name; the import map gives all of them
// one copy, so what is here once (locale, session, slots) is once for the whole page.
export { default as FragmentSlot } from './FragmentSlot.vue';
export { default as GoodsFace } from './GoodsFace.vue';
export { default as GoodsPicture } from './GoodsPicture.vue';
export { default as LoadedFor } from './LoadedFor.vue';
export { default as PriceTag } from './PriceTag.vue';
export { default as ProblemNote } from './ProblemNote.vue';
export { default as QuantityPicker } from './QuantityPicker.vue';
export { default as SkeletonBox } from './SkeletonBox.vue';
export { default as BeaconTrail, type Beacon } from './BeaconTrail.vue';
export { client, forgetHints, type Answer } from './call';
export { Problem, reasonOf } from './problem';
export { load, useLoad, type Load } from './load';
export { locale, setLocale, useWords, money, moment, number, type Locale, type Money, type Said } from './locale';
export { session, loadSession, signIn, signOut, is, type Session } from './session';
export { partsOf, setParts, type Fragment, type Manifest, type Part } from './fragments';
export { useDraft } from './draft';
export { follow, type Following } from './follow';
export { announce, announced } from './announce';
export { newKey } from './intent';

// The pages' addresses, as the manifests give them.
import { createRouter, createWebHistory, type Router, type RouteRecordRaw } from 'vue-router';
import type { Manifest } from '@mall/design';
import FragmentPage from './FragmentPage.vue';
import NotFound from './NotFound.vue';

export function routesOf(manifest: Manifest): RouteRecordRaw[] {
  return manifest.routes.map(({ path, page, title, role }) => ({
    path,
    name: `${manifest.context}${path}`,
    component: FragmentPage,
    props: { context: manifest.context, page, role },
    meta: { title },
  }));
}

export function router(): Router {
  return createRouter({
    history: createWebHistory(),
    routes: [
      { path: '/:rest(.*)*', name: 'nowhere', component: NotFound, meta: { title: ['없는 쪽', 'No such page'] } },
    ],
    scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  });
}

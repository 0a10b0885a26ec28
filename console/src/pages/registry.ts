/** The pages of the console, one line each: address, name and module. The frame and the palette follow from it. */
import { lazy, type ComponentType } from "react";

export interface PageEntry {
  path: string;
  /** The message with the name in the navigation; pages without one are reached from others. */
  label?: string;
  Component: ComponentType;
}

export const PAGES: readonly PageEntry[] = [
  { path: "/", label: "nav.overview", Component: lazy(() => import("./overview")) },
  { path: "/droplets", label: "nav.droplets", Component: lazy(() => import("./droplets")) },
  { path: "/droplets/new", Component: lazy(() => import("./provision")) },
  { path: "/droplets/:id", Component: lazy(() => import("./droplet")) },
  { path: "/jobs", label: "nav.jobs", Component: lazy(() => import("./jobs")) },
  { path: "/clusters", label: "nav.clusters", Component: lazy(() => import("./clusters")) },
  { path: "/activity", label: "nav.activity", Component: lazy(() => import("./activity")) },
  { path: "/history", label: "nav.history", Component: lazy(() => import("./history")) },
  { path: "/platform", label: "nav.platform", Component: lazy(() => import("./platform")) },
];

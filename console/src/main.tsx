/** Starts the console. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";

import { App } from "./app";
import { Languages } from "./i18n/provider";
import "./styles/main.css";
import { applyScheme, storedScheme } from "./ui/scheme";

applyScheme(storedScheme());

const root = document.getElementById("root");
if (!root) throw new Error("index.html has an element with the id root");
createRoot(root).render(
  <StrictMode>
    <Languages>
      <BrowserRouter>
        <App />
      </BrowserRouter>
    </Languages>
  </StrictMode>,
);

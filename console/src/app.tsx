/** The frame around all pages: sign-in, navigation, command palette and keys. */
import { Suspense, useEffect, useState, useSyncExternalStore } from "react";
import { RouterProvider } from "react-aria-components";
import { FormattedMessage, useIntl } from "react-intl";
import { NavLink, Route, Routes, useLocation, useNavigate } from "react-router";

import { useLanguage, type Language } from "./i18n/provider";
import { PAGES } from "./pages/registry";
import { SignIn } from "./pages/sign-in";
import { session } from "./session/session";
import { useViewer } from "./session/viewer";
import { Keys } from "./ui/keys";
import { Palette } from "./ui/palette";
import { Boundary, Button } from "./ui/parts";
import { applyScheme, storedScheme, type Scheme } from "./ui/scheme";

export function App() {
  const token = useSyncExternalStore(session.subscribe, () => session.token);
  const navigate = useNavigate();
  return (
    <RouterProvider navigate={(path) => void navigate(path)}>
      {token === null ? <SignIn /> : <Frame key={token} />}
    </RouterProvider>
  );
}

type Overlay = "palette" | "keys" | null;

function Frame() {
  const [overlay, setOverlay] = useState<Overlay>(null);
  useShortcuts(setOverlay);
  const location = useLocation();
  return (
    <div className="frame">
      <a className="skip" href="#main">
        <FormattedMessage id="app.skip" />
      </a>
      <Bar onPalette={() => setOverlay("palette")} />
      <Navigation />
      <main className="main" id="main" tabIndex={-1}>
        <Boundary key={location.pathname}>
          <Suspense fallback={<p className="state"><FormattedMessage id="live.loading" /></p>}>
            <Routes>
              {PAGES.map(({ path, Component }) => (
                <Route key={path} path={path} element={<Component />} />
              ))}
              <Route path="*" element={<p className="state"><FormattedMessage id="rows.empty" /></p>} />
            </Routes>
          </Suspense>
        </Boundary>
      </main>
      <Palette isOpen={overlay === "palette"} onClose={() => setOverlay(null)} />
      <Keys isOpen={overlay === "keys"} onClose={() => setOverlay(null)} />
    </div>
  );
}

function Navigation() {
  const intl = useIntl();
  return (
    <nav className="nav" aria-label={intl.formatMessage({ id: "nav.label" })}>
      {PAGES.map(({ path, label }) =>
        label ? (
          <NavLink key={path} to={path} end={path === "/"}>
            <FormattedMessage id={label} />
          </NavLink>
        ) : null,
      )}
    </nav>
  );
}

function Bar({ onPalette }: { onPalette(): void }) {
  const intl = useIntl();
  const viewer = useViewer();
  const { language, choose } = useLanguage();
  const [scheme, setScheme] = useState<Scheme>(storedScheme);
  return (
    <header className="bar">
      <NavLink className="brand" to="/">
        <img src="/icon.svg" alt="" width={24} height={24} />
        <FormattedMessage id="app.name" />
      </NavLink>
      <span className="grow" />
      <Button onPress={onPalette}>
        <FormattedMessage id="search" /> <kbd className="quiet">Ctrl K</kbd>
      </Button>
      <select
        className="button"
        aria-label={intl.formatMessage({ id: "language.label" })}
        value={language}
        onChange={(event) => choose(event.target.value as Language)}
      >
        <option value="en">English</option>
        <option value="de">Deutsch</option>
      </select>
      <select
        className="button"
        aria-label={intl.formatMessage({ id: "scheme.label" })}
        value={scheme}
        onChange={(event) => {
          const chosen = event.target.value as Scheme;
          setScheme(chosen);
          applyScheme(chosen);
        }}
      >
        {(["auto", "light", "dark"] as const).map((one) => (
          <option key={one} value={one}>
            {intl.formatMessage({ id: `scheme.${one}` })}
          </option>
        ))}
      </select>
      {viewer && (
        <span className="quiet">
          <FormattedMessage id="session.as" values={{ subject: viewer.subject, organization: viewer.organization }} />
        </span>
      )}
      <Button onPress={() => session.signOut()}>
        <FormattedMessage id="session.signOut" />
      </Button>
    </header>
  );
}

/** The keys that work on every page, unless a person is typing. */
function useShortcuts(open: (overlay: Overlay) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "k") {
        event.preventDefault();
        open("palette");
        return;
      }
      const isTyping = event.target instanceof Element && event.target.matches("input, textarea, select");
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "?") open("keys");
      if (event.key === "/") {
        const field = document.getElementById("search");
        if (field) {
          event.preventDefault();
          field.focus();
        }
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [open]);
}
